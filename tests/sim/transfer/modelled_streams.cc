#include "sim/transfer/modelled_streams.h"

#include <algorithm>
#include <optional>
#include <variant>

namespace rayx::transfer_sim {

using transfer::ChunkName;
using transfer::Version;

namespace {

// Chunks that a stream takes before the first is out.
constexpr size_t kBeingSentMax = 2;

}  // namespace

void ModelledStreams::Note(Key key, const std::string& what, const ObjectId& id,
                           const std::string& chunk) {
  ends_->Note("node " + std::to_string(key.first) + " <- node " + std::to_string(key.second) +
              ": " + what + " " + id.Hex().substr(0, 2) + chunk);
}

// ---- from the puller ----------------------------------------------------------------------------

void ModelledStreams::Say(size_t puller, size_t source, const transfer::ToSource& message) {
  const Key key = {puller, source};
  Stream& stream = streams_[key];
  if (!stream.is_open) {
    stream.is_open = true;
    ++stream.epoch;
    stream.to_source_ms = stream.to_puller_ms = ends_->Now();
    if (!ends_->IsAlive(source)) Cut(puller, source);
  }
  stream.to_source_ms = std::max(stream.to_source_ms, ends_->Now() + Delay(6));
  ends_->After(stream.to_source_ms - ends_->Now(),
               [this, key, epoch = stream.epoch, message] { Hear(key, epoch, message); });
}

void ModelledStreams::Hear(Key key, uint64_t epoch, const transfer::ToSource& message) {
  const auto [puller, source] = key;
  Stream& stream = streams_.at(key);
  if (!Carries(stream, epoch) || !ends_->IsAlive(source)) return;
  // A new stream of a node is the end of its last one.
  if (stream.source_epoch != epoch) SourceHearsOfCut(key, stream.source_epoch);
  stream.source_epoch = epoch;
  transfer::ServeQueue& serves = ends_->Transfers(source).serves();
  if (const auto* ask = std::get_if<transfer::AskChunk>(&message)) {
    Note(key, "asks for", ask->name.id, "/" + std::to_string(ask->name.chunk));
    if (!serves.OnAsk(ends_->IdOf(puller), ask->name)) ends_->Broken("a breach of protocol");
  } else {
    const ObjectId& id = std::get<transfer::LeaveCopy>(message).id;
    Note(key, "leaves", id);
    serves.OnLeave(ends_->IdOf(puller), id);
  }
  ends_->Changed(source);
  Pump(source, puller);
}

// ---- from the source ----------------------------------------------------------------------------

void ModelledStreams::Pump(size_t source, size_t puller) {
  const Key key = {puller, source};
  Stream& stream = streams_[key];
  while (ends_->IsAlive(source) && stream.source_epoch != 0 &&
         stream.being_sent.size() < kBeingSentMax) {
    const std::optional<ChunkName> name =
        ends_->Transfers(source).serves().Next(ends_->IdOf(puller));
    if (!name) return;
    const uint64_t number = ++last_sent_;
    stream.being_sent[number] = *name;
    ends_->After(Delay(8), [this, key, number, sent = *name] {
      Stream& its = streams_.at(key);
      if (its.being_sent.erase(number) == 0 || !ends_->IsAlive(key.second)) return;
      // As with sendfile, bytes are read as late as that.
      const std::optional<Version> bytes = ends_->Pool(key.second).Read(sent.id, sent.chunk);
      if (!bytes) return ends_->Broken("bytes are sent that are not there");
      ends_->OnChunkSent(key.second, sent);
      ends_->Transfers(key.second).serves().OnSent(ends_->IdOf(key.first), sent);
      const uint64_t epoch = its.source_epoch;
      ToPuller(key, [this, key, epoch, sent, bytes] { Arrive(key, epoch, sent, *bytes); });
      ends_->Changed(key.second);
      Pump(key.second, key.first);
    });
  }
}

void ModelledStreams::SayMissing(size_t source, size_t puller,
                                 const transfer::CopyMissing& message) {
  const Key key = {puller, source};
  const uint64_t epoch = streams_[key].source_epoch;
  ToPuller(key, [this, key, epoch, message] {
    const Stream& stream = streams_.at(key);
    if (!Carries(stream, epoch) || stream.epoch != epoch || !stream.is_open) return;
    if (!ends_->IsAlive(key.first)) return;
    Note(key, "hears that it lacks", message.id);
    ends_->Transfers(key.first).pulls().On(ends_->IdOf(key.second), message);
    ends_->Changed(key.first);
  });
}

void ModelledStreams::ToPuller(Key key, std::function<void()> what) {
  Stream& stream = streams_.at(key);
  stream.to_puller_ms = std::max(stream.to_puller_ms, ends_->Now() + Delay(6));
  ends_->After(stream.to_puller_ms - ends_->Now(), std::move(what));
}

void ModelledStreams::Arrive(Key key, uint64_t epoch, const ChunkName& name, Version bytes) {
  const auto [puller, source] = key;
  Stream& stream = streams_.at(key);
  if (!Carries(stream, epoch) || stream.epoch != epoch || !stream.is_open) return;
  if (!ends_->IsAlive(puller)) return;
  if (!ends_->Transfers(puller).pulls().Begin(ends_->IdOf(source), name)) return;
  Note(key, "gets", name.id, "/" + std::to_string(name.chunk));
  stream.written.insert(name);
  ends_->After(WriteDelay(), [this, key, name, bytes] {
    Stream& its = streams_.at(key);
    if (its.written.erase(name) == 0 || !ends_->IsAlive(key.first)) return;
    ends_->Pool(key.first).Write(name.id, name.chunk, bytes);
    ends_->Transfers(key.first).pulls().OnChunk(ends_->IdOf(key.second), name, true);
    ends_->Changed(key.first);
  });
}

// ---- cuts ---------------------------------------------------------------------------------------

void ModelledStreams::Cut(size_t puller, size_t source) {
  const Key key = {puller, source};
  Stream& stream = streams_[key];
  if (!stream.is_open || !Carries(stream, stream.epoch)) return;
  Note(key, "cut", {});
  stream.cut_epoch = stream.epoch;
  const uint64_t epoch = stream.epoch;
  ends_->After(static_cast<int64_t>(dice_->Below(30)),
               [this, key, epoch] { PullerHearsOfCut(key, epoch); });
  ends_->After(static_cast<int64_t>(dice_->Below(30)), [this, key, epoch] {
    if (streams_.at(key).source_epoch == epoch) SourceHearsOfCut(key, epoch);
  });
}

void ModelledStreams::PullerHearsOfCut(Key key, uint64_t epoch) {
  Stream& stream = streams_.at(key);
  if (stream.epoch != epoch || !stream.is_open) return;
  const std::set<ChunkName> broken_off = std::exchange(stream.written, {});
  if (!ends_->IsAlive(key.first)) {
    stream.is_open = false;
    return;
  }
  transfer::PullQueue& pulls = ends_->Transfers(key.first).pulls();
  const NodeId& source = ends_->IdOf(key.second);
  for (const ChunkName& name : broken_off) pulls.OnChunk(source, name, false);
  // There may be a turn in between; what is said on the stream in it is lost.
  if (dice_->OneIn(2)) ends_->Changed(key.first);
  stream.is_open = false;
  pulls.OnSourceLost(source);
  ends_->Changed(key.first);
}

void ModelledStreams::SourceHearsOfCut(Key key, uint64_t epoch) {
  Stream& stream = streams_.at(key);
  if (epoch == 0 || !ends_->IsAlive(key.second)) return;
  stream.being_sent.clear();
  stream.source_epoch = 0;
  ends_->Transfers(key.second).serves().OnReaderGone(ends_->IdOf(key.first));
  ends_->Changed(key.second);
}

void ModelledStreams::CutAllOf(size_t node) {
  std::vector<Key> keys;
  for (const auto& [key, stream] : streams_) {
    if (key.first == node || key.second == node) keys.push_back(key);
  }
  for (const auto& [puller, source] : keys) Cut(puller, source);
}

bool ModelledStreams::CutOne() {
  std::vector<Key> open;
  for (const auto& [key, stream] : streams_) {
    if (stream.is_open && Carries(stream, stream.epoch)) open.push_back(key);
  }
  if (open.empty()) return false;
  const Key key = dice_->Of(open);
  Cut(key.first, key.second);
  return true;
}

}  // namespace rayx::transfer_sim
