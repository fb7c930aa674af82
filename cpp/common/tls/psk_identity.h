// Who a connection between two machines is between, and the key of this connection.
//
// The identity is the only thing that a dialer says in the clear. The connection's key is derived
// from the cluster's key and from all of the identity, so that a listener that finds the two to
// match knows that the dialer has the cluster's key, and who it says that it is and whom it wants.
// A dial that an attacker bends back to its own dialer, to a third node or to another cluster of
// the same user is therefore refused. Two keys, one for dialers and one for listeners, would not do
// that: every node is both.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/base/ids.h"
#include "common/tls/key_text.h"

namespace rayx {

struct PskIdentity {
  static constexpr size_t kBytes = 6 + 3 * 16;

  // Nil: the dialer joins, and does not know it yet.
  ClusterId cluster;
  // Never nil.
  NodeId dialer;
  // Nil: the dialer knows an address only.
  NodeId listener;

  std::array<uint8_t, kBytes> Encoded() const;
  // Nothing if these are not the bytes of an identity of this version.
  static std::optional<PskIdentity> Decode(std::span<const uint8_t> bytes);
};

// Fits TLS_AES_128_GCM_SHA256.
using ConnectionKey = std::array<uint8_t, 32>;

// By HKDF-SHA256. The caller wipes it.
ConnectionKey DeriveConnectionKey(const ClusterKey& key, const PskIdentity& identity);

}  // namespace rayx
