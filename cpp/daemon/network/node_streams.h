// Makes the streams between this node and others: over TLS with the cluster's key, or plain in a
// cluster that has none.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "common/io/host_port.h"
#include "common/protocol/generated/nodes_generated.h"
#include "common/tls/key_text.h"
#include "common/tls/tls_context.h"
#include "wire/dialled_stream.h"

namespace rayx::daemon {

class NodeStreams {
 public:
  struct Identity {
    NodeId node;
    // Nil as long as a node that joins does not know it.
    ClusterId cluster;
    std::string python_version;
  };
  struct Target {
    HostPort address;
    // Nil: whoever listens there. If another one does, the stream fails: at once with NotFound if
    // `tells_itself`, else the handshake fails, as with a wrong key.
    NodeId node;
    // Who listens is told by its welcome, not proven by the handshake: of a node whose successor
    // has to be found soon.
    bool tells_itself = false;
    protocol::ConnectionKind kind = protocol::ConnectionKind::Control;
    uint32_t server = 0;
  };

  // Without a key, nothing is encrypted and nobody has to prove anything.
  NodeStreams(const std::optional<ClusterKey>& key, Identity identity);

  // Begins a connection. The streams must be gone before this object. Errors as of DialTcp.
  Result<std::unique_ptr<ByteStream>> Dial(const Target& target,
                                           wire::DialledStream::Events events);
  // Null if there is no key.
  TlsContext* tls() { return tls_ ? &*tls_ : nullptr; }
  const Identity& identity() const { return identity_; }

 private:
  const Identity identity_;
  std::optional<TlsContext> tls_;
};

}  // namespace rayx::daemon
