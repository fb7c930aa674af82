#include "cluster/liveness.h"

#include "cluster/mutation.h"
#include "common/base/limits.h"

namespace rayx::cluster {

void TurnWatch::OnTurn(int64_t now_ms) {
  const bool is_stall = !has_turned_ || now_ms - last_turn_ms_ >= limits::kLoopStallMs;
  if (is_stall && !RAYX_CLUSTER_MUTATION(kIgnoreOwnStall)) awake_since_ms_ = now_ms;
  has_turned_ = true;
  last_turn_ms_ = now_ms;
}

int64_t TurnWatch::NextTurnMs() const { return last_turn_ms_ + limits::kPeerSignMs; }

void Liveness::OnTurn(int64_t now_ms, int64_t awake_since_ms) {
  now_ms_ = now_ms;
  awake_since_ms_ = awake_since_ms;
  if (heard_) heard_ms_ = now_ms;
  if (said_) said_ms_ = now_ms;
  heard_ = false;
  said_ = false;
}

bool Liveness::is_suspect() const { return now_ms_ >= SuspectMs(); }
bool Liveness::is_silent() const { return now_ms_ >= SilentMs(); }
bool Liveness::owes_sign() const { return now_ms_ >= SignMs(); }

int64_t Liveness::SuspectMs() const { return HeardMs() + limits::kPeerSuspectMs; }
int64_t Liveness::SilentMs() const { return HeardMs() + limits::kPeerSilenceMs; }
int64_t Liveness::SignMs() const { return said_ms_ + limits::kPeerSignMs; }

}  // namespace rayx::cluster
