#include "control/field_text.h"

#include <cmath>
#include <cstdio>

#include "common/base/limits.h"

namespace rayx::control {
namespace {

// What microseconds are exact in.
constexpr double kSecondsMax = 1e10;
constexpr uint32_t kWholeAmountMax = 1'000'000'000;
constexpr size_t kAmountDecimals = 4;

template <typename T>
bool Take(std::optional<T> parsed, T* value) {
  if (parsed) *value = *parsed;
  return parsed.has_value();
}

}  // namespace

std::string TextOf(double seconds) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.6f", seconds);
  return text;
}

std::string TextOf(bool value) { return value ? "1" : "0"; }

std::string TextOf(ResourceAmount amount) {
  const int64_t units = amount.units();
  std::string text = std::to_string(units / ResourceAmount::kUnitsPerOne);
  const int64_t rest = units % ResourceAmount::kUnitsPerOne;
  if (rest == 0) return text;
  char digits[8];
  std::snprintf(digits, sizeof(digits), ".%04d", static_cast<int>(rest));
  text += digits;
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

std::string TextOf(const std::string& text) { return text; }
std::string TextOf(TaskState state) { return std::string(TaskStateName(state)); }
std::string TextOf(ActorState state) { return std::string(ActorStateName(state)); }

bool ReadText(std::string_view text, double* seconds) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [parsed_to, error] =
      std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (text.empty() || error != std::errc() || parsed_to != end) return false;
  if (!std::isfinite(value) || value < 0 || value > kSecondsMax) return false;
  *seconds = value;
  return true;
}

bool ReadText(std::string_view text, bool* value) {
  *value = text == "1";
  return text == "0" || text == "1";
}

bool ReadText(std::string_view text, ResourceAmount* amount) {
  const size_t point = text.find('.');
  const auto whole = ParseInteger<uint32_t>(text.substr(0, point));
  if (!whole || *whole > kWholeAmountMax) return false;
  int64_t units = int64_t{*whole} * ResourceAmount::kUnitsPerOne;
  if (point != std::string_view::npos) {
    std::string decimals(text.substr(point + 1));
    if (decimals.empty() || decimals.size() > kAmountDecimals) return false;
    decimals.resize(kAmountDecimals, '0');
    const auto rest = ParseInteger<uint32_t>(decimals);
    if (!rest) return false;
    units += *rest;
  }
  *amount = ResourceAmount::FromUnits(units);
  return true;
}

bool ReadText(std::string_view text, std::string* value) {
  if (text.size() > limits::kNameBytesMax) return false;
  *value = text;
  return true;
}

bool ReadText(std::string_view text, TaskState* state) {
  return Take(TaskStateFromName(text), state);
}
bool ReadText(std::string_view text, ActorState* state) {
  return Take(ActorStateFromName(text), state);
}

}  // namespace rayx::control
