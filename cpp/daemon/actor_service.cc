#include "daemon/actor_service.h"

#include "common/base/check.h"
#include "common/protocol/generated/task_generated.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {
namespace {

// What stands for the actor in the object store.
ObjectId ObjectOf(const TaskId& actor) { return ObjectId::ForReturn(actor, 0); }

control::ActorState RecordState(scheduler::ActorState state) {
  switch (state) {
    case scheduler::ActorState::kPending:
      return control::ActorState::kPending;
    case scheduler::ActorState::kAlive:
      return control::ActorState::kAlive;
    case scheduler::ActorState::kRestarting:
      return control::ActorState::kRestarting;
    case scheduler::ActorState::kDead:
      return control::ActorState::kDead;
  }
  RAYX_CHECK(false);
}

}  // namespace

ActorService::ActorService(MessageWriter* writer, ObjectService* objects,
                           scheduler::LocalScheduler* scheduler, control::Tables* tables,
                           NodeId node)
    : writer_(writer), objects_(objects), scheduler_(scheduler), tables_(tables), node_(node) {}

Status ActorService::OnKill(Session& session, const protocol::KillActor& message) {
  ++session.submitted;
  const auto actor = FromWire<TaskId>(*message.actor_id());
  const std::optional<scheduler::ActorSummary> known = scheduler_->FindActor(actor);
  // Of another driver, it is as good as unknown.
  if (known && known->driver == session.driver) {
    scheduler_->OnActorKilled(actor, "it was ended by rayx.kill()");
  }
  return Status::Ok();
}

Status ActorService::OnFindNamed(Session& session, const protocol::Query& query) {
  std::optional<TaskId> actor;
  if (query.name() != nullptr) {
    actor = scheduler_->FindNamedActor(session.driver, query.name()->str());
  }
  const TaskSpec* creation = actor ? scheduler_->FindTask(*actor) : nullptr;
  if (creation != nullptr) objects_->store().AddClientReference(session.id, ObjectOf(*actor));
  writer_->Send(*session.connection, protocol::MessageType::Answer,
                [&](flatbuffers::FlatBufferBuilder& builder) {
                  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> info;
                  if (creation != nullptr) {
                    // Verified when it was submitted.
                    const auto* spec =
                        flatbuffers::GetRoot<protocol::TaskSpec>(creation->encoded.data());
                    const auto bytes = BytesOf(spec->actor_info());
                    info = builder.CreateVector(bytes.data(), bytes.size());
                  }
                  const ObjectId object = actor ? ObjectOf(*actor) : ObjectId();
                  protocol::AnswerBuilder answer(builder);
                  answer.add_request(query.request());
                  if (creation != nullptr) answer.add_actor(ToWire(object));
                  if (creation != nullptr) answer.add_actor_info(info);
                  return answer.Finish();
                });
  return Status::Ok();
}

void ActorService::OnSubmitted(const TaskSpec& creation) {
  if (creation.actor_name.empty() || !named_.insert(creation.id).second) return;
  objects_->store().AddReference(ObjectOf(creation.id));
}

void ActorService::OnCreated(const TaskId& actor) {
  // Without anybody to hold it, the result was dropped when it came.
  if (!objects_->store().IsSealed(ObjectOf(actor))) scheduler_->OnActorUnreferenced(actor);
}

void ActorService::OnState(const TaskId& actor, const ObjectId& state) {
  const std::optional<scheduler::ActorSummary> known = scheduler_->FindActor(actor);
  if (!known || known->state == scheduler::ActorState::kDead) return;
  objects_->store().AddReference(state);
  ReleaseState(actor);
  states_[actor] = state;
}

std::optional<ObjectId> ActorService::StateOf(const TaskId& actor) const {
  const auto it = states_.find(actor);
  if (it == states_.end()) return std::nullopt;
  return it->second;
}

void ActorService::OnObjectDeleted(const ObjectId& id) {
  const TaskId task = id.Task();
  if (id.Index() == 0 && scheduler_->FindActor(task)) scheduler_->OnActorUnreferenced(task);
}

void ActorService::OnChanged(const TaskId& actor) {
  const std::optional<scheduler::ActorSummary> known = scheduler_->FindActor(actor);
  if (!known || known->state == scheduler::ActorState::kDead) {
    ReleaseName(actor);
    ReleaseState(actor);
  }
  if (!known) return tables_->actors().Remove(actor);
  tables_->actors().Put({.id = actor,
                         .driver = known->driver,
                         .node = node_,
                         .class_name = known->class_name,
                         .name = known->name,
                         .state = RecordState(known->state),
                         .restarts = known->restarts,
                         .cause = known->cause});
}

void ActorService::ReleaseName(const TaskId& actor) {
  if (named_.erase(actor) > 0) objects_->store().RemoveReference(ObjectOf(actor));
}

void ActorService::ReleaseState(const TaskId& actor) {
  const auto it = states_.find(actor);
  if (it == states_.end()) return;
  const ObjectId state = it->second;
  states_.erase(it);
  objects_->store().RemoveReference(state);
}

}  // namespace rayx::daemon
