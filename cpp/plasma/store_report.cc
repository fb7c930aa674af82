#include "plasma/store_report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

namespace rayx::plasma {
namespace {

std::string_view StateText(ObjectState state) {
  switch (state) {
    case ObjectState::kExpected:
      return "expected";
    case ObjectState::kCreated:
      return "being written";
    case ObjectState::kSealed:
      return "sealed";
    case ObjectState::kElsewhere:
      return "at another node";
  }
  return "unknown";
}

// "1 client", "2 clients"
std::string Count(uint64_t count, const std::string& singular, const std::string& plural) {
  return std::to_string(count) + " " + (count == 1 ? singular : plural);
}

}  // namespace

std::string BytesText(uint64_t bytes) {
  constexpr std::array<const char*, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  const std::string exact = Count(bytes, "byte", "bytes");
  if (bytes < 1024) return exact;
  double amount = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (amount >= 1024 && unit + 1 < kUnits.size()) {
    amount /= 1024;
    ++unit;
  }
  std::array<char, 32> rounded{};
  std::snprintf(rounded.data(), rounded.size(), "%.1f %s", amount, kUnits[unit]);
  return std::string(rounded.data()) + " (" + exact + ")";
}

std::string ObjectText(const ObjectSummary& object) {
  std::string text = object.id.Hex();
  text += " ";
  text += StateText(object.state);
  if (object.state != ObjectState::kExpected) text += ", " + BytesText(object.size_bytes);
  if (object.is_inline) text += " inline";
  text += ", held by " + Count(object.client_references, "client", "clients") + " and " +
          Count(object.counted_references, "task or object", "tasks or objects");
  if (object.pins > 0) text += ", pinned " + Count(object.pins, "time", "times");
  return text;
}

std::string StoreFullText(uint64_t asked_bytes, const Arena::Stats& pool,
                          std::span<const ObjectSummary> largest) {
  std::string text = "no room for an object of " + BytesText(asked_bytes) + ": the pool has " +
                     BytesText(pool.size_bytes) + ", of which " + BytesText(pool.free_bytes) +
                     " are free, " + BytesText(pool.largest_free_bytes) + " in one piece.";
  if (asked_bytes > pool.size_bytes) {
    text += " It is larger than the whole pool: start with a larger object_store_memory.";
    return text;
  }
  if (!largest.empty()) text += " The largest objects are:";
  for (const ObjectSummary& object : largest) text += "\n  " + ObjectText(object);
  text +=
      "\nDrop ObjectIDs, and arrays that are views of objects, that are no longer needed, or start "
      "with a larger "
      "object_store_memory.";
  return text;
}

bool HasDataHere(const ObjectSummary& object) {
  const bool has_data =
      object.state == ObjectState::kCreated || object.state == ObjectState::kSealed;
  return has_data && !object.id.IsFunction();
}

std::vector<ObjectSummary> Largest(std::vector<ObjectSummary> objects, size_t most,
                                   bool in_pool_only) {
  std::erase_if(objects, [&](const ObjectSummary& object) {
    return !HasDataHere(object) || (in_pool_only && object.is_inline);
  });
  const auto end = objects.begin() + static_cast<std::ptrdiff_t>(std::min(most, objects.size()));
  std::partial_sort(
      objects.begin(), end, objects.end(), [](const ObjectSummary& a, const ObjectSummary& b) {
        return a.size_bytes != b.size_bytes ? a.size_bytes > b.size_bytes : a.id < b.id;
      });
  objects.erase(end, objects.end());
  return objects;
}

std::string StoreText(const StoreStats& stats, std::vector<ObjectSummary> objects, size_t most) {
  uint64_t functions = 0;
  uint64_t sealed = 0;
  for (const ObjectSummary& object : objects) {
    functions += object.id.IsFunction() ? 1 : 0;
    sealed += !object.id.IsFunction() && object.state == ObjectState::kSealed ? 1 : 0;
  }
  std::string text =
      "object store: " + std::to_string(stats.objects - functions) + " objects, " +
      std::to_string(sealed) + " of them sealed, and " + std::to_string(functions) +
      " functions; pool of " + BytesText(stats.pool_bytes) + ", used " +
      BytesText(stats.pool_used_bytes) + ", pinned " + BytesText(stats.pinned_bytes) +
      ", reserved " + BytesText(stats.pool_reserved_bytes) + ", largest free piece " +
      BytesText(stats.pool_largest_free_bytes) + "; inline " + BytesText(stats.inline_bytes) + "\n";
  for (const ObjectSummary& object : Largest(std::move(objects), most, /*in_pool_only=*/false)) {
    text += "  " + ObjectText(object) + "\n";
  }
  return text;
}

}  // namespace rayx::plasma
