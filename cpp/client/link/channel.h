// One stream of frames that the threads of a process share.
//
// Writing: one thread at a time has the send token and puts its frame on the stream, after what the
// reference queue holds. Reading: the leader (leader_wait.h) takes in what has arrived and hands
// each frame to the handler under the state lock.
//
//            Lose (closed by the peer, broken, or ended here): on_lost, once
//   open ─────────────────────────────────────────────────────────────────▶ lost ──▶ Close
//     │ Drop: as lost, but without on_lost, and what has been read of it is not handed out
//     └────────────────────────────────────────────────────────────────────▶ dropped
//
// A lost channel still hands out what it has read: what the peer said before it went counts.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "client/connection/frame_stream.h"
#include "client/link/reference_queue.h"
#include "client/link/send_token.h"
#include "common/base/status.h"

namespace rayx {

class Channel {
 public:
  // Both are called under the state lock, and must not send.
  struct Handler {
    // A failure loses the channel.
    std::function<Status(FrameStream* stream, const Frame& frame)> on_frame;
    std::function<void(const Status& reason)> on_lost;
  };
  // How soon its peer answers: kAtOnce if it does nothing else meanwhile, so that looking again and
  // again for the answer may pay off (wait_policy.h).
  enum class Answers { kInTime, kAtOnce };

  // `references`: what goes before each frame; null if nothing does. The handler must stay usable
  // until the channel is dropped or no thread reads it any more.
  Channel(std::unique_ptr<FrameStream> stream, std::shared_ptr<ReferenceQueue> references,
          Handler handler, Answers answers);

  Answers answers() const { return answers_; }
  // -1 when closed.
  int fd() const { return stream_->fd(); }

  // --- writing: any thread; all but TryFlush REQUIRE that it does not hold the state lock ---

  // Waits until the stream takes more. A failure ends the attempt to send.
  using WaitForRoom = std::function<Status()>;
  // Puts a frame on the stream, behind the references and all that has been appended. Returns when
  // all is written, or with the failure of `wait_for_room`: then the rest stays queued, in whole
  // frames. Disconnected once the channel is lost.
  Status Send(uint16_t type, std::span<const uint8_t> payload, const WaitForRoom& wait_for_room);
  // Queues a frame for the next thread that writes, if no more than `unsent_bytes_max` are queued
  // then. False, and nothing has happened, otherwise.
  bool Append(uint16_t type, std::span<const uint8_t> payload, size_t unsent_bytes_max);
  // Writes what is queued as far as the socket takes it at once; if a thread is sending, that
  // thread does it. Never waits, not even for a lock, so a destructor that runs in the midst of a
  // Send of this thread may call it.
  void TryFlush();
  size_t unsent_bytes() const { return stream_->unsent_bytes(); }
  // Whether TryFlush has something to write.
  bool HasUnsent() const;

  // --- reading: the leader ---

  // REQUIRES: the state lock is not held.
  Status ReadSome() { return stream_->ReadSome(); }
  // Hands out the frames that have been read. `read`: what ReadSome returned. Not OK if the channel
  // is lost by that. REQUIRES: the state lock is held.
  Status HandleFrames(const Status& read);

  // --- the end ---

  // Ends the channel for this reason; later reasons are ignored. REQUIRES: the state lock is held.
  void Lose(const Status& reason);
  // As the drawing says. The peer notices at once, even if a leader that sleeps keeps the
  // descriptor. REQUIRES: the state lock is held.
  void Drop();
  // Lets the leader find the channel broken. Any thread.
  void Break() { stream_->Shutdown(); }
  // Waits until no thread writes, then gives the descriptor up. REQUIRES: it is lost, no thread
  // reads it now or later, and the state lock is not held.
  void Close();
  // For a forked child, which has the descriptor in common with its parent.
  void CloseInChild() { stream_->Close(); }

 private:
  // REQUIRES: the token is held.
  void QueueReferences();

  const std::unique_ptr<FrameStream> stream_;
  const std::shared_ptr<ReferenceQueue> references_;
  const Handler handler_;
  const Answers answers_;

  SendToken token_;
  // Set before a thread tries for the token, and looked at after a thread has given it back. Both
  // take the token's mutex in between, so one of them sees what the other did: the try succeeds, or
  // the flag is seen.
  std::atomic<bool> flush_wanted_{false};
  // Lost or dropped: nothing is written any more. Set under the state lock and read under the
  // token: a writer that misses it writes to a stream that is being shut down, which does no harm.
  std::atomic<bool> closed_{false};
  // The state lock protects all below.
  bool lost_ = false;
  bool dropped_ = false;
};

}  // namespace rayx
