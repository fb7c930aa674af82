#include "scheduler/tables/actor_table.h"

#include <algorithm>

#include "common/base/check.h"

namespace rayx::scheduler {
namespace {

constexpr uint8_t Bit(ActorState state) {
  return static_cast<uint8_t>(1u << static_cast<unsigned>(state));
}
// Bit n of entry s: an actor in state s may move to state n.
constexpr std::array<uint8_t, 4> kActorMoves = {
    Bit(ActorState::kAlive) | Bit(ActorState::kDead),
    Bit(ActorState::kRestarting) | Bit(ActorState::kDead),
    Bit(ActorState::kAlive) | Bit(ActorState::kDead),
    0,
};

}  // namespace

ActorEntry& ActorTable::Add(const TaskSpec& creation) {
  const auto [it, added] = actors_.try_emplace(creation.id);
  RAYX_CHECK(added);
  ActorEntry& actor = it->second;
  actor.id = creation.id;
  actor.driver = creation.driver;
  actor.class_name = creation.name;
  actor.max_concurrency = std::max(creation.options.max_concurrency, 1u);
  ++living_;
  // The name of a living actor stays its own.
  if (creation.actor_name.empty()) return actor;
  if (names_.try_emplace(Name(creation.driver, creation.actor_name), &actor).second) {
    actor.name = creation.actor_name;
  }
  return actor;
}

ActorEntry* ActorTable::Find(const TaskId& id) {
  const auto it = actors_.find(id);
  return it == actors_.end() ? nullptr : &it->second;
}
const ActorEntry* ActorTable::Find(const TaskId& id) const {
  const auto it = actors_.find(id);
  return it == actors_.end() ? nullptr : &it->second;
}

const ActorEntry* ActorTable::FindNamed(const DriverId& driver, const std::string& name) const {
  const auto it = names_.find(Name(driver, name));
  return it == names_.end() ? nullptr : it->second;
}

void ActorTable::Move(ActorEntry& actor, ActorState next) {
  const uint8_t allowed = kActorMoves[static_cast<size_t>(actor.state)];
  RAYX_CHECK_MSG((allowed & Bit(next)) != 0, ActorStateName(actor.state));
  actor.state = next;
  if (next != ActorState::kDead) return;
  --living_;
  if (!actor.name.empty()) names_.erase(Name(actor.driver, actor.name));
}

bool ActorTable::OnCreationEnded(ActorEntry& actor) {
  actor.creation = nullptr;
  // It failed without having run: no worker could be started, for instance.
  RAYX_CHECK(actor.state == ActorState::kDead);
  return ForgetIfUnused(actor);
}

bool ActorTable::ForgetIfUnused(ActorEntry& actor) {
  if (actor.state != ActorState::kDead || !actor.unreferenced || actor.creation != nullptr) {
    return false;
  }
  RAYX_CHECK(actor.callers.empty());
  actors_.erase(TaskId(actor.id));
  return true;
}

std::vector<ActorEntry*> ActorTable::OfDriver(const DriverId& driver) {
  std::vector<ActorEntry*> found;
  for (auto& [id, actor] : actors_) {
    if (actor.driver == driver) found.push_back(&actor);
  }
  std::sort(found.begin(), found.end(),
            [](const ActorEntry* a, const ActorEntry* b) { return a->id < b->id; });
  return found;
}

void ActorTable::LookAtFirst(ActorEntry& actor, const CallerId& caller, CallQueue& queue) {
  if (queue.in_turns || queue.calls.front()->state() != TaskState::kReady) return;
  queue.in_turns = true;
  actor.turns.push_back(caller);
  List(actor);
}

void ActorTable::PushCall(TaskEntry& call) {
  CallQueue& queue = call.actor->callers[call.caller];
  queue.calls.push_back(&call);
  LookAtFirst(*call.actor, call.caller, queue);
}

void ActorTable::PutBackCall(TaskEntry& call) {
  CallQueue& queue = call.actor->callers[call.caller];
  queue.calls.push_front(&call);
  LookAtFirst(*call.actor, call.caller, queue);
}

void ActorTable::OnCallReady(TaskEntry& call) {
  LookAtFirst(*call.actor, call.caller, call.actor->callers.at(call.caller));
}

TaskEntry* ActorTable::TakeCall(ActorEntry& actor) {
  if (actor.turns.empty()) return nullptr;
  const CallerId caller = actor.turns.front();
  actor.turns.pop_front();
  const auto it = actor.callers.find(caller);
  CallQueue& queue = it->second;
  TaskEntry* call = queue.calls.front();
  queue.calls.pop_front();
  queue.in_turns = !queue.calls.empty() && queue.calls.front()->state() == TaskState::kReady;
  if (queue.in_turns) actor.turns.push_back(caller);
  if (queue.calls.empty()) actor.callers.erase(it);
  return call;
}

void ActorTable::RemoveCall(TaskEntry& call) {
  ActorEntry& actor = *call.actor;
  const auto it = actor.callers.find(call.caller);
  CallQueue& queue = it->second;
  const auto place = std::find(queue.calls.begin(), queue.calls.end(), &call);
  RAYX_CHECK(place != queue.calls.end());
  const bool was_first = place == queue.calls.begin();
  queue.calls.erase(place);
  if (!was_first) return;
  if (queue.in_turns) {
    queue.in_turns = false;
    std::erase(actor.turns, call.caller);
  }
  if (queue.calls.empty()) {
    actor.callers.erase(it);
  } else {
    LookAtFirst(actor, call.caller, queue);
  }
}

std::vector<TaskEntry*> ActorTable::TakeAllCalls(ActorEntry& actor) {
  std::vector<CallerId> callers;
  for (const auto& [caller, queue] : actor.callers) callers.push_back(caller);
  std::sort(callers.begin(), callers.end());
  std::vector<TaskEntry*> calls;
  for (const CallerId& caller : callers) {
    const CallQueue& queue = actor.callers[caller];
    calls.insert(calls.end(), queue.calls.begin(), queue.calls.end());
  }
  actor.callers.clear();
  actor.turns.clear();
  return calls;
}

void ActorTable::List(ActorEntry& actor) {
  if (actor.listed) return;
  actor.listed = true;
  listed_.push_back(actor.id);
}

std::vector<ActorEntry*> ActorTable::TakeListed() {
  std::vector<ActorEntry*> actors;
  for (const TaskId& id : listed_) {
    ActorEntry* actor = Find(id);
    if (actor == nullptr) continue;
    actor->listed = false;
    actors.push_back(actor);
  }
  listed_.clear();
  return actors;
}

void ActorTable::SanityCheck() const {
  size_t living = 0;
  size_t named = 0;
  for (const auto& [id, actor] : actors_) {
    RAYX_CHECK(actor.id == id);
    const bool is_dead = actor.state == ActorState::kDead;
    if (!is_dead) ++living;
    RAYX_CHECK(is_dead || actor.creation != nullptr);
    RAYX_IMPLIES(is_dead, actor.callers.empty());
    RAYX_IMPLIES(actor.creation != nullptr, actor.creation->actor == &actor);
    // An entry that nothing needs is gone.
    RAYX_IMPLIES(is_dead && actor.unreferenced, actor.creation != nullptr);
    if (!is_dead && !actor.name.empty()) {
      ++named;
      RAYX_CHECK(FindNamed(actor.driver, actor.name) == &actor);
    }
    size_t turns = 0;
    for (const auto& [caller, queue] : actor.callers) {
      RAYX_CHECK(!queue.calls.empty());
      RAYX_CHECK(queue.in_turns == (queue.calls.front()->state() == TaskState::kReady));
      if (queue.in_turns) ++turns;
      for (const TaskEntry* call : queue.calls) {
        RAYX_CHECK(call->actor == &actor && call->caller == caller && call->IsCall());
        RAYX_CHECK(call->state() != TaskState::kAssigned);
      }
    }
    RAYX_CHECK(turns == actor.turns.size());
  }
  RAYX_CHECK(living == living_ && named == names_.size());
}

}  // namespace rayx::scheduler
