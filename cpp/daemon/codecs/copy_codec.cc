#include "daemon/codecs/copy_codec.h"

#include <string>
#include <utility>

#include "common/base/limits.h"
#include "common/protocol/generated/remote_generated.h"
#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {
namespace {

namespace in_session = protocol::remote;
using CopyType = protocol::PeerMessageType;
using StreamType = protocol::NodeMessageType;
using CopyBuilder = flatbuffers::FlatBufferBuilder;

Status NotAboutCopies(const std::string& what) { return Status::ProtocolError(what); }

// The message, whose object has a name; else null, and `status` says why.
template <typename Wire>
const Wire* Verified(std::span<const uint8_t> payload, Status* status) {
  const auto* wire = VerifiedMessage<Wire>(payload);
  if (wire == nullptr) {
    *status = NotAboutCopies("malformed");
  } else if (FromWire(*wire->id()).IsNil()) {
    *status = NotAboutCopies("a nil object");
    return nullptr;
  }
  return wire;
}

}  // namespace

// ---- in sessions, to the wire -------------------------------------------------------------------

CopyType Write(const transfer::AskSource& message, CopyBuilder* builder) {
  const auto& [id, number, failed, has_progressed] = message;
  builder->Finish(in_session::CreateAskSource(
      *builder, ToWire(id), number, failed.IsNil() ? nullptr : ToWire(failed), has_progressed));
  return CopyType::AskSource;
}

CopyType Write(const transfer::CopyWhole& message, CopyBuilder* builder) {
  const auto& [id, version] = message;
  builder->Finish(in_session::CreateCopyWhole(*builder, ToWire(id), version));
  return CopyType::CopyWhole;
}

CopyType Write(const transfer::CopyDropped& message, CopyBuilder* builder) {
  const auto& [id, was_whole] = message;
  builder->Finish(in_session::CreateCopyDropped(*builder, ToWire(id), was_whole));
  return CopyType::CopyDropped;
}

CopyType Write(const node::remote::UseSource& message, CopyBuilder* builder) {
  const auto& [use, contained] = message;
  const auto& [id, number, version, size_bytes, source] = use;
  const auto inside = contained.empty() ? 0 : ToWire(*builder, contained);
  builder->Finish(in_session::CreateUseSource(*builder, ToWire(id), number, version, size_bytes,
                                              ToWire(source), inside));
  return CopyType::UseSource;
}

CopyType Write(const transfer::LeaveSource& message, CopyBuilder* builder) {
  const auto& [id, number] = message;
  builder->Finish(in_session::CreateLeaveSource(*builder, ToWire(id), number));
  return CopyType::LeaveSource;
}

CopyType Write(const transfer::NoSource& message, CopyBuilder* builder) {
  const auto& [id, number] = message;
  builder->Finish(in_session::CreateNoSource(*builder, ToWire(id), number));
  return CopyType::NoSource;
}

// ---- in sessions, from the wire -----------------------------------------------------------------

namespace {

Status Read(const in_session::AskSource& wire, transfer::AskSource* made) {
  made->number = wire.number();
  if (wire.failed() != nullptr) made->failed = FromWire<NodeId>(*wire.failed());
  made->has_progressed = wire.has_progressed();
  return made->number == 0 ? NotAboutCopies("a question without a number") : Status::Ok();
}

Status Read(const in_session::CopyWhole& wire, transfer::CopyWhole* made) {
  made->version = wire.version();
  return Status::Ok();
}

Status Read(const in_session::CopyDropped& wire, transfer::CopyDropped* made) {
  made->was_whole = wire.was_whole();
  return Status::Ok();
}

Status Read(const in_session::LeaveSource& wire, transfer::LeaveSource* made) {
  made->number = wire.number();
  return Status::Ok();
}

Status Read(const in_session::NoSource& wire, transfer::NoSource* made) {
  made->number = wire.number();
  return Status::Ok();
}

// One whose only object is its subject.
template <typename Wire, typename Made>
Status ReadAs(std::span<const uint8_t> payload, node::remote::Message* message) {
  Status status;
  const auto* wire = Verified<Wire>(payload, &status);
  if (wire == nullptr) return status;
  Made& made = message->emplace<Made>();
  made.id = FromWire(*wire->id());
  return Read(*wire, &made);
}

Status ReadUseSource(std::span<const uint8_t> payload, node::remote::Message* message) {
  Status status;
  const auto* wire = Verified<in_session::UseSource>(payload, &status);
  if (wire == nullptr) return status;
  auto& [use, contained] = message->emplace<node::remote::UseSource>();
  use = {.id = FromWire(*wire->id()),
         .number = wire->number(),
         .version = wire->version(),
         .size_bytes = wire->size_bytes(),
         .source = FromWire<NodeId>(*wire->source())};
  if (use.size_bytes == 0 || use.size_bytes > kValueBytesMax) {
    return NotAboutCopies("a size that no value has");
  }
  if (use.source.IsNil()) return NotAboutCopies("a nil node");
  if (wire->contained() == nullptr) return Status::Ok();
  if (wire->contained()->size() > limits::kIdsPerMessageMax) return NotAboutCopies("too many ids");
  contained = FromWire(wire->contained());
  for (const ObjectId& id : contained) {
    if (id.IsNil()) return NotAboutCopies("a nil object in a value");
  }
  return Status::Ok();
}

}  // namespace

Status ReadAboutCopies(CopyType type, std::span<const uint8_t> payload,
                       node::remote::Message* message) {
  switch (type) {
    case CopyType::AskSource:
      return ReadAs<in_session::AskSource, transfer::AskSource>(payload, message);
    case CopyType::CopyWhole:
      return ReadAs<in_session::CopyWhole, transfer::CopyWhole>(payload, message);
    case CopyType::CopyDropped:
      return ReadAs<in_session::CopyDropped, transfer::CopyDropped>(payload, message);
    case CopyType::UseSource:
      return ReadUseSource(payload, message);
    case CopyType::LeaveSource:
      return ReadAs<in_session::LeaveSource, transfer::LeaveSource>(payload, message);
    case CopyType::NoSource:
      return ReadAs<in_session::NoSource, transfer::NoSource>(payload, message);
    default:
      return NotAboutCopies("no message about objects, copies or tasks");
  }
}

// ---- on streams ---------------------------------------------------------------------------------

namespace {

void SendFrame(Connection& connection, StreamType type, const CopyBuilder& builder) {
  connection.Send(static_cast<uint16_t>(type), {builder.GetBufferPointer(), builder.GetSize()});
}

template <typename Wire>
transfer::ChunkName ChunkNameOf(const Wire& wire) {
  return {.id = FromWire(*wire.id()), .version = wire.version(), .chunk = wire.chunk()};
}

}  // namespace

void Send(Connection& connection, const transfer::ToSource& message) {
  CopyBuilder builder(64);
  if (const auto* ask = std::get_if<transfer::AskChunk>(&message)) {
    const auto& [id, version, chunk] = ask->name;
    builder.Finish(protocol::CreateAskChunk(builder, ToWire(id), version, chunk));
    return SendFrame(connection, StreamType::AskChunk, builder);
  }
  const auto& [id] = std::get<transfer::LeaveCopy>(message);
  builder.Finish(protocol::CreateLeaveCopy(builder, ToWire(id)));
  SendFrame(connection, StreamType::LeaveCopy, builder);
}

void Send(Connection& connection, const transfer::CopyMissing& message) {
  CopyBuilder builder(64);
  const auto& [id, version] = message;
  builder.Finish(protocol::CreateCopyMissing(builder, ToWire(id), version));
  SendFrame(connection, StreamType::CopyMissing, builder);
}

void Send(Connection& connection, const ChunkBegins& message) {
  CopyBuilder builder(64);
  const auto& [name, size_bytes] = message;
  builder.Finish(
      protocol::CreateChunkBegins(builder, ToWire(name.id), name.version, name.chunk, size_bytes));
  SendFrame(connection, StreamType::ChunkBegins, builder);
}

Result<transfer::ToSource> ReadToSource(const Frame& frame) {
  Status status;
  switch (static_cast<StreamType>(frame.type)) {
    case StreamType::AskChunk: {
      const auto* wire = Verified<protocol::AskChunk>(frame.payload, &status);
      if (wire == nullptr) return status;
      return transfer::ToSource(transfer::AskChunk{ChunkNameOf(*wire)});
    }
    case StreamType::LeaveCopy: {
      const auto* wire = Verified<protocol::LeaveCopy>(frame.payload, &status);
      if (wire == nullptr) return status;
      return transfer::ToSource(transfer::LeaveCopy{FromWire(*wire->id())});
    }
    default:
      return NotAboutCopies("a message that no puller says: type " + std::to_string(frame.type));
  }
}

Result<FromSource> ReadFromSource(const Frame& frame) {
  Status status;
  switch (static_cast<StreamType>(frame.type)) {
    case StreamType::CopyMissing: {
      const auto* wire = Verified<protocol::CopyMissing>(frame.payload, &status);
      if (wire == nullptr) return status;
      return FromSource(transfer::CopyMissing{FromWire(*wire->id()), wire->version()});
    }
    case StreamType::ChunkBegins: {
      const auto* wire = Verified<protocol::ChunkBegins>(frame.payload, &status);
      if (wire == nullptr) return status;
      return FromSource(ChunkBegins{.name = ChunkNameOf(*wire), .size_bytes = wire->size_bytes()});
    }
    default:
      return NotAboutCopies("a message that no source says: type " + std::to_string(frame.type));
  }
}

}  // namespace rayx::daemon
