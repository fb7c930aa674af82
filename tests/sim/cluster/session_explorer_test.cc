// Two nodes and a few frames, in every order in which things can happen.
//
// At each step one of these happens: a packet arrives, a dial gets through, a connection is cut, a
// message is sent, a session is ended by a side, a dialler's packets arrive on another connection
// as well, time passes. Of the last five there are only a few. All states that can be reached are
// visited once; in each that has nothing left to arrive, the rest must come to a good end by
// itself.
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "cluster/example_nodes.h"
#include "cluster/session_book.h"
#include "common/base/limits.h"

namespace rayx::cluster {
namespace {

// How many of each there are.
struct Bounds {
  int messages[2] = {1, 1};
  int cuts = 0;
  int doubles = 0;
  int ends = 0;
  int pauses = 0;
};

struct Closed {};
using Packet = std::variant<Notice, Frame, Closed>;

std::string LineOf(const Packet& packet) {
  if (const auto* notice = std::get_if<Notice>(&packet)) return TextOf(*notice);
  if (const auto* frame = std::get_if<Frame>(&packet)) {
    return "frame " + std::to_string(frame->numbers.number) + "/" +
           std::to_string(frame->numbers.processed);
  }
  return "closed";
}

// ends[0] has dialled. Numbers of connections are 2 * index + end + 1.
struct Wire {
  bool is_open[2] = {true, true};
  bool is_cut = false;
  std::deque<Packet> to[2];
  int dialler = 0;
  size_t doubled_by = 0;  // index + 1
};

class State {
 public:
  explicit State(const Bounds& bounds)
      : left_(bounds), books_{SessionBook({.self = NodeOf(1)}), SessionBook({.self = NodeOf(2)})} {
    for (const int side : {0, 1}) {
      books_[side].OnTurn(0);
      books_[side].Open(NodeOf(static_cast<uint8_t>(2 - side)));
      Turn(side);
    }
  }

  // The states that follow, each by one thing that happens.
  std::vector<State> Next() const {
    std::vector<State> next;
    const auto add = [&](auto happens) {
      State state = *this;
      happens(state);
      next.push_back(std::move(state));
    };
    for (size_t wire = 0; wire < wires_.size(); ++wire) {
      for (const int end : {0, 1}) {
        if (!wires_[wire].to[end].empty()) add([&](State& to) { to.Arrive(wire, end); });
      }
      if (left_.cuts > 0 && !wires_[wire].is_cut) add([&](State& to) { to.Cut(wire); });
      const bool can_double = left_.doubles > 0 && wires_[wire].doubled_by == 0;
      if (can_double && !wires_[wire].to[1].empty()) add([&](State& to) { to.Double(wire); });
    }
    for (const int side : {0, 1}) {
      if (dials_[side]) add([&](State& to) { to.Connect(side); });
      if (left_.messages[side] > 0) add([&](State& to) { to.Send(side); });
    }
    if (left_.ends > 0) add([&](State& to) { to.End(); });
    // As long as nothing else can happen, time passes by itself.
    if (IsQuiet() && !IsUp()) add([&](State& to) { to.Pass(limits::kPeerRedialMs); });
    if (left_.pauses > 0) {
      add([&](State& to) {
        --to.left_.pauses;
        to.Pass(limits::kPeerDialMsMin);
      });
    }
    return next;
  }

  // Nothing is on its way any more.
  bool IsQuiet() const {
    for (const Wire& wire : wires_) {
      if (!wire.to[0].empty() || !wire.to[1].empty()) return false;
    }
    return !dials_[0] && !dials_[1];
  }

  // All that is left happens, in order; then what must be so.
  void ComeToRest() {
    for (const int side : {0, 1}) {
      while (left_.messages[side] > 0) Send(side);
    }
    for (int64_t passed_ms = 0; passed_ms < 4000; passed_ms += 100) {
      while (!IsQuiet()) Go();
      Pass(100);
    }
    while (!IsQuiet()) Go();
    const PeerSession* sessions[2] = {Session(0), Session(1)};
    if ((sessions[0] == nullptr) != (sessions[1] == nullptr)) return Break("ended on one side");
    if (sessions[0] == nullptr) {
      if (left_.ends == bounds_ends_) Break("ended by itself");
      return;
    }
    for (const int side : {0, 1}) {
      const PeerSession::Summary summary = sessions[side]->summary();
      if (!summary.is_up) Break("not connected");
      if (summary.acknowledged != sent_[side]) Break("not acknowledged");
      if (received_[1 - side] != sent_[side]) Break("not arrived");
    }
    size_t open = 0;
    for (const Wire& wire : wires_) {
      open += (wire.is_open[0] ? 1u : 0u) + (wire.is_open[1] ? 1u : 0u);
    }
    if (open != 2) Break("not one connection");
  }

  // All that it is, without how it came to be so.
  std::string Fingerprint() const {
    std::string text;
    for (const int side : {0, 1}) {
      const PeerSession* session = Session(side);
      text += session == nullptr ? "none" : session->Describe();
      text += "; dials " + std::to_string(dials_[side].value_or(0)) + " sent " +
              std::to_string(sent_[side]) + " received " + std::to_string(received_[side]) +
              " left " + std::to_string(left_.messages[side]) + "\n";
    }
    for (const Wire& wire : wires_) {
      text += wire.is_cut ? "cut" : "wire";
      text += std::to_string(wire.dialler) + std::to_string(wire.doubled_by);
      for (const int end : {0, 1}) {
        text += wire.is_open[end] ? "|" : "x";
        for (const Packet& packet : wire.to[end]) text += LineOf(packet) + ",";
      }
    }
    return text + std::to_string(left_.cuts) + std::to_string(left_.doubles) +
           std::to_string(left_.ends) + std::to_string(left_.pauses);
  }

  const std::string& broken() const { return broken_; }
  const std::vector<std::string>& path() const { return path_; }

 private:
  static int SideOf(const Wire& wire, int end) {
    return end == 0 ? wire.dialler : 1 - wire.dialler;
  }
  static ConnectionId NumberOf(size_t wire, int end) {
    return ConnectionId(2 * wire + static_cast<size_t>(end) + 1);
  }
  const PeerSession* Session(int side) const {
    return books_[side].Find(NodeOf(static_cast<uint8_t>(2 - side)));
  }
  bool IsUp() const {
    for (const int side : {0, 1}) {
      if (Session(side) == nullptr || !Session(side)->summary().is_up) return false;
    }
    return true;
  }
  void Break(const std::string& rule) {
    if (broken_.empty()) broken_ = rule;
  }

  // ---- what happens ----

  void Arrive(size_t wire, int end) {
    const Packet packet = wires_[wire].to[end].front();
    path_.push_back("to " + NumberOf(wire, end).ToString() + ": " + LineOf(packet));
    wires_[wire].to[end].pop_front();
    if (!wires_[wire].is_open[end]) return;
    const int side = SideOf(wires_[wire], end);
    SessionBook& book = books_[side];
    if (const auto* notice = std::get_if<Notice>(&packet)) {
      book.OnNotice(NumberOf(wire, end), *notice);
    } else if (const auto* frame = std::get_if<Frame>(&packet)) {
      if (book.OnFrame(NumberOf(wire, end), frame->numbers, 1)) {
        if (frame->message.type != received_[side] + 1) Break("out of order");
        ++received_[side];
      }
    } else {
      wires_[wire].is_open[end] = false;
      book.OnClosed(NumberOf(wire, end));
    }
    Turn(side);
  }

  void Connect(int side) {
    path_.push_back("connected " + std::to_string(side));
    const uint64_t attempt = *dials_[side];
    dials_[side].reset();
    Wire wire;
    wire.dialler = side;
    wires_.push_back(wire);
    books_[side].OnDialEnded({.peer = NodeOf(static_cast<uint8_t>(2 - side)),
                              .attempt = attempt,
                              .connection = NumberOf(wires_.size() - 1, 0)});
    Turn(side);
  }

  void Send(int side) {
    path_.push_back("send " + std::to_string(side));
    --left_.messages[side];
    const auto number = static_cast<uint16_t>(sent_[side] + 1);
    if (books_[side].Send(NodeOf(static_cast<uint8_t>(2 - side)), MessageOf(1, number))) {
      ++sent_[side];
    }
    Turn(side);
  }

  // What is on its way is lost, and both sides will hear so.
  void Cut(size_t wire) {
    path_.push_back("cut " + std::to_string(wire));
    --left_.cuts;
    wires_[wire].is_cut = true;
    for (const int end : {0, 1}) {
      wires_[wire].to[end].clear();
      if (wires_[wire].is_open[end]) wires_[wire].to[end].push_back(Closed{});
    }
  }

  void Double(size_t wire) {
    path_.push_back("double " + std::to_string(wire));
    --left_.doubles;
    Wire copy;
    copy.dialler = wires_[wire].dialler;
    copy.is_open[0] = false;
    copy.to[1] = wires_[wire].to[1];
    copy.doubled_by = wires_.size() + 1;
    wires_.push_back(copy);
    wires_[wire].doubled_by = wires_.size();
  }

  void End() {
    path_.push_back("end");
    --left_.ends;
    books_[0].End(NodeOf(2), EndReason::kLeft);
    Turn(0);
  }

  void Pass(int64_t duration_ms) {
    path_.push_back("pass " + std::to_string(duration_ms));
    now_ms_ += duration_ms;
    for (const int side : {0, 1}) Turn(side);
  }

  void Go() {
    for (size_t wire = 0; wire < wires_.size(); ++wire) {
      for (const int end : {0, 1}) {
        if (!wires_[wire].to[end].empty()) return Arrive(wire, end);
      }
    }
    Connect(dials_[0] ? 0 : 1);
  }

  // ---- what a side does in a turn ----

  void Turn(int side) {
    books_[side].OnTurn(now_ms_);
    for (const Effect& effect : books_[side].TakeEffects()) {
      if (const auto* dial = std::get_if<Dial>(&effect)) dials_[side] = dial->attempt;
      if (const auto* send = std::get_if<SendNotice>(&effect)) Post(send->connection, send->notice);
      if (const auto* close = std::get_if<CloseConnection>(&effect)) Close(close->connection);
      if (const auto* ready = std::get_if<FramesReady>(&effect)) {
        while (auto frame = books_[side].NextFrame(ready->connection)) {
          Post(ready->connection, *frame);
        }
      }
      if (const auto* end = std::get_if<SessionEnded>(&effect)) {
        if (++ended_[side] > 1) Break("ended twice");
        const bool is_right =
            end->reason == EndReason::kLeft || end->reason == EndReason::kEndedByPeer;
        if (!is_right) Break("ended: " + std::string(TextOf(end->reason)) + " " + end->detail);
      }
    }
  }

  void Post(ConnectionId connection, Packet packet) {
    const size_t wire = (connection.value() - 1) / 2;
    const int end = static_cast<int>((connection.value() - 1) % 2);
    if (wires_[wire].is_cut || !wires_[wire].is_open[end]) return;
    const size_t doubled_by = wires_[wire].doubled_by;
    if (end == 0 && doubled_by > 0 && doubled_by != wire + 1) {
      wires_[doubled_by - 1].to[1].push_back(packet);
    }
    if (wires_[wire].is_open[1 - end]) wires_[wire].to[1 - end].push_back(std::move(packet));
  }

  void Close(ConnectionId connection) {
    const size_t wire = (connection.value() - 1) / 2;
    const int end = static_cast<int>((connection.value() - 1) % 2);
    if (wires_[wire].is_open[end]) Post(connection, Closed{});
    wires_[wire].is_open[end] = false;
    wires_[wire].to[end].clear();
  }

  Bounds left_;
  int bounds_ends_ = left_.ends;
  int64_t now_ms_ = 0;
  SessionBook books_[2];
  std::optional<uint64_t> dials_[2];
  std::vector<Wire> wires_;
  uint64_t sent_[2] = {0, 0};
  uint64_t received_[2] = {0, 0};
  int ended_[2] = {0, 0};
  std::string broken_;
  std::vector<std::string> path_;
};

struct Explored {
  size_t states = 0;
  size_t rests = 0;
  std::string broken;
};

std::string StoryOf(const State& state) {
  std::string story = state.broken();
  for (const std::string& step : state.path()) story += "\n  " + step;
  return story;
}

Explored Explore(const Bounds& bounds) {
  Explored explored;
  std::unordered_set<std::string> seen;
  std::vector<State> open = {State(bounds)};
  while (!open.empty()) {
    const State state = std::move(open.back());
    open.pop_back();
    if (!seen.insert(state.Fingerprint()).second) continue;
    ++explored.states;
    if (state.IsQuiet()) {
      State rest = state;
      rest.ComeToRest();
      ++explored.rests;
      if (!rest.broken().empty()) {
        explored.broken = StoryOf(rest);
        return explored;
      }
    }
    for (State& next : state.Next()) {
      if (!next.broken().empty()) {
        explored.broken = StoryOf(next);
        return explored;
      }
      open.push_back(std::move(next));
    }
  }
  return explored;
}

class SessionExplorer : public ::testing::TestWithParam<Bounds> {};

TEST_P(SessionExplorer, EveryOrderComesToAGoodEnd) {
  const Explored explored = Explore(GetParam());
  EXPECT_EQ(explored.broken, "");
  EXPECT_GT(explored.rests, 10u);
  RecordProperty("states", std::to_string(explored.states));
  std::printf("%zu states, %zu of them at rest\n", explored.states, explored.rests);
}

INSTANTIATE_TEST_SUITE_P(
    Bounds, SessionExplorer,
    ::testing::Values(Bounds{.messages = {1, 1}, .cuts = 2}, Bounds{.messages = {2, 1}, .cuts = 1},
                      Bounds{.messages = {1, 0}, .cuts = 3},
                      Bounds{.messages = {1, 0}, .cuts = 1, .pauses = 1},
                      Bounds{.messages = {1, 1}, .cuts = 1, .doubles = 1},
                      Bounds{.messages = {1, 1}, .cuts = 1, .ends = 1}),
    [](const auto& tested) {
      const Bounds& bounds = tested.param;
      return "Messages" + std::to_string(bounds.messages[0]) + std::to_string(bounds.messages[1]) +
             "Cuts" + std::to_string(bounds.cuts) + "Doubles" + std::to_string(bounds.doubles) +
             "Ends" + std::to_string(bounds.ends) + "Pauses" + std::to_string(bounds.pauses);
    });

}  // namespace
}  // namespace rayx::cluster
