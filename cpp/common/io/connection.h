// A framed, buffered, non-blocking peer on the loop.
//
//   open ──(peer closes, broken frame, backlog over the cap, Close)──▶ closed
//
// Frames are queued by Send and written by Flush, once a turn. `on_frames` is called with the
// connection when bytes have arrived: the owner calls NextFrame until it is empty. A turn reads at
// most limits::kPeerReadBytesPerTurn; the rest waits for the next turn. After `on_closed` no other
// callback comes. The owner destroys the connection later, never inside a callback.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "common/io/event_loop.h"
#include "common/io/frame.h"
#include "common/os/scoped_fd.h"

namespace rayx {

class Connection {
 public:
  static constexpr size_t kUntakenFdsMax = 16;

  struct Handlers {
    // At least one whole frame may have arrived.
    std::function<void()> on_frames;
    // The connection is closed, and why. Called once, from the loop, never from inside Send or
    // Flush.
    std::function<void(const Status& reason)> on_closed;
    // A Send or a change of interest made the connection dirty: put it on the list of those to
    // Flush this turn.
    std::function<void()> on_dirty;
  };

  Connection(EventLoop* loop, std::unique_ptr<ByteStream> stream, size_t payload_bytes_max,
             Handlers handlers);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The next frame that has arrived; nothing if none is whole. A broken stream closes the
  // connection. The payload is valid until the next call.
  std::optional<Frame> NextFrame();
  // Descriptors that came with what was read so far, oldest first. Those not taken are closed with
  // the connection, and more than kUntakenFdsMax untaken ones after on_frames close it (a peer that
  // stuffs us with descriptors).
  std::vector<ScopedFd> TakeFds();

  // Queues a frame; nothing happens if closed. Descriptors are sent with its first byte, and owned
  // until then. REQUIRES: payload is not over limits::kFrameBytesMax, and fds not more than
  // kFdsPerReadMax (socket.h), none if the stream does not pass them.
  void Send(uint16_t type, std::span<const uint8_t> payload, std::vector<ScopedFd> fds = {});
  // Writes what the stream takes; waits until it takes more by itself.
  void Flush();
  // Takes in what has arrived by now, as the loop would a moment later.
  void ReadNow();
  // The last turn took only a part of what had arrived, or a part of a frame: more is coming.
  bool expects_more() const;
  // Bytes queued and not yet written.
  size_t backlog_bytes() const;
  // Stops reading (back-pressure) or goes on.
  void PauseReading(bool pause);
  void set_payload_bytes_max(size_t bytes);

  // Closes after what is queued has been written as far as it goes at once. on_closed follows from
  // the loop.
  void Close(Status reason);
  bool closed() const;
  int fd() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rayx
