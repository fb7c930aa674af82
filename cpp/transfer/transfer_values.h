// What nodes say to each other about copies of large values.
//
//   puller ──AskSource──▶ home ──UseSource──▶ puller ──AskChunk──▶ source ──its bytes──▶ puller
//          ──CopyWhole──▶ home                       ──LeaveCopy─▶
//
// Between a puller and the home of an id these go in their session, each once and in order. To a
// source they go on a stream for bulk, which may be cut.
#pragma once

#include <compare>
#include <cstdint>
#include <variant>

#include "common/base/ids.h"

namespace rayx::transfer {

// Tells the values of one id apart: a value that was lost and made anew may have other bytes. The
// node that makes a value gives it a number that no other value of the cluster has.
using Version = uint64_t;

// A part of a value, all of one size but the last; see ChunkMap.
struct ChunkName {
  ObjectId id;
  Version version = 0;
  uint32_t chunk = 0;

  friend auto operator<=>(const ChunkName&, const ChunkName&) = default;
};

// --- puller to home ---

// It is to be told of a node from which it can pull the value. It pulls from nobody now.
struct AskSource {
  ObjectId id;
  // Counts what this node has asked of anybody: the answer carries it, so that one which has been
  // overtaken is known.
  uint64_t number = 0;
  // The source that it had, if that had no copy or could not be reached; else nil.
  NodeId failed = {};
  // It has got a chunk since it asked last.
  bool has_progressed = false;
};
// It has all of the value, and others may pull it from there.
struct CopyWhole {
  ObjectId id;
  Version version = 0;
};
// It has no copy any more, nor part of one, and asks for none. Of a part it says nothing about a
// whole copy: the node may have made the value itself meanwhile.
struct CopyDropped {
  ObjectId id;
  bool was_whole = false;
};
using ToHome = std::variant<AskSource, CopyWhole, CopyDropped>;

// --- home to puller ---

struct UseSource {
  ObjectId id;
  uint64_t number = 0;
  Version version = 0;
  uint64_t size_bytes = 0;
  NodeId source;
};
// It is to pull from nobody, and ask again: the source that it was told of, in answer to this
// question, is gone, or cannot go on itself. Of no effect if it has done so, or has all by now.
struct LeaveSource {
  ObjectId id;
  uint64_t number = 0;
};
// Nobody has it any more, or nobody who has it can be reached.
struct NoSource {
  ObjectId id;
  uint64_t number = 0;
};
using FromHome = std::variant<UseSource, LeaveSource, NoSource>;

// --- puller to source ---

struct AskChunk {
  ChunkName name;
};
// What was asked for and has not been sent is not needed any more.
struct LeaveCopy {
  ObjectId id;
};
using ToSource = std::variant<AskChunk, LeaveCopy>;

// --- source to puller, beside the chunks ---

// It has no copy of this version, or not any more: what was asked for will not come.
struct CopyMissing {
  ObjectId id;
  Version version = 0;
};
using OnStream = std::variant<AskChunk, LeaveCopy, CopyMissing>;

}  // namespace rayx::transfer
