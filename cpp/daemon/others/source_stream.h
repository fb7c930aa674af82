// One stream on which chunks of values come from another node, written into the pool as they come.
// It lives on the transfer thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "common/base/status.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "daemon/codecs/copy_codec.h"
#include "daemon/others/mailbox.h"
#include "daemon/others/transfer_orders.h"
#include "daemon/peers/pool_service.h"

namespace rayx::daemon {

class SourceStream {
 public:
  // All must outlive it. `bytes` may still be connecting.
  SourceStream(StreamNumber number, EventLoop* loop, PoolService* pool,
               Mailbox<TransferReport>* reports, std::unique_ptr<ByteStream> bytes);
  ~SourceStream();
  SourceStream(const SourceStream&) = delete;
  SourceStream& operator=(const SourceStream&) = delete;

  void Fetch(const FetchChunk& order);
  void Leave(const ObjectId& id);
  void Close(const Status& reason) { connection_->Close(reason); }
  // True: it has ended, and has said so.
  bool OnTurn();

 private:
  // A chunk that comes.
  struct Coming {
    transfer::ChunkName name;
    // Where it is written from now on; nothing: it is thrown away.
    std::optional<uint64_t> offset;
    uint64_t left = 0;
  };

  void OnFrames();
  Status Hear(const Frame& frame);
  Status OnBegins(const ChunkBegins& begins);
  Status OnBytes(std::span<const uint8_t> bytes);
  void OnMissing(const transfer::CopyMissing& missing);
  // What was asked for of the value, and has not begun to come, will not.
  void EndAsked(const ObjectId& id);
  void Report(const transfer::ChunkName& name, bool is_whole) {
    reports_->Put(ChunkEnded{.source = source_, .name = name, .is_whole = is_whole});
  }

  const StreamNumber number_;
  PoolService* const pool_;
  Mailbox<TransferReport>* const reports_;
  // As the orders name it.
  NodeId source_;
  // Where each goes.
  std::map<transfer::ChunkName, plasma::Extent> asked_;
  std::optional<Coming> coming_;
  bool is_closed_ = false;
  std::unique_ptr<Connection> connection_;
};

}  // namespace rayx::daemon
