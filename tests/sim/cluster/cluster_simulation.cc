#include "sim/cluster/cluster_simulation.h"

#include <algorithm>

#include "cluster/wire_values.h"
#include "sim/cluster/world.h"

namespace rayx::cluster_sim {
namespace {

using Kind = Conditions::Kind;

constexpr int64_t kJoinMs = 1500;
// The longest that a session bears, and what a gentle world leaves it to recover.
constexpr int64_t kPauseMs = 3000;
constexpr int64_t kCalmMs = 8000;
// Deaths are noticed by then: a process, a machine.
constexpr int64_t kNoticeKillMs = 1000;
constexpr int64_t kNoticeSilenceMs = 6500;
// After everything is well, until it has come to rest.
constexpr int64_t kRestMs = 16000;

class Faults {
 public:
  explicit Faults(World* world) : world_(*world), dice_(world->dice()) {}

  // One more; how long to wait for the next one.
  int64_t Next() {
    switch (world_.conditions().kind) {
      case Kind::kCuts:
        return Cut();
      case Kind::kPauses:
        return Pause(kPauseMs) + kCalmMs;
      case Kind::kStorm:
        return Storm();
    }
    return 0;
  }

 private:
  int64_t Below(int64_t end) { return static_cast<int64_t>(dice_.Below(static_cast<size_t>(end))); }
  size_t Place() { return dice_.Below(world_.processes().size()); }

  int64_t Cut() {
    if (dice_.OneIn(10)) Kill(true);
    for (size_t count = 1 + dice_.Below(3); count > 0; --count) {
      world_.network().CutOne(world_.conditions().has_half_open && dice_.OneIn(3));
    }
    return Below(1500);
  }

  // Of one kind, for at most so long.
  int64_t Pause(int64_t limit_ms) {
    const int64_t pause_ms = 1 + Below(limit_ms);
    const int64_t until_ms = world_.now_ms() + pause_ms;
    const size_t one = Place();
    const size_t other =
        (one + 1 + dice_.Below(world_.processes().size() - 1)) % world_.processes().size();
    switch (dice_.Below(6)) {
      case 0:
        world_.Block(one, other, until_ms);
        world_.Block(other, one, until_ms);
        return pause_ms;
      case 1:
        world_.Block(one, other, until_ms);
        return pause_ms;
      case 2:
        world_.Freeze(one, until_ms);
        return pause_ms;
      case 3: {
        // All of them, as on a machine that is suspended: however long, nobody is to blame.
        const int64_t long_ms = 1 + Below(20000);
        for (size_t place = 0; place < world_.processes().size(); ++place) {
          world_.Freeze(place, world_.now_ms() + long_ms + Below(20));
        }
        return long_ms;
      }
      case 4:
        Kill(true);
        return kNoticeKillMs;
      default:
        Kill(false);
        return kNoticeSilenceMs;
    }
  }

  void Kill(bool has_reset) {
    const size_t place = Place();
    if (!world_.processes()[place].is_running) return;
    const NodeId id = world_.processes()[place].id;
    world_.Kill(place, has_reset);
    if (world_.conditions().kind == Kind::kPauses) {
      ExpectNoticed(id, world_.now_ms() + (has_reset ? kNoticeKillMs : kNoticeSilenceMs));
    }
    world_.network().At(world_.now_ms() + Below(8000), [this, place] {
      if (!world_.processes()[place].is_running) world_.Start(place);
    });
  }

  // The sessions that others have with it now have ended by then.
  void ExpectNoticed(const NodeId& id, int64_t at_ms) {
    for (const Process& process : world_.processes()) {
      if (!process.is_running) continue;
      const cluster::PeerSession* session = process.book->Find(id);
      if (session == nullptr) continue;
      world_.network().At(at_ms,
                          [this, self = process.id, id, number = session->summary().session] {
                            const bool has_ended = world_.ledger().Of(self, id, number).has_ended;
                            if (!has_ended && !world_.IsGone(self))
                              world_.Break("a death is not noticed in time");
                          });
    }
  }

  int64_t Storm() {
    switch (dice_.Below(4)) {
      case 0:
        return Cut();
      case 1:
        return Leave();
      case 2:
        Pause(kPauseMs);
        return Below(4000);
      default:
        Pause(25000);
        return Below(9000);
    }
  }

  // A node has enough of another one.
  int64_t Leave() {
    Process& process = world_.processes()[Place()];
    const Process& other = world_.processes()[Place()];
    if (process.is_running && process.id != other.id) {
      process.book->End(other.id, cluster::EndReason::kLeft);
      world_.Wake(process.place, world_.now_ms());
    }
    return Below(2000);
  }

  World& world_;
  sim::Dice& dice_;
};

class Life {
 public:
  explicit Life(const Options& options) : world_(options), faults_(&world_) {}

  Report Run() {
    Pass(kJoinMs);
    for (size_t i = 0; i < world_.conditions().faults && IsWhole(); ++i) Pass(faults_.Next());
    world_.Heal();
    Pass(kRestMs);
    // Whoever can communicate, does.
    for (Process& process : world_.processes()) {
      for (const Process& other : world_.processes()) {
        if (process.id != other.id) world_.Say(process, other.id, kWork);
      }
      world_.Wake(process.place, world_.now_ms());
    }
    Pass(kRestMs / 4);
    if (IsWhole()) CheckRest();
    return MakeReport();
  }

 private:
  bool IsWhole() const { return world_.broken().empty(); }

  void Pass(int64_t duration_ms) {
    const int64_t until_ms = world_.now_ms() + duration_ms;
    while (IsWhole() && world_.network().Step(until_ms)) ++events_;
  }

  void CheckRest() {
    std::map<std::pair<size_t, size_t>, size_t> expected;
    for (const Process& process : world_.processes()) {
      if (process.member && process.member->state() != cluster::Member::State::kMember) {
        world_.Break("a node is not a member");
      }
      if (process.member && !world_.processes()[0].membership->IsMember(process.id)) {
        world_.Break("the head does not know a member");
      }
      for (const Process& other : world_.processes()) {
        if (process.id == other.id) continue;
        CheckPair(process, other);
        const bool is_live = process.book->Find(other.id) != nullptr;
        if (is_live && process.place < other.place) expected[{process.place, other.place}] = 2;
      }
    }
    if (world_.network().OpenConnections() != expected) {
      world_.Break("two nodes have not one connection");
    }
  }

  void CheckPair(const Process& process, const Process& other) {
    const std::string pair = std::to_string(process.place) + " and " + std::to_string(other.place);
    const cluster::PeerSession* session = process.book->Find(other.id);
    const cluster::PeerSession* theirs = other.book->Find(process.id);
    const bool may_be_none = world_.conditions().is_lazy && process.place > 0 && other.place > 0;
    if (may_be_none && session == nullptr && theirs == nullptr) return;
    if (session == nullptr || theirs == nullptr) return world_.Break("no session of " + pair);
    const cluster::PeerSession::Summary summary = session->summary();
    if (!summary.is_up || summary.session != theirs->summary().session) {
      return world_.Break("no common session of " + pair);
    }
    const Ledger::Side sent = world_.ledger().Of(process.id, other.id, summary.session);
    const Ledger::Side received = world_.ledger().Of(other.id, process.id, summary.session);
    if (sent.sent == 0) world_.Break("nothing was sent between " + pair);
    if (received.received != sent.sent) world_.Break("not all has arrived between " + pair);
    if (summary.acknowledged != sent.sent || summary.unacknowledged_bytes != 0) {
      world_.Break("not all is acknowledged between " + pair);
    }
  }

  Report MakeReport() {
    Report report{.broken = world_.broken(),
                  .trace_hash = world_.trace().hash(),
                  .events = events_,
                  .simulated_ms = world_.now_ms(),
                  .sessions = world_.ledger().sessions(),
                  .frames = world_.ledger().received(),
                  .ended = {},
                  .trace = {world_.trace().lines().begin(), world_.trace().lines().end()}};
    for (size_t i = 0; i < cluster::kEndReasons; ++i) {
      report.ended.push_back(world_.ended(static_cast<cluster::EndReason>(i)));
    }
    return report;
  }

  World world_;
  Faults faults_;
  uint64_t events_ = 0;
};

}  // namespace

Report Simulate(const Options& options) {
  Report report = Life(options).Run();
  report.seed = options.seed;
  return report;
}

std::string TextOf(const Report& report) {
  std::string text = "seed " + std::to_string(report.seed) + ": " + std::to_string(report.events) +
                     " events in " + std::to_string(report.simulated_ms) + " ms, " +
                     std::to_string(report.sessions) + " sessions, " +
                     std::to_string(report.frames) + " frames, trace " +
                     std::to_string(report.trace_hash) + "\n";
  for (const std::string& line : report.trace) text += "  " + line + "\n";
  for (size_t i = 0; i < report.ended.size(); ++i) {
    if (report.ended[i] == 0) continue;
    text += "  ended, " + std::string(TextOf(static_cast<cluster::EndReason>(i))) + ": " +
            std::to_string(report.ended[i]) + "\n";
  }
  if (!report.broken.empty()) {
    text += "BROKEN: " + report.broken + "\nagain: cluster_simulation --seed " +
            std::to_string(report.seed) + " --trace 100\n";
  }
  return text;
}

}  // namespace rayx::cluster_sim
