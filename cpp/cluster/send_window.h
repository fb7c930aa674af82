// The frames of one direction of a session, from Add until the other side has processed them.
//
//    acknowledged │ kept: may be needed again │ kept: to be sent on this connection
//   ──────────────┼───────────────────────────┼─────────────────────────────────────▶ numbers
//                 │ first                     │ next to send                 last
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "cluster/wire_values.h"

namespace rayx::cluster {

class SendWindow {
 public:
  // What a frame counts beside its payload, so that many empty ones are bounded, too; about what
  // it costs.
  static constexpr size_t kFrameBytes = 64;

  // The next number is the message's.
  void Add(Message message);
  // The next frame to be sent; null if there is none. Valid until the next call of any method but
  // this class's questions.
  const Message* Next();
  // The number of what Next returned last, or last time; 0 before the first.
  uint64_t sent() const { return next_ - 1; }

  // The other side has processed all up to this number. False, and nothing is done, if it cannot
  // have: it was told less (or said more before).
  bool Acknowledge(uint64_t number);
  // A new connection: what was not acknowledged is to be sent again.
  void Rewind();
  // All of it is of no use any more.
  void Clear();

  bool has_unsent() const { return next_ < first_ + kept_.size(); }
  uint64_t acknowledged() const { return first_ - 1; }
  // Some was given to a connection, so the other side may have heard it.
  bool was_any_sent() const { return sent_max_ > 0; }
  // Of what is kept.
  size_t bytes() const { return bytes_; }

 private:
  std::deque<Message> kept_;
  uint64_t first_ = 1;  // number of the first that is kept, or would be
  uint64_t next_ = 1;
  // The highest number that was ever sent.
  uint64_t sent_max_ = 0;
  size_t bytes_ = 0;
};

}  // namespace rayx::cluster
