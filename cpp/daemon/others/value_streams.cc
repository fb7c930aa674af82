#include "daemon/others/value_streams.h"

#include <optional>

#include "common/base/log.h"

namespace rayx::daemon {

TransferThread& ValueStreams::thread() {
  if (thread_ == nullptr) {
    thread_ = std::make_unique<TransferThread>(pool_, [this] { loop_->Post([] {}); });
  }
  return *thread_;
}

// ---- what the core says -------------------------------------------------------------------------

void ValueStreams::Say(const NodeId& node, const transfer::OnStream& message) {
  said_.emplace_back(node, message);
}

bool ValueStreams::SayTo(const NodeId& source, const transfer::AskChunk& ask) {
  Source* stream = StreamTo(source);
  if (stream == nullptr) {
    unreached_.insert(source);
    return false;
  }
  // Of its end the core will hear.
  if (stream->has_ended) return true;
  // From here on its room stays, until the thread has written there, or will not.
  const std::optional<plasma::Extent> room = copies().Begin(source, ask.name);
  if (!room) return false;
  ++stream->fetching;
  thread().Order(
      FetchChunk{.stream = stream->stream, .source = source, .chunk = {ask.name, *room}});
  return true;
}

bool ValueStreams::SayTo(const NodeId& source, const transfer::LeaveCopy& leave) {
  // Who has no stream keeps nothing for this node.
  const auto found = sources_.find(source);
  if (found == sources_.end()) return true;
  thread().Order(LeaveValue{.stream = found->second.stream, .id = leave.id});
  return true;
}

bool ValueStreams::SayTo(const NodeId& reader, const transfer::CopyMissing& missing) {
  const auto found = readers_.find(reader);
  if (found == readers_.end()) return true;
  thread().Order(SayMissing{.stream = found->second.stream, .message = missing});
  return true;
}

ValueStreams::Source* ValueStreams::StreamTo(const NodeId& source) {
  const auto found = sources_.find(source);
  if (found != sources_.end()) return &found->second;
  Result<std::unique_ptr<ByteStream>> dialled = dial_(source);
  if (!dialled.ok()) {
    LogWarning("values cannot be had from node " + source.Hex() + ": " +
               dialled.status().message());
    return nullptr;
  }
  const StreamNumber stream = ++last_stream_;
  nodes_[stream] = source;
  thread().Order(OpenToSource{.stream = stream, .bytes = std::move(*dialled)});
  return &(sources_[source] = {.stream = stream});
}

// ---- streams that begin and end -----------------------------------------------------------------

void ValueStreams::Take(const NodeId& reader, std::unique_ptr<ByteStream> bytes) {
  const auto former = readers_.find(reader);
  if (former != readers_.end()) {
    thread().Order(CloseStream{.stream = former->second.stream,
                               .reason = Status::Disconnected("another one follows it")});
    copies().OnReaderGone(reader);
  }
  const StreamNumber stream = ++last_stream_;
  readers_[reader] = {.stream = stream};
  nodes_[stream] = reader;
  thread().Order(OpenToReader{.stream = stream, .bytes = std::move(bytes)});
}

void ValueStreams::OnNodeGone(const NodeId& node) {
  const Status reason = Status::Disconnected("its session has ended");
  const auto source = sources_.find(node);
  if (source != sources_.end()) {
    thread().Order(CloseStream{.stream = source->second.stream, .reason = reason});
  }
  const auto reader = readers_.find(node);
  if (reader != readers_.end()) {
    thread().Order(CloseStream{.stream = reader->second.stream, .reason = reason});
  }
}

// ---- what the thread reports --------------------------------------------------------------------

ValueStreams::Reader* ValueStreams::ReaderOf(StreamNumber stream) {
  const auto reader = readers_.find(nodes_.at(stream));
  const bool is_last = reader != readers_.end() && reader->second.stream == stream;
  return is_last ? &reader->second : nullptr;
}

void ValueStreams::Hear(const ChunkEnded& report) {
  copies().OnChunk(report.source, report.name, report.is_whole);
  --sources_.at(report.source).fetching;
  EndIfOver(report.source);
}

void ValueStreams::Hear(const SourceLacks& report) {
  copies().On(nodes_.at(report.stream), report.message);
}

void ValueStreams::Hear(const ReaderSays& report) {
  if (ReaderOf(report.stream) == nullptr) return;
  const NodeId& reader = nodes_.at(report.stream);
  if (const auto* leave = std::get_if<transfer::LeaveCopy>(&report.message)) {
    return copies().OnLeave(reader, leave->id);
  }
  const auto& ask = std::get<transfer::AskChunk>(report.message);
  const Status asked = copies().OnAsk(reader, ask.name);
  if (asked.ok()) return;
  LogWarning("node " + reader.Hex() + " is given no values: " + asked.message());
  thread().Order(CloseStream{.stream = report.stream, .reason = asked});
}

void ValueStreams::Hear(const ChunkSent& report) {
  Reader* reader = ReaderOf(report.stream);
  if (reader == nullptr) return;
  --reader->sending;
  copies().OnSent(nodes_.at(report.stream), report.name);
}

void ValueStreams::Hear(const StreamEnded& report) {
  const NodeId node = nodes_.at(report.stream);
  const auto source = sources_.find(node);
  if (source != sources_.end() && source->second.stream == report.stream) {
    source->second.has_ended = true;
    EndIfOver(node);
  } else if (ReaderOf(report.stream) != nullptr) {
    readers_.erase(node);
    copies().OnReaderGone(node);
  }
  nodes_.erase(report.stream);
}

void ValueStreams::EndIfOver(const NodeId& node) {
  const auto source = sources_.find(node);
  if (!source->second.has_ended || source->second.fetching > 0) return;
  sources_.erase(source);
  copies().OnSourceLost(node);
}

// ---- the turn -----------------------------------------------------------------------------------

void ValueStreams::BeforeTurn() {
  for (const NodeId& source : std::exchange(unreached_, {})) copies().OnSourceLost(source);
  if (thread_ == nullptr) return;
  for (const TransferReport& report : thread_->TakeReports()) {
    std::visit([this](const auto& one) { Hear(one); }, report);
  }
}

bool ValueStreams::AfterTurn() {
  bool is_quiet = true;
  for (const auto& [node, message] : std::exchange(said_, {})) {
    is_quiet = std::visit([&, &to = node](const auto& one) { return SayTo(to, one); }, message) &&
               is_quiet;
  }
  for (auto& [node, reader] : readers_) SendTo(node, reader);
  return !is_quiet;
}

void ValueStreams::SendTo(const NodeId& node, Reader& reader) {
  while (reader.sending < kSendingMax) {
    const std::optional<node::CopyStreams::Chunk> chunk = copies().Next(node);
    if (!chunk) return;
    ++reader.sending;
    thread().Order(SendChunk{.stream = reader.stream, .chunk = *chunk});
  }
}

}  // namespace rayx::daemon
