// Values as the text of a record's field, and back. TextOf writes what ReadText reads; ReadText is
// given what came from a server, which is not trusted, and answers false for what makes no sense.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "common/base/ids.h"
#include "common/base/resources.h"
#include "common/protocol/actor_state.h"
#include "control/tables.h"

namespace rayx::control {

// The whole text must be the number.
template <std::integral T>
std::optional<T> ParseInteger(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [parsed_to, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || parsed_to != end) return std::nullopt;
  return value;
}

// "1722945600.25": seconds to the microsecond.
std::string TextOf(double seconds);
// "1" or "0".
std::string TextOf(bool value);
// "2", "0.25": at most four digits after the point.
std::string TextOf(ResourceAmount amount);
std::string TextOf(const std::string& text);
std::string TextOf(TaskState state);
std::string TextOf(ActorState state);
template <std::integral T>
requires(!std::same_as<T, bool>) std::string TextOf(T value) { return std::to_string(value); }
template <typename Tag, size_t kBytes>
std::string TextOf(const Id<Tag, kBytes>& id) {
  return id.Hex();
}

bool ReadText(std::string_view text, double* seconds);
bool ReadText(std::string_view text, bool* value);
bool ReadText(std::string_view text, ResourceAmount* amount);
// Up to limits::kNameBytesMax.
bool ReadText(std::string_view text, std::string* value);
bool ReadText(std::string_view text, TaskState* state);
bool ReadText(std::string_view text, ActorState* state);
template <std::integral T>
requires(!std::same_as<T, bool>) bool ReadText(std::string_view text, T* value) {
  const std::optional<T> parsed = ParseInteger<T>(text);
  if (parsed) *value = *parsed;
  return parsed.has_value();
}
template <typename Tag, size_t kBytes>
bool ReadText(std::string_view text, Id<Tag, kBytes>* id) {
  const auto parsed = Id<Tag, kBytes>::FromHexString(text);
  if (parsed) *id = *parsed;
  return parsed.has_value();
}

}  // namespace rayx::control
