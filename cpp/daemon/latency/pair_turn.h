// What a node hears of a pair in one turn: a client and a worker that exchange messages past it,
// and tell it of them later. A turn that heard both and no other peer may be followed by a long
// sleep (pace_policy.h), as their messages can wait.
#pragma once

#include <utility>

namespace rayx::daemon {

// What a turn has heard of the pair.
enum class PairTurn {
  kClosed,  // no pair is open
  kMixed,   // other peers were heard, or none, or only a part of a message of the pair, or the core
            // has more to do
  kAlone,   // whole messages of the pair were heard, and no other peer
};

class PairHeard {
 public:
  void OnPair() { pair_ = true; }
  void OnOther() { other_ = true; }

  // At the end of a turn in which a pair was open. `is_unfinished`: the core has more to do. It
  // does that in a turn which follows at once and hears nothing new, as a rule, so that both count
  // as one: if the first were forgotten, the node would not sleep after turns that had much to do,
  // and each message of the pair would wake it.
  PairTurn End(bool is_unfinished) {
    if (is_unfinished) return PairTurn::kMixed;
    const bool pair = std::exchange(pair_, false);
    const bool other = std::exchange(other_, false);
    return pair && !other ? PairTurn::kAlone : PairTurn::kMixed;
  }
  // At the end of a turn in which none was open.
  void Forget() { pair_ = other_ = false; }

 private:
  bool pair_ = false;
  bool other_ = false;
};

}  // namespace rayx::daemon
