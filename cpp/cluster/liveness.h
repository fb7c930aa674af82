// Whether a peer lives, by what is heard of it, and when to let it hear something.
//
// Silence counts only while this node's own loop turns: after a stall it counts from the stall's
// end. So a node that gets no processor, or was stopped, does not take its own sleep for the
// silence of all others.
#pragma once

#include <cstdint>

namespace rayx::cluster {

// The turns of a node's loop. One a node.
class TurnWatch {
 public:
  // Each turn, after what has arrived was heard and before anybody is judged.
  void OnTurn(int64_t now_ms);
  // The end of the last turn that came so late that this node has missed a sign of life of its own.
  int64_t awake_since_ms() const { return awake_since_ms_; }
  // Who has something to judge turns by then at the latest: else its rest looks like a stall.
  int64_t NextTurnMs() const;

 private:
  bool has_turned_ = false;
  int64_t last_turn_ms_ = 0;
  int64_t awake_since_ms_ = 0;
};

// Of one peer. All times are those of the node's own steady clock.
class Liveness {
 public:
  explicit Liveness(int64_t now_ms) : heard_ms_(now_ms), said_ms_(now_ms) {}

  // Anything arrived from the peer, or is said to it, since the last turn.
  void OnHeard() { heard_ = true; }
  void OnSaid() { said_ = true; }
  void OnTurn(int64_t now_ms, int64_t awake_since_ms);

  // After OnTurn. Silent for so long that the connection is doubtful ...
  bool is_suspect() const;
  // ... or the peer itself is.
  bool is_silent() const;
  // Nothing was said for so long that the peer should be told that this node lives.
  bool owes_sign() const;

  // When one of these becomes true, if nothing is heard or said.
  int64_t SuspectMs() const;
  int64_t SilentMs() const;
  int64_t SignMs() const;

 private:
  int64_t HeardMs() const { return heard_ms_ > awake_since_ms_ ? heard_ms_ : awake_since_ms_; }

  int64_t now_ms_ = 0;
  int64_t heard_ms_;
  int64_t said_ms_;
  int64_t awake_since_ms_ = 0;
  bool heard_ = false;
  bool said_ = false;
};

}  // namespace rayx::cluster
