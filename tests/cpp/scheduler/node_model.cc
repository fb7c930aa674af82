#include "scheduler/node_model.h"

#include <algorithm>
#include <utility>

namespace rayx::scheduler {
namespace {

SchedulerOptions CoreOptions(const ModelOptions& options) {
  SchedulerOptions core;
  core.total = options.total;
  core.prestart_workers = options.prestart;
  core.workers_max = options.workers_max;
  core.node_name = "model";
  return core;
}

}  // namespace

NodeModel::NodeModel(ModelOptions options, std::map<uint64_t, TaskScript> scripts)
    : options_(std::move(options)),
      scripts_(std::move(scripts)),
      random_(options_.seed),
      core_(CoreOptions(options_)) {
  for (const auto& [number, script] : scripts_) {
    if (script.kind == TaskKind::kActorCreation) actors_[number];
    if (script.kind == TaskKind::kActorCall) actors_[script.actor].insert(number);
  }
}

uint32_t NodeModel::Begun(uint64_t number) const {
  const auto it = begun_.find(number);
  return it == begun_.end() ? 0 : it->second;
}

void NodeModel::Broken(const std::string& rule) {
  if (broken_.empty()) broken_ = "at " + std::to_string(now_ms_) + " ms: " + rule;
}

TaskSpec NodeModel::SpecOf(const TaskScript& script) const {
  testing::Task task(script.number);
  TaskSpec spec = std::move(task).Driver(script.driver).Retries(script.max_retries).Build();
  spec.resources = script.resources;
  spec.kind = script.kind;
  spec.actor = testing::TaskNumber(script.actor);
  spec.options.max_concurrency = script.max_concurrency;
  spec.options.timeout_ms = script.timeout_ms;
  spec.options.priority = script.priority;
  return spec;
}

void NodeModel::SubmitFrom(uint64_t number, WorkerNumber submitter) {
  // The results of a task that has ended exist: the daemon does not submit it again.
  if (!submitted_.insert(number).second) return;
  const TaskScript& script = scripts_.at(number);
  TaskSpec spec = SpecOf(script);
  std::vector<ObjectId> missing;
  for (const uint64_t dependency : script.depends_on) {
    spec.dependencies.push_back(testing::ResultOf(dependency));
    if (!ended_.contains(dependency)) missing.push_back(spec.dependencies.back());
  }
  core_.OnTaskSubmitted(std::move(spec), missing, submitter, {.node = {}, .client = script.caller});
}

void NodeModel::Kill(uint64_t actor) {
  core_.OnActorKilled(testing::TaskNumber(actor), "the model killed it");
  core_.SanityCheck();
}

void NodeModel::Cancel(uint64_t number, bool force) {
  core_.OnTaskCancelled(testing::TaskNumber(number), force);
  core_.SanityCheck();
}

// As in the daemon, the object that stands for an actor goes when no handle and no call is left.
void NodeModel::DropReferences() {
  for (auto it = actors_.begin(); it != actors_.end();) {
    std::erase_if(it->second, [this](uint64_t call) { return ended_.contains(call); });
    if (it->second.empty() && submitted_.contains(it->first)) {
      core_.OnActorUnreferenced(testing::TaskNumber(it->first));
      core_.SanityCheck();
      it = actors_.erase(it);
    } else {
      ++it;
    }
  }
}

void NodeModel::DriverGone(uint64_t driver) {
  HearHolder();
  gone_drivers_.insert(driver);
  core_.OnDriverGone(testing::DriverNumber(driver));
  core_.SanityCheck();
}

void NodeModel::Step() {
  now_ms_ += 1;
  MaybeOpenLease();
  Deliver();
  TurnOfLoop();
  for (auto& [number, worker] : workers_) StepWorker(number, worker);
  DropReferences();
  Check();
}

void NodeModel::Rest(int64_t ms) {
  constexpr int64_t kStepMs = 50;
  for (int64_t passed_ms = 0; passed_ms < ms; passed_ms += kStepMs) {
    now_ms_ += kStepMs - 1;
    Step();
  }
}

bool NodeModel::RunToEnd(int64_t steps_max) {
  for (int64_t i = 0; i < steps_max; ++i) {
    if (ended_.size() == submitted_.size() && i > 0) return true;
    Step();
    if (!broken_.empty()) return false;
  }
  return false;
}

void NodeModel::Deliver() {
  std::vector<WorkerNumber> numbers;
  for (const auto& [number, worker] : workers_) numbers.push_back(number);
  std::shuffle(numbers.begin(), numbers.end(), random_);
  for (const WorkerNumber number : numbers) {
    Worker& worker = workers_[number];
    while (!worker.messages.empty() && worker.messages.front().due_ms <= now_ms_) {
      const Message message = worker.messages.front();
      worker.messages.pop_front();
      const bool is_there = DeliverOne(number, message);
      core_.SanityCheck();
      if (!is_there) break;
    }
  }
}

bool NodeModel::DeliverOne(WorkerNumber number, const Message& message) {
  if (number == lease_.worker) HearHolder();
  Worker& worker = workers_[number];
  Status status;
  switch (message.kind) {
    case Message::Kind::kStarted:
      worker.connected = true;
      core_.OnWorkerStarted(number);
      break;
    case Message::Kind::kDone:
      status = core_.OnTaskFinished(number, testing::TaskNumber(message.task), message.sequence,
                                    message.failed);
      break;
    case Message::Kind::kBlocked:
      status = core_.OnWorkerBlocked(number);
      break;
    case Message::Kind::kUnblocked:
      status = core_.OnWorkerUnblocked(number);
      break;
    case Message::Kind::kSubmit:
      SubmitFrom(message.task, number);
      break;
    case Message::Kind::kGone:
      core_.OnWorkerGone(number, {worker.next, "the model killed it", worker.start_failed});
      workers_.erase(number);
      if (number == lease_.worker) lease_ = {};
      return false;
  }
  if (!status.ok()) Broken("a true message was refused: " + status.ToString());
  return true;
}

void NodeModel::TurnOfLoop() {
  core_.OnTick(now_ms_);
  for (int round = 0;; ++round) {
    core_.Schedule(now_ms_);
    core_.SanityCheck();
    const std::vector<Effect> effects = core_.TakeEffects();
    if (effects.empty()) break;
    for (const Effect& effect : effects) Act(effect);
    core_.SanityCheck();
    if (round > 1000) return Broken("decisions do not come to an end");
  }
  if (core_.NextTickMs().has_value() && *core_.NextTickMs() <= now_ms_) {
    Broken("the next tick is due at once: the loop would spin");
  }
}

void NodeModel::Act(const Effect& effect) {
  std::visit([this](const auto& one) { ActOn(one); }, effect);
}

void NodeModel::ActOn(const StartWorker& effect) {
  ++started_;
  Worker& worker = workers_[effect.worker];
  worker.start_failed = Random(1000) < options_.start_fails;
  Send(worker, worker.start_failed ? Message::Kind::kGone : Message::Kind::kStarted);
  worker.dying = worker.start_failed;
}

void NodeModel::ActOn(const StopWorker& effect) {
  const auto it = workers_.find(effect.worker);
  if (it == workers_.end()) return;  // it has gone since
  // An actor that nobody refers to is not worth waiting for while it is made again.
  const bool has_work = it->second.running || !it->second.inbox.empty();
  const bool makes_actor =
      (it->second.running && scripts_.at(it->second.task.task).kind == TaskKind::kActorCreation) ||
      (!it->second.inbox.empty() &&
       scripts_.at(it->second.inbox.front().task).kind == TaskKind::kActorCreation);
  if (!effect.kill && !makes_actor && (has_work || !it->second.calls.empty())) {
    return Broken("stops a worker that has work");
  }
  if (!it->second.dying) Die(it->second);
}

void NodeModel::ActOn(const AssignTask& effect) {
  const uint64_t number = testing::NumberOf(effect.task);
  const auto it = workers_.find(effect.worker);
  if (it == workers_.end()) return Broken("assigns to a worker that is gone");
  Worker& worker = it->second;
  if (!worker.connected) return Broken("assigns to a worker that has not started");
  if (lease_.open && lease_.worker == effect.worker) return Broken("assigns to a leased worker");
  if (effect.sequence != worker.given_end) return Broken("sequences do not rise by one");
  if (core_.FindTask(effect.task) == nullptr) return Broken("assigns a task that it forgot");
  worker.given_end = effect.sequence + 1;
  worker.gpus = effect.gpus;
  worker.inbox.push_back({number, effect.sequence, effect.attempt});
}

void NodeModel::ActOn(const RevokeTasks& effect) {
  ++revocations_;
  const auto it = workers_.find(effect.worker);
  if (it == workers_.end()) return;  // it has gone since
  if (lease_.open && lease_.worker == effect.worker) return Broken("revokes from a leased worker");
  Worker& worker = it->second;
  const uint32_t first = worker.next;
  worker.next = worker.given_end;
  worker.inbox.clear();
  core_.OnTasksRevoked(effect.worker, first);
}

void NodeModel::ActOn(const FailTask& effect) {
  if (!failed_.insert(testing::NumberOf(effect.task)).second) Broken("a task fails twice");
  if (effect.text.empty() || effect.name.empty()) Broken("a failure without words");
}

void NodeModel::ActOn(const TaskEnded& effect) {
  const uint64_t number = testing::NumberOf(effect.spec.id);
  if (!ended_.insert(number).second) Broken("task " + std::to_string(number) + " ended twice");
  core_.OnObjectAvailable(testing::ResultOf(number));
}

void NodeModel::ActOn(const InterruptTask& effect) {
  const auto it = workers_.find(effect.worker);
  if (it == workers_.end()) return;  // it has gone since
  Worker& worker = it->second;
  if (effect.sequence >= worker.next) Broken("interrupts a task that has not begun");
  if (!scripts_.at(testing::NumberOf(effect.task)).heeds_interrupt) return;
  if (worker.running && worker.task.sequence == effect.sequence) worker.steps_left = 0;
  for (Call& call : worker.calls) {
    if (call.given.sequence == effect.sequence) call.steps_left = 0;
  }
}

void NodeModel::Send(Worker& worker, Message::Kind kind, uint64_t task, uint32_t sequence) {
  int64_t due_ms = now_ms_ + Random(options_.delay_max + 1);
  if (!worker.messages.empty()) due_ms = std::max(due_ms, worker.messages.back().due_ms);
  const bool failed = kind == Message::Kind::kDone && scripts_.at(task).raises;
  worker.messages.push_back({kind, task, sequence, due_ms, failed});
}

void NodeModel::Die(Worker& worker) {
  worker.dying = true;
  worker.running = false;
  worker.blocked = false;
  worker.inbox.clear();
  worker.calls.clear();
  worker.actor = 0;
  // What it has sent arrives before its end, unless it was still in its own buffers.
  if (options_.loses_messages && !worker.messages.empty() && Random(2) == 0) {
    worker.messages.resize(Random(static_cast<unsigned>(worker.messages.size())));
  }
  Send(worker, Message::Kind::kGone);
}

void NodeModel::BeginNext(WorkerNumber number, Worker& worker) {
  const Given given = worker.inbox.front();
  worker.inbox.pop_front();
  worker.next = given.sequence + 1;
  for (const auto& [other_number, other] : workers_) {
    if (other_number != number && other.running && other.task.task == given.task) {
      Broken("task " + std::to_string(given.task) + " runs twice at the same time");
    }
  }
  if (ended_.contains(given.task)) Broken("a task runs again after its end");
  ++begun_[given.task];
  worker.task = given;
  worker.running = true;
  worker.was_blocked = false;
  worker.children_submitted = 0;
  worker.steps_left = scripts_.at(given.task).steps;
}

void NodeModel::StepWorker(WorkerNumber number, Worker& worker) {
  if (!worker.connected || worker.dying) return;
  if (worker.actor != 0) return StepActor(worker);
  // Tasks of no steps: several of them end in one step.
  for (int tasks = 0; tasks < 4; ++tasks) {
    if (!worker.running) {
      if (worker.inbox.empty()) {
        if (Random(1000) < options_.idle_dies) Die(worker);
        return;
      }
      BeginNext(number, worker);
    }
    const TaskScript& script = scripts_.at(worker.task.task);
    if (worker.blocked) {
      if (!ChildrenEnded(script)) return;
      worker.blocked = false;
      worker.was_blocked = true;
      Send(worker, Message::Kind::kUnblocked);
    }
    while (worker.children_submitted < script.children.size()) {
      Send(worker, Message::Kind::kSubmit, script.children[worker.children_submitted++]);
    }
    if (script.waits && !worker.was_blocked && !ChildrenEnded(script)) {
      worker.blocked = true;
      Send(worker, Message::Kind::kBlocked);
      return;
    }
    if (worker.steps_left-- > 0) return;
    if (worker.task.attempt < script.deaths) return Die(worker);
    worker.running = false;
    Send(worker, Message::Kind::kDone, worker.task.task, worker.task.sequence);
    if (script.kind != TaskKind::kActorCreation) continue;
    worker.actor = script.number;
    return;
  }
}

void NodeModel::BeginCalls(Worker& worker) {
  const size_t most = scripts_.at(worker.actor).max_concurrency;
  while (worker.calls.size() < most && !worker.inbox.empty()) {
    const Given given = worker.inbox.front();
    worker.inbox.pop_front();
    worker.next = given.sequence + 1;
    const TaskScript& script = scripts_.at(given.task);
    if (script.actor != worker.actor) return Broken("a worker is given a task that is not its");
    if (++begun_[given.task] > 1) Broken("a call begins twice");
    if (ended_.contains(given.task)) Broken("a call begins after its end");
    uint64_t& last = last_call_[{script.actor, script.caller}];
    if (last >= given.task) Broken("the calls of a caller begin out of order");
    last = given.task;
    worker.calls.push_back({given, script.steps});
  }
}

void NodeModel::StepActor(Worker& worker) {
  BeginCalls(worker);
  if (worker.calls.empty() && Random(1000) < options_.idle_dies) return Die(worker);
  for (size_t i = 0; i < worker.calls.size();) {
    Call& call = worker.calls[i];
    if (call.steps_left-- > 0) {
      ++i;
      continue;
    }
    if (scripts_.at(call.given.task).deaths > 0) return Die(worker);
    Send(worker, Message::Kind::kDone, call.given.task, call.given.sequence);
    worker.calls.erase(worker.calls.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void NodeModel::CheckGpus() {
  std::map<uint32_t, int64_t> used;
  for (const auto& [number, worker] : workers_) {
    if (!worker.running && worker.actor == 0) continue;
    const uint64_t task = worker.running ? worker.task.task : worker.actor;
    const int64_t units = scripts_.at(task).resources.Get(kGpu).units();
    if (units > 0 && worker.gpus.empty()) Broken("a task has no GPU that asked for some");
    for (const uint32_t gpu : worker.gpus) {
      used[gpu] += std::min(units, ResourceAmount::kUnitsPerOne);
      if (used[gpu] > ResourceAmount::kUnitsPerOne) Broken("more of a GPU is in use than there is");
      const int64_t count = options_.total.Get(kGpu).units() / ResourceAmount::kUnitsPerOne;
      if (gpu >= static_cast<uint64_t>(count)) Broken("a GPU that is not there");
    }
  }
}

bool NodeModel::ChildrenEnded(const TaskScript& script) const {
  return std::all_of(script.children.begin(), script.children.end(),
                     [this](uint64_t child) { return ended_.contains(child); });
}

void NodeModel::Check() {
  ResourceSet used;
  size_t blocked = 0;
  for (const auto& [number, worker] : workers_) {
    if (worker.blocked) ++blocked;
    if (worker.actor != 0) used.Add(scripts_.at(worker.actor).resources);
    if (!worker.running) continue;
    ResourceSet one = scripts_.at(worker.task.task).resources;
    // A blocked task has given its CPU back, one that was blocked may use it beyond the total.
    // So may one that was given directly.
    if (worker.blocked || worker.was_blocked || worker.task.direct) one.Set(kCpu, ResourceAmount());
    used.Add(one);
  }
  if (!options_.total.Covers(used)) Broken("more is in use than there is: " + used.ToString());
  CheckGpus();
  processes_peak_ = std::max(processes_peak_, workers_.size());
  blocked_peak_ = std::max(blocked_peak_, blocked);
}

}  // namespace rayx::scheduler
