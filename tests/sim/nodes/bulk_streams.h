// The streams for bulk between the nodes of a simulation. What is said on one arrives in order, one
// thing at a time; a value is one chunk, whose bytes are read when it is sent.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "node/node_core.h"

namespace rayx::sim {

class BulkStreams {
 public:
  // The nodes at the ends, by their numbers.
  class Ends {
   public:
    virtual ~Ends() = default;
    virtual node::NodeCore& CoreOf(size_t node) = 0;
    // The contents of its pool, by offset.
    virtual std::map<uint64_t, std::string>& PoolOf(size_t node) = 0;
    virtual NodeId IdOf(size_t node) const = 0;
    virtual bool IsAlive(size_t node) const = 0;
    virtual void Break(const std::string& rule) = 0;
  };
  struct Arrival {
    std::string text;
    // The node that hears it.
    size_t node = 0;
    std::function<void()> happens;
  };

  explicit BulkStreams(Ends* ends) : ends_(ends) {}

  // An effect of the core of a node.
  void Send(size_t from, size_t to, const transfer::OnStream& message);

  // What can arrive now, in an order that depends on the state alone.
  std::vector<Arrival> Arrivals();
  // Streams that are open: puller and source.
  std::vector<std::pair<size_t, size_t>> Open() const;
  // Both ends hear of it, in their time.
  void Cut(size_t puller, size_t source);
  // All of a node that has crashed, or has parted from another one.
  void CutAllOf(size_t node);
  // What is under way.
  std::string Fingerprint() const;
  size_t chunks() const { return chunks_; }

 private:
  struct Chunk {
    transfer::ChunkName name;
    std::string bytes;
  };
  struct Stream {
    bool is_open = false;
    // Its ends have not heard that it was cut.
    bool puller_hears = false;
    bool source_hears = false;
    std::deque<transfer::ToSource> to_source;
    std::deque<std::variant<transfer::CopyMissing, Chunk>> to_puller;
  };
  using Key = std::pair<size_t, size_t>;

  node::CopyStreams& StreamsOf(size_t node) {
    return ends_->CoreOf(node).objects().remote().copies().streams();
  }
  void SayToSource(size_t puller, size_t source, const transfer::ToSource& message);
  void SayToReader(size_t source, size_t puller, const transfer::CopyMissing& message);
  void HearAtSource(Key key);
  void HearAtPuller(Key key);
  // What the source has ready is sent.
  void Pump(Key key);
  static std::string TextOf(Key key) {
    return std::to_string(key.first) + " from " + std::to_string(key.second);
  }

  Ends* const ends_;
  std::map<Key, Stream> streams_;
  size_t chunks_ = 0;
};

}  // namespace rayx::sim
