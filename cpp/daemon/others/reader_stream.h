// One stream on which another node asks for chunks of values, and is sent them from the pool. It
// lives on the transfer thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "common/base/status.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "daemon/others/mailbox.h"
#include "daemon/others/transfer_orders.h"
#include "daemon/peers/pool_service.h"

namespace rayx::daemon {

class ReaderStream {
 public:
  // All must outlive it.
  ReaderStream(StreamNumber number, EventLoop* loop, PoolService* pool,
               Mailbox<TransferReport>* reports, std::unique_ptr<ByteStream> bytes);
  ~ReaderStream();
  ReaderStream(const ReaderStream&) = delete;
  ReaderStream& operator=(const ReaderStream&) = delete;

  void Send(const node::CopyStreams::Chunk& chunk) { to_send_.emplace_back(chunk); }
  void Say(const transfer::CopyMissing& message) { to_send_.emplace_back(message); }
  void Close(const Status& reason) { connection_->Close(reason); }
  // True: it has ended, and has said so. Sets `takes_more` if another turn should follow.
  bool OnTurn(bool* takes_more);

 private:
  void OnFrames();
  // As much as the stream should hold. True if there is more to send.
  bool Fill();
  Status SendSome();

  const StreamNumber number_;
  PoolService* const pool_;
  Mailbox<TransferReport>* const reports_;
  std::deque<std::variant<node::CopyStreams::Chunk, transfer::CopyMissing>> to_send_;
  // The chunk of which a part is sent.
  std::optional<node::CopyStreams::Chunk> sending_;
  std::vector<uint8_t> buffer_;
  bool is_closed_ = false;
  std::unique_ptr<Connection> connection_;
};

}  // namespace rayx::daemon
