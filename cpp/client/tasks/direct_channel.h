// This process's end of a direct channel: a socket pair between a client and a worker, over which
// the client gives it tasks and gets small results (daemon/latency/lease_service.h says when, and
// why that is in order).
//
//              Open                     Close, or the peer is gone (on_lost)
//   none ──────────────▶ connected ─────────────────────────────────────────▶ none
//                          │   ▲
//                          └───┘ Open: another one takes its place
//
// The leader reads it together with the connection to the node.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "client/link/channel.h"
#include "client/link/node_link.h"
#include "common/base/status.h"
#include "common/os/scoped_fd.h"
#include "common/shm/claim_word.h"

namespace rayx {

class DirectChannel {
 public:
  // Both are called under the link's state lock, and must not send.
  struct Handler {
    // A failure ends the channel.
    std::function<Status(const Frame& frame)> on_frame;
    // The peer has closed it, or it broke. It is not called after Close.
    std::function<void()> on_lost;
  };

  // The link must outlive it, and no thread may wait on the link any more when this is destroyed.
  DirectChannel(NodeLink* link, Handler handler) : link_(link), handler_(std::move(handler)) {}

  // `memory`: the worker's claim memory, in which the node says whether to look for answers and
  // whether it sleeps; `doorbell` wakes it. REQUIRES: the state lock is held.
  void Open(ScopedFd socket, std::shared_ptr<const ClaimWord> memory, ScopedFd doorbell);
  // In a worker: the node has sent its end, in OpenChannel. REQUIRES: the state lock is held.
  Status OnOpenChannel(FrameStream* stream, std::shared_ptr<const ClaimWord> memory);
  // REQUIRES: the state lock is held.
  void Close();

  // False if there is no channel, or if it breaks: frames on it are few and small, so a channel
  // that does not take them at once is broken. on_lost follows then. REQUIRES: the state lock is
  // not held.
  bool Send(uint16_t type, std::span<const uint8_t> payload);

 private:
  NodeLink* const link_;
  const Handler handler_;
  // Protected by the state lock; null: none.
  std::shared_ptr<Channel> channel_;
};

}  // namespace rayx
