#include "common/tls/crypto_library.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "common/base/check.h"

namespace rayx {

OSSL_LIB_CTX* CryptoLibrary() {
  static OSSL_LIB_CTX* const library = [] {
    RAYX_CHECK(OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1);
    OSSL_LIB_CTX* made = OSSL_LIB_CTX_new();
    RAYX_CHECK(made != nullptr);
    return made;
  }();
  return library;
}

}  // namespace rayx
