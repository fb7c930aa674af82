// The streams for bulk between this node and others, as the core of this one has them
// (node/copy_streams.h): one to each node from which values are pulled, which it dials, and one of
// each node that pulls values from here. What they carry is moved by a thread of its own.
//
//   core ──SendOnStream──▶ Say ──▶ TransferThread ──▶ reports ──▶ BeforeTurn ──▶ CopyStreams
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "daemon/others/transfer_orders.h"
#include "daemon/others/transfer_thread.h"
#include "daemon/peers/pool_service.h"
#include "node/node_core.h"

namespace rayx::daemon {

class ValueStreams {
 public:
  // A stream to a node, which may still be connecting.
  using DialNode = std::function<Result<std::unique_ptr<ByteStream>>(const NodeId&)>;

  // All must outlive it, and need not be made yet.
  ValueStreams(EventLoop* loop, PoolService* pool, node::NodeCore* core, DialNode dial)
      : loop_(loop), pool_(pool), core_(core), dial_(std::move(dial)) {}

  // As node::OtherNodes::SendOnStream.
  void Say(const NodeId& node, const transfer::OnStream& message);
  // A stream of `reader`, behind its greeting; the end of one that it had.
  void Take(const NodeId& reader, std::unique_ptr<ByteStream> bytes);
  // The session with the node has ended.
  void OnNodeGone(const NodeId& node);
  // In each turn of the loop: before the core's turn, which is told what has come and what has
  // ended; and after it.
  void BeforeTurn();
  // True if another turn should follow at once.
  bool AfterTurn();

 private:
  // Chunks that a reader's stream has to send at a time: one that leaves, and the next.
  static constexpr int kSendingMax = 2;

  struct Source {
    StreamNumber stream = 0;
    // Chunks that the thread was told to fetch, and has not reported.
    size_t fetching = 0;
    bool has_ended = false;
  };
  struct Reader {
    StreamNumber stream = 0;
    int sending = 0;
  };

  node::CopyStreams& copies() { return core_->objects().remote().copies().streams(); }
  // Made with the first stream.
  TransferThread& thread();
  // Null if the node cannot be dialled.
  Source* StreamTo(const NodeId& source);
  // The core is told when all that was to be fetched on the stream has ended as well.
  void EndIfOver(const NodeId& node);
  // False if the core has to hear what came of it at once.
  bool SayTo(const NodeId& source, const transfer::AskChunk& ask);
  bool SayTo(const NodeId& source, const transfer::LeaveCopy& leave);
  bool SayTo(const NodeId& reader, const transfer::CopyMissing& missing);
  void SendTo(const NodeId& node, Reader& reader);

  void Hear(const ChunkEnded& report);
  void Hear(const SourceLacks& report);
  void Hear(const ReaderSays& report);
  void Hear(const ChunkSent& report);
  void Hear(const StreamEnded& report);
  // Null if it has been followed by another.
  Reader* ReaderOf(StreamNumber stream);

  EventLoop* const loop_;
  PoolService* const pool_;
  node::NodeCore* const core_;
  const DialNode dial_;
  StreamNumber last_stream_ = 0;
  std::map<NodeId, Source> sources_;
  std::map<NodeId, Reader> readers_;
  // Who is at the other end, of all that have not ended.
  std::unordered_map<StreamNumber, NodeId> nodes_;
  // What the core has said in its turn. It must not hear of what follows before that is over.
  std::vector<std::pair<NodeId, transfer::OnStream>> said_;
  // Those that could not be dialled, of which the core has not been told.
  std::set<NodeId> unreached_;
  // The last member: what its thread does ends first.
  std::unique_ptr<TransferThread> thread_;
};

}  // namespace rayx::daemon
