#include "node/guest_actors.h"

#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "node/mutation.h"
#include "node/task_references.h"
#include "scheduler/draining.h"
#include "scheduler/spreading.h"

namespace rayx::node {

// --- what homes say ---

std::vector<ObjectId> GuestActors::Admit(ClientId home, const TaskSpec& spec) {
  RemoteObjects& remote = *parts_.remote;
  std::vector<ObjectId> missing;
  TakeReferences(parts_.store, spec);
  remote.Named(home, spec.dependencies);
  remote.Named(home, spec.contained);
  if (spec.kind == TaskKind::kActorCreation) {
    const ObjectId function[] = {ObjectId::ForFunction(spec.function)};
    remote.Named(home, function);
  }
  for (const ObjectId& id : spec.dependencies) {
    if (parts_.store->IsSealed(id)) continue;
    missing.push_back(id);
    remote.shared().WantHere(id);
  }
  for (uint32_t i = 0; i < spec.return_count; ++i) remote.ExpectResult(home, spec.ReturnId(i));
  if (spec.options.stream_window > 0) remote.streams().Add(spec.id, home);
  return missing;
}

Status GuestActors::OnMake(ClientId home, remote::MakeActor make) {
  TaskSpec& spec = make.spec;
  if (parts_.drivers->HomeOf(spec.driver) != home) {
    return Status::ProtocolError("MakeActor of a driver that was not told");
  }
  if (spec.kind != TaskKind::kActorCreation || spec.return_count != 1) {
    return Status::ProtocolError("MakeActor of what makes no actor");
  }
  const bool is_known = actors_.contains(spec.id) || parts_.scheduler->FindActor(spec.id) ||
                        parts_.scheduler->FindTask(spec.id) != nullptr;
  if (is_known || parts_.tasks->HasOrphans(spec.driver) ||
      counts().all() >= limits::kGuestTasksMax || parts_.draining->is_self) {
    parts_.remote->Send(
        home, remote::ActorEnded{
                  .actor = spec.id, .attempt = make.attempt, .outcome = remote::Outcome::kNotRun});
    return Status::Ok();
  }
  actors_[spec.id] = {.home = home, .attempt = make.attempt};
  // The home finds it by its name.
  spec.actor_name.clear();
  const std::vector<ObjectId> missing = Admit(home, spec);
  const TaskId actor = spec.id;
  scheduler::Spreading(parts_.scheduler).OnPlaced(std::move(spec), missing);
  if (!make.state) return Status::Ok();
  parts_.actors->OnState(actor, *make.state);
  const ObjectId state[] = {*make.state};
  if (parts_.actors->StateOf(actor)) parts_.remote->Named(home, state);
  return Status::Ok();
}

Status GuestActors::OnCall(ClientId home, remote::CallActor call) {
  TaskSpec& spec = call.spec;
  if (parts_.drivers->HomeOf(spec.driver) != home) {
    return Status::ProtocolError("CallActor of a driver that was not told");
  }
  if (spec.kind != TaskKind::kActorCall) {
    return Status::ProtocolError("CallActor of what calls no actor");
  }
  if (calls_.contains(spec.id) || parts_.scheduler->FindTask(spec.id) != nullptr) {
    return Status::ProtocolError("CallActor of a task that is known");
  }
  calls_.emplace(spec.id, home);
  const std::vector<ObjectId> missing = Admit(home, spec);
  // If the actor is dead the call fails, and the home knows by now.
  parts_.scheduler->OnTaskSubmitted(std::move(spec), missing, kNoWorker, call.caller);
  return Status::Ok();
}

void GuestActors::OnStop(ClientId home, const remote::StopActor& stop) {
  const auto it = actors_.find(stop.actor);
  // It has ended, and the news is on its way.
  if (it == actors_.end() || it->second.home != home) return;
  if (stop.kill) return parts_.scheduler->OnActorKilled(stop.actor, stop.reason);
  parts_.scheduler->OnActorUnreferenced(stop.actor);
}

void GuestActors::OnMove(ClientId home, const remote::MoveActor& move) {
  const auto it = actors_.find(move.actor);
  // It has ended, and the news is on its way.
  if (it == actors_.end() || it->second.home != home) return;
  it->second.is_moving = true;
}

bool GuestActors::LetGo() {
  bool has_let_go = false;
  for (const auto& [actor, guest] : actors_) {
    scheduler::Draining draining(parts_.scheduler);
    const bool moves = guest.is_moving && !guest.home.IsNil();
    if (draining.GiveBack(actor) || (moves && draining.LetGo(actor))) has_let_go = true;
  }
  return has_let_go;
}

// --- what clients of this node call ---

bool GuestActors::Has(const Peer& peer, const TaskSpec& call) const {
  if (call.kind != TaskKind::kActorCall) return false;
  const auto actor = actors_.find(call.actor);
  if (actor == actors_.end() || actor->second.home.IsNil()) return false;
  // It takes no call any more.
  if (actor->second.is_moving) return false;
  const std::optional<scheduler::ActorSummary> known = parts_.scheduler->FindActor(call.actor);
  // Of a dead one its home says why.
  if (!known || known->driver != call.driver || known->state == ActorState::kDead) return false;
  const auto of_peer = forwarded_.find(peer.id);
  if (of_peer == forwarded_.end()) return true;
  const auto last = of_peer->second.find(call.actor);
  return last == of_peer->second.end() || parts_.store->Find(last->second).has_value();
}

void GuestActors::OnForwarded(const Peer& peer, const TaskSpec& call) {
  if (call.kind == TaskKind::kActorCall) forwarded_[peer.id][call.actor] = call.ReturnId(0);
}

void GuestActors::OnPeerGone(const Peer& peer) { forwarded_.erase(peer.id); }

void GuestActors::OnSessionEnded(ClientId home) {
  for (auto& [id, guest] : actors_) {
    if (guest.home == home) guest.home = kNoClient;
  }
  for (auto& [id, caller] : calls_) {
    if (caller == home) caller = kNoClient;
  }
}

// --- what becomes of them ---

std::optional<uint32_t> GuestActors::AttemptOf(const TaskId& task) const {
  if (calls_.contains(task)) return 0;
  const auto it = actors_.find(task);
  if (it == actors_.end()) return std::nullopt;
  return it->second.attempt;
}

bool GuestActors::OwesResults(const TaskId& task) const {
  const auto actor = actors_.find(task);
  return calls_.contains(task) || (actor != actors_.end() && !actor->second.is_made);
}

std::vector<remote::Value> GuestActors::TakeResults(ClientId home, const TaskSpec& spec) {
  std::vector<remote::Value> results;
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    // One of a driver that is gone may have been dropped with it.
    if (!parts_.store->IsSealed(spec.ReturnId(i))) return {};
    results.push_back(parts_.remote->TakeResult(home, spec.ReturnId(i)));
  }
  return results;
}

void GuestActors::OnResultsSent(ClientId home, const TaskSpec& spec) {
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    parts_.remote->OnResultSent(home, spec.ReturnId(i));
  }
}

void GuestActors::OnMade(const TaskId& actor) {
  const auto it = actors_.find(actor);
  if (it == actors_.end() || it->second.home.IsNil()) return;
  Guest& guest = it->second;
  const std::optional<scheduler::ActorSummary> known = parts_.scheduler->FindActor(actor);
  const TaskSpec* spec = parts_.scheduler->FindTask(actor);
  if (!known || spec == nullptr || known->state == ActorState::kDead) return;
  remote::ActorMade made{.actor = actor, .attempt = guest.attempt, .restarts = known->restarts};
  const bool is_first = !std::exchange(guest.is_made, true);
  if (!is_first) return parts_.remote->Send(guest.home, std::move(made));
  made.result = parts_.remote->TakeResult(guest.home, ObjectId::ForReturn(actor, 0));
  parts_.remote->Send(guest.home, std::move(made));
  OnResultsSent(guest.home, *spec);
}

void GuestActors::OnSaved(const TaskId& actor) {
  const auto it = actors_.find(actor);
  const std::optional<ObjectId> state = parts_.actors->StateOf(actor);
  if (it == actors_.end() || it->second.home.IsNil() || !state) return;
  const ObjectId crossing[] = {*state};
  parts_.remote->Cross(it->second.home, crossing);
  parts_.remote->Send(it->second.home, remote::ActorSaved{actor, it->second.attempt, *state});
}

void GuestActors::OnCallEnded(const TaskSpec& spec, bool failed) {
  const ClientId home = calls_.at(spec.id);
  calls_.erase(spec.id);
  if (home.IsNil()) return;
  remote::CallEnded ended{
      .actor = spec.actor, .call = spec.id, .failed = failed, .results = TakeResults(home, spec)};
  parts_.remote->Send(home, std::move(ended));
  OnResultsSent(home, spec);
}

void GuestActors::OnEnded(const TaskSpec& spec, bool failed) {
  if (spec.kind == TaskKind::kActorCall) return OnCallEnded(spec, failed);
  const Guest guest = actors_.at(spec.id);
  actors_.erase(spec.id);
  const std::optional<scheduler::ActorSummary> known = parts_.scheduler->FindActor(spec.id);
  if (!guest.home.IsNil()) {
    remote::ActorEnded ended{.actor = spec.id, .attempt = guest.attempt};
    // Nothing may be known of one that was let go.
    if (guest.is_moving) ended.outcome = remote::Outcome::kMoved;
    if (known) {
      ended.restarts = known->restarts;
      const bool has_crashed = !known->crash.empty();
      ended.cause = has_crashed ? known->crash : known->cause;
      if (has_crashed) ended.outcome = remote::Outcome::kCrashed;
    }
    if (!guest.is_made) {
      std::vector<remote::Value> results = TakeResults(guest.home, spec);
      if (results.empty()) ended.outcome = remote::Outcome::kNotRun;
      if (!results.empty()) ended.result = std::move(results.front());
    }
    parts_.remote->Send(guest.home, std::move(ended));
    if (!guest.is_made) OnResultsSent(guest.home, spec);
  }
  // The home has who calls it.
  parts_.scheduler->OnActorUnreferenced(spec.id);
}

}  // namespace rayx::node
