// The direct channel of the model: one client at a time gives a worker tasks of which the scheduler
// hears later, but before anything of the worker.
#include <algorithm>
#include <utility>

#include "scheduler/node_model.h"

namespace rayx::scheduler {

void NodeModel::MaybeOpenLease() {
  if (options_.leases == 0 || lease_.open || workers_.empty() || Random(1000) >= options_.leases)
    return;
  const auto chosen = std::next(workers_.begin(), Random(static_cast<unsigned>(workers_.size())));
  if (!core_.OnLeaseOpened(chosen->first)) return;
  core_.SanityCheck();
  lease_ = {chosen->first, true, {}};
}

void NodeModel::EndLease() {
  HearHolder();
  if (std::exchange(lease_.open, false)) core_.OnLeaseClosed(lease_.worker);
}

void NodeModel::Submit(uint64_t number) {
  const TaskScript& script = scripts_.at(number);
  if (lease_.open && !submitted_.contains(number) && MayGoDirectly(script) && Random(4) > 0) {
    return GiveDirectly(number);
  }
  // A client's messages arrive in order.
  HearHolder();
  SubmitFrom(number, kNoWorker);
}

bool NodeModel::MayGoDirectly(const TaskScript& script) {
  const auto it = workers_.find(lease_.worker);
  if (it == workers_.end() || it->second.dying || it->second.next != it->second.given_end) {
    return false;
  }
  const bool is_simple =
      script.depends_on.empty() && script.timeout_ms == 0 && script.priority == 0;
  if (!is_simple || core_.DriverOf(lease_.worker) != testing::DriverNumber(script.driver)) {
    return false;
  }
  if (script.kind == TaskKind::kFunction) {
    return it->second.actor == 0 &&
           script.resources == ResourceSet{{std::string(kCpu), ResourceAmount::Of(1)}};
  }
  if (script.kind != TaskKind::kActorCall || script.actor != it->second.actor) return false;
  // Those before it have begun.
  return std::all_of(scripts_.begin(), scripts_.end(), [&](const auto& item) {
    const TaskScript& other = item.second;
    return other.number >= script.number || other.actor != script.actor ||
           other.caller != script.caller || begun_.contains(other.number) ||
           ended_.contains(other.number);
  });
}

void NodeModel::GiveDirectly(uint64_t number) {
  Worker& worker = workers_.at(lease_.worker);
  submitted_.insert(number);
  ++given_directly_;
  lease_.unheard.push_back({number, worker.given_end});
  worker.inbox.push_back({number, worker.given_end++, 0, true});
}

void NodeModel::HearHolder() {
  while (!lease_.unheard.empty()) {
    const InFlight one = lease_.unheard.front();
    lease_.unheard.pop_front();
    const TaskScript& script = scripts_.at(one.task);
    const Status status = core_.OnTaskGivenDirectly(SpecOf(script), lease_.worker, one.sequence,
                                                    {.node = {}, .client = script.caller});
    core_.SanityCheck();
    if (!status.ok()) Broken("a given task was refused: " + status.ToString());
  }
}

void NodeModel::ActOn(const ReclaimWorker& effect) {
  if (effect.worker != lease_.worker) return Broken("revokes a lease that nobody has");
  if (Random(2) == 0) HearHolder();
  if (!lease_.unheard.empty()) {
    core_.OnLeaseInUse(effect.worker);
    return;
  }
  lease_.open = false;
  core_.OnLeaseClosed(effect.worker);
}

}  // namespace rayx::scheduler
