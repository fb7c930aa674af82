#include "daemon/network/node_streams.h"

#include <utility>

#include "common/io/checked_stream.h"
#include "common/io/tcp_port.h"
#include "common/tls/tls_stream.h"
#include "wire/greeting.h"

namespace rayx::daemon {

NodeStreams::NodeStreams(const std::optional<ClusterKey>& key, Identity identity)
    : identity_(std::move(identity)) {
  if (key) tls_.emplace(*key, identity_.cluster, identity_.node);
}

Result<std::unique_ptr<ByteStream>> NodeStreams::Dial(const Target& target,
                                                      wire::DialledStream::Events events) {
  Result<ScopedFd> socket = DialTcp(target.address.host, target.address.port);
  if (!socket.ok()) return socket.status();
  std::unique_ptr<ByteStream> stream;
  if (tls_) {
    stream = tls_->Dial(std::move(*socket), target.tells_itself ? NodeId() : target.node);
  } else {
    stream = std::make_unique<CheckedStream>(std::make_unique<TcpStream>(std::move(*socket)));
  }
  const wire::NodeGreeting greeting{.kind = target.kind,
                                    .node = identity_.node,
                                    .cluster = identity_.cluster,
                                    .server = target.server};
  return std::unique_ptr<ByteStream>(std::make_unique<wire::DialledStream>(
      std::move(stream), target.node, wire::EncodeGreeting(greeting, identity_.python_version),
      std::move(events)));
}

}  // namespace rayx::daemon
