#include "node/node_core.h"

#include <algorithm>
#include <utility>

#include "node/mutation.h"

namespace rayx::node {
namespace {

// Acts follow acts (a failed task seals an object, which makes another task ready); this many
// rounds in one turn, the rest in the next.
constexpr int kRoundsPerTurn = 16;

}  // namespace

NodeCore::NodeCore(const Shell& shell, scheduler::SchedulerOptions options, uint64_t pool_bytes)
    : shell_(shell),
      store_(pool_bytes),
      scheduler_(std::move(options)),
      drivers_(shell),
      actors_(shell, &store_, &scheduler_, &drivers_),
      functions_(shell, &store_, &drivers_),
      remote_objects_(shell, &store_, &functions_, &sessions_),
      told_drivers_(&drivers_, &remote_objects_),
      pending_reasons_(&drivers_),
      given_tasks_(shell, {.store = &store_,
                           .scheduler = &scheduler_,
                           .drivers = &drivers_,
                           .remote = &remote_objects_,
                           .told = &told_drivers_,
                           .reasons = &pending_reasons_,
                           .sessions = &sessions_,
                           .draining = &draining_nodes_}),
      given_actors_(shell, {.store = &store_,
                            .scheduler = &scheduler_,
                            .drivers = &drivers_,
                            .actors = &actors_,
                            .remote = &remote_objects_,
                            .told = &told_drivers_,
                            .reasons = &pending_reasons_,
                            .sessions = &sessions_,
                            .draining = &draining_nodes_}),
      guest_tasks_(shell, {&store_, &scheduler_, &drivers_, &functions_, &remote_objects_,
                           &draining_nodes_}),
      guest_actors_({&store_, &scheduler_, &drivers_, &actors_, &remote_objects_, &guest_tasks_,
                     &draining_nodes_}),
      name_questions_(shell, {&store_, &scheduler_, &drivers_, &actors_, &remote_objects_}),
      drain_({&store_, &drivers_, &sessions_, &remote_objects_, &guest_tasks_, &guest_actors_,
              &draining_nodes_}),
      spread_(shell, &scheduler_, &drivers_, &given_tasks_, &guest_tasks_),
      remote_tasks_({.drivers = &drivers_,
                     .actors = &actors_,
                     .sessions = &sessions_,
                     .objects = &remote_objects_,
                     .told = &told_drivers_,
                     .given = &given_tasks_,
                     .given_actors = &given_actors_,
                     .guest = &guest_tasks_,
                     .guest_actors = &guest_actors_,
                     .spread = &spread_,
                     .names = &name_questions_,
                     .drain = &drain_}),
      tasks_(shell, &store_, &scheduler_, &drivers_, &actors_, &remote_tasks_),
      objects_(shell, &store_, &tasks_, &actors_, &functions_, &remote_objects_),
      endings_({.begin = [this](const DriverId& driver) { EndWorkersOf(driver); },
                .has_ending_workers =
                    [this](const DriverId& driver) {
                      return told_drivers_.IsDraining(driver) ||
                             !scheduler_.EndingWorkersOf(driver).empty();
                    },
                .done = [this](ClientId client,
                               const DriverId& driver) { OnDrained(client, driver); }}) {
  remote_tasks_.Join(
      {.submit =
           [this](Peer& peer, TaskSpec spec, const CallerId& caller) {
             return tasks_.OnSubmit(peer, std::move(spec), &caller);
           },
       .cancel = [this](const Peer& peer, const TaskId& task,
                        bool force) { tasks_.OnCancel(peer, task, force); },
       .drain = [this](ClientId session,
                       const DriverId& driver) { endings_.OnDrain(session, driver); },
       .consumer_gone = [this](const Peer& peer) { tasks_.OnConsumerGone(peer); }});
}

bool NodeCore::OnPeerGone(const Peer& peer) {
  if (!RAYX_MUTATION(kKeepReferences)) store_.OnClientGone(peer.id);
  shell_.shortcuts->OnPeerGone(peer);
  tasks_.OnConsumerGone(peer);
  if (!peer.worker.IsNil()) {
    functions_.OnWorkerGone(peer.id);
    return false;
  }
  if (!drivers_.OnPeerGone(peer)) return false;
  given_tasks_.OnDriverGone(peer.driver);
  pending_reasons_.OnDriverGone(peer.driver);
  functions_.OnDriverGone(peer.driver);
  scheduler_.OnDriverGone(peer.driver);
  return true;
}

void NodeCore::OnWorkerGone(WorkerNumber worker, const scheduler::WorkerEnd& end) {
  tasks_.OnWorkerGone(worker);
  scheduler_.OnWorkerGone(worker, end);
}

bool NodeCore::Turn(int64_t now_ms) {
  endings_.OnTurn(now_ms);
  bool acted = true;
  for (int round = 0; acted && round < kRoundsPerTurn; ++round) {
    acted = objects_.DrainEffects();
    acted = tasks_.ScheduleAndAct(now_ms) || acted;
  }
  if (shell_.others != nullptr) {
    acted = spread_.OnTurn(now_ms) || acted;
    acted = remote_objects_.copies().Turn(now_ms) || acted;
    acted = drain_.Turn(now_ms) || acted;
    given_actors_.Flush();
  }
  objects_.SendDeliveries();
  remote_objects_.Flush();
  if (!acted) guest_tasks_.OnRest();
  return acted;
}

std::optional<int64_t> NodeCore::NextTickMs() const {
  std::optional<int64_t> next = scheduler_.NextTickMs();
  for (const std::optional<int64_t> other :
       {endings_.NextTickMs(), spread_.NextTickMs(), remote_objects_.copies().NextTickMs(),
        drain_.NextTickMs()}) {
    if (other && (!next || *other < *next)) next = other;
  }
  return next;
}

void NodeCore::OnDrained(ClientId client, const DriverId& driver) {
  if (sessions_.Contains(client)) {
    return remote_objects_.Send(client, remote::DriverDrained{driver});
  }
  drivers_.SendDrained(client);
}

void NodeCore::EndWorkersOf(const DriverId& driver) {
  // The driver may have seen ends of which their worker has told us, but we have not read it.
  tasks_.HearWorkers();
  scheduler_.OnDriverEnding(driver, [this](WorkerNumber number) {
    const Worker* worker = shell_.workers->FindWorker(number);
    return worker != nullptr && shell_.workers->HasExitWork(*worker);
  });
  told_drivers_.Drain(driver);
}

}  // namespace rayx::node
