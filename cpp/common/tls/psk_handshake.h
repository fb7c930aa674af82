// The pre-shared key of one handshake: which one the dialer offers, and whether the listener takes
// it.
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <string>

#include "common/base/ids.h"
#include "common/tls/key_text.h"
#include "common/tls/psk_identity.h"

namespace rayx {

struct PskHandshake {
  bool dials = false;
  const ClusterKey* key = nullptr;
  // Of this end; the cluster is nil as long as it is not known.
  ClusterId cluster;
  NodeId self;

  // The dialer's from the beginning, the listener's once a dialer has sent one that is taken.
  PskIdentity identity;
  // Why the listener has taken none, in words.
  std::string refusal;

  // For OpenSSL, which reads the identity from here.
  std::array<uint8_t, PskIdentity::kBytes> encoded{};
};

// From now on connections with these settings use the handshake that AttachHandshake has given
// them.
void UsePskHandshakes(SSL_CTX* settings);
// The handshake must outlive its connection.
void AttachHandshake(SSL* connection, PskHandshake* handshake);

}  // namespace rayx
