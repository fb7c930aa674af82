#include "node/given_calls.h"

#include <algorithm>
#include <limits>

#include "node/remote_messages.h"
#include "scheduler/actors_elsewhere.h"

namespace rayx::node {

void GivenCalls::Add(ClientId session, const TaskId& id, const Call& call) {
  calls_[id] = call;
  if (const auto withheld = withheld_.find(call.stand_in); withheld != withheld_.end()) {
    withheld->second = std::min(withheld->second, call.sequence);
    return;
  }
  SendOrQueue(session, {.id = id, .stand_in = call.stand_in, .sequence = call.sequence});
}

void GivenCalls::Interrupt(ClientId session, const TaskId& id) {
  const Call* call = Find(id);
  if (call == nullptr) return;
  SendOrQueue(session, {.id = id, .stand_in = call->stand_in, .is_interrupt = true});
}

void GivenCalls::SendOrQueue(ClientId session, const Unsent& unsent) {
  const auto queue = unsent_.find(session);
  if (queue != unsent_.end()) {
    queue->second.push_back(unsent);
  } else if (!shell_.others->HasRoom(session)) {
    unsent_[session].push_back(unsent);
  } else {
    Send(session, unsent);
  }
}

void GivenCalls::Send(ClientId session, const Unsent& unsent) {
  const Call* call = Find(unsent.id);
  const TaskSpec* spec = scheduler_->FindTask(unsent.id);
  if (spec == nullptr || call == nullptr || call->stand_in != unsent.stand_in) return;
  const auto withheld = withheld_.find(call->stand_in);
  if (withheld != withheld_.end() && call->sequence >= withheld->second) return;
  if (unsent.is_interrupt) {
    remote_->Send(session, remote::CancelTask{spec->driver, unsent.id, /*force=*/false});
    return;
  }
  const CallerId& caller = scheduler::ActorsElsewhere(scheduler_).CallerOf(unsent.id);
  remote_->Send(session, remote::CallActor{*spec, caller});
}

void GivenCalls::Flush() {
  for (auto& [session, unsent] : unsent_) {
    while (!unsent.empty() && shell_.others->HasRoom(session)) {
      Send(session, unsent.front());
      unsent.pop_front();
    }
  }
  std::erase_if(unsent_, [](const auto& entry) { return entry.second.empty(); });
}

uint32_t GivenCalls::FirstUnsent(ClientId session, WorkerNumber stand_in) const {
  constexpr uint32_t kAllSent = std::numeric_limits<uint32_t>::max();
  const auto withheld = withheld_.find(stand_in);
  if (withheld != withheld_.end()) return withheld->second;
  const auto queue = unsent_.find(session);
  if (queue == unsent_.end()) return kAllSent;
  const auto first = std::find_if(
      queue->second.begin(), queue->second.end(),
      [&](const Unsent& one) { return one.stand_in == stand_in && !one.is_interrupt; });
  return first == queue->second.end() ? kAllSent : first->sequence;
}

}  // namespace rayx::node
