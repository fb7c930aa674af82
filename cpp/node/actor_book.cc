#include "node/actor_book.h"

#include <algorithm>
#include <iterator>

#include "common/protocol/object_layout.h"
#include "node/mutation.h"
#include "plasma/shared_objects.h"

namespace rayx::node {

void ActorBook::OnKill(const Peer& peer, const TaskId& actor) {
  // The actors of a driver are at its home.
  if (const ClientId home = drivers_->HomeOf(peer.driver); !home.IsNil()) {
    return shell_.others->Send(home, remote::KillActor{peer.driver, actor});
  }
  const std::optional<scheduler::ActorSummary> known = scheduler_->FindActor(actor);
  if (known && known->driver == peer.driver) {
    scheduler_->OnActorKilled(actor, "it was ended by rayx.kill()");
  }
}

const TaskSpec* ActorBook::FindNamed(const Peer& peer, const std::string& name) {
  const std::optional<TaskId> actor = scheduler_->FindNamedActor(peer.driver, name);
  const TaskSpec* creation = actor ? scheduler_->FindTask(*actor) : nullptr;
  if (creation != nullptr) store_->AddClientReference(peer.id, ObjectOf(*actor));
  return creation;
}

void ActorBook::OnSubmitted(const TaskSpec& creation) {
  if (creation.actor_name.empty() || RAYX_MUTATION(kForgetName)) return;
  if (!named_.insert(creation.id).second) return;
  store_->AddReference(ObjectOf(creation.id));
}

void ActorBook::OnCreated(const TaskId& actor) {
  // Nobody held the result, so it was dropped when it came.
  if (!store_->Find(ObjectOf(actor)) && !IsGuest(actor)) {
    scheduler_->OnActorUnreferenced(actor);
  }
}

void ActorBook::OnState(const TaskId& actor, const ObjectId& state) {
  const std::optional<scheduler::ActorSummary> known = scheduler_->FindActor(actor);
  if (!known || known->state == ActorState::kDead) return;
  store_->AddReference(state);
  if (!RAYX_MUTATION(kKeepState)) ReleaseState(actor);
  states_[actor] = state;
}

void ActorBook::OnStateElsewhere(const TaskId& actor, const ObjectId& state) {
  if (store_->IsSealed(state)) {
    OnState(actor, state);
    // What comes later is older.
    return DropComing(actor);
  }
  const std::optional<scheduler::ActorSummary> known = scheduler_->FindActor(actor);
  if (!known || known->state == ActorState::kDead) return;
  store_->AddReference(state);
  coming_.emplace_back(actor, state);
  plasma::SharedObjects(store_).WantHere(state);
}

void ActorBook::OnStateHere(const ObjectId& id) {
  const auto it = std::find_if(coming_.begin(), coming_.end(),
                               [&](const auto& entry) { return entry.second == id; });
  if (it == coming_.end()) return;
  const TaskId actor = it->first;
  const std::optional<plasma::ObjectLocation> location = store_->Find(id);
  // Lost with its node: the one before is still there.
  const bool is_lost = location && location->is_inline && HoldsError(location->data);
  if (!is_lost) OnState(actor, id);
  // It, and what is older.
  for (auto one = coming_.begin(); one != coming_.end();) {
    const bool is_last = one->second == id;
    const bool goes = one->first == actor && (is_last || !is_lost);
    const ObjectId state = one->second;
    one = goes ? coming_.erase(one) : std::next(one);
    if (goes) store_->RemoveReference(state);
    if (is_last) return;
  }
}

void ActorBook::DropComing(const TaskId& actor) {
  std::erase_if(coming_, [&](const auto& entry) {
    if (entry.first != actor) return false;
    store_->RemoveReference(entry.second);
    return true;
  });
}

bool ActorBook::IsGuest(const TaskId& actor) const {
  if (guests_.contains(actor)) return true;
  const std::optional<scheduler::ActorSummary> known = scheduler_->FindActor(actor);
  return known && !drivers_->HomeOf(known->driver).IsNil();
}

std::optional<ObjectId> ActorBook::StateOf(const TaskId& actor) const {
  const auto it = states_.find(actor);
  if (it == states_.end()) return std::nullopt;
  return it->second;
}

void ActorBook::OnObjectDeleted(const ObjectId& id) {
  if (RAYX_MUTATION(kKeepActor)) return;
  const TaskId task = id.Task();
  if (id.Index() != 0 || !scheduler_->FindActor(task)) return;
  if (!IsGuest(task) || RAYX_MUTATION(kEndActorWithValue)) scheduler_->OnActorUnreferenced(task);
}

void ActorBook::OnCreationOver(const TaskId& actor) {
  if (scheduler_->FindActor(actor)) return;
  ReleaseName(actor);
  ReleaseState(actor);
  DropComing(actor);
}

void ActorBook::OnChanged(const TaskId& actor) {
  const std::optional<scheduler::ActorSummary> known = scheduler_->FindActor(actor);
  if (!known || known->state == ActorState::kDead) {
    if (!RAYX_MUTATION(kKeepName)) ReleaseName(actor);
    ReleaseState(actor);
    DropComing(actor);
  }
  if (known && IsGuest(actor)) {
    guests_.insert(actor);
    return;
  }
  if (!known && guests_.erase(actor) > 0) return;
  known ? shell_.records->OnActorChanged(*known) : shell_.records->OnActorForgotten(actor);
}

void ActorBook::ReleaseName(const TaskId& actor) {
  if (named_.erase(actor) > 0) store_->RemoveReference(ObjectOf(actor));
}

void ActorBook::ReleaseState(const TaskId& actor) {
  const auto it = states_.find(actor);
  if (it == states_.end()) return;
  const ObjectId state = it->second;
  states_.erase(it);
  store_->RemoveReference(state);
}

}  // namespace rayx::node
