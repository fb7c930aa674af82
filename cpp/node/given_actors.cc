#include "node/given_actors.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/protocol/object_layout.h"
#include "node/mutation.h"
#include "node/placement_talk.h"
#include "scheduler/actors_elsewhere.h"

namespace rayx::node {

using remote::kAttemptsPerPlacement;

namespace {

// A placement has no more of them to use.
Status CheckRestarts(uint32_t restarts) {
  if (restarts < kAttemptsPerPlacement) return Status::Ok();
  return Status::ProtocolError("an actor was restarted " + std::to_string(restarts) +
                               " times in one placement, which has " +
                               std::to_string(kAttemptsPerPlacement) + " attempts");
}

}  // namespace

// --- what the scheduler wants ---

void GivenActors::OnAssign(const scheduler::AssignTask& effect) {
  const TaskSpec& spec = *parts_.scheduler->FindTask(effect.task);
  if (spec.kind == TaskKind::kActorCreation) {
    Given& given = given_[effect.task];
    given.stand_in = effect.worker;
    given.restarts_before = effect.attempt;
    given.restarts_told = 0;
    return Offer(effect.task, given);
  }
  const Given& given = given_.at(spec.actor);
  calls_.Add(given.session, effect.task, {spec.actor, effect.worker, effect.sequence});
  shell_.records->OnTaskAssigned(effect.task);
}

void GivenActors::Offer(const TaskId& actor, Given& given) {
  given.state = State::kOffered;
  given.session = kNoClient;
  ++given.offers;
  shell_.others->Offer(
      OfferOf(*parts_.scheduler->FindTask(actor), given.offers, parts_.store, parts_.remote));
}

void GivenActors::OnStop(const scheduler::StopWorker& effect) {
  // Of the actor's creation, which its worker holds as long as there is one, or of a call.
  const TaskSpec* held = parts_.scheduler->RunningTask(effect.worker);
  if (held == nullptr) return;
  const TaskId actor = held->kind == TaskKind::kActorCreation ? held->id : held->actor;
  const auto it = given_.find(actor);
  if (it == given_.end() || it->second.stand_in != effect.worker) return;
  Given& given = it->second;
  if (given.state == State::kOffered) {
    return EndStandIn(given, remote::Outcome::kNotRun, "no node had it yet");
  }
  const std::optional<scheduler::ActorSummary> known = parts_.scheduler->FindActor(actor);
  if (RAYX_MUTATION(kForgetStopActor)) return;
  parts_.remote->Send(
      given.session,
      remote::StopActor{
          .driver = known->driver, .actor = actor, .kill = effect.kill, .reason = known->cause});
}

void GivenActors::OnInterrupt(const scheduler::InterruptTask& effect) {
  const TaskSpec* spec = parts_.scheduler->FindTask(effect.task);
  // It may have ended since.
  if (spec == nullptr) return;
  const auto it = given_.find(spec->actor);
  if (it != given_.end()) calls_.Interrupt(it->second.session, effect.task);
}

void GivenActors::OnTaskEnded(const TaskSpec& spec) {
  calls_.Remove(spec.id);
  const auto it = given_.find(spec.id);
  if (it == given_.end()) return;
  shell_.others->Withdraw(spec.id, it->second.offers);
  given_.erase(it);
}

void GivenActors::EndStandIn(Given& given, remote::Outcome outcome, const std::string& why) {
  ReleaseSaved(given);
  const WorkerNumber gone = std::exchange(given.stand_in, kNoWorker);
  const ClientId session = std::exchange(given.session, kNoClient);
  given.is_moving = false;
  scheduler::WorkerEnd end{.begun_sequence = 0, .description = why};
  end.is_moved = outcome == remote::Outcome::kMoved;
  if (outcome != remote::Outcome::kNotRun) end.begun_sequence = calls_.FirstUnsent(session, gone);
  calls_.OnStandInGone(gone);
  parts_.scheduler->OnWorkerGone(gone, end);
}

// --- who has it ---

void GivenActors::OnPlace(const TaskId& actor, uint32_t attempt, const NodeId& node) {
  const auto it = given_.find(actor);
  if (it == given_.end() || it->second.state != State::kOffered) return;
  Given& given = it->second;
  if (given.offers != attempt || given.stand_in == kNoWorker) return;
  const std::optional<scheduler::ActorSummary> known = parts_.scheduler->FindActor(actor);
  // It was killed, or its driver is gone, and what stands for its worker is about to end.
  if (!known || known->state == ActorState::kDead) return;
  if (node == shell_.others->self()) {
    given.state = State::kHere;
    given.stand_in = kNoWorker;
    return PlaceHere(actor);
  }
  const ClientId session = parts_.sessions->With(node);
  // There is none any more, or none yet, or the node has begun to leave since.
  if (session.IsNil() || parts_.draining->Contains(session)) return Offer(actor, given);
  given.state = State::kPlaced;
  given.session = session;
  given.pending_reason.clear();
  const TaskSpec& spec = *parts_.scheduler->FindTask(actor);
  parts_.told->Tell(session, spec.driver);
  remote::MakeActor make{.spec = spec,
                         .attempt = given.offers * kAttemptsPerPlacement,
                         .state = parts_.actors->StateOf(actor)};
  // Deaths of workers count at the node that has it.
  const auto most = static_cast<int32_t>(kAttemptsPerPlacement) - 1;
  int32_t& restarts = make.spec.options.max_retries;
  if (restarts >= 0) restarts -= static_cast<int32_t>(given.restarts_before);
  if (restarts < 0 || restarts > most) restarts = most;
  given.saved = make.state;
  if (given.saved) parts_.store->AddReference(*given.saved);
  parts_.remote->Send(session, std::move(make));
  shell_.records->OnTaskAssigned(actor);
}

void GivenActors::PlaceHere(const TaskId& actor) {
  const auto missing_here = [this](const TaskSpec& task) {
    std::vector<ObjectId> missing;
    for (const ObjectId& input : task.dependencies) {
      if (parts_.store->IsSealed(input)) continue;
      missing.push_back(input);
      parts_.remote->shared().WantHere(input);
    }
    return missing;
  };
  scheduler::ActorsElsewhere(parts_.scheduler).OnPlacedHere(actor, missing_here);
}

void GivenActors::OnUnplaceable(const TaskId& actor, uint32_t attempt, const std::string& reason,
                                bool for_ever) {
  const auto it = given_.find(actor);
  if (it == given_.end() || it->second.state != State::kOffered) return;
  Given& given = it->second;
  if (given.offers != attempt || given.stand_in == kNoWorker) return;
  if (for_ever) {
    return scheduler::ActorsElsewhere(parts_.scheduler)
        .OnEnded(actor, reason, SystemErrorCode::kInfeasible, /*has_error=*/false);
  }
  given.pending_reason = reason;
  const TaskSpec& spec = *parts_.scheduler->FindTask(actor);
  parts_.reasons->Tell(spec.driver, spec.name, reason);
}

GivenActors::Given* GivenActors::Open(ClientId session, const TaskId& actor, uint32_t attempt) {
  const auto it = given_.find(actor);
  if (it == given_.end()) return nullptr;
  Given& given = it->second;
  const bool is_open = given.state == State::kPlaced && given.session == session &&
                       given.offers * kAttemptsPerPlacement == attempt;
  return is_open ? &given : nullptr;
}

const GivenCalls::Call* GivenActors::OpenCall(const TaskId& id) const {
  const GivenCalls::Call* call = calls_.Find(id);
  if (call == nullptr) return nullptr;
  const auto it = given_.find(call->actor);
  return it != given_.end() && it->second.stand_in == call->stand_in ? call : nullptr;
}

void GivenActors::ReleaseSaved(Given& given) {
  if (given.saved) parts_.store->RemoveReference(*std::exchange(given.saved, std::nullopt));
}

void GivenActors::TellRestarts(const TaskId& actor, Given& given, uint32_t restarts) {
  if (restarts <= given.restarts_told) return;
  scheduler::ActorsElsewhere(parts_.scheduler).OnRestarted(actor, restarts - given.restarts_told);
  given.restarts_told = restarts;
}

// --- what its node says ---

Status GivenActors::OnMade(ClientId session, const remote::ActorMade& made) {
  Given* given = Open(session, made.actor, made.attempt);
  if (given == nullptr) return Status::ProtocolError("an actor was made that was not placed there");
  RAYX_RETURN_IF_ERROR(CheckRestarts(made.restarts));
  if (made.result) {
    RAYX_RETURN_IF_ERROR(
        AcceptResults(parts_.remote, session, made.actor, /*return_count=*/1, {*made.result}));
  }
  ReleaseSaved(*given);
  TellRestarts(made.actor, *given, made.restarts);
  const std::optional<scheduler::ActorSummary> known = parts_.scheduler->FindActor(made.actor);
  // Made again, or killed meanwhile.
  const bool is_waited_for =
      known && (known->state == ActorState::kPending || known->state == ActorState::kRestarting);
  if (!is_waited_for) return Status::Ok();
  RAYX_RETURN_IF_ERROR(
      parts_.scheduler->OnTaskFinished(given->stand_in, made.actor, /*sequence=*/0));
  parts_.actors->OnCreated(made.actor);
  return Status::Ok();
}

Status GivenActors::OnEnded(ClientId session, const remote::ActorEnded& ended) {
  Given* given = Open(session, ended.actor, ended.attempt);
  if (given == nullptr)
    return Status::ProtocolError("the end of an actor that was not placed there");
  RAYX_RETURN_IF_ERROR(CheckRestarts(ended.restarts));
  if (ended.outcome == remote::Outcome::kMoved && !given->is_moving) {
    return Status::ProtocolError("an actor was let go that was not to move");
  }
  TellRestarts(ended.actor, *given, ended.restarts);
  if (ended.outcome != remote::Outcome::kEnded && ended.result) {
    // It may have been stored by a worker that died.
    RefuseResults(parts_.remote, session, {*ended.result});
  }
  if (ended.outcome == remote::Outcome::kEnded) {
    if (ended.result) {
      RAYX_RETURN_IF_ERROR(
          AcceptResults(parts_.remote, session, ended.actor, /*return_count=*/1, {*ended.result}));
    }
    scheduler::ActorsElsewhere(parts_.scheduler)
        .OnEnded(ended.actor, ended.cause, SystemErrorCode::kActorDied, ended.result.has_value());
  }
  EndStandIn(*given, ended.outcome, ended.cause);
  return Status::Ok();
}

Status GivenActors::OnSaved(ClientId session, const remote::ActorSaved& saved) {
  if (Open(session, saved.actor, saved.attempt) == nullptr) {
    return Status::ProtocolError("the state of an actor that was not placed there");
  }
  parts_.actors->OnStateElsewhere(saved.actor, saved.state);
  return Status::Ok();
}

Status GivenActors::OnCallEnded(ClientId session, const remote::CallEnded& ended) {
  const GivenCalls::Call* found = OpenCall(ended.call);
  const TaskSpec* spec = parts_.scheduler->FindTask(ended.call);
  if (found == nullptr || spec == nullptr || given_.at(found->actor).session != session) {
    // It has failed here, with its actor.
    RefuseResults(parts_.remote, session, ended.results);
    return Status::Ok();
  }
  const GivenCalls::Call call = *found;
  if (ended.results.empty()) {
    Drop(*spec);
  } else {
    RAYX_RETURN_IF_ERROR(
        AcceptResults(parts_.remote, session, spec->id, spec->return_count, ended.results));
  }
  return parts_.scheduler->OnTaskFinished(call.stand_in, ended.call, call.sequence, ended.failed);
}

void GivenActors::Drop(const TaskSpec& call) {
  const std::string error =
      EncodeSystemError(SystemErrorCode::kActorDied,
                        call.name + " was dropped at the node of its actor, since its driver ends");
  for (uint32_t i = 0; i < call.return_count; ++i) {
    (void)parts_.store->PutInline(kNoClient, call.ReturnId(i), BytesOf(error), {});
  }
}

void GivenActors::OnSessionEnded(ClientId session, const SessionEnd& end) {
  std::vector<TaskId> lost;
  for (const auto& [actor, given] : given_) {
    if (given.state == State::kPlaced && given.session == session) lost.push_back(actor);
  }
  std::sort(lost.begin(), lost.end());
  const std::string why =
      "its node " + parts_.sessions->NodeOf(session).Hex() + " is gone: " + end.reason;
  for (const TaskId& actor : lost) {
    if (RAYX_MUTATION(kForgetLostActors)) continue;
    // It has not begun where it was not heard of.
    EndStandIn(given_.at(actor),
               end.is_unheard ? remote::Outcome::kNotRun : remote::Outcome::kCrashed, why);
  }
  calls_.OnSessionEnded(session);
}

void GivenActors::Flush() {
  calls_.Flush();
  for (const ClientId session : parts_.draining->others) MoveAllOf(session);
}

void GivenActors::MoveAllOf(ClientId session) {
  if (RAYX_MUTATION(kForgetToMove)) return;
  std::vector<TaskId> moving;
  for (const auto& [actor, given] : given_) {
    if (given.state != State::kPlaced || given.session != session || given.is_moving) continue;
    if (scheduler::ActorsElsewhere(parts_.scheduler).MayMove(actor)) moving.push_back(actor);
  }
  std::sort(moving.begin(), moving.end());
  for (const TaskId& actor : moving) {
    Given& given = given_.at(actor);
    given.is_moving = true;
    if (!RAYX_MUTATION(kForgetWithhold)) calls_.Withhold(session, given.stand_in);
    const DriverId driver = parts_.scheduler->FindActor(actor)->driver;
    parts_.remote->Send(session, remote::MoveActor{driver, actor});
  }
}

// --- questions ---

GivenActors::Place GivenActors::PlaceOf(const TaskId& actor) const {
  const auto it = given_.find(actor);
  if (it == given_.end()) return {};
  const Given& given = it->second;
  if (given.state == State::kHere) {
    return {.node = {}, .first_attempt = given.offers * kAttemptsPerPlacement};
  }
  const bool is_placed = given.state == State::kPlaced && parts_.sessions->Contains(given.session);
  return {.node = is_placed ? parts_.sessions->NodeOf(given.session) : NodeId()};
}

std::string GivenActors::Explain(const DriverId& driver, const TaskId& task) const {
  const TaskSpec* spec = parts_.scheduler->FindTask(task);
  if (spec == nullptr || spec->driver != driver) return "";
  const std::string label = spec->name + " (task " + task.Hex() + ")";
  if (const GivenCalls::Call* call = OpenCall(task)) {
    return label + " was sent to its actor at node " + PlaceOf(call->actor).node.Hex() +
           ", which runs it, or will. It has not said that it has ended.";
  }
  const auto it = given_.find(task);
  if (it == given_.end() || it->second.stand_in == kNoWorker) return "";
  if (it->second.state == State::kPlaced) {
    return label + " makes, or has made, its actor at node " + PlaceOf(task).node.Hex() + ".";
  }
  if (!it->second.pending_reason.empty()) {
    return label + " waits for a node that can have its actor: " + it->second.pending_reason;
  }
  return label + " is to make its actor where " + spec->resources.ToString() +
         " are free next. No node has been chosen yet: all have as much to do as they should, or "
         "the global scheduler is not reached.";
}

}  // namespace rayx::node
