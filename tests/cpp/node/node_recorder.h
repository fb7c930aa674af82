// Drives a real NodeCore and writes down, as short lines, everything that it asks of its shell.
//
//   NodeRecorder node;
//   Peer& driver = node.Driver(1);
//   node.Submit(driver, Task(1));
//   EXPECT_EQ(node.Turn(), Lines({"start w1"}));      // this, and nothing else, was asked
//
// Store and scheduler are checked (SanityCheck) after every turn.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/node_core.h"
#include "testing/task_builder.h"

namespace rayx::node {

using Lines = std::vector<std::string>;
using testing::DriverNumber;
using testing::ResultOf;
using testing::Task;
using testing::TaskNumber;

inline std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline FunctionId FunctionNumber(uint64_t number) {
  return testing::NumberedId<FunctionId>(number);
}
// "t1.0", "t1.put0", "f1".
inline std::string NameOf(const ObjectId& id) {
  const std::string number = std::to_string(testing::NumberOf(id.Task()));
  if (id.IsFunction()) return "f" + number;
  const uint32_t index = id.Index() & ~ObjectId::kPutBit;
  return "t" + number + (id.IsPut() ? ".put" : ".") + std::to_string(index);
}

class NodeRecorder final : public Peers,
                           public Workers,
                           public Shortcuts,
                           public Records,
                           public Reservations {
 public:
  static constexpr uint64_t kPoolBytes = 1 << 20;

  explicit NodeRecorder(int64_t cpus = 2, OtherNodes* others = nullptr,
                        uint64_t pool_bytes = kPoolBytes)
      : core_({.peers = this,
               .workers = this,
               .shortcuts = this,
               .records = this,
               .reservations = this,
               .others = others},
              Options(cpus), pool_bytes) {}

  NodeCore& core() { return core_; }

  // --- events ---

  // Connects a driver, or an output of it.
  Peer& Driver(uint64_t number) {
    Peer& peer = Connect(kNoWorker);
    Note(core_.drivers().OnDriver(peer, DriverNumber(number), Bytes("config")));
    return peer;
  }
  Peer& Output(uint64_t number) {
    Peer& peer = Connect(kNoWorker);
    Note(core_.drivers().OnOutput(peer, DriverNumber(number)));
    return peer;
  }
  Peer& Connect(WorkerNumber worker) {
    const ClientId id = ++last_client_;
    peers_[id] = std::make_unique<Peer>();
    peers_[id]->id = id;
    peers_[id]->worker = worker;
    return *peers_[id];
  }
  void Submit(Peer& peer, Task&& task) {
    Note(core_.tasks().OnSubmit(peer, std::move(task).Build()));
  }
  // The worker that was asked for says hello.
  Peer& Started(WorkerNumber number) {
    core_.OnWorkerStarted(number, 100 + static_cast<int64_t>(number.value()));
    return *FindPeer(workers_.at(number).client);
  }
  // The worker has run the task, with one result.
  void Done(const Peer& worker, uint64_t task, uint32_t sequence, std::string_view value,
            std::span<const ObjectId> contained = {}) {
    const TaskResult result{.index = 0, .data = Bytes(value), .contained = contained};
    Done(worker, {.task = TaskNumber(task), .sequence = sequence, .results = {&result, 1}});
  }
  void Done(const Peer& worker, const TaskDone& done) {
    Note(core_.tasks().OnTaskDone(worker, done));
  }
  void Gone(const Peer& peer) {
    const std::unique_ptr<Peer> gone = std::move(peers_.at(peer.id));
    peers_.erase(gone->id);
    if (core_.OnPeerGone(*gone)) lines_.push_back("driver gone");
  }
  void WorkerGone(WorkerNumber number, uint32_t begun_sequence) {
    if (Peer* peer = FindPeer(workers_.at(number).client)) Gone(*peer);
    workers_.erase(number);
    core_.OnWorkerGone(number, {.begun_sequence = begun_sequence, .description = "it died"});
  }
  // What was asked since the last time.
  Lines Turn(int64_t now_ms = 0) {
    while (core_.Turn(now_ms)) {
    }
    core_.store().SanityCheck();
    core_.scheduler().SanityCheck();
    return Take();
  }
  Lines Take() { return std::exchange(lines_, {}); }
  // Of the last event that was refused.
  const Status& status() const { return status_; }

  // --- the shell ---

  Peer* FindPeer(ClientId id) override {
    const auto it = peers_.find(id);
    return it == peers_.end() ? nullptr : it->second.get();
  }
  uint64_t BacklogBytes(const Peer&) const override { return backlog_bytes; }
  void Close(ClientId id, Status) override { lines_.push_back("close c" + id.ToString()); }
  void SendObjects(Peer& peer, std::span<const ObjectView> objects, uint64_t fence) override {
    std::string line = "objects to " + Name(peer) + ":";
    for (const ObjectView& object : objects) line += " " + Text(object);
    if (fence != 0) line += " fence " + std::to_string(fence);
    lines_.push_back(line);
  }
  void SendFunction(Peer& peer, const FunctionId& id, const std::string* pickled) override {
    lines_.push_back("function " + Name(id) + " to " + Name(peer) + ": " +
                     (pickled == nullptr ? "unknown" : *pickled));
  }
  void SendForgetFunction(Peer& peer, const FunctionId& id) override {
    lines_.push_back("forget " + Name(id) + " at " + Name(peer));
  }
  void SendLines(Peer& peer, const PrintedLines& printed) override {
    const std::string where =
        printed.node.IsNil() ? "" : " of n" + std::to_string(testing::NumberOf(printed.node));
    lines_.push_back("print at " + Name(peer) + " " + std::string(printed.function) + where + ": " +
                     std::string(printed.text));
  }
  void SendTaskFailed(Peer& peer, std::string_view text) override {
    lines_.push_back("error at " + Name(peer) + ": " + std::string(text));
  }
  void SendDrained(Peer& peer) override { lines_.push_back("drained " + Name(peer)); }

  Worker* FindWorker(WorkerNumber number) override {
    const auto it = workers_.find(number);
    return it == workers_.end() ? nullptr : &it->second;
  }
  void Start(WorkerNumber number) override {
    lines_.push_back("start w" + number.ToString());
    Worker& worker = workers_[number];
    worker.number = number;
    worker.client = Connect(number).id;
  }
  void Stop(Worker& worker, bool kill) override {
    lines_.push_back((kill ? "kill w" : "stop w") + worker.number.ToString());
  }
  void HandOut(Worker& worker, Peer&, const GivenTask& task) override {
    std::string line = "t" + std::to_string(testing::NumberOf(task.spec.id)) + " to w" +
                       worker.number.ToString() + " as " + std::to_string(task.place.sequence);
    for (const ObjectView& value : task.values) line += " " + Text(value);
    if (task.config != nullptr) line += " " + *task.config;
    for (const std::string& setup : task.setups) line += " setup " + setup;
    if (task.state) line += " state " + NameOf(*task.state);
    lines_.push_back(line);
  }
  uint32_t TakeBack(Worker& worker) override {
    lines_.push_back("take back from w" + worker.number.ToString());
    return begun;
  }
  void Interrupt(Worker& worker, uint32_t sequence, scheduler::InterruptReason) override {
    lines_.push_back("interrupt w" + worker.number.ToString() + " as " + std::to_string(sequence));
  }
  bool HasExitWork(const Worker&) const override { return has_exit_work; }

  void Reclaim(WorkerNumber worker) override { core_.scheduler().OnLeaseClosed(worker); }

  void OnTaskSubmitted(const TaskId&) override {}
  void OnTaskAssigned(const TaskId&) override {}
  void OnTaskEnded(const TaskId& id, bool failed) override {
    lines_.push_back((failed ? "failed t" : "ended t") + std::to_string(testing::NumberOf(id)));
  }
  void OnObjectSealed(const ObjectId&) override {}
  void OnObjectDeleted(const ObjectId& id) override { lines_.push_back("deleted " + NameOf(id)); }
  void OnActorChanged(const scheduler::ActorSummary& actor) override {
    lines_.push_back("actor t" + std::to_string(testing::NumberOf(actor.id)) + " is " +
                     std::string(ActorStateName(actor.state)));
  }
  void OnActorForgotten(const TaskId& actor) override {
    lines_.push_back("actor t" + std::to_string(testing::NumberOf(actor)) + " is forgotten");
  }
  void OnFunction(const DriverId&, const FunctionId& id, std::string_view name,
                  const std::string&) override {
    lines_.push_back("record " + Name(id) + " " + std::string(name));
  }
  void OnFunctionGone(const DriverId&, const FunctionId& id) override {
    lines_.push_back("record that " + Name(id) + " is gone");
  }
  void AskForFunction(ClientId asker, const FunctionId& id) override {
    lines_.push_back("ask for " + Name(id) + " for c" + asker.ToString());
  }
  void OnDriver(const Peer&) override {}
  void OnDriverEnded(const DriverId&) override {}
  void OnError(TaskError error) override {
    lines_.push_back("record " + error.kind + " of " + error.name);
  }
  bool TakeBack() override { return std::exchange(memory_comes_back, false); }

  // What the shell answers.
  uint64_t backlog_bytes = 0;
  uint32_t begun = 0;
  bool has_exit_work = false;
  bool memory_comes_back = false;

 private:
  static scheduler::SchedulerOptions Options(int64_t cpus) {
    scheduler::SchedulerOptions options;
    options.total.Set(kCpu, ResourceAmount::Of(cpus));
    options.node_name = "node-a";
    return options;
  }
  static std::string Name(const Peer& peer) { return "c" + peer.id.ToString(); }
  static std::string Name(const FunctionId& id) { return NameOf(ObjectId::ForFunction(id)); }
  static std::string Text(const ObjectView& object) {
    const plasma::ObjectLocation& at = object.location;
    if (!at.is_inline) return NameOf(object.id) + (object.pinned ? " pinned" : " not pinned");
    return NameOf(object.id) + "=" +
           std::string(reinterpret_cast<const char*>(at.data.data()), at.data.size());
  }
  void Note(Status status) {
    if (!status.ok()) status_ = std::move(status);
  }

  Status status_;
  Lines lines_;
  ClientId last_client_ = kNoClient;
  std::map<ClientId, std::unique_ptr<Peer>> peers_;
  std::map<WorkerNumber, Worker> workers_;
  NodeCore core_;
};

}  // namespace rayx::node
