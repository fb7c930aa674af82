#include "sim/nodes/tasks_world.h"

#include <algorithm>
#include <optional>

#include "plasma/kept_objects.h"
#include "scheduler/actors_elsewhere.h"
#include "scheduler/spreading.h"
#include "sim/program.h"
#include "sim/rest.h"
#include "testing/task_builder.h"

namespace rayx::sim {
namespace {

constexpr size_t kNodesStepsMax = 400'000;
constexpr int64_t kRestMs = 60'000;

NodeId NodeIdOf(size_t node) { return testing::NumberedId<NodeId>(node + 1); }

}  // namespace

class TasksWorld::Link final : public node::OtherNodes {
 public:
  Link(TasksWorld* all, size_t node) : all_(all), node_(node) {}

  NodeId self() const override { return NodeIdOf(node_); }
  void Send(ClientId session, node::remote::Message message) override {
    Side* side = Open(session);
    if (side != nullptr) side->messages.push_back(std::move(message));
  }
  bool HasRoom(ClientId session) const override {
    const Side* side = Open(session);
    return side == nullptr || side->messages.size() < all_->room_;
  }
  void SendOnStream(const NodeId& node, const transfer::OnStream& message) override {
    all_->bulk_.Send(node_, testing::NumberOf(node) - 1, message);
  }
  bool HasOthers() const override { return true; }
  bool ShouldOffer(const TaskSpec& spec) override {
    const bool is_offered = all_->common_.dice.OneIn(2);
    // What a guest forwards.
    const uint64_t driver = testing::NumberOf(spec.driver);
    if (is_offered && !all_->nodes_[node_].world->IsHomeOf(driver)) ++all_->report_.forwarded;
    return is_offered;
  }
  void Offer(const node::TaskOffer& offer) override {
    Withdraw(offer.task, 0);
    all_->offers_.push_back({node_, offer.task, offer.attempt, offer.demand});
  }
  void Withdraw(const TaskId& task, uint32_t) override {
    std::erase_if(all_->offers_, [&](const auto& one) { return one.task == task; });
  }

 private:
  Side* Open(ClientId session) const {
    for (auto& [ends, side] : all_->sides_) {
      if (ends.first == node_ && side.session == session && side.is_open) return &side;
    }
    return nullptr;
  }

  TasksWorld* const all_;
  const size_t node_;
};

TasksWorld::TasksWorld(const NodesOptions& options)
    : common_({.seed = options.seed, .tasks = options.tasks, .trace_lines = options.trace_lines}) {
  Dice& dice = common_.dice;
  const size_t count = 2 + dice.Below(3);
  nodes_.resize(count);
  uint64_t drivers = 0;
  for (size_t node = 0; node < count; ++node) {
    nodes_[node].link = std::make_unique<Link>(this, node);
    nodes_[node].world = std::make_unique<World>(
        &common_, Programs{.can_step = CanStep, .step = StepActivity, .begin = BeginTask},
        options.seed * 8 + node, nodes_[node].link.get());
  }
  for (size_t a = 0; a < count; ++a) {
    for (size_t b = a + 1; b < count; ++b) Connect(a, b);
  }
  for (size_t node = 0; node < count; ++node) {
    for (size_t i = node == 0 ? 1 : dice.Below(2); i > 0; --i) {
      nodes_[node].world->AddDriver(++drivers);
    }
  }
  if (dice.OneIn(3)) crashes_left_ = 1 + dice.Below(count - 1);
  if (dice.OneIn(4)) cuts_left_ = 1 + dice.Below(3);
  if (dice.OneIn(3)) stream_cuts_left_ = 1 + dice.Below(5);
  if (dice.OneIn(3)) drains_left_ = 1 + dice.Below(count - 1);
  harm_in_ = drains_left_ > 0 ? 50 + dice.Below(800) : 200 + dice.Below(3000);
  if (dice.OneIn(3)) room_ = 1 + dice.Below(4);
}

TasksWorld::~TasksWorld() = default;

node::NodeCore& TasksWorld::CoreOf(size_t node) { return nodes_[node].world->core(); }
std::map<uint64_t, std::string>& TasksWorld::PoolOf(size_t node) {
  return nodes_[node].world->pool();
}
NodeId TasksWorld::IdOf(size_t node) const { return NodeIdOf(node); }
void TasksWorld::Break(const std::string& rule) {
  if (common_.broken.empty()) common_.broken = rule;
}

void TasksWorld::Connect(size_t a, size_t b) {
  const uint64_t number = ++last_session_;
  for (const auto& [node, other] : {std::pair(a, b), std::pair(b, a)}) {
    Side& side = SideOf(node, other);
    side.messages.clear();
    side.heard = 0;
    side.session = ++common_.last_client;
    side.number = number;
    side.is_open = true;
    nodes_[node].world->core().tasks().remote().OnSessionBegun(side.session, NodeIdOf(other));
  }
}

void TasksWorld::Gather(std::vector<World::Chance>* chances) {
  for (size_t node = 0; node < nodes_.size(); ++node) {
    if (!nodes_[node].is_alive) continue;
    nodes_[node].world->Gather(chances);
    for (size_t other = 0; other < nodes_.size(); ++other) {
      if (other != node) GatherBetween(node, other, chances);
    }
    if (IsDrained(node)) chances->push_back([this, node] { Leave(node); });
    if (scheduler::Spreading(&nodes_[node].world->core().scheduler()).Surplus() > 0) {
      chances->push_back([this, node] { GiveAway(node); });
    }
  }
  for (size_t i = 0; i < offers_.size(); ++i) {
    chances->push_back([this, i] { Place(i); });
  }
  for (const BulkStreams::Arrival& arrival : bulk_.Arrivals()) {
    chances->push_back([this, arrival] {
      common_.trace.Note(common_.now_ms, arrival.text);
      nodes_[arrival.node].world->Touch();
      arrival.happens();
    });
  }
}

void TasksWorld::GatherBetween(size_t node, size_t other, std::vector<World::Chance>* chances) {
  Side& mine = SideOf(node, other);
  Side& theirs = SideOf(other, node);
  if (mine.is_open && theirs.number == mine.number && !theirs.messages.empty()) {
    for (int i = 0; i < 2; ++i) chances->push_back([this, node, other] { Hear(node, other); });
  }
  const bool is_other_gone = !theirs.is_open || !nodes_[other].is_alive;
  if (mine.is_open && is_other_gone) {
    chances->push_back([this, node, other] { EndSession(node, other); });
  }
  if (!mine.is_open && is_other_gone && nodes_[other].is_alive && node < other) {
    chances->push_back([this, node, other] { Connect(node, other); });
  }
}

void TasksWorld::GatherHarm(std::vector<World::Chance>* chances) {
  for (size_t node = 0; node < nodes_.size(); ++node) {
    if (!nodes_[node].is_alive) continue;
    // One is left.
    if (crashes_left_ > 0) chances->push_back([this, node] { Crash(node); });
    if (drains_left_ > 0) chances->push_back([this, node] { Drain(node); });
    for (size_t other = 0; other < nodes_.size() && cuts_left_ > 0; ++other) {
      if (other == node || !SideOf(node, other).is_open) continue;
      chances->push_back([this, node, other] {
        --cuts_left_;
        ++report_.cuts;
        EndSession(node, other);
      });
    }
  }
  if (stream_cuts_left_ == 0) return;
  for (const auto& [puller, source] : bulk_.Open()) {
    chances->push_back([this, puller = puller, source = source] {
      --stream_cuts_left_;
      bulk_.Cut(puller, source);
    });
  }
}

void TasksWorld::ComeToRest(bool with_harm) {
  for (size_t steps = 0; common_.broken.empty(); ++steps) {
    if (steps > kNodesStepsMax) {
      common_.broken = "it does not come to rest";
      return;
    }
    std::vector<World::Chance> chances;
    if (with_harm && harm_in_ > 0 && --harm_in_ == 0) {
      GatherHarm(&chances);
      if (crashes_left_ + cuts_left_ + stream_cuts_left_ + drains_left_ > 0)
        harm_in_ = 1 + common_.dice.Below(1000);
    }
    if (chances.empty()) Gather(&chances);
    if (!chances.empty()) {
      common_.dice.Of(chances)();
    } else if (!Pass()) {
      return;
    }
  }
}

bool TasksWorld::Pass() {
  std::optional<int64_t> next;
  for (const Node& node : nodes_) {
    if (!node.is_alive) continue;
    const std::optional<int64_t> its = node.world->core().NextTickMs();
    if (its && (!next || *its < *next)) next = its;
  }
  if (!next || *next > common_.now_ms + kRestMs) return false;
  common_.now_ms = std::max(common_.now_ms + 1, *next);
  for (const Node& node : nodes_) {
    if (node.is_alive) node.world->Tick();
  }
  return true;
}

void TasksWorld::GiveAway(size_t node) {
  World& world = *nodes_[node].world;
  world.Touch();
  if (world.core().tasks().remote().spread().GiveAway(1 + common_.dice.Below(3)))
    ++report_.given_away;
}

void TasksWorld::Place(size_t index) {
  const Offer offer = offers_[index];
  offers_.erase(offers_.begin() + static_cast<std::ptrdiff_t>(index));
  if (!nodes_[offer.home].is_alive) return;
  World& home = *nodes_[offer.home].world;
  home.Touch();
  std::vector<size_t> feasible;
  for (size_t node = 0; node < nodes_.size(); ++node) {
    const bool is_there = node == offer.home || SideOf(offer.home, node).is_open;
    // Whoever places may not have heard that it is drained.
    const bool takes = !nodes_[node].is_draining || node == offer.home || common_.dice.OneIn(8);
    if (nodes_[node].is_alive && is_there && takes &&
        nodes_[node].world->total().Covers(offer.demand)) {
      feasible.push_back(node);
    }
  }
  node::RemoteTasks& remote = home.core().tasks().remote();
  if (feasible.empty()) {
    common_.facts.NoteHarm();
    return remote.OnUnplaceable(offer.task, offer.attempt, "no node is left that could run it",
                                /*for_ever=*/true);
  }
  const size_t node = common_.dice.Of(feasible);
  common_.trace.Note(common_.now_ms, "place " + NameOf(offer.task) + " at " + std::to_string(node));
  report_.placed += node == offer.home ? 0 : 1;
  remote.OnPlace(offer.task, offer.attempt, NodeIdOf(node));
}

void TasksWorld::Hear(size_t node, size_t from) {
  Side& side = SideOf(from, node);
  node::remote::Message message = std::move(side.messages.front());
  side.messages.pop_front();
  ++side.heard;
  // It has room again.
  nodes_[from].world->Touch();
  common_.trace.Note(common_.now_ms, "node " + std::to_string(node) + " hears " +
                                         std::to_string(from) + ": message " +
                                         std::to_string(message.index()));
  World& world = *nodes_[node].world;
  world.Touch();
  const Status status =
      world.core().tasks().remote().OnMessage(SideOf(node, from).session, std::move(message));
  if (!status.ok()) world.Break("a message is refused: " + status.ToString());
}

// --- harm ---

void TasksWorld::Crash(size_t node) {
  --crashes_left_;
  const size_t alive = static_cast<size_t>(
      std::count_if(nodes_.begin(), nodes_.end(), [](const Node& one) { return one.is_alive; }));
  if (alive < 2) return;
  ++report_.crashes;
  common_.trace.Note(common_.now_ms, "node " + std::to_string(node) + " crashes");
  common_.facts.NoteHarm();
  nodes_[node].is_alive = false;
  World& world = *nodes_[node].world;
  for (auto& [id, task] : common_.facts.tasks()) {
    task.forgotten = task.forgotten || task.node == &world;
  }
  std::erase_if(offers_, [node](const Offer& offer) { return offer.home == node; });
  for (size_t other = 0; other < nodes_.size(); ++other) SideOf(node, other).is_open = false;
  bulk_.CutAllOf(node);
}

void TasksWorld::Drain(size_t node) {
  --drains_left_;
  // The others can run all that it could.
  const bool is_needed = std::none_of(nodes_.begin(), nodes_.end(), [&](const Node& other) {
    return &other != &nodes_[node] && other.is_alive && !other.is_draining &&
           other.world->total().Covers(nodes_[node].world->total());
  });
  if (nodes_[node].is_draining || is_needed) return;
  common_.trace.Note(common_.now_ms, "node " + std::to_string(node) + " is drained");
  nodes_[node].is_draining = true;
  nodes_[node].world->Touch();
  CoreOf(node).drain().Begin();
}

bool TasksWorld::IsDrained(size_t node) {
  if (!nodes_[node].is_draining) return false;
  for (size_t other = 0; other < nodes_.size(); ++other) {
    // What the other side has not heard.
    if (other == node || !nodes_[other].is_alive) continue;
    if (SideOf(node, other).is_open && !SideOf(node, other).messages.empty()) return false;
  }
  return CoreOf(node).drain().left() == node::NodeDrain::Left();
}

void TasksWorld::Leave(size_t node) {
  ++report_.drained;
  common_.trace.Note(common_.now_ms, "node " + std::to_string(node) + " leaves");
  nodes_[node].is_alive = false;
  nodes_[node].has_left = true;
  // Its own drivers have ended; their last workers end with it, and what is theirs elsewhere is
  // lost.
  for (auto& [id, task] : common_.facts.tasks()) {
    if (task.node != nodes_[node].world.get()) continue;
    task.forgotten = true;
    common_.facts.NoteHarm();
  }
  for (size_t other = 0; other < nodes_.size(); ++other) SideOf(node, other).is_open = false;
  bulk_.CutAllOf(node);
}

void TasksWorld::EndSession(size_t node, size_t other) {
  common_.trace.Note(common_.now_ms, "node " + std::to_string(node) + " ends its session with " +
                                         std::to_string(other));
  if (!nodes_[other].has_left) common_.facts.NoteHarm();
  Side& side = SideOf(node, other);
  side.is_open = false;
  bulk_.Cut(node, other);
  bulk_.Cut(other, node);
  // What has not been written is lost.
  const bool is_unheard = side.heard == 0 && common_.dice.OneIn(2);
  if (is_unheard) side.messages.clear();
  World& world = *nodes_[node].world;
  world.Touch();
  world.core().tasks().remote().OnSessionEnded(
      side.session, {.reason = "it was cut off", .is_unheard = is_unheard});
}

// --- rest ---

void TasksWorld::CloseDrivers() {
  for (const Node& node : nodes_) {
    if (node.is_alive) node.world->CloseDrivers();
  }
}

void TasksWorld::CheckNothingEnds(World& world) {
  for (const auto& [driver, home] : common_.homes) {
    const auto ending = world.core().scheduler().EndingWorkersOf(testing::DriverNumber(driver));
    if (ending.empty()) continue;
    world.Break("worker " + ending.front().ToString() + " was told to end, and does not");
  }
}

void TasksWorld::CheckTakesOver(node::NodeCore& home, size_t drained) {
  const auto has = [&](const std::vector<NodeId>& places) {
    return std::count(places.begin(), places.end(), IdOf(drained)) > 0;
  };
  for (const auto& kept : plasma::KeptObjects(&CoreOf(drained).store()).List()) {
    const plasma::Sharing* sharing = home.objects().remote().shared().Find(kept.id);
    const bool is_its = sharing != nullptr && sharing->home.IsNil() && has(sharing->places);
    // There may be no room for it.
    if (is_its && !sharing->is_wanted_here) Break("a value is left at a node that is drained");
  }
  for (const auto& [actor, task] : common_.facts.tasks()) {
    const bool is_there = home.tasks().remote().given_actors().PlaceOf(actor).node == IdOf(drained);
    if (is_there && scheduler::ActorsElsewhere(&home.scheduler()).MayMove(actor)) {
      Break("an actor that may move is left at a node that is drained");
    }
  }
}

void TasksWorld::CheckDrain(size_t node) {
  if (!nodes_[node].is_draining || !nodes_[node].is_alive) return;
  const node::NodeDrain::Left left = CoreOf(node).drain().left();
  if (left.tasks + left.calls + left.unheard > 0) {
    Break("node " + std::to_string(node) + " is drained, and " + std::to_string(left.tasks) +
          " tasks and " + std::to_string(left.calls) + " calls are left");
  }
  for (const Node& home : nodes_) {
    if (home.is_alive) CheckTakesOver(home.world->core(), node);
  }
  if (left.actors + left.values + left.drivers == 0) Break("a node is drained, and does not leave");
}

void TasksWorld::CheckRest(bool is_over) {
  for (const Node& node : nodes_) {
    if (!node.is_alive || !common_.broken.empty()) continue;
    World& world = *node.world;
    node::NodeCore& core = world.core();
    if (!is_over) {
      CheckNobodyWaits(world);
      CheckNothingEnds(world);
      continue;
    }
    CheckNothingIsHeld(world);
    if (core.drivers().size() > 0) world.Break("drivers are left");
    if (core.tasks().remote().given().size() > 0) world.Break("tasks that were given are left");
    if (core.tasks().remote().guest().size() > 0) world.Break("tasks of others are left");
    if (core.tasks().remote().given_actors().size() > 0) world.Break("actors given are left");
    if (core.tasks().remote().guest_actors().counts().all() > 0)
      world.Break("actors of others are left");
    if (!core.objects().remote().shared().news().empty()) world.Break("news are left");
    const node::RemoteCopies& copies = core.objects().remote().copies();
    if (!copies.empty()) world.Break("copies are left: " + copies.DebugText());
  }
  if (common_.broken.empty()) CheckTasks(*nodes_.front().world, is_over);
  for (size_t node = 0; node < nodes_.size(); ++node) CheckDrain(node);
}

}  // namespace rayx::sim
