#include "sim/facts.h"

#include <utility>

namespace rayx::sim {

TaskFacts& Facts::Add(const TaskSpec& spec, uint64_t driver, ClientId submitter, const World* at) {
  TaskFacts& facts = tasks_[spec.id];
  facts.id = spec.id;
  facts.driver = driver;
  facts.submitter = submitter;
  facts.submitted_at = at;
  facts.order = tasks_.size();
  facts.run = spec.run;
  facts.kind = spec.kind;
  facts.actor = spec.actor;
  facts.max_retries = spec.options.max_retries;
  facts.is_stream = spec.options.stream_window > 0;
  facts.is_named = !spec.actor_name.empty();
  facts.has_timeout = spec.options.timeout_ms > 0;
  return facts;
}

bool Facts::BeginsInOrder(const TaskFacts& call) {
  uint64_t& last = begun_[{call.submitted_at, call.submitter, call.run, call.actor}];
  return std::exchange(last, call.order) < call.order;
}

TaskFacts* Facts::Find(const TaskId& id) {
  const auto it = tasks_.find(id);
  return it == tasks_.end() ? nullptr : &it->second;
}

std::string Facts::Judge(const ObjectId& id, const Value& value) {
  TaskFacts* task = Find(id.Task());
  const bool is_made_by_hand = id.IsPut() || task == nullptr;
  if (value.kind == ObjectKind::kSystemError) {
    if (is_made_by_hand && harmed_ && value.code == SystemErrorCode::kObjectLost) return "";
    if (is_made_by_hand) return "it was put, and is an error of the system";
    return JudgeSystemError(*task, value.code);
  }
  // The error of a creation is that of the calls of its actor.
  if (value.kind == ObjectKind::kTaskError && task != nullptr &&
      task->kind == TaskKind::kActorCall && value.id == ObjectId::ForReturn(task->actor, 0)) {
    return "";
  }
  if (value.id != id) return "it is the value of " + NameOf(value.id);
  if (value.kind == ObjectKind::kPickle) return "";
  return task != nullptr && task->raised ? "" : "it is an error, and its task has not raised";
}

std::string Facts::JudgeSystemError(const TaskFacts& task, SystemErrorCode code) {
  if (harmed_) return "";
  // What has kept an actor from being made is the error of its calls.
  if (task.kind == TaskKind::kActorCall && code != SystemErrorCode::kActorDied) {
    const TaskFacts* actor = Find(task.actor);
    if (actor != nullptr && JudgeSystemError(*actor, code).empty()) return "";
  }
  switch (code) {
    case SystemErrorCode::kWorkerCrashed: {
      const auto tries = static_cast<uint32_t>(task.max_retries < 0 ? 0 : task.max_retries);
      const bool is_final = task.is_stream || (task.max_retries >= 0 && task.deaths > tries);
      return task.deaths > 0 && is_final ? "" : "not so many workers died";
    }
    case SystemErrorCode::kWorkerStartFailed:
      return starts_failed_ ? "" : "no start has failed";
    case SystemErrorCode::kTaskCancelled:
      return task.cancelled || cancelled_from_afar_.contains(task.driver)
                 ? ""
                 : "nobody has cancelled it";
    case SystemErrorCode::kTaskTimedOut:
      return task.has_timeout ? "" : "it has all the time";
    case SystemErrorCode::kActorDied: {
      const TaskFacts* actor = task.kind == TaskKind::kActorCall ? Find(task.actor) : &task;
      const bool was_hurt = actor != nullptr && (actor->deaths > 0 || actor->raised ||
                                                 actor->cancelled || starts_failed_);
      return was_hurt ? "" : "nothing has happened to the actor";
    }
    default:
      return "system error " + std::to_string(static_cast<int>(code)) + " is never right here";
  }
}

}  // namespace rayx::sim
