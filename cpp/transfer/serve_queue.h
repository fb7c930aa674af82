// The source's side: what other nodes have asked for, and in which order it is sent.
//
//   OnAsk ──▶ ready ──Next──▶ being sent ──OnSent──▶ forgotten
//         ──▶ not here yet (of a part) ──OnChunkHere──▶ ready
//
// Each reader is sent one chunk of one value after one of another. A copy is kept in its place from
// the first question of a reader until that leaves it, and nothing of it is being sent any more.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "transfer/transfer_values.h"

namespace rayx::transfer {

class ServeQueue {
 public:
  // What a reader may have asked for at a time.
  static constexpr size_t kAskedMax = 32;

  // The copies of this node.
  class Copies {
   public:
    enum class Kind { kNone, kPart, kWhole };
    struct Pinned {
      Kind kind = Kind::kNone;
      uint32_t chunks = 0;
    };

    virtual ~Copies() = default;
    // What there is of this version. A whole copy stays in its place until Unpin; a part until
    // OnCopyGone.
    virtual Pinned Pin(const NodeId& reader, const ObjectId& id, Version version) = 0;
    virtual void Unpin(const NodeId& reader, const ObjectId& id) = 0;
    // Whether a part has this chunk.
    virtual bool HasChunk(const ChunkName& name) const = 0;
    // Nothing of a part that was given up is being sent any more.
    virtual void OnNothingSent(const ObjectId& id) = 0;
  };

  // The copies must outlive it.
  explicit ServeQueue(Copies* copies) : copies_(copies) {}

  // --- what readers say, and their ends ---
  // False: a breach of protocol.
  bool OnAsk(const NodeId& reader, const ChunkName& name);
  void OnLeave(const NodeId& reader, const ObjectId& id);
  // Its stream is cut, so that nothing is being sent to it any more.
  void OnReaderGone(const NodeId& reader);

  // --- what becomes of parts ---
  void OnChunkHere(const ChunkName& name);
  // The part is a whole copy from now on.
  void OnWhole(const ObjectId& id);
  // It is given up: who has asked is told.
  void OnCopyGone(const ObjectId& id);

  // --- sending ---
  // The next chunk for a reader; whoever takes it calls OnSent when its bytes are not needed any
  // more, or OnReaderGone.
  std::optional<ChunkName> Next(const NodeId& reader);
  void OnSent(const NodeId& reader, const ChunkName& name);
  // Whether bytes of this id are being sent.
  bool IsSending(const ObjectId& id) const;

  // Who is to be told that a copy is missing, in order.
  std::vector<std::pair<NodeId, CopyMissing>> TakeMissing();
  bool empty() const { return readers_.empty(); }

 private:
  // Of one value by one reader.
  struct Reading {
    Version version = 0;
    Copies::Pinned copy;
    std::deque<uint32_t> ready;
    // Of a part: not here yet.
    std::set<uint32_t> later;
    uint32_t being_sent = 0;
    // The reader needs nothing more; or there is nothing more, as the part was given up. It is
    // forgotten as soon as nothing is being sent.
    bool is_left = false;
    bool is_gone = false;
  };
  struct Reader {
    std::map<ObjectId, Reading> readings;
    // Values with something ready, in turn.
    std::deque<ObjectId> turns;
    size_t asked = 0;
  };

  void Leave(const NodeId& reader, const ObjectId& id);
  // What was left is forgotten, if nothing of it is being sent.
  void EndIfIdle(const NodeId& reader, const ObjectId& id);
  static void MakeReady(Reader& reader, const ObjectId& id, Reading& reading, uint32_t chunk);
  static void ForgetAsked(Reader& reader, const ObjectId& id, Reading& reading);

  Copies* const copies_;
  std::map<NodeId, Reader> readers_;
  std::vector<std::pair<NodeId, CopyMissing>> missing_;
};

}  // namespace rayx::transfer
