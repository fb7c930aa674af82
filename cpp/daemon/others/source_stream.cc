#include "daemon/others/source_stream.h"

#include <string>
#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/overload.h"
#include "transfer/chunk_map.h"

namespace rayx::daemon {

using transfer::ChunkName;

SourceStream::SourceStream(StreamNumber number, EventLoop* loop, PoolService* pool,
                           Mailbox<TransferReport>* reports, std::unique_ptr<ByteStream> bytes)
    : number_(number),
      pool_(pool),
      reports_(reports),
      connection_(std::make_unique<Connection>(
          loop, std::move(bytes), limits::kFrameBytesMax,
          Connection::Handlers{.on_frames = [this] { OnFrames(); },
                               .on_closed = [this](const Status&) { is_closed_ = true; },
                               .on_dirty = [] {}})) {}

SourceStream::~SourceStream() = default;

// ---- asking -------------------------------------------------------------------------------------

void SourceStream::Fetch(const FetchChunk& order) {
  source_ = order.source;
  const auto& [name, extent] = order.chunk;
  if (is_closed_) return Report(name, /*is_whole=*/false);
  asked_[name] = extent;
  Send(*connection_, transfer::ToSource(transfer::AskChunk{name}));
}

void SourceStream::Leave(const ObjectId& id) {
  EndAsked(id);
  Send(*connection_, transfer::ToSource(transfer::LeaveCopy{id}));
}

void SourceStream::EndAsked(const ObjectId& id) {
  const ChunkName first = {.id = id, .version = 0, .chunk = 0};
  auto at = asked_.lower_bound(first);
  while (at != asked_.end() && at->first.id == id) {
    Report(at->first, /*is_whole=*/false);
    at = asked_.erase(at);
  }
}

// ---- hearing ------------------------------------------------------------------------------------

void SourceStream::OnFrames() {
  while (const std::optional<Frame> frame = connection_->NextFrame()) {
    const Status heard = Hear(*frame);
    if (heard.ok()) continue;
    LogWarning("another node gives no value: " + heard.message());
    return connection_->Close(heard);
  }
}

Status SourceStream::Hear(const Frame& frame) {
  if (frame.type == static_cast<uint16_t>(protocol::NodeMessageType::ChunkBytes)) {
    return OnBytes(frame.payload);
  }
  if (coming_) return Status::ProtocolError("a message in the middle of a chunk");
  const Result<FromSource> said = ReadFromSource(frame);
  if (!said.ok()) return said.status();
  if (const auto* begins = std::get_if<ChunkBegins>(&*said)) return OnBegins(*begins);
  OnMissing(std::get<transfer::CopyMissing>(*said));
  return Status::Ok();
}

Status SourceStream::OnBegins(const ChunkBegins& begins) {
  const auto wrong_size = [&] {
    return Status::ProtocolError("a chunk of " + std::to_string(begins.size_bytes) + " bytes");
  };
  if (begins.size_bytes == 0 || begins.size_bytes > transfer::kChunkBytes) return wrong_size();
  coming_ = {.name = begins.name, .offset = std::nullopt, .left = begins.size_bytes};
  const auto asked = asked_.find(begins.name);
  // It was left.
  if (asked == asked_.end()) return Status::Ok();
  const plasma::Extent room = asked->second;
  asked_.erase(asked);
  coming_->offset = room.offset;
  return room.size_bytes == begins.size_bytes ? Status::Ok() : wrong_size();
}

Status SourceStream::OnBytes(std::span<const uint8_t> bytes) {
  if (!coming_ || bytes.empty() || bytes.size() > coming_->left) {
    return Status::ProtocolError("bytes beyond a chunk");
  }
  if (coming_->offset) {
    RAYX_RETURN_IF_ERROR(pool_->WriteAt(*coming_->offset, bytes));
    *coming_->offset += bytes.size();
  }
  coming_->left -= bytes.size();
  if (coming_->left > 0) return Status::Ok();
  const Coming whole = *std::exchange(coming_, std::nullopt);
  if (whole.offset) Report(whole.name, /*is_whole=*/true);
  return Status::Ok();
}

void SourceStream::OnMissing(const transfer::CopyMissing& missing) {
  EndAsked(missing.id);
  reports_->Put(SourceLacks{.stream = number_, .message = missing});
}

// ---- the turn -----------------------------------------------------------------------------------

bool SourceStream::OnTurn() {
  if (!is_closed_) {
    connection_->Flush();
    return false;
  }
  if (coming_ && coming_->offset) Report(coming_->name, /*is_whole=*/false);
  for (const auto& [name, extent] : asked_) Report(name, /*is_whole=*/false);
  reports_->Put(StreamEnded{.stream = number_});
  return true;
}

}  // namespace rayx::daemon
