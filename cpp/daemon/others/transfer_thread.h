// The thread of a node that moves values: what comes from other nodes, and what goes to them, with
// all that this costs of the processor (encryption, copies). So nothing else waits behind bytes.
//
//   ValueStreams (the node's loop) ──TransferOrder──▶ TransferThread ──▶ SourceStream, ReaderStream
//                                  ◀──TransferReport──
//
// Threads: one of its own, on which the streams are, from the constructor to the destructor. The
// methods are for the thread that made it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/io/event_loop.h"
#include "daemon/others/mailbox.h"
#include "daemon/others/reader_stream.h"
#include "daemon/others/source_stream.h"
#include "daemon/others/transfer_orders.h"
#include "daemon/peers/pool_service.h"

namespace rayx::daemon {

class TransferThread {
 public:
  // `wake`: there are reports; called on the thread. `pool` must outlive it.
  TransferThread(PoolService* pool, std::function<void()> wake);
  // What was ordered and has not been done is not done.
  ~TransferThread();
  TransferThread(const TransferThread&) = delete;
  TransferThread& operator=(const TransferThread&) = delete;

  void Order(TransferOrder order) { orders_.Put(std::move(order)); }
  std::vector<TransferReport> TakeReports() { return reports_.Take(); }

 private:
  bool OnTurn();
  void Do(OpenToSource& order);
  void Do(OpenToReader& order);
  void Do(FetchChunk& order);
  void Do(LeaveValue& order);
  void Do(SendChunk& order);
  void Do(SayMissing& order);
  void Do(CloseStream& order);

  PoolService* const pool_;
  EventLoop loop_;
  Mailbox<TransferReport> reports_;
  Mailbox<TransferOrder> orders_;
  std::atomic<bool> is_ending_ = false;
  // Of the thread alone.
  std::unordered_map<StreamNumber, std::unique_ptr<SourceStream>> sources_;
  std::unordered_map<StreamNumber, std::unique_ptr<ReaderStream>> readers_;
  std::thread thread_;
};

}  // namespace rayx::daemon
