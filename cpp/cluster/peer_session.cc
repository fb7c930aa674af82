#include "cluster/peer_session.h"

#include <algorithm>
#include <utility>

#include "cluster/mutation.h"
#include "common/base/limits.h"
#include "common/base/overload.h"

namespace rayx::cluster {

PeerSession::PeerSession(const Names& names, size_t unacknowledged_bytes_max, int64_t now_ms)
    : names_(names),
      unacknowledged_bytes_max_(unacknowledged_bytes_max),
      now_ms_(now_ms),
      liveness_(now_ms),
      dialled_ms_(now_ms),
      dial_ms_(now_ms),
      dial_patience_ms_(limits::kPeerDialMsMin) {
  // Whatever time has passed since the last turn is not the peer's.
  liveness_.OnHeard();
}

// ---- what the node says
// --------------------------------------------------------------------------

void PeerSession::Send(Message message) {
  if (ended_) return;
  if (message.payload.size() > room() && !RAYX_CLUSTER_MUTATION(kNoBound)) {
    return End(EndReason::kBacklog, std::to_string(window_.bytes()) + " bytes");
  }
  window_.Add(std::move(message));
  TellFrames();
}

size_t PeerSession::room() const {
  const size_t taken = window_.bytes() + SendWindow::kFrameBytes;
  return taken < unacknowledged_bytes_max_ ? unacknowledged_bytes_max_ - taken : 0;
}

void PeerSession::End(EndReason reason, std::string detail) {
  if (ended_ && !RAYX_CLUSTER_MUTATION(kEndTwice)) return;
  ended_ = true;
  const bool is_dead = reason == EndReason::kDeclaredDead;
  if (link_ == Link::kUp && reason != EndReason::kEndedByPeer) Say(connection_, Farewell{reason});
  if (connection_ != kNoConnection) Close(connection_);
  if (held_) {
    Say(held_->connection,
        Refusal{is_dead ? RefusalReason::kDeclaredDead : RefusalReason::kSessionEnded,
                names_.session});
    Close(held_->connection);
  }
  link_ = Link::kDown;
  connection_ = kNoConnection;
  held_.reset();
  const bool is_unheard = !window_.was_any_sent() || RAYX_CLUSTER_MUTATION(kClaimUnheard);
  window_.Clear();
  effects_.emplace_back(
      SessionEnded{names_.peer, names_.session, reason, is_unheard, std::move(detail)});
}

// ---- connections
// -----------------------------------------------------------------------------------

void PeerSession::OnDialled(uint64_t attempt, ConnectionId connection) {
  if (ended_ || link_ != Link::kDialling || attempt != attempt_) return Close(connection);
  link_ = Link::kGreeting;
  connection_ = connection;
  Say(connection, Hello{.node = names_.self,
                        .target = names_.peer,
                        .session = names_.session,
                        .attempt = attempt_,
                        .attempt_seen = attempt_seen_,
                        .processed = Processed()});
}

void PeerSession::OnDialFailed(uint64_t attempt, bool is_refused) {
  if (ended_ || link_ != Link::kDialling || attempt != attempt_) return;
  // A process that has said hello a moment ago may be gone as well: then its connection closes, and
  // the next dial is refused.
  const bool is_gone = is_refused && !held_ && !RAYX_CLUSTER_MUTATION(kRefusedIsNothing);
  if (is_gone) return End(EndReason::kGone);
  FailDial();
}

void PeerSession::OnNotice(ConnectionId connection, const Notice& notice) {
  if (ended_) return;
  const bool is_current = connection == connection_;
  if (std::holds_alternative<Hello>(notice)) {
    if (is_current) return End(EndReason::kBreach, "a hello on a connection that had one");
    return OnHello(connection, std::get<Hello>(notice));
  }
  if (!is_current) return;
  liveness_.OnHeard();
  const bool is_greeting = link_ == Link::kGreeting;
  const bool is_answer =
      std::holds_alternative<Welcome>(notice) || std::holds_alternative<Refusal>(notice);
  if (is_answer != is_greeting) return End(EndReason::kBreach, "unexpected: " + TextOf(notice));
  std::visit(Overload{
                 [](const Hello&) {},
                 [this](const Welcome& welcome) { OnWelcome(welcome); },
                 [this](const Refusal& refusal) { OnRefusal(refusal); },
                 [this](const Acknowledgement& told) {
                   if (!RAYX_CLUSTER_MUTATION(kNeverAcknowledge)) OnProcessed(told.processed);
                 },
                 [this](const Farewell& farewell) { OnFarewell(farewell); },
             },
             notice);
}

void PeerSession::OnHello(ConnectionId connection, const Hello& hello) {
  const uint64_t attempt_known = held_ ? held_->hello.attempt : attempt_seen_;
  const bool is_late = hello.attempt <= attempt_known && !RAYX_CLUSTER_MUTATION(kTrustLateHello);
  const bool is_overtaken =
      hello.attempt_seen < attempt_welcomed_ && !RAYX_CLUSTER_MUTATION(kTrustOvertakenHello);
  if (is_late || is_overtaken) return Close(connection);
  liveness_.OnHeard();
  if (held_) Close(held_->connection);
  held_.reset();
  const bool is_preferred = names_.self < names_.peer;
  const bool must_wait = is_preferred && IsDialling() && hello.attempt_seen < attempt_;
  if (must_wait && !RAYX_CLUSTER_MUTATION(kKeepBothDials)) {
    held_ = Held{connection, hello};
    return;
  }
  Accept(connection, hello);
}

void PeerSession::Accept(ConnectionId connection, const Hello& hello) {
  if (connection_ != kNoConnection && !RAYX_CLUSTER_MUTATION(kKeepBothDials)) Close(connection_);
  connection_ = connection;
  link_ = Link::kUp;
  if (hello.attempt_seen > attempt_) return End(EndReason::kBreach, TextOf(hello));
  attempt_seen_ = hello.attempt;
  Say(connection, Welcome{hello.attempt, Processed()});
  GoUp(hello.processed);
}

void PeerSession::OnWelcome(const Welcome& welcome) {
  if (welcome.attempt != attempt_) return End(EndReason::kBreach, TextOf(welcome));
  attempt_welcomed_ = attempt_;
  // The other side has given up whatever it had dialled.
  if (held_) Close(held_->connection);
  held_.reset();
  link_ = Link::kUp;
  GoUp(welcome.processed);
}

void PeerSession::OnRefusal(const Refusal& refusal) {
  switch (refusal.reason) {
    case RefusalReason::kAnotherNode:
      return End(EndReason::kReplaced);
    case RefusalReason::kDeclaredDead:
      effects_.emplace_back(DeclaredDead{});
      return End(EndReason::kSelfDead);
    case RefusalReason::kSessionEnded:
      if (RAYX_CLUSTER_MUTATION(kForgetEnd)) return;
      if (refusal.session_ended < names_.session) return End(EndReason::kBreach, TextOf(refusal));
      return End(EndReason::kEndedByPeer);
  }
}

void PeerSession::OnFarewell(const Farewell& farewell) {
  if (RAYX_CLUSTER_MUTATION(kForgetEnd)) return;
  if (farewell.reason != EndReason::kDeclaredDead) {
    return End(EndReason::kEndedByPeer, std::string(TextOf(farewell.reason)));
  }
  effects_.emplace_back(DeclaredDead{});
  End(EndReason::kSelfDead);
}

void PeerSession::GoUp(uint64_t peer_processed) {
  if (RAYX_CLUSTER_MUTATION(kResendTooEarly)) peer_processed = window_.acknowledged();
  OnProcessed(peer_processed);
  if (ended_) return;
  window_.Rewind();
  frames_told_ = false;
  dial_patience_ms_ = limits::kPeerDialMsMin;
  TellFrames();
}

void PeerSession::GoDown(int64_t dial_ms) {
  link_ = Link::kDown;
  connection_ = kNoConnection;
  dial_ms_ = dial_ms;
  frames_told_ = false;
}

void PeerSession::StartDial() {
  link_ = Link::kDialling;
  dialled_ms_ = now_ms_;
  hold_until_ms_.reset();
  effects_.emplace_back(Dial{names_.peer, ++attempt_});
}

void PeerSession::FailDial() {
  GoDown(now_ms_ + limits::kPeerRedialMs);
  if (!held_ || RAYX_CLUSTER_MUTATION(kForgetHeldHello)) return;
  const Held held = *held_;
  held_.reset();
  Accept(held.connection, held.hello);
}

void PeerSession::OnClosed(ConnectionId connection) {
  if (ended_) return;
  if (held_ && held_->connection == connection) held_.reset();
  if (connection != connection_) return;
  if (link_ == Link::kGreeting) return FailDial();
  // At once, unless the last dial was a moment ago: a peer that takes connections and drops them is
  // not dialled all the time.
  GoDown(dialled_ms_ + limits::kPeerRedialMs);
}

// ---- frames
// ------------------------------------------------------------------------------------------

bool PeerSession::OnFrame(ConnectionId connection, const FrameNumbers& numbers, size_t bytes) {
  if (ended_) return false;
  if (!IsUp(connection) && !RAYX_CLUSTER_MUTATION(kHearOldConnection)) return false;
  liveness_.OnHeard();
  if (numbers.number != processed_ + 1) {
    End(EndReason::kBreach,
        "frame " + std::to_string(numbers.number) + " after " + std::to_string(processed_));
    return false;
  }
  OnProcessed(numbers.processed);
  if (ended_) return false;
  ++processed_;
  untold_bytes_ += bytes;
  return true;
}

void PeerSession::OnBytes(ConnectionId connection) {
  if (connection == connection_) liveness_.OnHeard();
}

void PeerSession::OnProcessed(uint64_t number) {
  if (!window_.Acknowledge(number)) {
    End(EndReason::kBreach,
        "it has processed " + std::to_string(number) + " of " + std::to_string(window_.sent()));
  }
}

std::optional<Frame> PeerSession::NextFrame(ConnectionId connection) {
  if (ended_ || !IsUp(connection)) return std::nullopt;
  const Message* message = window_.Next();
  if (message == nullptr) {
    frames_told_ = false;
    return std::nullopt;
  }
  liveness_.OnSaid();
  told_ = processed_;
  return Frame{{window_.sent(), Processed()}, *message};
}

void PeerSession::TellFrames() {
  if (link_ != Link::kUp || frames_told_ || !window_.has_unsent()) return;
  frames_told_ = true;
  effects_.emplace_back(FramesReady{names_.peer, connection_});
}

uint64_t PeerSession::Processed() const {
  return RAYX_CLUSTER_MUTATION(kAcknowledgeEarly) && processed_ > 0 ? processed_ + 1 : processed_;
}

// ---- time
// --------------------------------------------------------------------------------------------

void PeerSession::OnTurn(int64_t now_ms, int64_t awake_since_ms) {
  now_ms_ = now_ms;
  if (ended_) return;
  liveness_.OnTurn(now_ms, awake_since_ms);
  if (liveness_.is_silent()) return End(EndReason::kSilent);
  if (link_ == Link::kUp && liveness_.is_suspect() && !RAYX_CLUSTER_MUTATION(kNeverSuspect)) {
    Close(connection_);
    GoDown(now_ms);
  }
  if (held_ && !hold_until_ms_) hold_until_ms_ = now_ms + limits::kPeerHoldMs;
  if (IsDialling() && now_ms >= DialDeadlineMs()) {
    if (connection_ != kNoConnection) Close(connection_);
    dial_patience_ms_ = std::min(2 * dial_patience_ms_, limits::kPeerDialMsMax);
    FailDial();
  }
  if (link_ == Link::kDown && now_ms >= dial_ms_) StartDial();
  if (link_ == Link::kUp) SayWhatIsDue();
}

int64_t PeerSession::DialDeadlineMs() const {
  const int64_t patient_until_ms = dialled_ms_ + dial_patience_ms_;
  return held_ ? std::min(patient_until_ms, hold_until_ms_.value_or(patient_until_ms))
               : patient_until_ms;
}

void PeerSession::SayWhatIsDue() {
  const bool owes_acknowledgement = told_ != processed_;
  if (!owes_acknowledgement) {
    acknowledge_ms_.reset();
    untold_bytes_ = 0;
  } else if (!acknowledge_ms_) {
    acknowledge_ms_ = now_ms_ + limits::kPeerAcknowledgeMs;
  }
  const bool is_due = owes_acknowledgement && (untold_bytes_ >= limits::kPeerAcknowledgeBytes ||
                                               now_ms_ >= *acknowledge_ms_);
  const bool owes_sign = liveness_.owes_sign() && !RAYX_CLUSTER_MUTATION(kNoSignOfLife);
  if (!is_due && !owes_sign) return;
  Say(connection_, Acknowledgement{Processed()});
  acknowledge_ms_.reset();
  untold_bytes_ = 0;
}

std::optional<int64_t> PeerSession::NextTickMs() const {
  if (ended_) return std::nullopt;
  int64_t next = liveness_.SilentMs();
  if (link_ == Link::kDown) next = std::min(next, dial_ms_);
  if (IsDialling()) next = std::min(next, DialDeadlineMs());
  if (link_ == Link::kUp) {
    next = std::min({next, liveness_.SuspectMs(), liveness_.SignMs()});
    if (acknowledge_ms_) next = std::min(next, *acknowledge_ms_);
  }
  return next;
}

// ---- the rest
// ------------------------------------------------------------------------------------------

void PeerSession::Close(ConnectionId connection) {
  effects_.emplace_back(CloseConnection{connection});
}

void PeerSession::Say(ConnectionId connection, Notice notice) {
  if (connection == connection_) {
    liveness_.OnSaid();
    told_ = processed_;
  }
  effects_.emplace_back(SendNotice{connection, std::move(notice)});
}

Effects PeerSession::TakeEffects() { return std::exchange(effects_, {}); }

PeerSession::Summary PeerSession::summary() const {
  const bool is_up = link_ == Link::kUp;
  return {.is_ended = ended_,
          .is_up = is_up,
          .connection = is_up ? connection_ : kNoConnection,
          .session = names_.session,
          .processed = processed_,
          .acknowledged = window_.acknowledged(),
          .unacknowledged_bytes = window_.bytes()};
}

std::string PeerSession::Describe() const {
  constexpr const char* kLinks[] = {"down", "dialling", "greeting", "up"};
  const auto number = [](auto value) { return std::to_string(value); };
  if (ended_) return "session " + number(names_.session) + " ended";
  std::string text = "session " + number(names_.session) + " " +
                     kLinks[static_cast<size_t>(link_)] + " on " + connection_.ToString() +
                     ", attempts " + number(attempt_) + "/" + number(attempt_welcomed_) + "/" +
                     number(attempt_seen_);
  if (held_) text += ", " + TextOf(held_->hello) + " waits on " + held_->connection.ToString();
  if (hold_until_ms_) text += " until " + number(*hold_until_ms_ - now_ms_);
  if (IsDialling()) text += ", dial since " + number(now_ms_ - dialled_ms_);
  if (link_ == Link::kDown) text += ", dials in " + number(dial_ms_ - now_ms_);
  text += ", patience " + number(dial_patience_ms_) + ", heard before " +
          number(now_ms_ + limits::kPeerSilenceMs - liveness_.SilentMs());
  if (acknowledge_ms_) text += ", acknowledges in " + number(*acknowledge_ms_ - now_ms_);
  return text + ", processed " + number(processed_) + " told " + number(told_) + ", sent " +
         number(window_.sent()) + " acknowledged " + number(window_.acknowledged()) + ", keeps " +
         number(window_.bytes());
}

}  // namespace rayx::cluster
