// What the node's loop and its transfer thread say to each other. The loop decides, by the core;
// the thread has the streams, and moves bytes between them and the pool.
//
// Streams have numbers, which are never used again: what is said of one that has been followed by
// another is known to be.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "common/io/byte_stream.h"
#include "node/copy_streams.h"
#include "transfer/transfer_values.h"

namespace rayx::daemon {

using StreamNumber = uint64_t;

// --- to the thread ---

// A stream on which chunks come, or go.
struct OpenToSource {
  StreamNumber stream = 0;
  std::unique_ptr<ByteStream> bytes;
};
struct OpenToReader {
  StreamNumber stream = 0;
  std::unique_ptr<ByteStream> bytes;
};
// Ask for a chunk, and write it there. Answered by one ChunkEnded, also if the stream has ended.
struct FetchChunk {
  StreamNumber stream = 0;
  NodeId source;
  node::CopyStreams::Chunk chunk;
};
// Say that the value is not needed. What was asked for of it, and has not begun, ends.
struct LeaveValue {
  StreamNumber stream = 0;
  ObjectId id;
};
// Answered by ChunkSent, unless the stream ends.
struct SendChunk {
  StreamNumber stream = 0;
  node::CopyStreams::Chunk chunk;
};
struct SayMissing {
  StreamNumber stream = 0;
  transfer::CopyMissing message;
};
// Answered by StreamEnded.
struct CloseStream {
  StreamNumber stream = 0;
  Status reason;
};
using TransferOrder = std::variant<OpenToSource, OpenToReader, FetchChunk, LeaveValue, SendChunk,
                                   SayMissing, CloseStream>;

// --- from the thread ---

// Its bytes lie where they were to be written; or they do not, and never will.
struct ChunkEnded {
  NodeId source;
  transfer::ChunkName name;
  bool is_whole = false;
};
// The source has no copy of this version. What was asked for of it has ended.
struct SourceLacks {
  StreamNumber stream = 0;
  transfer::CopyMissing message;
};
struct ReaderSays {
  StreamNumber stream = 0;
  transfer::ToSource message;
};
// Its bytes are not needed any more.
struct ChunkSent {
  StreamNumber stream = 0;
  transfer::ChunkName name;
};
// What had been asked for on it has ended.
struct StreamEnded {
  StreamNumber stream = 0;
};
using TransferReport = std::variant<ChunkEnded, SourceLacks, ReaderSays, ChunkSent, StreamEnded>;

}  // namespace rayx::daemon
