// The streams for bulk between nodes, one from each puller to each source. A cut loses what is on
// the way, in both directions, and each end hears of it in its own time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/dice.h"
#include "sim/transfer/modelled_pool.h"
#include "transfer/node_transfers.h"

namespace rayx::transfer_sim {

// The nodes at the ends, by their numbers.
class StreamEnds {
 public:
  virtual ~StreamEnds() = default;
  virtual int64_t Now() const = 0;
  virtual void After(int64_t delay_ms, std::function<void()> what) = 0;
  virtual bool IsAlive(size_t node) const = 0;
  virtual transfer::NodeTransfers& Transfers(size_t node) = 0;
  virtual ModelledPool& Pool(size_t node) = 0;
  virtual const NodeId& IdOf(size_t node) const = 0;
  virtual void Broken(const std::string& what) = 0;
  virtual void Note(const std::string& what) = 0;
  virtual void OnChunkSent(size_t source, const transfer::ChunkName& name) = 0;
  // The node's cores have heard something.
  virtual void Changed(size_t node) = 0;
};

class ModelledStreams {
 public:
  ModelledStreams(StreamEnds* ends, sim::Dice* dice) : ends_(ends), dice_(dice) {}

  // The way takes so many times as long, and to write into the pool.
  void set_slowness(size_t way, size_t write) {
    slowness_ = way;
    write_slowness_ = write;
  }
  // Opens it, if it is not.
  void Say(size_t puller, size_t source, const transfer::ToSource& message);
  void SayMissing(size_t source, size_t puller, const transfer::CopyMissing& message);
  // What is to be sent is.
  void Pump(size_t source, size_t puller);
  void Cut(size_t puller, size_t source);
  void CutAllOf(size_t node);
  // One that is open, by chance; false if there is none.
  bool CutOne();

 private:
  struct Stream {
    // Of the stream as the puller has it; 0: none was opened yet.
    uint64_t epoch = 0;
    bool is_open = false;
    // The source's end of which it is.
    uint64_t source_epoch = 0;
    // Up to here all are cut.
    uint64_t cut_epoch = 0;
    int64_t to_source_ms = 0;
    int64_t to_puller_ms = 0;
    std::map<uint64_t, transfer::ChunkName> being_sent;
    std::set<transfer::ChunkName> written;
  };
  using Key = std::pair<size_t, size_t>;

  // For the trace: of a stream, and of a value or chunk.
  void Note(Key key, const std::string& what, const ObjectId& id, const std::string& chunk = "");
  void Hear(Key key, uint64_t epoch, const transfer::ToSource& message);
  void Arrive(Key key, uint64_t epoch, const transfer::ChunkName& name, transfer::Version bytes);
  void PullerHearsOfCut(Key key, uint64_t epoch);
  void SourceHearsOfCut(Key key, uint64_t epoch);
  int64_t Delay(size_t below_ms) {
    return static_cast<int64_t>(dice_->Below(below_ms * slowness_));
  }
  int64_t WriteDelay() { return static_cast<int64_t>(dice_->Below(5 * write_slowness_)); }
  // In order.
  void ToPuller(Key key, std::function<void()> what);
  // Whether what was said on it arrives.
  bool Carries(const Stream& stream, uint64_t epoch) const { return epoch > stream.cut_epoch; }

  StreamEnds* const ends_;
  sim::Dice* const dice_;
  std::map<Key, Stream> streams_;
  uint64_t last_sent_ = 0;
  size_t slowness_ = 1;
  size_t write_slowness_ = 1;
};

}  // namespace rayx::transfer_sim
