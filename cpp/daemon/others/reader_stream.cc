#include "daemon/others/reader_stream.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "daemon/codecs/copy_codec.h"

namespace rayx::daemon {

using node::CopyStreams;

ReaderStream::ReaderStream(StreamNumber number, EventLoop* loop, PoolService* pool,
                           Mailbox<TransferReport>* reports, std::unique_ptr<ByteStream> bytes)
    : number_(number),
      pool_(pool),
      reports_(reports),
      connection_(std::make_unique<Connection>(
          loop, std::move(bytes), limits::kHelloBytesMax,
          Connection::Handlers{.on_frames = [this] { OnFrames(); },
                               .on_closed = [this](const Status&) { is_closed_ = true; },
                               .on_dirty = [] {}})) {
  // What has come with the greeting.
  connection_->ReadNow();
}

ReaderStream::~ReaderStream() = default;

void ReaderStream::OnFrames() {
  while (const std::optional<Frame> frame = connection_->NextFrame()) {
    Result<transfer::ToSource> said = ReadToSource(*frame);
    if (!said.ok()) {
      LogWarning("another node is given no values: " + said.status().message());
      return connection_->Close(said.status());
    }
    reports_->Put(ReaderSays{.stream = number_, .message = std::move(*said)});
  }
}

bool ReaderStream::OnTurn(bool* takes_more) {
  if (is_closed_) {
    reports_->Put(StreamEnded{.stream = number_});
    return true;
  }
  const bool has_more = Fill();
  connection_->Flush();
  // What it has not taken it will take in a turn of its own.
  *takes_more = *takes_more || (has_more && connection_->backlog_bytes() == 0);
  return false;
}

bool ReaderStream::Fill() {
  while (!is_closed_ && (sending_ || !to_send_.empty())) {
    if (connection_->backlog_bytes() >= limits::kValueBacklogBytes) return true;
    if (!sending_) {
      const auto next = std::move(to_send_.front());
      to_send_.pop_front();
      if (const auto* missing = std::get_if<transfer::CopyMissing>(&next)) {
        rayx::daemon::Send(*connection_, *missing);
        continue;
      }
      sending_ = std::get<CopyStreams::Chunk>(next);
      rayx::daemon::Send(*connection_, ChunkBegins{.name = sending_->name,
                                                   .size_bytes = sending_->extent.size_bytes});
    }
    const Status sent = SendSome();
    if (!sent.ok()) {
      LogWarning("bytes of the pool cannot be read: " + sent.message());
      connection_->Close(sent);
      return false;
    }
  }
  return false;
}

Status ReaderStream::SendSome() {
  plasma::Extent& left = sending_->extent;
  buffer_.resize(static_cast<size_t>(std::min(left.size_bytes, limits::kValueChunkBytes)));
  RAYX_RETURN_IF_ERROR(pool_->ReadAt(left.offset, buffer_));
  connection_->Send(static_cast<uint16_t>(protocol::NodeMessageType::ChunkBytes), buffer_);
  left.offset += buffer_.size();
  left.size_bytes -= buffer_.size();
  if (left.size_bytes > 0) return Status::Ok();
  // The bytes are in the stream's own memory.
  reports_->Put(ChunkSent{.stream = number_, .name = sending_->name});
  sending_.reset();
  return Status::Ok();
}

}  // namespace rayx::daemon
