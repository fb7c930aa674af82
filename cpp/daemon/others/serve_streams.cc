#include "daemon/others/serve_streams.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "daemon/others/copy_codec.h"

namespace rayx::daemon {

ServeStreams::~ServeStreams() = default;

void ServeStreams::Take(const NodeId& reader, std::unique_ptr<ByteStream> stream) {
  Stream& taken = streams_[reader];
  if (taken.connection != nullptr) {
    replaced_.push_back(std::move(taken.connection));
    copies().OnReaderGone(reader);
  }
  const uint64_t number = ++last_number_;
  taken = {};
  taken.number = number;
  taken.connection = std::make_unique<Connection>(
      loop_, std::move(stream), limits::kHelloBytesMax,
      Connection::Handlers{.on_frames = [this, reader, number] { OnFrames(reader, number); },
                           .on_closed =
                               [this, reader, number](const Status&) {
                                 Stream& closed = streams_.at(reader);
                                 closed.is_closed = closed.is_closed || closed.number == number;
                               },
                           .on_dirty = [] {}});
  // What has come with the greeting.
  taken.connection->ReadNow();
}

void ServeStreams::Say(const NodeId& reader, const transfer::CopyMissing& message) {
  const auto found = streams_.find(reader);
  // Between the parts of a chunk nothing else is said.
  if (found != streams_.end()) found->second.missing.push_back(message);
}

void ServeStreams::OnNodeGone(const NodeId& node) {
  const auto found = streams_.find(node);
  if (found == streams_.end()) return;
  found->second.connection->Close(Status::Disconnected("its session has ended"));
}

void ServeStreams::OnFrames(const NodeId& reader, uint64_t number) {
  Stream& stream = streams_.at(reader);
  if (stream.number != number) return;
  while (const std::optional<Frame> frame = stream.connection->NextFrame()) {
    const Result<transfer::ToSource> said = ReadToSource(*frame);
    Status heard = said.status();
    if (said.ok()) {
      if (const auto* ask = std::get_if<transfer::AskChunk>(&*said)) {
        heard = copies().OnAsk(reader, ask->name);
      } else {
        copies().OnLeave(reader, std::get<transfer::LeaveCopy>(*said).id);
      }
    }
    if (!heard.ok()) {
      LogWarning("node " + reader.Hex() + " is given no values: " + heard.message());
      return stream.connection->Close(heard);
    }
  }
}

// ---- the turn -----------------------------------------------------------------------------------

void ServeStreams::BeforeTurn() {
  replaced_.clear();
  std::erase_if(streams_, [this](const auto& one) {
    if (one.second.is_closed) copies().OnReaderGone(one.first);
    return one.second.is_closed;
  });
}

bool ServeStreams::AfterTurn() {
  bool takes_more = false;
  for (auto& [reader, stream] : streams_) {
    const bool is_full = Fill(reader, stream);
    stream.connection->Flush();
    // What it has not taken it will take in a turn of its own.
    takes_more = takes_more || (is_full && stream.connection->backlog_bytes() == 0);
  }
  return takes_more;
}

bool ServeStreams::Fill(const NodeId& reader, Stream& stream) {
  while (!stream.is_closed && stream.connection->backlog_bytes() < limits::kValueBacklogBytes) {
    if (!stream.sending) {
      for (const transfer::CopyMissing& message : std::exchange(stream.missing, {})) {
        Send(*stream.connection, message);
      }
      stream.sending = copies().Next(reader);
      if (!stream.sending) return false;
      Send(*stream.connection, ChunkBegins{.name = stream.sending->name,
                                           .size_bytes = stream.sending->extent.size_bytes});
    }
    const Status sent = SendSome(reader, stream);
    if (!sent.ok()) {
      LogWarning("bytes of the pool cannot be read: " + sent.message());
      stream.connection->Close(sent);
      return false;
    }
  }
  return true;
}

Status ServeStreams::SendSome(const NodeId& reader, Stream& stream) {
  plasma::Extent& left = stream.sending->extent;
  buffer_.resize(static_cast<size_t>(std::min(left.size_bytes, limits::kValueChunkBytes)));
  RAYX_RETURN_IF_ERROR(pool_->ReadAt(left.offset, buffer_));
  stream.connection->Send(static_cast<uint16_t>(protocol::NodeMessageType::ChunkBytes), buffer_);
  left.offset += buffer_.size();
  left.size_bytes -= buffer_.size();
  if (left.size_bytes > 0) return Status::Ok();
  // The bytes are in the stream's own memory.
  copies().OnSent(reader, stream.sending->name);
  stream.sending.reset();
  return Status::Ok();
}

}  // namespace rayx::daemon
