// The instance of OpenSSL that this room uses. It reads no configuration file, so that neither a
// system's nor an environment variable's changes what connections are protected by.
#pragma once

#include <openssl/types.h>

namespace rayx {

// Made at the first call, and never destroyed. Any thread may call it.
OSSL_LIB_CTX* CryptoLibrary();

}  // namespace rayx
