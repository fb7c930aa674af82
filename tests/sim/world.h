// One node and everything around it, simulated: a real NodeCore, and modelled drivers and workers
// whose messages take their time. Chance decides what happens next, and the seed decides chance: so
// the same options give the same world, step by step.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "node/node_core.h"
#include "sim/dice.h"
#include "sim/facts.h"
#include "sim/process.h"
#include "sim/trace.h"

namespace rayx::sim {

struct Options {
  uint64_t seed = 0;
  // About so many tasks are submitted.
  size_t tasks = 60;
  // So many lines of what happened are kept.
  size_t trace_lines = 0;
};

class World;

// What nodes of one world have in common.
struct Common {
  explicit Common(const Options& options)
      : dice(options.seed), trace(options.trace_lines), tasks_left(options.tasks) {}

  Dice dice;
  Trace trace;
  Facts facts;
  int64_t now_ms = 1;
  std::string broken;
  uint64_t last_number = 0;
  ClientId last_client = kNoClient;
  size_t tasks_left;
  // By the numbers of their drivers.
  std::map<uint64_t, World*> homes;
};

// What activities do; program.h has them for a simulation.
struct Programs {
  bool (*can_step)(const Process&, const Activity&);
  void (*step)(World&, Process&, size_t index);
  void (*begin)(World&, Process&, Activity&, Handed);
};

class World final : public node::Peers,
                    public node::Workers,
                    public node::Shortcuts,
                    public node::Records,
                    public node::Reservations {
 public:
  World(const Options& options, const Programs& programs);
  // One of several nodes; `seed` decides what it has.
  World(Common* common, const Programs& programs, uint64_t seed, node::OtherNodes* others);
  ~World() override;

  // --- what happens; see simulation.h ---
  // One thing that can happen now, chosen by chance. False if nothing can but that time passes.
  bool Step();
  // Time passes until the core wants to be asked. False if it does not within the limit.
  bool Pass(int64_t limit_ms);
  // For one of several nodes: appends what can happen, each a call.
  using Chance = std::function<void()>;
  void Gather(std::vector<Chance>* chances);
  // The time has come that NextTickMs of the core has named.
  void Tick();
  void AddDriver(uint64_t number);
  // Something was heard from another node.
  void Touch() { dirty_ = true; }
  bool has_others() const { return has_others_; }
  // Drivers that have ended their programs leave.
  void CloseDrivers();

  // --- questions ---
  node::NodeCore& core() { return core_; }
  Facts& facts() { return facts_; }
  Trace& trace() { return trace_; }
  Dice& dice() { return dice_; }
  std::map<ClientId, std::unique_ptr<Process>>& processes() { return processes_; }
  int64_t now_ms() const { return now_ms_; }
  const ResourceSet& total() const { return total_; }
  // The node at which the driver is, or was.
  bool IsHomeOf(uint64_t driver) const { return common_.homes.at(driver) == this; }
  // The first rule that was broken; empty if none was.
  const std::string& broken() const { return broken_; }
  void Break(const std::string& rule);
  // Everything that must be so at any time.
  void Check();

  // --- what processes do (world_processes.cc) ---
  void Send(Process& process, std::string text, std::function<Status(node::Peer&)> event);
  // One handle more; `implied`: the node counts the reference by what it is sent anyway.
  void Hold(Process& process, Activity& activity, const ObjectId& id, bool implied);
  void Drop(Process& process, Activity& activity, const ObjectId& id);
  // What was being made will not be: see Process::left_over.
  void ReleaseLeftOver(Process& process, const ObjectId& id);
  void DropAll(Process& process, Activity& activity);
  // The process asks for the object.
  void Ask(Process& process, const ObjectId& id, bool pin);
  void Unpin(Process& process, const ObjectId& id, uint32_t count);
  void Die(Process& process, bool loses_messages);
  // The node reads what a worker has printed.
  void ReadPrinted(Process& worker);

  // What the value says about itself is checked, and that it may be so.
  bool Read(const node::ObjectView& object, Value* value);
  // The contents of the pool, by offset.
  std::map<uint64_t, std::string>& pool() { return pool_; }
  uint64_t NextNumber() { return ++last_number_; }
  size_t tasks_left() const { return tasks_left_; }
  void CountTask() { tasks_left_ -= tasks_left_ > 0 ? 1 : 0; }

  // --- the shell ---
  node::Peer* FindPeer(ClientId id) override;
  uint64_t BacklogBytes(const node::Peer& peer) const override;
  void Close(ClientId id, Status reason) override;
  void SendObjects(node::Peer& peer, std::span<const node::ObjectView> objects,
                   uint64_t fence) override;
  void SendFunction(node::Peer& peer, const FunctionId& id, const std::string* pickled) override;
  void SendForgetFunction(node::Peer& peer, const FunctionId& id) override;
  void SendLines(node::Peer& peer, const node::PrintedLines& lines) override;
  void SendTaskFailed(node::Peer& peer, std::string_view text) override;
  void SendDrained(node::Peer& peer) override;
  node::Worker* FindWorker(WorkerNumber number) override;
  void Start(WorkerNumber number) override;
  void Stop(node::Worker& worker, bool kill) override;
  void HandOut(node::Worker& worker, node::Peer& peer, const node::GivenTask& task) override;
  uint32_t TakeBack(node::Worker& worker) override;
  void Interrupt(node::Worker& worker, uint32_t sequence,
                 scheduler::InterruptReason reason) override;
  bool HasExitWork(const node::Worker& worker) const override;
  void Reclaim(WorkerNumber worker) override { core_.scheduler().OnLeaseClosed(worker); }
  void OnTaskSubmitted(const TaskId& id) override;
  void OnTaskAssigned(const TaskId&) override {}
  void OnTaskEnded(const TaskId& id, bool failed) override;
  void OnTaskHandedOver(const TaskId& id) override;
  void OnObjectSealed(const ObjectId& id) override;
  void OnObjectDeleted(const ObjectId& id) override;
  void OnActorChanged(const scheduler::ActorSummary& actor) override;
  void OnActorForgotten(const TaskId&) override {}
  void OnFunction(const DriverId&, const FunctionId& id, std::string_view name,
                  const std::string& pickled) override;
  void OnFunctionGone(const DriverId&, const FunctionId& id) override;
  void AskForFunction(ClientId asker, const FunctionId& id) override;
  void OnDriver(const node::Peer&) override {}
  void OnDriverEnded(const DriverId&) override {}
  void OnError(node::TaskError) override {}

 private:
  World(std::unique_ptr<Common> own, const Options& options, const Programs& programs);
  void Gather(Process& process, std::vector<Chance>* chances);
  void GatherOfWorker(Process& process, std::vector<Chance>* chances);
  void AddOutput(uint64_t driver);
  // Null if it has left.
  Process* FindDriver(uint64_t number);
  void CheckNews(Process& worker, const node::GivenTask& task);
  void Deliver(Process& process);
  void ReadNews(Process& process);
  void Turn();
  void Begin(Process& process);
  void SendRelease(Process& process, const ObjectId& id);
  void ClosePeer(Process& process);
  void Reap(ClientId id);
  void Misfortune(Process& process);
  Process& ProcessOf(const node::Peer& peer) { return *processes_.at(peer.id); }
  Process* ProcessOf(const node::Worker& worker);
  Process& Connect(WorkerNumber worker, uint64_t driver);
  void Note(const std::string& what) { trace_.Note(now_ms_, name_ + what); }

  const std::unique_ptr<Common> own_;
  Common& common_;
  const Programs programs_;
  // Of one of several nodes, for people: "0: ".
  const std::string name_;
  Dice& dice_ = common_.dice;
  Trace& trace_ = common_.trace;
  Facts& facts_ = common_.facts;
  ResourceSet total_;
  int64_t& now_ms_ = common_.now_ms;
  std::string& broken_ = common_.broken;
  bool has_others_ = false;
  bool dirty_ = true;
  uint64_t turns_ = 0;
  uint64_t& last_number_ = common_.last_number;
  ClientId& last_client_ = common_.last_client;
  size_t& tasks_left_ = common_.tasks_left;
  // Chances in ten thousand.
  size_t worker_deaths_ = 0;
  size_t driver_deaths_ = 0;
  size_t failed_starts_ = 0;
  size_t laggards_ = 0;
  std::map<ClientId, std::unique_ptr<Process>> processes_;
  std::map<WorkerNumber, ClientId> workers_;
  std::map<uint64_t, std::string> pool_;
  // The function table.
  std::map<FunctionId, std::string> table_;
  std::vector<std::pair<ClientId, FunctionId>> questions_;
  node::NodeCore core_;
};

}  // namespace rayx::sim
