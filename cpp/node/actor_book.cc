#include "node/actor_book.h"

#include "node/mutation.h"

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
  if (!store_->IsSealed(ObjectOf(actor))) scheduler_->OnActorUnreferenced(actor);
}

void ActorBook::OnState(const TaskId& actor, const ObjectId& state) {
  const std::optional<scheduler::ActorSummary> known = scheduler_->FindActor(actor);
  if (!known || known->state == ActorState::kDead) return;
  store_->AddReference(state);
  if (!RAYX_MUTATION(kKeepState)) ReleaseState(actor);
  states_[actor] = state;
}

std::optional<ObjectId> ActorBook::StateOf(const TaskId& actor) const {
  const auto it = states_.find(actor);
  if (it == states_.end()) return std::nullopt;
  return it->second;
}

void ActorBook::OnObjectDeleted(const ObjectId& id) {
  if (RAYX_MUTATION(kKeepActor)) return;
  const TaskId task = id.Task();
  if (id.Index() == 0 && scheduler_->FindActor(task)) scheduler_->OnActorUnreferenced(task);
}

void ActorBook::OnCreationOver(const TaskId& actor) {
  if (scheduler_->FindActor(actor)) return;
  ReleaseName(actor);
  ReleaseState(actor);
}

void ActorBook::OnChanged(const TaskId& actor) {
  const std::optional<scheduler::ActorSummary> known = scheduler_->FindActor(actor);
  if (!known || known->state == ActorState::kDead) {
    if (!RAYX_MUTATION(kKeepName)) ReleaseName(actor);
    ReleaseState(actor);
  }
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
