// A session with one other node: frames reach the other side exactly once and in order, whatever
// becomes of connections, or the session ends, which each side is told once.
//
//             Dial             connected            Welcome
//   kDown ───────────▶ kDialling ───────▶ kGreeting ───────▶ kUp ──(closed, suspect)──▶ kDown
//     │                    │ a hello of the other side │       ▲
//     └────────────────────┴───────────────────────────┴───────┘
//   any ──(silent, gone, breach, backlog, refused, …)──▶ ended
//
// Frames are numbered in each direction. Those that the other side has not said to have processed
// are kept. Each side dials when there is no connection; Hello and Welcome tell what each has
// processed, and the rest is sent again. So on each connection the numbers follow each other, and
// anything else is a breach.
//
// Both sides dial at the same time after each cut. The dial of the node with the smaller id is
// preferred: it lets the other's hello wait a moment for what becomes of its own, and the other
// gives its own up when the preferred one arrives. Which hello is late, or has been overtaken by
// another connection, is seen by the attempts in it (wire_values.h).
//
// Made by SessionBook. Time comes with OnTurn only; what happens between two turns happens at the
// later one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cluster/effects.h"
#include "cluster/liveness.h"
#include "cluster/send_window.h"
#include "cluster/wire_values.h"
#include "common/base/ids.h"

namespace rayx::cluster {

class PeerSession {
 public:
  struct Names {
    NodeId self;
    NodeId peer;
    uint64_t session = 0;
  };
  // For people and tests.
  struct Summary {
    bool is_ended = false;
    bool is_up = false;
    ConnectionId connection = kNoConnection;  // if up
    uint64_t session = 0;
    uint64_t processed = 0;     // of the peer's frames
    uint64_t acknowledged = 0;  // of this side's frames
    size_t unacknowledged_bytes = 0;
  };

  PeerSession(const Names& names, size_t unacknowledged_bytes_max, int64_t now_ms);

  // --- what the node says ---
  // Queues a message. One that is larger than room() ends the session; whoever has a choice waits.
  void Send(Message message);
  // How large a message may be now.
  size_t room() const;
  // Tells the other side, if there is a connection. Nothing happens if it has ended.
  void End(EndReason reason, std::string detail = "");

  // --- what the holder of the connections says ---
  void OnDialled(uint64_t attempt, ConnectionId connection);
  // `is_refused`: there is no such process any more.
  void OnDialFailed(uint64_t attempt, bool is_refused);
  // A hello must be one for this session.
  void OnNotice(ConnectionId connection, const Notice& notice);
  // True: it is the next one, and whoever asks processes it before anything else is told to this
  // session. It counts as processed.
  [[nodiscard]] bool OnFrame(ConnectionId connection, const FrameNumbers& numbers, size_t bytes);
  // Some bytes have arrived, of a long frame perhaps.
  void OnBytes(ConnectionId connection);
  void OnClosed(ConnectionId connection);
  // In each turn in which something happened, and when NextTickMs has come. Times as in Liveness.
  void OnTurn(int64_t now_ms, int64_t awake_since_ms);
  std::optional<int64_t> NextTickMs() const;
  // The next one for the connection that FramesReady has named; nothing if there is none.
  std::optional<Frame> NextFrame(ConnectionId connection);
  Effects TakeEffects();

  Summary summary() const;
  // All of its state in a line, times relative to the last turn.
  std::string Describe() const;

 private:
  enum class Link { kDown, kDialling, kGreeting, kUp };
  struct Held {
    ConnectionId connection = kNoConnection;
    Hello hello;
  };

  void OnHello(ConnectionId connection, const Hello& hello);
  void OnWelcome(const Welcome& welcome);
  void OnRefusal(const Refusal& refusal);
  void OnFarewell(const Farewell& farewell);
  void OnProcessed(uint64_t number);
  void Accept(ConnectionId connection, const Hello& hello);
  void GoUp(uint64_t peer_processed);
  void GoDown(int64_t dial_ms);
  void StartDial();
  // The own dial has come to nothing: the hello that has waited is answered.
  void FailDial();
  void Close(ConnectionId connection);
  void Say(ConnectionId connection, Notice notice);
  void TellFrames();
  void SayWhatIsDue();
  // When the own dial is given up. REQUIRES: IsDialling.
  int64_t DialDeadlineMs() const;
  bool IsDialling() const { return link_ == Link::kDialling || link_ == Link::kGreeting; }
  bool IsUp(ConnectionId connection) const {
    return link_ == Link::kUp && connection == connection_;
  }
  // What this side says it has processed.
  uint64_t Processed() const;

  const Names names_;
  const size_t unacknowledged_bytes_max_;
  bool ended_ = false;
  Effects effects_;
  int64_t now_ms_;
  Liveness liveness_;

  // --- the connection ---
  Link link_ = Link::kDown;
  ConnectionId connection_ = kNoConnection;  // kGreeting, kUp
  // The other side's hello, while its fate depends on that of the own dial.
  std::optional<Held> held_;
  std::optional<int64_t> hold_until_ms_;  // while there is one, of the own dial
  uint64_t attempt_ = 0;                  // the own last one
  uint64_t attempt_welcomed_ = 0;         // the own last one that was welcomed
  uint64_t attempt_seen_ = 0;             // the other side's last one that was welcomed
  int64_t dialled_ms_;                    // when the last dial began
  int64_t dial_ms_;                       // kDown: when the next dial begins
  int64_t dial_patience_ms_;
  // FramesReady has been told, and the holder of the connection has not come to the end.
  bool frames_told_ = false;

  // --- the frames ---
  SendWindow window_;
  uint64_t processed_ = 0;  // of the other side
  uint64_t told_ = 0;       // what of it was acknowledged on this connection
  size_t untold_bytes_ = 0;
  std::optional<int64_t> acknowledge_ms_;
};

}  // namespace rayx::cluster
