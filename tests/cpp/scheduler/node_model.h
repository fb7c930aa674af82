// A node made up of a real LocalScheduler and simple-minded workers, all decided by one seed:
// workers connect late or not at all, run tasks for some steps, submit children and block on them,
// die in the middle, answer late. Some of them have actors, whose calls they run, several at the
// same time if they may. An actor is referred to until all its calls have ended. What workers send
// is delivered later, so that the scheduler always knows a little less than is true.
//
// The model knows what really runs, and checks it: see Check.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/local_scheduler.h"
#include "testing/task_builder.h"

namespace rayx::scheduler {

// What a task does when it runs.
struct TaskScript {
  uint64_t number = 0;
  uint64_t driver = 1;
  ResourceSet resources;
  int64_t steps = 0;
  std::vector<uint64_t> children;
  // Blocks until the children have ended.
  bool waits = false;
  // So many attempts end with the death of the worker.
  uint32_t deaths = 0;
  int32_t max_retries = 3;
  std::vector<uint64_t> depends_on;
  TaskKind kind = TaskKind::kFunction;
  // Of a call: the actor, and who calls; calls of one caller are submitted by rising number.
  uint64_t actor = 0;
  ClientId caller = kNoClient;
  // Of a creation.
  uint32_t max_concurrency = 1;
  bool raises = false;
  uint64_t timeout_ms = 0;
  int32_t priority = 0;
  // It ends when it is interrupted.
  bool heeds_interrupt = true;
};

struct ModelOptions {
  uint64_t seed = 0;
  ResourceSet total;
  size_t prestart = 0;
  size_t workers_max = 4096;
  // Chances in a thousand.
  unsigned start_fails = 0;
  unsigned idle_dies = 0;
  // Drivers may have worker leases: chances in a thousand that one is opened in a step.
  unsigned leases = 0;
  // A dying worker may take the last messages with it that it meant to send.
  bool loses_messages = false;
  // Steps until a worker connects, a message arrives, a stopped worker is gone: 0 to this.
  unsigned delay_max = 3;
};

class NodeModel {
 public:
  NodeModel(ModelOptions options, std::map<uint64_t, TaskScript> scripts);

  // A driver submits a task.
  void Submit(uint64_t number);
  void DriverGone(uint64_t driver);
  void Kill(uint64_t actor);
  void Cancel(uint64_t number, bool force);
  // One step of everything: a millisecond, a turn of the daemon's loop, a step of each worker.
  void Step();
  // If one is open. It is not opened again before the next step.
  void EndLease();
  // Lets time pass in larger steps, for when nothing but time matters.
  void Rest(int64_t ms);
  // Steps until all submitted tasks have ended. False if that takes more than `steps_max`.
  bool RunToEnd(int64_t steps_max);

  LocalScheduler& core() { return core_; }
  int64_t now_ms() const { return now_ms_; }
  bool Ended(uint64_t number) const { return ended_.contains(number); }
  bool Failed(uint64_t number) const { return failed_.contains(number); }
  uint32_t Begun(uint64_t number) const;
  size_t submitted() const { return submitted_.size(); }
  size_t ended() const { return ended_.size(); }
  size_t processes() const { return workers_.size(); }
  size_t processes_peak() const { return processes_peak_; }
  size_t blocked_peak() const { return blocked_peak_; }
  size_t revokes() const { return revocations_; }
  size_t started() const { return started_; }
  // Tasks that were given directly.
  size_t given_directly() const { return given_directly_; }
  // The first rule that was broken; empty if none was.
  const std::string& broken() const { return broken_; }

 private:
  struct Message {
    enum class Kind { kStarted, kDone, kBlocked, kUnblocked, kSubmit, kGone };
    Kind kind = Kind::kStarted;
    uint64_t task = 0;
    uint32_t sequence = 0;
    int64_t due_ms = 0;
    bool failed = false;
  };
  struct Given {
    uint64_t task = 0;
    uint32_t sequence = 0;
    uint32_t attempt = 0;
    bool direct = false;
  };
  struct Call {
    Given given;
    int64_t steps_left = 0;
  };
  struct Worker {
    bool connected = false;
    bool dying = false;
    bool start_failed = false;
    std::deque<Given> inbox;
    // The claim word: first sequence not begun or taken back.
    uint32_t next = 0;
    uint32_t given_end = 0;
    bool running = false;
    bool blocked = false;
    bool was_blocked = false;
    Given task;
    int64_t steps_left = 0;
    size_t children_submitted = 0;
    // What it has made, and the calls of that which run.
    uint64_t actor = 0;
    std::vector<Call> calls;
    std::vector<uint32_t> gpus;
    std::deque<Message> messages;  // to the node, in order
  };

  // A task on its way to the node, which its client has given to the worker that it leases.
  struct InFlight {
    uint64_t task = 0;
    uint32_t sequence = 0;
  };
  struct Lease {
    WorkerNumber worker = kNoWorker;
    bool open = false;
    std::deque<InFlight> unheard;
  };

  void MaybeOpenLease();
  // The task may go directly now: its client has nothing else under way.
  bool MayGoDirectly(const TaskScript& script);
  void GiveDirectly(uint64_t number);
  // What the client has sent is heard.
  void HearHolder();
  void SubmitFrom(uint64_t number, WorkerNumber submitter);
  TaskSpec SpecOf(const TaskScript& script) const;
  void Deliver();
  bool DeliverOne(WorkerNumber number, const Message& message);
  void TurnOfLoop();
  void Act(const Effect& effect);
  void ActOn(const StartWorker& effect);
  void ActOn(const StopWorker& effect);
  void ActOn(const ReclaimWorker& effect);
  void ActOn(const AssignTask& effect);
  void ActOn(const RevokeTasks& effect);
  void ActOn(const FailTask& effect);
  void ActOn(const TaskEnded& effect);
  void ActOn(const InterruptTask& effect);
  void ActOn(const ReleaseInputs&) {}
  void ActOn(const ActorChanged&) {}
  void StepActor(Worker& worker);
  void BeginCalls(Worker& worker);
  void DropReferences();
  void CheckGpus();
  void StepWorker(WorkerNumber number, Worker& worker);
  void BeginNext(WorkerNumber number, Worker& worker);
  void Die(Worker& worker);
  void Send(Worker& worker, Message::Kind kind, uint64_t task = 0, uint32_t sequence = 0);
  bool ChildrenEnded(const TaskScript& script) const;
  void Check();
  void Broken(const std::string& rule);
  unsigned Random(unsigned below) { return static_cast<unsigned>(random_() % below); }

  const ModelOptions options_;
  const std::map<uint64_t, TaskScript> scripts_;
  std::mt19937_64 random_;
  LocalScheduler core_;
  int64_t now_ms_ = 0;
  std::map<WorkerNumber, Worker> workers_;
  Lease lease_;
  std::set<uint64_t> submitted_;
  std::set<uint64_t> ended_;
  std::set<uint64_t> failed_;
  std::set<uint64_t> gone_drivers_;
  std::map<uint64_t, uint32_t> begun_;
  // Actors that are referred to, with the calls that have not ended.
  std::map<uint64_t, std::set<uint64_t>> actors_;
  // The last call that each caller's actor has begun.
  std::map<std::pair<uint64_t, ClientId>, uint64_t> last_call_;
  size_t processes_peak_ = 0;
  size_t blocked_peak_ = 0;
  size_t revocations_ = 0;
  size_t started_ = 0;
  size_t given_directly_ = 0;
  std::string broken_;
};

}  // namespace rayx::scheduler
