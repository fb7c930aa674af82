#include "sim/world.h"

#include <algorithm>
#include <utility>

#include "testing/task_builder.h"

namespace rayx::sim {
namespace {

constexpr uint64_t kPoolBytes = 1 << 16;

ResourceSet TotalOf(uint64_t seed) {
  Dice dice(seed ^ 0xCAFE);
  ResourceSet total;
  total.Set(kCpu, ResourceAmount::Of(static_cast<int64_t>(1 + dice.Below(4))));
  total.Set("lamp", ResourceAmount::Of(2));
  return total;
}

scheduler::SchedulerOptions SchedulingOf(uint64_t seed) {
  Dice dice(seed ^ 0xBEEF);
  scheduler::SchedulerOptions options;
  options.total = TotalOf(seed);
  options.prestart_workers = dice.Below(3);
  options.node_name = "simulated";
  return options;
}

}  // namespace

World::World(const Options& options, const Programs& programs)
    : World(std::make_unique<Common>(options), options, programs) {}

World::World(std::unique_ptr<Common> own, const Options& options, const Programs& programs)
    : own_(std::move(own)),
      common_(*own_),
      programs_(programs),
      total_(TotalOf(options.seed)),
      core_({.peers = this,
             .workers = this,
             .shortcuts = this,
             .records = this,
             .reservations = this},
            SchedulingOf(options.seed), kPoolBytes) {
  if (dice_.OneIn(2)) worker_deaths_ = dice_.Below(800);
  // A driver lives longer if it has more to do.
  if (dice_.OneIn(3)) driver_deaths_ = dice_.Below(60) * 60 / std::max<size_t>(60, options.tasks);
  if (dice_.OneIn(4)) failed_starts_ = dice_.Below(2000);
  if (dice_.OneIn(4)) laggards_ = dice_.Below(3000);
  const uint64_t drivers = 1 + dice_.Below(3);
  for (uint64_t number = 1; number <= drivers; ++number) AddDriver(number);
}

World::World(Common* common, const Programs& programs, uint64_t seed, node::OtherNodes* others)
    : common_(*common),
      programs_(programs),
      name_(std::to_string(seed % 8) + ": "),
      total_(TotalOf(seed)),
      core_({.peers = this,
             .workers = this,
             .shortcuts = this,
             .records = this,
             .reservations = this,
             .others = others},
            SchedulingOf(seed), kPoolBytes * 16) {
  has_others_ = true;
  if (dice_.OneIn(3)) worker_deaths_ = dice_.Below(400);
  if (dice_.OneIn(6)) driver_deaths_ = dice_.Below(60);
  if (dice_.OneIn(6)) laggards_ = dice_.Below(3000);
}

World::~World() = default;

void World::Break(const std::string& rule) {
  if (!broken_.empty()) return;
  broken_ = "at " + std::to_string(now_ms_) + " ms: " + rule;
  Note("BROKEN: " + rule);
}

Process& World::Connect(WorkerNumber worker, uint64_t driver) {
  const ClientId id = ++last_client_;
  auto process = std::make_unique<Process>();
  process->peer.id = id;
  process->peer.worker = worker;
  process->driver = driver;
  return *processes_.emplace(id, std::move(process)).first->second;
}

void World::AddDriver(uint64_t number) {
  common_.homes[number] = this;
  Process& driver = Connect(kNoWorker, number);
  const Status status = core_.drivers().OnDriver(driver.peer, testing::DriverNumber(number), {});
  if (!status.ok()) Break("a driver is refused: " + status.ToString());
  Activity program;
  program.spec.id = testing::TaskNumber(NextNumber());
  program.spec.driver = testing::DriverNumber(number);
  // Behind those that submit all tasks.
  program.steps_left = dice_.Below(60);
  driver.activities.push_back(std::move(program));
  if (dice_.OneIn(2)) AddOutput(number);
}

void World::AddOutput(uint64_t driver) {
  Process& output = Connect(kNoWorker, driver);
  output.is_output = true;
  const Status status = core_.drivers().OnOutput(output.peer, testing::DriverNumber(driver));
  if (!status.ok()) Break("the output of a driver is refused: " + status.ToString());
}

Process* World::FindDriver(uint64_t number) {
  for (const auto& [id, process] : processes_) {
    if (process->is_driver() && process->driver == number) return process.get();
  }
  return nullptr;
}

// --- what can happen ---

bool World::Step() {
  std::vector<Chance> chances;
  Gather(&chances);
  if (chances.empty()) return false;
  dice_.Of(chances)();
  return true;
}

void World::Gather(std::vector<Chance>* all) {
  std::vector<Chance>& chances = *all;
  for (const auto& [id, process] : processes_) Gather(*process, &chances);
  // In the daemon a turn follows whatever was heard: it is not long in coming.
  if (dirty_) {
    for (int i = 0; i < 3; ++i) chances.push_back([this] { Turn(); });
  }
  for (size_t i = 0; i < questions_.size(); ++i) {
    chances.push_back([this, i] {
      const auto asker = questions_[i].first;
      const FunctionId id = questions_[i].second;
      questions_.erase(questions_.begin() + static_cast<std::ptrdiff_t>(i));
      const auto found = table_.find(id);
      core_.functions().OnFound(asker, id, found == table_.end() ? nullptr : &found->second);
      dirty_ = true;
    });
  }
}

void World::Gather(Process& process, std::vector<Chance>* chances) {
  using State = Process::State;
  if (process.state == State::kClosed) {
    // Of a worker alone; the report of its end is on the way.
    chances->push_back([this, id = process.peer.id] { Reap(id); });
    return;
  }
  if (process.state != State::kStarting && !process.to_node.empty()) {
    chances->push_back([this, &process] { Deliver(process); });
  }
  if (process.state == State::kDying) {
    if (process.to_node.empty()) chances->push_back([this, &process] { ClosePeer(process); });
    return;
  }
  if (process.is_worker()) GatherOfWorker(process, chances);
  if (!process.printed.empty()) chances->push_back([this, &process] { ReadPrinted(process); });
  if (process.state == State::kStarting) return;
  if (!process.from_node.empty()) chances->push_back([this, &process] { ReadNews(process); });
  for (size_t i = 0; i < process.activities.size(); ++i) {
    if (!programs_.can_step(process, process.activities[i])) continue;
    chances->push_back([this, &process, i] {
      Misfortune(process);
      if (process.state == State::kRunning) programs_.step(*this, process, i);
    });
  }
}

void World::GatherOfWorker(Process& process, std::vector<Chance>* chances) {
  if (process.state == Process::State::kStarting) {
    chances->push_back([this, &process] {
      dirty_ = true;
      if (dice_.Happens(failed_starts_)) {
        Note("start of " + process.Name() + " fails");
        facts_.NoteFailedStart();
        process.state = Process::State::kClosed;
        const ClientId id = process.peer.id;
        const WorkerNumber number = process.peer.worker;
        workers_.erase(number);
        const std::unique_ptr<Process> gone = std::move(processes_.at(id));
        processes_.erase(id);
        core_.OnPeerGone(gone->peer);
        core_.OnWorkerGone(number,
                           {.begun_sequence = 0, .description = "no memory", .start_failed = true});
        return;
      }
      Note(process.Name() + " has started");
      process.state = Process::State::kRunning;
      core_.OnWorkerStarted(process.peer.worker,
                            1000 + static_cast<int64_t>(process.peer.worker.value()));
    });
    return;
  }
  if (!process.inbox.empty() && process.activities.size() < process.max_concurrency) {
    chances->push_back([this, &process] { Begin(process); });
  }
}

// Whoever does something may die of it.
void World::Misfortune(Process& process) {
  const size_t chance = process.is_worker() ? worker_deaths_ : driver_deaths_;
  if (!dice_.Happens(chance)) return;
  Note(process.Name() + " dies");
  Die(process, /*loses_messages=*/true);
}

void World::Die(Process& process, bool loses_messages) {
  if (process.state == Process::State::kDying || process.state == Process::State::kClosed) return;
  const bool was_starting = process.state == Process::State::kStarting;
  process.state = Process::State::kDying;
  if (loses_messages && !process.to_node.empty()) {
    process.to_node.resize(dice_.Below(process.to_node.size() + 1));
  }
  if (was_starting) process.to_node.clear();
}

void World::Deliver(Process& process) {
  Process::Message message = std::move(process.to_node.front());
  process.to_node.pop_front();
  Note(process.Name() + " " + message.text);
  dirty_ = true;
  const Status status = message.event(process.peer);
  // One that is being ended may say what it likes: its task has failed already.
  if (status.ok() || process.worker.stopped) return;
  Break(process.Name() + " " + message.text + " is refused: " + status.ToString());
}

void World::ReadNews(Process& process) {
  const Process::News news = std::move(process.from_node.front());
  process.from_node.pop_front();
  Note(process.Name() + " reads " + news.text);
  news.read(process);
}

void World::Turn() {
  if (dice_.OneIn(3)) ++now_ms_;
  dirty_ = core_.Turn(now_ms_) || core_.objects().delivering() > 0;
  if (++turns_ % 16 == 0) core_.OnHeartbeat();
  if (turns_ % 8 == 0) Check();
}

bool World::Pass(int64_t limit_ms) {
  const std::optional<int64_t> next = core_.NextTickMs();
  if (!next || *next > limit_ms) return false;
  now_ms_ = std::max(now_ms_ + 1, *next);
  Note("time passes");
  Tick();
  return true;
}

void World::Tick() { Turn(); }

void World::ClosePeer(Process& process) {
  Note(process.Name() + " is gone");
  dirty_ = true;
  process.state = Process::State::kClosed;
  // Its streams are nobody's any more; and the tasks of a driver are as good as cancelled.
  for (auto& [id, task] : facts_.tasks()) {
    const bool is_its_stream = task.is_stream && task.submitter == process.peer.id;
    const bool is_its_task = process.is_driver() && task.driver == process.driver;
    task.cancelled = task.cancelled || (!task.ended && (is_its_stream || is_its_task));
  }
  core_.OnPeerGone(process.peer);
  if (process.is_worker()) return;
  processes_.erase(process.peer.id);
}

void World::Reap(ClientId id) {
  const std::unique_ptr<Process> gone = std::move(processes_.at(id));
  processes_.erase(id);
  const WorkerNumber number = gone->peer.worker;
  Note(gone->Name() + " is reaped, having begun " + std::to_string(gone->next));
  ReadPrinted(*gone);
  workers_.erase(number);
  for (const TaskId& task : gone->begun) ++facts_.Find(task)->deaths;
  if (gone->actor) ++facts_.Find(*gone->actor)->deaths;
  dirty_ = true;
  core_.OnWorkerGone(number, {.begun_sequence = gone->next,
                              .description = "worker " + number.ToString() + " died",
                              .start_failed = false});
}

void World::CloseDrivers() {
  for (const auto& [id, process] : processes_) {
    if (!process->is_worker()) Die(*process, /*loses_messages=*/false);
  }
}

// --- what must be so ---

void World::Check() {
  core_.store().SanityCheck();
  core_.scheduler().SanityCheck();
  for (const auto& [id, process] : processes_) {
    if (process->state != Process::State::kRunning) continue;
    // A node that has learned of a place that is none any more asks the home again.
    const auto home = common_.homes.find(process->driver);
    plasma::ObjectStore* const known =
        home == common_.homes.end() ? nullptr : &home->second->core().store();
    for (const ObjectId& object : process->sealed) {
      if (facts_.harmed() || !process->handles.contains(object)) continue;
      if (core_.store().Find(object) || (known != nullptr && known->Find(object))) continue;
      Break("the value of " + NameOf(object) + " is gone, and " + process->Name() +
            " refers to it");
    }
  }
}

}  // namespace rayx::sim
