#include "common/base/ids.h"

#include <bit>
#include <vector>

namespace rayx {

std::string ToHex(const uint8_t* bytes, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * size);
  for (size_t i = 0; i < size; ++i) {
    text.push_back(kDigits[bytes[i] >> 4]);
    text.push_back(kDigits[bytes[i] & 15]);
  }
  return text;
}

namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool FromHex(std::string_view text, uint8_t* bytes, size_t size) {
  if (text.size() != 2 * size) return false;
  for (size_t i = 0; i < size; ++i) {
    const int high = HexDigit(text[2 * i]);
    const int low = HexDigit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

size_t FirstRepeated(std::span<const ObjectId> ids) {
  // Open addressing; at most half full. A slot holds a position, counted from 1.
  const size_t slots = std::bit_ceil(2 * ids.size() + 1);
  std::vector<uint32_t> table(slots);
  for (size_t i = 0; i < ids.size(); ++i) {
    size_t at = ids[i].Hash() & (slots - 1);
    for (; table[at] != 0; at = (at + 1) & (slots - 1)) {
      if (ids[table[at] - 1] == ids[i]) return i;
    }
    table[at] = static_cast<uint32_t>(i + 1);
  }
  return ids.size();
}

}  // namespace rayx
