#include "common/tls/psk_identity.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "common/base/check.h"
#include "common/tls/crypto_library.h"

namespace rayx {
namespace {

// Begins every identity, with the version of the derivation.
constexpr std::string_view kLabel = "rayx/1";
// Keys for other purposes will be derived with other salts.
constexpr std::string_view kSalt = "rayx/1 connection";

template <typename Bytes>
OSSL_PARAM Octets(const char* name, const Bytes& bytes) {
  // The library takes what it only reads as writable.
  return OSSL_PARAM_construct_octet_string(
      name, const_cast<char*>(reinterpret_cast<const char*>(bytes.data())), bytes.size());
}

}  // namespace

static_assert(kLabel.size() + ClusterId::kSize + 2 * NodeId::kSize == PskIdentity::kBytes);

std::array<uint8_t, PskIdentity::kBytes> PskIdentity::Encoded() const {
  std::array<uint8_t, kBytes> bytes;
  auto at = std::copy(kLabel.begin(), kLabel.end(), bytes.begin());
  at = std::copy_n(cluster.data(), cluster.size(), at);
  at = std::copy_n(dialer.data(), dialer.size(), at);
  std::copy_n(listener.data(), listener.size(), at);
  return bytes;
}

std::optional<PskIdentity> PskIdentity::Decode(std::span<const uint8_t> bytes) {
  if (bytes.size() != kBytes) return std::nullopt;
  if (!std::equal(kLabel.begin(), kLabel.end(), bytes.begin())) return std::nullopt;
  const uint8_t* at = bytes.data() + kLabel.size();
  PskIdentity identity;
  identity.cluster = ClusterId::FromBytes(at);
  identity.dialer = NodeId::FromBytes(at += ClusterId::kSize);
  identity.listener = NodeId::FromBytes(at += NodeId::kSize);
  if (identity.dialer.IsNil()) return std::nullopt;
  return identity;
}

ConnectionKey DeriveConnectionKey(const ClusterKey& key, const PskIdentity& identity) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> method(
      EVP_KDF_fetch(CryptoLibrary(), OSSL_KDF_NAME_HKDF, nullptr), EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> derivation(
      EVP_KDF_CTX_new(method.get()), EVP_KDF_CTX_free);
  RAYX_CHECK(derivation != nullptr);
  const std::array<uint8_t, PskIdentity::kBytes> info = identity.Encoded();
  constexpr std::string_view kHash = "SHA256";
  const std::array<OSSL_PARAM, 5> settings{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(kHash.data()),
                                       kHash.size()),
      Octets(OSSL_KDF_PARAM_KEY, key.bytes()), Octets(OSSL_KDF_PARAM_SALT, kSalt),
      Octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  ConnectionKey derived;
  RAYX_CHECK(EVP_KDF_derive(derivation.get(), derived.data(), derived.size(), settings.data()) ==
             1);
  return derived;
}

}  // namespace rayx
