// The puller's side: makes copies of values that other nodes have, chunk by chunk.
//
//   admitted ──▶ has room ──AskSource──▶ asks ──UseSource──▶ pulls ──all chunks──▶ whole
//                                         ▲                    │
//                                         └────────────────────┘ the source is gone, or has it not
//
// What has come is kept when the source changes, and only what is missing is asked for. A pull that
// nobody waits for any more, or that is in the way of one before it, is abandoned with its room;
// but a room stays as long as bytes are being written into it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "transfer/bundle_queue.h"
#include "transfer/chunk_map.h"
#include "transfer/transfer_values.h"

namespace rayx::transfer {

class PullQueue {
 public:
  // Chunks that are asked for at a time: of one source, and in all. Eight of 1 MiB fill a link of
  // 10 Gbit/s for 6 ms, which is more than a way to and fro.
  static constexpr size_t kAskedOfSourceMax = 8;
  static constexpr size_t kAskedMax = 32;

  // Of one id each; at most one at a time.
  class Rooms {
   public:
    virtual ~Rooms() = default;
    // False: not now.
    virtual bool Make(const ObjectId& id, uint64_t size_bytes) = 0;
    // The pull is abandoned. Nothing is being written.
    virtual void Drop(const ObjectId& id) = 0;
    // A chunk is there, and may be given on.
    virtual void OnChunkHere(const ChunkName& name) = 0;
    // All are.
    virtual void OnWhole(const ObjectId& id, Version version) = 0;
  };

  struct ForSource {
    NodeId source;
    ToSource message;
  };
  // The value cannot be had.
  struct Lost {
    ObjectId id;
  };
  using Effect = std::variant<AskSource, CopyWhole, CopyDropped, ForSource, Lost>;

  // The rooms must outlive it.
  explicit PullQueue(Rooms* rooms, uint64_t chunk_bytes = kChunkBytes)
      : rooms_(rooms), chunk_bytes_(chunk_bytes) {}

  // --- what this node wants; see BundleQueue ---
  void Want(BundleId bundle, Rank rank, const std::vector<Wanted>& wanted);
  void Leave(BundleId bundle);
  // The value has come in another way, whole; or a copy has been let go.
  void SetIsHere(const ObjectId& id, bool is_here);
  // Since the last turn: whether a copy that is here should stay, as it is needed before what
  // lacks room. Any other that nobody reads may be let go.
  bool IsHeld(const ObjectId& id) const {
    return holds_for_first_only_ ? bundles_.IsOfFirst(id) : bundles_.IsHeld(id);
  }

  // --- what the home says ---
  void On(const UseSource& message);
  void On(const LeaveSource& message);
  void On(const NoSource& message);

  // --- what sources send ---
  // A chunk begins to come. False: it is not wanted any more, and its bytes are thrown away. Else
  // the room stays until OnChunk, of which there must be one.
  bool Begin(const NodeId& source, const ChunkName& name);
  // It was written, or broke off.
  void OnChunk(const NodeId& source, const ChunkName& name, bool is_whole);
  void On(const NodeId& source, const CopyMissing& message);
  // Its stream is cut, or cannot be made. What has begun to come has been ended by OnChunk.
  void OnSourceLost(const NodeId& source);

  // --- the turn ---
  // `bytes`: of the pool, that copies may take: all but what can be neither evicted nor dropped.
  // Whoever begins a bundle then, or has it begun, keeps its values by itself.
  void Turn(uint64_t bytes);
  std::vector<Effect> TakeEffects() { return std::exchange(effects_, {}); }

  // Of a value that is being pulled.
  bool IsPulling(const ObjectId& id) const;
  // What there is of this version; null: nothing that others could be given. Until the next call
  // of any method but these.
  const ChunkMap* PartOf(const ObjectId& id, Version version) const;
  // Something that is wanted found no room: Turn should be called again after a moment.
  bool waits_for_room() const { return waits_for_room_; }
  bool empty() const { return pulls_.empty() && bundles_.empty(); }
  std::string DebugText() const;

 private:
  // It has a room for as long as it is there.
  struct Pull {
    uint64_t size_bytes;
    ChunkMap chunks;
    // Known from the first source on.
    std::optional<Version> version = std::nullopt;
    // Of its open question; 0: none is open.
    uint64_t number = 0;
    // Of the one that was answered with its source.
    uint64_t answered = 0;
    NodeId source = {};
    std::set<uint32_t> asked = {};
    std::set<uint32_t> written = {};
    // The source that failed, or nil, of a question that waits until nothing is written: what is
    // may be all that is missing, and nobody else may have it.
    std::optional<NodeId> question = std::nullopt;
    bool has_progressed = false;
    // It ends when nothing is written.
    bool is_abandoned = false;
  };

  // Of what may be asked of a source.
  struct Source {
    size_t asked = 0;
    // Pulls from it that may have chunks to ask for, in turn. Some may have none any more.
    std::deque<ObjectId> turns;
  };

  // False if something finds none now.
  bool MakeRooms();
  // Room for what the first bundle lacks, whatever it costs the others.
  bool MakeRoomForFirst(const BundleQueue::Due& due);
  // A pull that is in the way of the first bundle; false if there is none.
  bool AbandonOne();
  // The home, the source and whoever reads from it are told; the room goes now or later.
  void Abandon(const ObjectId& id);
  void EndIfIdle(const ObjectId& id);
  void AskHome(const ObjectId& id, Pull& pull, const NodeId& failed);
  void AskIfDue(const ObjectId& id, Pull& pull);
  // Its source need not keep the value for it any more.
  void SayLeave(const ObjectId& id, const Pull& pull);
  // Nothing is asked of its source any more.
  void Detach(Pull& pull);
  void AskForChunks();
  // One chunk of the next pull in turn; false if the source has been asked for all it may be.
  bool AskOne(const NodeId& node, Source& source);
  void Finish(const ObjectId& id);

  Rooms* const rooms_;
  const uint64_t chunk_bytes_;
  BundleQueue bundles_;
  std::map<ObjectId, Pull> pulls_;
  uint64_t last_number_ = 0;
  size_t asked_ = 0;
  std::map<NodeId, Source> sources_;
  // Which was asked last.
  NodeId last_source_;
  // Something may have room that had none. `bytes_` are those of the last turn.
  bool rooms_are_due_ = false;
  uint64_t bytes_ = 0;
  // The first bundle found no room with all that is held for others.
  bool holds_for_first_only_ = false;
  bool waits_for_room_ = false;
  std::vector<Effect> effects_;
};

}  // namespace rayx::transfer
