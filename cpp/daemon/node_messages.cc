// The daemon's switchboard: which part handles which message. Each message has one case.
#include <utility>

#include "common/base/limits.h"
#include "common/base/overload.h"
#include "common/protocol/wire_ids.h"
#include "daemon/node_daemon.h"

namespace rayx::daemon {
namespace {

constexpr char kWhoMakesWorkers[] =
    "a worker's connection is made by its node, any other by connecting";
constexpr char kNoDriverId[] = "hello of a driver without an id";

}  // namespace

Status NodeDaemon::OnFrame(ConnectedPeer& peer, const Frame& frame) {
  // A hello replaces the peer's kind, so no case may use what it was handed after its call.
  return std::visit(Overload{
                        [&](const Stranger&) { return OnStrangersHello(peer, frame); },
                        [&](const StartingWorker&) { return OnWorkersHello(peer, frame); },
                        [&](const DriverPeer&) { return OnClientFrame(peer, frame); },
                        [&](const OutputPeer&) { return OnOutputFrame(peer, frame); },
                        [&](const ObserverPeer&) { return OnObserversFrame(peer, frame); },
                        [&](const WorkerPeer&) { return OnClientFrame(peer, frame); },
                    },
                    peer.kind);
}

Status NodeDaemon::OnClientFrame(ConnectedPeer& peer, const Frame& frame) {
  if (static_cast<protocol::MessageType>(frame.type) != protocol::MessageType::Query) {
    return reader_.OnFrame(peer, frame);
  }
  const DriverPeer* driver = AsDriver(peer);
  if (driver != nullptr && driver->runs_ahead) {
    late_queries_.push_back({peer.id, {frame.payload.begin(), frame.payload.end()}});
    return Status::Ok();
  }
  return questions_.OnQuery(peer, frame.payload);
}

Status NodeDaemon::OnOutputFrame(ConnectedPeer& peer, const Frame& frame) {
  if (static_cast<protocol::MessageType>(frame.type) != protocol::MessageType::Drain) {
    return Status::ProtocolError("message " + std::to_string(frame.type) +
                                 " on a connection for output");
  }
  core_.endings().OnDrain(peer.id, peer.driver);
  return Status::Ok();
}

Status NodeDaemon::OnObserversFrame(ConnectedPeer& peer, const Frame& frame) {
  if (static_cast<protocol::MessageType>(frame.type) != protocol::MessageType::Query) {
    return Status::ProtocolError("message " + std::to_string(frame.type) +
                                 " of an observer, which only asks questions");
  }
  return questions_.OnQuery(peer, frame.payload);
}

// --- hellos ---

Result<const protocol::Hello*> NodeDaemon::ReadHello(ConnectedPeer& peer, const Frame& frame) {
  if (frame.type != static_cast<uint16_t>(protocol::MessageType::Hello)) {
    return Status::ProtocolError("the first message is not a hello");
  }
  const auto* hello = VerifiedMessage<protocol::Hello>(frame.payload);
  if (hello == nullptr) return Status::ProtocolError("malformed hello");
  if (hello->protocol_version() != limits::kProtocolVersion) {
    return Refuse(peer, "this node speaks version " + std::to_string(limits::kProtocolVersion) +
                            " of rayx's protocol, the peer version " +
                            std::to_string(hello->protocol_version()) +
                            "; install the same rayx on both");
  }
  return hello;
}

Status NodeDaemon::OnWorkersHello(ConnectedPeer& peer, const Frame& frame) {
  const Result<const protocol::Hello*> hello = ReadHello(peer, frame);
  if (!hello.ok()) return hello.status();
  if ((*hello)->role() != protocol::Role::Worker) return Refuse(peer, kWhoMakesWorkers);
  peer.pid = (*hello)->pid();
  RAYX_RETURN_IF_ERROR(workers_.OnHello(peer));
  return Open(peer, WorkerPeer());
}

Status NodeDaemon::OnStrangersHello(ConnectedPeer& peer, const Frame& frame) {
  const Result<const protocol::Hello*> read = ReadHello(peer, frame);
  if (!read.ok()) return read.status();
  const protocol::Hello& hello = **read;
  switch (hello.role()) {
    case protocol::Role::Driver:
      return OnDriversHello(peer, hello);
    case protocol::Role::Output:
      return OnOutputsHello(peer, hello);
    case protocol::Role::Observer:
      return Open(peer, ObserverPeer());
    case protocol::Role::Worker:
    case protocol::Role::Template:
      return Refuse(peer, kWhoMakesWorkers);
  }
  // The role is a number of the wire, so it may be none that has a name.
  return Refuse(peer, "unknown role");
}

Status NodeDaemon::OnDriversHello(ConnectedPeer& peer, const protocol::Hello& hello) {
  if (hello.driver_id() == nullptr) return Refuse(peer, kNoDriverId);
  const Status known = core_.drivers().OnDriver(peer, FromWire<DriverId>(*hello.driver_id()),
                                                BytesOf(hello.driver_config()));
  if (!known.ok()) return Refuse(peer, known.message());
  DriverPeer kind;
  WatchProcess(peer, &kind);
  return Open(peer, std::move(kind));
}

Status NodeDaemon::OnOutputsHello(ConnectedPeer& peer, const protocol::Hello& hello) {
  if (hello.driver_id() == nullptr) return Refuse(peer, kNoDriverId);
  const Status known = core_.drivers().OnOutput(peer, FromWire<DriverId>(*hello.driver_id()));
  if (!known.ok()) return Refuse(peer, known.message());
  return Open(peer, OutputPeer());
}

Status NodeDaemon::Open(ConnectedPeer& peer, PeerKind kind) {
  peer.kind = std::move(kind);
  peer.connection->set_payload_bytes_max(limits::kFrameBytesMax);
  return Welcome(peer);
}

Status NodeDaemon::Refuse(ConnectedPeer& peer, const std::string& reason) {
  writer_.Send(*peer.connection, protocol::MessageType::Refused,
               [&](flatbuffers::FlatBufferBuilder& builder) {
                 return protocol::CreateRefused(builder, builder.CreateString(reason));
               });
  peer.connection->Flush();
  return Status::ProtocolError("refused: " + reason);
}

Status NodeDaemon::Welcome(ConnectedPeer& peer) {
  std::vector<ScopedFd> fds;
  if (MapsPool(peer)) {
    Result<ScopedFd> pool = pool_.DuplicateReadOnlyPool();
    if (!pool.ok()) return pool.status();
    fds.push_back(std::move(*pool));
  }
  writer_.Send(
      *peer.connection, protocol::MessageType::Welcome,
      [&](flatbuffers::FlatBufferBuilder& builder) {
        const auto directory = builder.CreateString(options_.session_dir);
        return protocol::CreateWelcome(builder, limits::kProtocolVersion, ToWire(id_),
                                       options_.pool_bytes, directory);
      },
      std::move(fds));
  return Status::Ok();
}

// The client that asks has seen tasks end of which its worker has told us, but we may not have read
// that yet.
void NodeDaemon::AnswerLateQueries() {
  if (late_queries_.empty()) return;
  core_.tasks().HearWorkers();
  for (const LateQuery& query : std::exchange(late_queries_, {})) {
    ConnectedPeer* peer = peers_.Find(query.client);
    if (peer == nullptr) continue;
    const Status status = questions_.OnQuery(*peer, query.payload);
    if (!status.ok()) peers_.Close(query.client, Status::ProtocolError(status.message()));
  }
}

}  // namespace rayx::daemon
