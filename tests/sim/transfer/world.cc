#include "sim/transfer/world.h"

#include <algorithm>
#include <variant>

namespace rayx::transfer_sim {

using transfer::BundleId;
using transfer::Directory;

namespace {

constexpr size_t kHome = 0;
// What was told of who waits for room is asked again after it.
constexpr int64_t kTickMs = 10;

std::string NameOf(size_t node) { return "node " + std::to_string(node); }
std::string NameOf(const ObjectId& id) { return id.Hex().substr(0, 2); }

std::string TextOf(const transfer::ToHome& message) {
  if (const auto* ask = std::get_if<transfer::AskSource>(&message)) {
    return "asks " + std::to_string(ask->number) + " for a source of " + NameOf(ask->id);
  }
  if (const auto* whole = std::get_if<transfer::CopyWhole>(&message)) {
    return "has all of " + NameOf(whole->id);
  }
  return "has dropped " + NameOf(std::get<transfer::CopyDropped>(message).id);
}

NodeId NodeIdOf(size_t index) {
  NodeId id;
  id.mutable_data()[0] = static_cast<uint8_t>(index + 1);
  return id;
}

}  // namespace

World::World(uint64_t seed, size_t trace_lines)
    : dice_(seed), trace_(trace_lines), streams_(this, &dice_) {
  const size_t count = 2 + dice_.Below(5);
  nodes_.resize(count);
  to_home_ms_.resize(count);
  from_home_ms_.resize(count);
  for (size_t i = 0; i < count; ++i) AddNode(i);
}

void World::AddNode(size_t index) {
  Node& node = nodes_[index];
  node.id = NodeIdOf(index);
  node.pool = std::make_unique<ModelledPool>(
      kCapacityBytes, &dice_,
      ModelledPool::Owner{.broken = [this](const std::string& what) { Break(what); },
                          .is_held =
                              [this, index](const ObjectId& id) {
                                return nodes_[index].transfers->pulls().IsHeld(id);
                              },
                          .evicted = [this, index](const ObjectId& id) { OnDropped(index, id); }});
  node.transfers = std::make_unique<transfer::NodeTransfers>(node.pool.get(), kChunkBytes);
}

size_t World::IndexOf(const NodeId& id) const { return static_cast<size_t>(id.data()[0] - 1); }

// ---- time ---------------------------------------------------------------------------------------

void World::Later(int64_t delay_ms, std::function<void()> what) {
  events_[{now_ms_ + delay_ms, next_event_++}] = std::move(what);
}

bool World::Step() {
  if (events_.empty()) return false;
  const auto first = events_.begin();
  now_ms_ = first->first.first;
  const std::function<void()> what = std::move(first->second);
  events_.erase(first);
  directory_.OnTurn(now_ms_);
  AnswerAll();
  what();
  ++events;
  if (const std::string wrong = directory_.Audit(); !wrong.empty()) Break(wrong);
  return true;
}

void World::TickHome() {
  const std::optional<int64_t> next = directory_.NextTickMs();
  if (!next || home_has_tick_) return;
  home_has_tick_ = true;
  // OnTurn is called by the step itself.
  Later(std::max<int64_t>(*next - now_ms_, 0), [this] {
    home_has_tick_ = false;
    TickHome();
  });
}

// ---- sessions with the home ---------------------------------------------------------------------

void World::SayToHome(size_t node, std::function<void()> what) {
  if (!nodes_[node].is_alive) return;
  int64_t& last = to_home_ms_[node];
  last = std::max(last, now_ms_ + static_cast<int64_t>(node == kHome ? 0 : dice_.Below(20)));
  Later(last - now_ms_, [this, node, what = std::move(what)] {
    if (parted_.contains(node)) return;
    what();
    AnswerAll();
    TickHome();
  });
}

void World::OnHome(size_t node, const transfer::ToHome& message) {
  const NodeId& from = nodes_[node].id;
  Note("home hears: " + NameOf(node) + " " + TextOf(message));
  if (const auto* ask = std::get_if<transfer::AskSource>(&message)) {
    uint32_t& failures = failures_[{from, ask->id}];
    if (ask->has_progressed) failures = 0;
    failed_at_.erase({from, ask->id});
    if (!ask->failed.IsNil()) {
      ++failures;
      failed_at_[{from, ask->id}] = {ask->failed, now_ms_};
    }
  }
  // Who begins anew has not failed.
  if (const auto* dropped = std::get_if<transfer::CopyDropped>(&message)) {
    failed_at_.erase({from, dropped->id});
    failures_.erase({from, dropped->id});
  }
  std::visit([&](const auto& said) { directory_.On(from, said); }, message);
}

void World::AnswerAll() {
  for (const Directory::Answer& answer : directory_.TakeAnswers()) {
    const size_t node = IndexOf(answer.to);
    if (const auto* none = std::get_if<transfer::NoSource>(&answer.message)) {
      Note("home answers: " + NameOf(node) + " has no source of " + NameOf(none->id));
      CheckNoSource(node, none->id);
    } else if (const auto* leave = std::get_if<transfer::LeaveSource>(&answer.message)) {
      Note("home answers: " + NameOf(node) + " is to ask again for " + NameOf(leave->id));
    } else {
      const auto& use = std::get<transfer::UseSource>(answer.message);
      Note("home answers: " + NameOf(node) + " pulls " + NameOf(use.id) + " from " +
           NameOf(IndexOf(use.source)));
      CheckPace(answer.to, use);
    }
    TellNode(node, answer.message);
  }
}

// Nobody is told that nobody has what somebody has.
void World::CheckNoSource(size_t node, const ObjectId& id) {
  const auto failures = failures_.find({nodes_[node].id, id});
  if (failures != failures_.end() && failures->second > Directory::kFailuresMax) {
    failures->second = 0;
    return;
  }
  const auto made = made_.find(id);
  if (made == made_.end()) return;
  for (const Node& other : nodes_) {
    if (other.is_alive && other.pool->VersionOf(id) == made->second.version) {
      Break("a value is lost that a node has");
    }
  }
}

void World::CheckPace(const NodeId& to, const transfer::UseSource& message) {
  const auto told = failed_at_.find({to, message.id});
  if (told == failed_at_.end() || told->second.first != message.source) return;
  if (now_ms_ < told->second.second + Directory::kRetryMs) {
    Break("a source is tried again at once");
  }
}

void World::TellNode(size_t node, const transfer::FromHome& message) {
  int64_t& last = from_home_ms_[node];
  last = std::max(last, now_ms_ + static_cast<int64_t>(node == kHome ? 0 : dice_.Below(20)));
  Later(last - now_ms_, [this, node, message] {
    if (!nodes_[node].is_alive) return;
    std::visit([&](const auto& said) { nodes_[node].transfers->pulls().On(said); }, message);
    Settle(node);
  });
}

// ---- what a node's cores want -------------------------------------------------------------------

void World::Settle(size_t index) {
  Node& node = nodes_[index];
  if (!node.is_alive) return;
  transfer::PullQueue& pulls = node.transfers->pulls();
  pulls.Turn(
      node.pool->BytesForCopies([&pulls](const ObjectId& id) { return pulls.IsPulling(id); }));
  for (const auto& effect : pulls.TakeEffects()) Carry(index, effect);
  for (const auto& [reader, missing] : node.transfers->serves().TakeMissing()) {
    streams_.SayMissing(index, IndexOf(reader), missing);
  }
  for (size_t other = 0; other < nodes_.size(); ++other) streams_.Pump(index, other);
  LookAtTasks(index);
  if (!pulls.waits_for_room() || node.has_tick) return;
  node.has_tick = true;
  Later(kTickMs, [this, index] {
    nodes_[index].has_tick = false;
    Settle(index);
  });
}

void World::Carry(size_t index, const transfer::PullQueue::Effect& effect) {
  if (const auto* to_source = std::get_if<transfer::PullQueue::ForSource>(&effect)) {
    return streams_.Say(index, IndexOf(to_source->source), to_source->message);
  }
  if (const auto* lost = std::get_if<transfer::PullQueue::Lost>(&effect)) {
    return OnLost(index, lost->id);
  }
  transfer::ToHome message;
  if (const auto* ask = std::get_if<transfer::AskSource>(&effect)) message = *ask;
  if (const auto* whole = std::get_if<transfer::CopyWhole>(&effect)) message = *whole;
  if (const auto* dropped = std::get_if<transfer::CopyDropped>(&effect)) message = *dropped;
  SayToHome(index, [this, index, message] { OnHome(index, message); });
}

void World::OnChunkSent(size_t source, const transfer::ChunkName& name) {
  ++chunks;
  if (!nodes_[source].pool->has(name.id)) ++from_parts;
}

// ---- tasks --------------------------------------------------------------------------------------

void World::MakeValue(size_t node, const ObjectId& id, transfer::Version version,
                      uint64_t size_bytes) {
  if (!nodes_[node].pool->Make(id, version, size_bytes)) return;
  Note(NameOf(node) + " makes " + NameOf(id));
  SayToHome(node, [this, node, made = Made{id, version, size_bytes}] {
    // The first value counts, as long as somebody has it.
    if (!directory_.WholeCopies(made.id).empty()) return Refuse(node, made);
    made_[made.id] = made;
    directory_.OnMade(made.id, made.version, made.size_bytes, nodes_[node].id);
  });
}

void World::Refuse(size_t node, const Made& made) {
  Later(static_cast<int64_t>(dice_.Below(20)), [this, node, made] {
    if (!nodes_[node].is_alive || nodes_[node].pool->VersionOf(made.id) != made.version) return;
    EvictIdle(node, made.id);
    if (nodes_[node].pool->has(made.id)) Refuse(node, made);
  });
}

bool World::IsNeededAt(size_t node, const ObjectId& id) const {
  return std::ranges::any_of(nodes_[node].tasks, [&id](const auto& one) {
    return std::ranges::find(one.second.inputs, id) != one.second.inputs.end();
  });
}

void World::Begin(size_t index, BundleId bundle, transfer::Rank rank,
                  const std::vector<ObjectId>& inputs) {
  Node& node = nodes_[index];
  node.tasks[bundle].inputs = inputs;
  std::vector<transfer::Wanted> wanted;
  std::string names;
  for (const ObjectId& id : inputs) {
    wanted.push_back({id, made_.at(id).size_bytes, node.pool->has(id)});
    names += " " + NameOf(id);
  }
  Note(NameOf(index) + " needs" + names);
  node.transfers->pulls().Want(bundle, rank, wanted);
  Settle(index);
}

bool World::HasAll(size_t node, const Task& task) const {
  return std::ranges::all_of(task.inputs,
                             [&](const ObjectId& id) { return nodes_[node].pool->has(id); });
}

void World::LookAtTasks(size_t index) {
  for (auto& [bundle, task] : nodes_[index].tasks) {
    if (task.is_due || task.is_running || !HasAll(index, task)) continue;
    task.is_due = true;
    Later(static_cast<int64_t>(dice_.Below(10)),
          [this, index, number = bundle] { Run(index, number); });
  }
}

void World::Run(size_t index, BundleId bundle) {
  Node& node = nodes_[index];
  const auto found = node.tasks.find(bundle);
  if (!node.is_alive || found == node.tasks.end()) return;
  Task& task = found->second;
  task.is_due = false;
  if (!HasAll(index, task)) return;
  task.is_running = true;
  for (const ObjectId& id : task.inputs) node.pool->AddReference(id);
  node.transfers->pulls().Leave(bundle);
  Settle(index);
  Later(1 + static_cast<int64_t>(dice_.Below(60)), [this, index, bundle] {
    if (!nodes_[index].is_alive || !nodes_[index].tasks.contains(bundle)) return;
    ++ended;
    End(index, bundle);
    Settle(index);
  });
}

void World::OnLost(size_t index, const ObjectId& id) {
  std::vector<BundleId> lost;
  for (const auto& [bundle, task] : nodes_[index].tasks) {
    const bool needs = std::ranges::find(task.inputs, id) != task.inputs.end();
    if (needs && !task.is_running) lost.push_back(bundle);
  }
  Note(NameOf(index) + " has lost " + NameOf(id));
  failed += lost.size();
  for (const BundleId bundle : lost) End(index, bundle);
}

void World::End(size_t index, BundleId bundle) {
  Node& node = nodes_[index];
  node.transfers->pulls().Leave(bundle);
  const Task& task = node.tasks.at(bundle);
  for (const ObjectId& id : task.inputs) {
    if (task.is_running) node.pool->RemoveReference(id);
  }
  node.tasks.erase(bundle);
}

void World::Cancel(size_t node, BundleId bundle) {
  Note(NameOf(node) + " needs something no more");
  End(node, bundle);
  Settle(node);
}

// ---- faults -------------------------------------------------------------------------------------

void World::EvictIdle(size_t index, const ObjectId& id) {
  Node& node = nodes_[index];
  if (!node.pool->IsIdle(id)) return;
  node.pool->Drop(id);
  OnDropped(index, id);
  Settle(index);
}

void World::OnDropped(size_t index, const ObjectId& id) {
  Note(NameOf(index) + " drops " + NameOf(id));
  nodes_[index].transfers->pulls().SetIsHere(id, false);
  SayToHome(index, [this, index, id] { OnHome(index, transfer::CopyDropped{id, true}); });
}

void World::Kill(size_t index) {
  Note(NameOf(index) + " dies");
  nodes_[index].is_alive = false;
  nodes_[index].tasks.clear();
  streams_.CutAllOf(index);
  Later(5 + static_cast<int64_t>(dice_.Below(50)), [this, index] {
    parted_.insert(index);
    directory_.OnNodeGone(nodes_[index].id);
    AnswerAll();
    TickHome();
  });
}

void World::BeCalm() {
  for (Node& node : nodes_) node.pool->set_is_calm();
}

}  // namespace rayx::transfer_sim
