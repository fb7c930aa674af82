// Frames and descriptors over one Unix socket, for a process that waits with poll(2) instead of a
// loop.
//
// Threads: at most one reads (Wait for reading, ReadSome, Next, TakeFds) and at most one writes
// (Queue, Flush) at a time; the reader and the writer may be different threads. Any thread may call
// Shutdown while the stream is open.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "common/base/status.h"
#include "common/io/frame.h"
#include "common/os/scoped_fd.h"

namespace rayx {

class FrameStream {
 public:
  // A batch of pushed results often has some hundred kilobytes; fewer system calls take it in.
  static constexpr size_t kReadBytes = 256u << 10;

  // Makes the socket non-blocking. `read_bytes`: how much is read at a time, at most.
  explicit FrameStream(ScopedFd socket, size_t read_bytes = kReadBytes);

  struct Readiness {
    bool readable = false;  // or closed by the peer
    bool writable = false;
  };
  // Sleeps until the socket is ready for one of them, or `timeout_ms` are over (negative: without
  // end; both false then). Interrupted if a signal arrives. A PollSet sleeps on several sockets.
  Result<Readiness> Wait(bool read, bool write, int64_t timeout_ms) const;

  // Takes in what has arrived, if anything; invalidates frames returned before. Disconnected when
  // the peer closed.
  Status ReadSome();
  // The next whole frame of what has been read.
  Result<std::optional<Frame>> Next();
  // The descriptors of the oldest frame that has some which were not taken. ProtocolError if their
  // number is not `count`; IoError, saying what to do, if this process had no room for them.
  Result<std::vector<ScopedFd>> TakeFds(size_t count);

  // Appends a frame to what is to be written.
  void Queue(uint16_t type, std::span<const uint8_t> payload);
  // Writes what the socket takes now.
  Status Flush();
  size_t unsent_bytes() const { return unsent_bytes_.load(std::memory_order_relaxed); }
  // Queue, then Flush and wait until all is written. Signals do not interrupt it.
  Status SendAll(uint16_t type, std::span<const uint8_t> payload);

  // Ends the connection for both sides; a thread that waits is woken. The descriptor stays open
  // until Close.
  void Shutdown() const;
  // REQUIRES: no thread reads or writes.
  void Close();
  // -1 when closed.
  int fd() const { return fd_.load(std::memory_order_relaxed); }

 private:
  ScopedFd socket_;
  const size_t read_bytes_;
  // The socket's number, for any thread. Relaxed, since it is only handed to the system.
  std::atomic<int> fd_;
  FrameReader reader_;
  // The descriptors of each frame that had some, as one read brought them; nothing in the place of
  // those that were lost.
  std::deque<std::optional<std::vector<ScopedFd>>> fds_;
  std::vector<uint8_t> unsent_;
  // The first byte of `unsent_` that is not written yet.
  size_t sent_ = 0;
  // How much is not written yet, for any thread. Relaxed: it only says whether a Flush is worth it.
  std::atomic<size_t> unsent_bytes_{0};
};

}  // namespace rayx
