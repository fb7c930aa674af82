#include "sim/nodes/bulk_streams.h"

#include "common/base/overload.h"

namespace rayx::sim {

using transfer::ToSource;

void BulkStreams::Send(size_t from, size_t to, const transfer::OnStream& message) {
  std::visit(Overload{[&](const transfer::CopyMissing& missing) { SayToReader(from, to, missing); },
                      [&](const auto& said) { SayToSource(from, to, ToSource(said)); }},
             message);
}

void BulkStreams::SayToSource(size_t puller, size_t source, const ToSource& message) {
  Stream& stream = streams_[{puller, source}];
  if (!stream.is_open) {
    // The end of the last one is heard first.
    if (std::holds_alternative<transfer::LeaveCopy>(message) || stream.puller_hears) return;
    if (!ends_->IsAlive(source)) {
      stream.puller_hears = true;
      return;
    }
    stream.is_open = true;
  }
  stream.to_source.push_back(message);
}

void BulkStreams::SayToReader(size_t source, size_t puller, const transfer::CopyMissing& message) {
  Stream& stream = streams_[{puller, source}];
  if (stream.is_open && !stream.source_hears) stream.to_puller.emplace_back(message);
}

std::vector<BulkStreams::Arrival> BulkStreams::Arrivals() {
  std::vector<Arrival> arrivals;
  for (auto& [key, stream] : streams_) {
    const auto [puller, source] = key;
    const auto add = [&](const std::string& text, size_t node, std::function<void()> happens) {
      if (ends_->IsAlive(node)) arrivals.push_back({text + TextOf(key), node, std::move(happens)});
    };
    if (stream.source_hears) {
      add("hears of the cut: ", source, [this, key = key] {
        streams_.at(key).source_hears = false;
        StreamsOf(key.second).OnReaderGone(ends_->IdOf(key.first));
      });
    } else if (stream.is_open && !stream.to_source.empty()) {
      add("bulk: asks ", source, [this, key = key] { HearAtSource(key); });
    } else if (stream.is_open) {
      Pump(key);
    }
    if (stream.puller_hears) {
      add("loses its source: ", puller, [this, key = key] {
        streams_.at(key).puller_hears = false;
        StreamsOf(key.first).OnSourceLost(ends_->IdOf(key.second));
      });
    } else if (stream.is_open && !stream.to_puller.empty()) {
      add("bulk: gets ", puller, [this, key = key] { HearAtPuller(key); });
    }
  }
  return arrivals;
}

void BulkStreams::HearAtSource(Key key) {
  Stream& stream = streams_.at(key);
  const ToSource message = stream.to_source.front();
  stream.to_source.pop_front();
  const NodeId reader = ends_->IdOf(key.first);
  if (const auto* ask = std::get_if<transfer::AskChunk>(&message)) {
    const Status asked = StreamsOf(key.second).OnAsk(reader, ask->name);
    if (!asked.ok()) ends_->Break(asked.ToString());
  } else {
    StreamsOf(key.second).OnLeave(reader, std::get<transfer::LeaveCopy>(message).id);
  }
  Pump(key);
}

void BulkStreams::Pump(Key key) {
  const auto [puller, source] = key;
  if (!ends_->IsAlive(source)) return;
  const NodeId reader = ends_->IdOf(puller);
  while (const auto chunk = StreamsOf(source).Next(reader)) {
    const std::map<uint64_t, std::string>& pool = ends_->PoolOf(source);
    const auto bytes = pool.find(chunk->extent.offset);
    if (bytes == pool.end()) return ends_->Break("bytes are sent that are not there");
    streams_.at(key).to_puller.emplace_back(Chunk{chunk->name, bytes->second});
    StreamsOf(source).OnSent(reader, chunk->name);
  }
}

void BulkStreams::HearAtPuller(Key key) {
  Stream& stream = streams_.at(key);
  const auto said = stream.to_puller.front();
  stream.to_puller.pop_front();
  const NodeId source = ends_->IdOf(key.second);
  node::CopyStreams& streams = StreamsOf(key.first);
  if (const auto* missing = std::get_if<transfer::CopyMissing>(&said)) {
    return streams.On(source, *missing);
  }
  const auto& [name, bytes] = std::get<Chunk>(said);
  const auto room = streams.Begin(source, name);
  if (!room) return;
  ++chunks_;
  ends_->PoolOf(key.first)[room->offset] = bytes;
  streams.OnChunk(source, name, /*is_whole=*/true);
}

// ---- cuts ---------------------------------------------------------------------------------------

std::vector<std::pair<size_t, size_t>> BulkStreams::Open() const {
  std::vector<Key> open;
  for (const auto& [key, stream] : streams_) {
    if (stream.is_open) open.push_back(key);
  }
  return open;
}

void BulkStreams::Cut(size_t puller, size_t source) {
  Stream& stream = streams_[{puller, source}];
  if (!stream.is_open) return;
  stream = Stream();
  stream.puller_hears = stream.source_hears = true;
}

void BulkStreams::CutAllOf(size_t node) {
  for (const auto& [puller, source] : Open()) {
    if (puller == node || source == node) Cut(puller, source);
  }
}

std::string BulkStreams::Fingerprint() const {
  std::string text;
  for (const auto& [key, stream] : streams_) {
    text += " stream " + TextOf(key) + (stream.is_open ? "o" : "") +
            (stream.puller_hears ? "p" : "") + (stream.source_hears ? "s" : "") +
            std::to_string(stream.to_source.size());
    for (const ToSource& message : stream.to_source) text += std::to_string(message.index());
    for (const auto& said : stream.to_puller) text += "," + std::to_string(said.index());
  }
  return text;
}

}  // namespace rayx::sim
