// The plain model: what has happened to each task, as nobody in a node knows it, and what may
// become of it by that.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "common/base/ids.h"
#include "common/protocol/task_spec.h"
#include "sim/value.h"

namespace rayx::sim {

class World;

struct TaskFacts {
  TaskId id;
  uint64_t driver = 0;
  // Who has submitted it, of the clients of which node, and as how many-th of all tasks.
  ClientId submitter = kNoClient;
  const World* submitted_at = nullptr;
  uint64_t order = 0;
  // Of a call: the run of its submitter.
  uint32_t run = 0;
  TaskKind kind = TaskKind::kFunction;
  TaskId actor;
  int32_t max_retries = 0;
  bool is_stream = false;
  // An actor that can be found by its name.
  bool is_named = false;
  // An actor that has been made, and lives.
  bool is_made = false;
  bool has_timeout = false;

  // The node has heard of it.
  bool submitted = false;
  uint32_t begun = 0;
  // Attempts that have begun and whose worker died before the node knew of their end.
  uint32_t deaths = 0;
  // An attempt has raised.
  bool raised = false;
  // Somebody has cancelled it, killed it as an actor, or the consumer of its stream is gone.
  bool cancelled = false;
  // The node says that it is over.
  bool ended = false;
  bool failed = false;
  // Who knew of it is gone with its node.
  bool forgotten = false;
  // Which node that is.
  const World* node = nullptr;
};

class Facts {
 public:
  TaskFacts& Add(const TaskSpec& spec, uint64_t driver, ClientId submitter, const World* at);
  // A call begins. Whether those of its caller did so in the order in which they were submitted.
  bool BeginsInOrder(const TaskFacts& call);
  TaskFacts* Find(const TaskId& id);
  std::map<TaskId, TaskFacts>& tasks() { return tasks_; }
  const std::map<TaskId, TaskFacts>& tasks() const { return tasks_; }

  // A node is gone, or two of them have lost each other: there is hardly an error without a reason.
  void NoteHarm() { harmed_ = true; }
  bool harmed() const { return harmed_; }
  // Of all tasks, where there are other nodes: at those it takes effect later, for what there is
  // then.
  void NoteFarCancellation(uint64_t driver) { cancelled_from_afar_.insert(driver); }
  // A worker could not be started.
  void NoteFailedStart() { starts_failed_ = true; }
  // Whether the object may have this value; else why not.
  std::string Judge(const ObjectId& id, const Value& value);

 private:
  std::string JudgeSystemError(const TaskFacts& task, SystemErrorCode code);

  std::map<TaskId, TaskFacts> tasks_;
  // The order of the call that has begun last, of each caller of each actor.
  std::map<std::tuple<const World*, ClientId, uint32_t, TaskId>, uint64_t> begun_;
  bool starts_failed_ = false;
  bool harmed_ = false;
  std::set<uint64_t> cancelled_from_afar_;
};

}  // namespace rayx::sim
