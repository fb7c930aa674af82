#include "daemon/others/value_fetcher.h"

#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/protocol/generated/nodes_generated.h"
#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {

using protocol::NodeMessageType;

ValueFetcher::~ValueFetcher() = default;

// ---- asking -------------------------------------------------------------------------------------

void ValueFetcher::Pull(const ObjectId& id, uint64_t size_bytes, std::span<const NodeId> places) {
  const auto [pulling, is_new] = pulls_.try_emplace(id);
  if (!is_new) return;
  pulling->second.size_bytes = size_bytes;
  // The last one is asked first.
  pulling->second.places.assign(places.rbegin(), places.rend());
  again_.push_back(id);
}

void ValueFetcher::Ask(const ObjectId& id) {
  const auto found = pulls_.find(id);
  if (found == pulls_.end()) return;
  Pulling& pulling = found->second;
  while (!pulling.places.empty()) {
    pulling.source = pulling.places.back();
    pulling.places.pop_back();
    Source* source = SourceOf(pulling.source);
    if (source == nullptr) continue;
    flatbuffers::FlatBufferBuilder builder(64);
    builder.Finish(protocol::CreateFetchValue(builder, ToWire(id)));
    source->connection->Send(static_cast<uint16_t>(NodeMessageType::FetchValue),
                             {builder.GetBufferPointer(), builder.GetSize()});
    source->asked.push_back(id);
    return;
  }
  // Whoever is told at once may say at once that the same nodes have it.
  failed_.insert(id);
}

ValueFetcher::Source* ValueFetcher::SourceOf(const NodeId& node) {
  const auto found = sources_.find(node);
  if (found != sources_.end()) return found->second.is_closed ? nullptr : &found->second;
  Result<std::unique_ptr<ByteStream>> stream = dial_(node);
  if (!stream.ok()) {
    LogWarning("values cannot be had from node " + node.Hex() + ": " + stream.status().message());
    return nullptr;
  }
  Source& source = sources_[node];
  source.connection = std::make_unique<Connection>(
      loop_, std::move(*stream), limits::kFrameBytesMax,
      Connection::Handlers{
          .on_frames = [this, node] { OnFrames(node); },
          .on_closed = [this, node](const Status&) { sources_.at(node).is_closed = true; },
          .on_dirty = [] {}});
  return &source;
}

void ValueFetcher::OnNodeGone(const NodeId& node) {
  const auto found = sources_.find(node);
  if (found == sources_.end()) return;
  found->second.connection->Close(Status::Disconnected("its session has ended"));
}

// ---- hearing ------------------------------------------------------------------------------------

void ValueFetcher::OnFrames(const NodeId& node) {
  Source& source = sources_.at(node);
  while (const std::optional<Frame> frame = source.connection->NextFrame()) {
    const Status heard = Hear(source, *frame);
    if (!heard.ok()) {
      LogWarning("node " + node.Hex() + " gives no value: " + heard.message());
      return source.connection->Close(heard);
    }
  }
}

Status ValueFetcher::Hear(Source& source, const Frame& frame) {
  switch (static_cast<NodeMessageType>(frame.type)) {
    case NodeMessageType::ValueBytes:
      return OnBytes(source, frame.payload);
    case NodeMessageType::ValueBegins:
      return OnBegins(source, frame.payload);
    case NodeMessageType::ValueMissing: {
      const auto* missing = VerifiedMessage<protocol::ValueMissing>(frame.payload);
      if (missing == nullptr || source.coming || source.asked.empty() ||
          FromWire(*missing->id()) != source.asked.front()) {
        return Status::ProtocolError("a value is missing that was not asked for");
      }
      again_.push_back(source.asked.front());
      source.asked.pop_front();
      return Status::Ok();
    }
    default:
      return Status::ProtocolError("a message that is not about values");
  }
}

Status ValueFetcher::OnBegins(Source& source, std::span<const uint8_t> payload) {
  const auto* begins = VerifiedMessage<protocol::ValueBegins>(payload);
  if (begins == nullptr || source.coming || source.asked.empty() ||
      FromWire(*begins->id()) != source.asked.front()) {
    return Status::ProtocolError("a value begins that was not asked for");
  }
  const ObjectId id = source.asked.front();
  if (begins->size() != pulls_.at(id).size_bytes || begins->size() == 0) {
    return Status::ProtocolError("a value of " + std::to_string(begins->size()) + " bytes, not " +
                                 std::to_string(pulls_.at(id).size_bytes));
  }
  source.asked.pop_front();
  source.coming = {.id = id,
                   .offset = std::nullopt,
                   .left = begins->size(),
                   .contained = FromWire(begins->contained())};
  const Result<uint64_t> room = remote().shared().CreateCopy(id);
  if (room.ok()) {
    source.coming->offset = *room;
  } else if (room.status().code() == StatusCode::kStoreFull) {
    waiting_.insert(id);
  } else {
    pulls_.erase(id);
  }
  return Status::Ok();
}

Status ValueFetcher::OnBytes(Source& source, std::span<const uint8_t> bytes) {
  if (!source.coming || bytes.empty() || bytes.size() > source.coming->left) {
    return Status::ProtocolError("bytes beyond a value");
  }
  Coming& coming = *source.coming;
  if (coming.offset) {
    RAYX_RETURN_IF_ERROR(pool_->WriteAt(*coming.offset, bytes));
    *coming.offset += bytes.size();
  }
  coming.left -= bytes.size();
  if (coming.left == 0) OnWhole(source);
  return Status::Ok();
}

void ValueFetcher::OnWhole(Source& source) {
  const Coming whole = std::move(*source.coming);
  source.coming.reset();
  if (!whole.offset) return;
  pulls_.erase(whole.id);
  remote().OnCopied(whole.id, whole.contained);
}

// ---- the turn -----------------------------------------------------------------------------------

void ValueFetcher::Leave(const Source& source) {
  again_.insert(again_.end(), source.asked.begin(), source.asked.end());
  if (!source.coming || !source.coming->offset) return;
  const ObjectId& id = source.coming->id;
  (void)core_->store().Abort(plasma::SharedObjects::kCopier, id);
  again_.push_back(id);
}

void ValueFetcher::Retry() {
  // Who has them is asked again, once there may be room.
  for (const ObjectId& id : std::exchange(waiting_, {})) {
    Pulling& pulling = pulls_.at(id);
    pulling.places.push_back(pulling.source);
    again_.push_back(id);
  }
  for (const ObjectId& id : std::exchange(failed_, {})) {
    pulls_.erase(id);
    remote().OnCopyFailed(id);
  }
}

void ValueFetcher::OnTurn() {
  std::erase_if(sources_, [this](const auto& one) {
    if (one.second.is_closed) Leave(one.second);
    return one.second.is_closed;
  });
  const int64_t now_ms = loop_->now_ms();
  if (now_ms >= retry_ms_) {
    retry_ms_ = now_ms + limits::kFetchRetryMs;
    Retry();
  }
}

void ValueFetcher::AfterTurn() {
  for (const ObjectId& id : std::exchange(again_, {})) Ask(id);
  for (auto& [node, source] : sources_) source.connection->Flush();
}

std::optional<int64_t> ValueFetcher::NextTickMs() const {
  if (waiting_.empty() && failed_.empty()) return std::nullopt;
  return retry_ms_;
}

std::string ValueFetcher::DebugText() const {
  return "values that are fetched: " + std::to_string(pulls_.size()) + ", of which " +
         std::to_string(waiting_.size()) + " wait for room in the pool\n";
}

}  // namespace rayx::daemon
