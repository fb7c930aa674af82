#include "sim/transfer/transfer_simulation.h"

#include <algorithm>

#include "sim/transfer/world.h"

namespace rayx::transfer_sim {
namespace {

constexpr int64_t kStepMs = 10;
// Faults end then, and all must be over so much later.
constexpr int64_t kFaultsMs = 1500;
constexpr int64_t kRestMs = 60'000;
// What tasks and values may take of a pool, so that each task fits beside the values.
constexpr uint64_t kMadeBytesMax = 100;
constexpr uint64_t kTaskBytesMax = 180;

class Life {
 public:
  explicit Life(const Options& options) : world_(options.seed, options.trace_lines) {
    cut_one_in_ = 1 + world_.dice().Below(40);
    tasks_one_in_ = 1 + world_.dice().Below(6);
    broadcasts_one_in_ = 2 + world_.dice().Below(40);
    // Few values that are lost and made anew again and again, or many.
    values_ = 1 + world_.dice().Below(8);
    makes_one_in_ = 2 + world_.dice().Below(20);
    evicts_one_in_ = 1 + world_.dice().Below(12);
    world_.streams().set_slowness(1 + world_.dice().Below(8),
                                  1 + world_.dice().Below(world_.dice().OneIn(3) ? 20 : 3));
    has_deaths_ = world_.dice().OneIn(2);
  }

  Report Run(const Options& options) {
    Go();
    while (world_.broken().empty() && world_.now_ms() < kFaultsMs + kRestMs && world_.Step()) {
    }
    if (world_.broken().empty()) CheckRest();
    const sim::Trace& trace = world_.trace();
    return {.seed = options.seed,
            .broken = world_.broken(),
            .trace_hash = trace.hash(),
            .events = world_.events,
            .simulated_ms = world_.now_ms(),
            .ended = world_.ended,
            .failed = world_.failed,
            .chunks = world_.chunks,
            .from_parts = world_.from_parts,
            .cuts = cuts_,
            .deaths = deaths_,
            .trace = {trace.lines().begin(), trace.lines().end()}};
  }

 private:
  void Go() {
    if (world_.now_ms() >= kFaultsMs) return world_.BeCalm();
    if (world_.dice().OneIn(makes_one_in_)) MakeOne();
    if (world_.dice().OneIn(tasks_one_in_)) BeginOne(AnyNode());
    if (world_.dice().OneIn(broadcasts_one_in_)) {
      for (size_t node = 0; node < world_.nodes().size(); ++node) BeginOne(node);
    }
    if (world_.dice().OneIn(cut_one_in_) && world_.streams().CutOne()) ++cuts_;
    if (world_.dice().OneIn(15)) CancelOne();
    if (world_.dice().OneIn(evicts_one_in_)) EvictOne();
    if (has_deaths_ && world_.dice().OneIn(60)) KillOne();
    world_.Later(kStepMs, [this] { Go(); });
  }

  void MakeOne() {
    const bool is_anew = made_.size() >= values_ || (!made_.empty() && world_.dice().OneIn(2));
    if (is_anew) {
      const ObjectId id = world_.dice().Of(made_);
      // As a rule only what nobody has.
      if (world_.dice().OneIn(4) || world_.directory().WholeCopies(id).empty()) MakeAnew(id);
      return;
    }
    ObjectId id;
    id.mutable_data()[0] = static_cast<uint8_t>(made_.size() + 1);
    made_.push_back(id);
    Make(AnyNode(), id, AnySize());
  }

  // As by another attempt of its task.
  void MakeAnew(const ObjectId& id) {
    const size_t node = AnyNode();
    const Node& maker = world_.nodes()[node];
    if (maker.pool->has(id) || maker.transfers->pulls().IsPulling(id)) return;
    const auto former = world_.made().find(id);
    if (world_.IsNeededAt(node, id) || former == world_.made().end()) return;
    // What a task makes again is of the same size, as a rule.
    Make(node, id, world_.dice().OneIn(4) ? AnySize() : former->second.size_bytes);
  }

  void Make(size_t node, const ObjectId& id, uint64_t size) {
    const Node& maker = world_.nodes()[node];
    if (!maker.is_alive || maker.pool->primary_bytes() + size > kMadeBytesMax) return;
    world_.MakeValue(node, id, ++last_version_, size);
  }

  size_t AnyNode() { return world_.dice().Below(world_.nodes().size()); }
  uint64_t AnySize() {
    return 1 + world_.dice().Below(world_.dice().OneIn(3) ? kMadeBytesMax : 20);
  }

  void BeginOne(size_t node) {
    if (!world_.nodes()[node].is_alive || world_.made().empty()) return;
    std::vector<ObjectId> known;
    for (const auto& [id, made] : world_.made()) known.push_back(id);
    // Now and then everybody wants the same.
    std::vector<ObjectId> inputs = {world_.dice().OneIn(2) ? known[0] : world_.dice().Of(known)};
    uint64_t bytes = world_.made().at(inputs[0]).size_bytes;
    for (size_t more = world_.dice().Below(5); more > 0; --more) {
      const ObjectId id = world_.dice().Of(known);
      if (std::ranges::find(inputs, id) != inputs.end()) continue;
      bytes += world_.made().at(id).size_bytes;
      if (bytes > kTaskBytesMax) break;
      inputs.push_back(id);
    }
    const transfer::Rank rank = {.urgency = static_cast<uint32_t>(world_.dice().Below(3)),
                                 .number = ++last_bundle_};
    world_.Begin(node, last_bundle_, rank, inputs);
  }

  void CancelOne() {
    const size_t node = AnyNode();
    const auto& tasks = world_.nodes()[node].tasks;
    if (!tasks.empty()) world_.Cancel(node, tasks.rbegin()->first);
  }

  void EvictOne() {
    if (made_.empty()) return;
    const size_t node = AnyNode();
    const ObjectId id = world_.dice().Of(made_);
    if (!world_.nodes()[node].is_alive || !world_.nodes()[node].pool->IsIdle(id)) return;
    world_.EvictIdle(node, id);
    // Others make what is lost while some still have parts of what it was.
    if (!world_.dice().OneIn(3)) return;
    world_.Later(static_cast<int64_t>(world_.dice().Below(20)), [this, id] { MakeAnew(id); });
  }

  // Not the home.
  void KillOne() {
    const size_t node = AnyNode();
    if (node == 0 || !world_.nodes()[node].is_alive) return;
    ++deaths_;
    world_.Kill(node);
  }

  void CheckRest() {
    for (Node& node : world_.nodes()) {
      if (!node.is_alive) continue;
      const std::string who = "node " + std::to_string(node.id.data()[0] - 1);
      if (!node.tasks.empty()) {
        return world_.Break(who +
                            ": a task waits for ever: " + node.transfers->pulls().DebugText());
      }
      if (!node.transfers->pulls().empty()) return world_.Break(who + " pulls what nobody needs");
      if (!node.transfers->serves().empty()) return world_.Break(who + " serves nobody any more");
      if (!node.transfers->empty()) return world_.Break(who + " keeps a room");
      const std::string left = node.pool->Leftovers();
      if (!left.empty()) return world_.Break(who + ": " + left);
    }
    if (world_.now_ms() >= kFaultsMs + kRestMs) world_.Break("it never comes to rest");
    for (const ObjectId& id : made_) world_.directory().Forget(id);
    if (world_.directory().size() > 0) world_.Break("the directory knows what was never made");
  }

  World world_;
  std::vector<ObjectId> made_;
  size_t cut_one_in_ = 0;
  size_t tasks_one_in_ = 0;
  size_t broadcasts_one_in_ = 0;
  size_t values_ = 0;
  size_t makes_one_in_ = 0;
  size_t evicts_one_in_ = 0;
  bool has_deaths_ = false;
  transfer::Version last_version_ = 0;
  transfer::BundleId last_bundle_ = 0;
  uint64_t cuts_ = 0;
  uint64_t deaths_ = 0;
};

}  // namespace

Report Simulate(const Options& options) { return Life(options).Run(options); }

std::string TextOf(const Report& report) {
  std::string text;
  for (const std::string& line : report.trace) text += line + "\n";
  text += "seed " + std::to_string(report.seed) + ": " + std::to_string(report.events) +
          " events in " + std::to_string(report.simulated_ms) + " ms, " +
          std::to_string(report.ended) + " tasks ended, " + std::to_string(report.failed) +
          " told of a loss, " + std::to_string(report.chunks) + " chunks of which " +
          std::to_string(report.from_parts) + " from parts, " + std::to_string(report.cuts) +
          " cuts, " + std::to_string(report.deaths) + " deaths\n";
  if (report.broken.empty()) return text;
  return text + "BROKEN: " + report.broken + "\nagain: transfer_simulation --trace 100 --seed " +
         std::to_string(report.seed) + "\n";
}

}  // namespace rayx::transfer_sim
