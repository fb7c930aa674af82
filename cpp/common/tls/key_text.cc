#include "common/tls/key_text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "common/base/check.h"
#include "common/base/ids.h"
#include "common/tls/crypto_library.h"

namespace rayx {
namespace {

constexpr std::string_view kFamily = "rayx-key-";
constexpr std::string_view kBeginning = "rayx-key-1-";
constexpr size_t kDigits = 2 * ClusterKey::kBytes;
constexpr size_t kChecksumBytes = 4;
constexpr size_t kCharacters = kBeginning.size() + kDigits + 1 + 2 * kChecksumBytes;

std::string_view Stripped(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n";
  const size_t begin = text.find_first_not_of(kWhite);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhite) - begin + 1);
}

std::string ChecksumOf(std::string_view told) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> hash(
      EVP_MD_fetch(CryptoLibrary(), "SHA256", nullptr), EVP_MD_free);
  RAYX_CHECK(EVP_Digest(told.data(), told.size(), digest.data(), &size, hash.get(), nullptr) == 1);
  return ToHex(digest.data(), kChecksumBytes);
}

bool IsDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

ClusterKey::ClusterKey(std::span<const uint8_t, kBytes> bytes)
    : memory_(std::make_shared<SecretMemory>(bytes)) {}

Result<ClusterKey> ParseKeyText(std::string_view text) {
  text = Stripped(text);
  if (text.empty()) return Status::InvalidArgument("it is empty");
  if (!text.starts_with(kBeginning)) {
    if (text.starts_with(kFamily)) {
      return Status::InvalidArgument("it is a key of another version of rayx");
    }
    return Status::InvalidArgument("it does not begin with " + std::string(kBeginning) +
                                   ", as keys of rayx do");
  }
  if (text.size() != kCharacters) {
    return Status::InvalidArgument("it has " + std::to_string(text.size()) +
                                   " characters, and a key has " + std::to_string(kCharacters) +
                                   ": a part is missing, or there is more than a key");
  }
  const std::string_view told = text.substr(0, kBeginning.size() + kDigits);
  const std::string_view digits = told.substr(kBeginning.size());
  if (text[told.size()] != '-' || !std::all_of(digits.begin(), digits.end(), IsDigit)) {
    return Status::InvalidArgument("it has other characters than the digits 0-9 and a-f");
  }
  if (text.substr(told.size() + 1) != ChecksumOf(told)) {
    return Status::InvalidArgument(
        "its checksum is another one, so that characters of it were changed");
  }
  std::array<uint8_t, ClusterKey::kBytes> bytes;
  RAYX_CHECK(FromHex(digits, bytes.data(), bytes.size()));
  const ClusterKey key(bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return key;
}

}  // namespace rayx
