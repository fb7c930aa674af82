// What the core asks of the world.
#include <utility>

#include "sim/world.h"
#include "testing/task_builder.h"

namespace rayx::sim {

using node::ObjectView;

bool World::Read(const ObjectView& object, Value* value) {
  std::span<const uint8_t> bytes = object.location.data;
  if (!object.location.is_inline) {
    const auto found = pool_.find(object.location.offset);
    if (found == pool_.end()) {
      Break("nobody has written " + NameOf(object.id) + " to the pool");
      return false;
    }
    bytes = {reinterpret_cast<const uint8_t*>(found->second.data()), found->second.size()};
  }
  if (!Decode(bytes, value)) {
    Break("the value of " + NameOf(object.id) + " is none");
    return false;
  }
  const std::string fault = facts_.Judge(object.id, *value);
  if (!fault.empty()) {
    Break("the value of " + NameOf(object.id) + " is wrong: " + fault);
    return false;
  }
  return true;
}

// --- peers ---

node::Peer* World::FindPeer(ClientId id) {
  const auto it = processes_.find(id);
  if (it == processes_.end() || it->second->state == Process::State::kClosed) return nullptr;
  return &it->second->peer;
}

uint64_t World::BacklogBytes(const node::Peer& peer) const {
  // One that does not read for a while.
  return (peer.id.value() * 7919 + turns_ / 4) % 10000 < laggards_ ? 8u << 20 : 0;
}

void World::Close(ClientId id, Status) { Die(*processes_.at(id), /*loses_messages=*/false); }

void World::SendObjects(node::Peer& peer, std::span<const ObjectView> objects, uint64_t) {
  struct Item {
    ObjectId id;
    Value value;
    bool pinned;
    bool is_known = true;
  };
  std::vector<Item> items;
  std::string text = "values";
  for (const ObjectView& object : objects) {
    Item item{object.id, {}, object.pinned};
    if (!object.location.is_inline && !object.pinned) {
      // Somebody who has not asked for it himself learns where it is when he does.
      item.is_known = false;
    } else if (!Read(object, &item.value)) {
      return;
    }
    text += " " + NameOf(object.id);
    items.push_back(std::move(item));
  }
  Note("node sends " + text + " to " + ProcessOf(peer).Name());
  ProcessOf(peer).from_node.push_back({text, [this, items](Process& process) {
                                         for (const auto& [id, value, pinned, is_known] : items) {
                                           const bool is_wanted = process.handles.contains(id);
                                           if (pinned && !is_wanted) Unpin(process, id, 1);
                                           if (!is_wanted) continue;
                                           if (pinned) ++process.pins[id];
                                           if (is_known) process.values[id] = value;
                                           process.sealed.insert(id);
                                         }
                                       }});
}

void World::SendFunction(node::Peer& peer, const FunctionId& id, const std::string* pickled) {
  if (pickled == nullptr || *pickled != NameOf(ObjectId::ForFunction(id))) {
    // The driver may have ended, and its functions with it.
    const Process* driver =
        common_.homes.at(ProcessOf(peer).driver)->FindDriver(ProcessOf(peer).driver);
    if (driver == nullptr || driver->state == Process::State::kClosed || facts_.harmed()) return;
    return Break("a worker that runs a function does not get it");
  }
  ProcessOf(peer).from_node.push_back({"a function", [id](Process& process) {
                                         process.functions.insert(id);
                                         for (Activity& activity : process.activities) {
                                           if (activity.spec.function == id) activity.loaded = true;
                                         }
                                       }});
}

void World::SendForgetFunction(node::Peer& peer, const FunctionId& id) {
  ProcessOf(peer).from_node.push_back(
      {"that a function is not needed", [id](Process& process) { process.functions.erase(id); }});
}

void World::SendDrained(node::Peer& peer) { Note("drained " + ProcessOf(peer).Name()); }

void World::SendLines(node::Peer& peer, const node::PrintedLines& lines) {
  const Process& reader = ProcessOf(peer);
  // Behind a word about what was dropped, if something was.
  const std::string printed = "of driver " + std::to_string(reader.driver) + "\n";
  if (!reader.is_output || !lines.text.ends_with(printed)) {
    Break(reader.Name() + " is sent what another prints: " + std::string(lines.text));
  }
}

void World::SendTaskFailed(node::Peer& peer, std::string_view) {
  if (!ProcessOf(peer).is_output) Break("an error is printed where nobody reads it");
}

// --- workers ---

Process* World::ProcessOf(const node::Worker& worker) {
  const auto it = processes_.find(worker.client);
  return it == processes_.end() ? nullptr : it->second.get();
}

node::Worker* World::FindWorker(WorkerNumber number) {
  const auto it = workers_.find(number);
  return it == workers_.end() ? nullptr : &processes_.at(it->second)->worker;
}

void World::Start(WorkerNumber number) {
  Process& process = Connect(number, 0);
  process.state = Process::State::kStarting;
  process.worker.number = number;
  process.worker.client = process.peer.id;
  process.has_exit_work = dice_.OneIn(4);
  workers_.insert_or_assign(number, process.peer.id);
  Note("node starts " + process.Name());
}

void World::Stop(node::Worker& worker, bool kill) {
  Process* process = ProcessOf(worker);
  Note(std::string(kill ? "node kills " : "node stops ") + process->Name());
  if (kill) return Die(*process, /*loses_messages=*/true);
  process->from_node.push_back({"that it shall end", [this](Process& ending) {
                                  if (!ending.activities.empty() && !ending.worker.stopped)
                                    Break("a worker that works is told to end");
                                  Die(ending, /*loses_messages=*/false);
                                }});
}

void World::HandOut(node::Worker& worker, node::Peer&, const node::GivenTask& task) {
  Process& process = *ProcessOf(worker);
  Note("node gives " + NameOf(task.spec.id) + " to " + process.Name());
  if (process.state == Process::State::kStarting) Break("a task for a worker that has not started");
  if (task.place.sequence != process.end) Break("the numbers of tasks do not rise by one");
  process.end = task.place.sequence + 1;
  process.driver = testing::NumberOf(task.spec.driver);
  CheckNews(process, task);
  Handed handed{.spec = task.spec,
                .sequence = task.place.sequence,
                .attempt = task.place.attempt,
                .values = {},
                .state = task.state};
  for (const ObjectView& value : task.values) {
    Handed::Dependency dependency{value.id, {}, value.pinned};
    if (!Read(value, &dependency.value)) return;
    handed.values.push_back(std::move(dependency));
  }
  if (handed.values.size() != task.spec.dependencies.size()) {
    Break(NameOf(task.spec.id) + " is given without a value that it needs");
  }
  process.from_node.push_back({"the task " + NameOf(task.spec.id),
                               [handed](Process& reader) { reader.inbox.push_back(handed); }});
}

// A worker has its driver's configuration with its first task, and each setup once, in order.
void World::CheckNews(Process& worker, const node::GivenTask& task) {
  // Elsewhere it learns of setups a little later.
  if (!IsHomeOf(worker.driver)) return;
  const Process* driver = FindDriver(worker.driver);
  if (driver == nullptr || driver->state == Process::State::kClosed) return;
  if ((task.config != nullptr) == std::exchange(worker.has_config, true)) {
    Break(worker.Name() + " is given its driver's configuration never, or twice");
  }
  for (const std::string& setup : task.setups) {
    const size_t number = worker.setups_told++;
    if (number >= driver->setups.size() || setup != driver->setups[number]) {
      Break(worker.Name() + " is told " + setup + " out of order");
    }
  }
  if (worker.setups_told != driver->setups.size()) {
    Break(worker.Name() + " has a task before what it is to run before");
  }
}

uint32_t World::TakeBack(node::Worker& worker) {
  Process& process = *ProcessOf(worker);
  Note("node takes back from " + process.Name());
  return std::exchange(process.next, process.end);
}

void World::Interrupt(node::Worker& worker, uint32_t sequence, scheduler::InterruptReason reason) {
  Process& process = *ProcessOf(worker);
  Note("node interrupts " + process.Name());
  if (sequence >= process.next) Break("a task is interrupted that has not begun");
  for (Activity& activity : process.activities) {
    // Some do not listen; they are killed for it.
    const bool listens = testing::NumberOf(activity.spec.id) % 5 != 0;
    if (activity.sequence == sequence && listens) activity.interrupted = reason;
  }
}

bool World::HasExitWork(const node::Worker& worker) const {
  return processes_.at(worker.client)->has_exit_work;
}

// --- records ---

void World::OnTaskSubmitted(const TaskId& id) {
  facts_.Find(id)->submitted = true;
  facts_.Find(id)->node = this;
}

void World::OnTaskHandedOver(const TaskId& id) {
  Note(NameOf(id) + " is handed over");
  facts_.Find(id)->submitted = false;
}

void World::OnActorChanged(const scheduler::ActorSummary& actor) {
  TaskFacts* creation = facts_.Find(actor.id);
  if (creation != nullptr) creation->is_made = actor.state == ActorState::kAlive;
}

void World::OnTaskEnded(const TaskId& id, bool failed) {
  Note(NameOf(id) + (failed ? " has failed" : " has ended"));
  TaskFacts* task = facts_.Find(id);
  if (task == nullptr || std::exchange(task->ended, true))
    return Break(NameOf(id) + " ended twice");
  task->failed = failed;
}

void World::OnObjectSealed(const ObjectId& id) { Note("sealed " + NameOf(id)); }
void World::OnObjectDeleted(const ObjectId& id) { Note("deleted " + NameOf(id)); }

void World::OnFunction(const DriverId&, const FunctionId& id, std::string_view,
                       const std::string& pickled) {
  table_[id] = pickled;
}

void World::OnFunctionGone(const DriverId&, const FunctionId& id) { table_.erase(id); }

void World::AskForFunction(ClientId asker, const FunctionId& id) {
  questions_.emplace_back(asker, id);
}

}  // namespace rayx::sim
