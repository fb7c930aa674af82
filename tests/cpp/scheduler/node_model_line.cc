// The direct line of the model: one client at a time gives a worker tasks of which the scheduler
// hears later, but before anything of the worker.
#include <algorithm>
#include <utility>

#include "scheduler/node_model.h"

namespace rayx::scheduler {

void NodeModel::MaybeOpenLine() {
  if (options_.lines == 0 || line_.open || workers_.empty() || Random(1000) >= options_.lines)
    return;
  const auto chosen = std::next(workers_.begin(), Random(static_cast<unsigned>(workers_.size())));
  if (!core_.OnLineOpened(chosen->first)) return;
  core_.SanityCheck();
  line_ = {chosen->first, true, {}};
}

void NodeModel::EndLine() {
  HearLine();
  if (std::exchange(line_.open, false)) core_.OnLineClosed(line_.worker);
}

void NodeModel::Submit(uint64_t number) {
  const TaskScript& script = scripts_.at(number);
  if (line_.open && !submitted_.contains(number) && MayGoOnLine(script) && Random(4) > 0) {
    return GiveOnLine(number);
  }
  // A client's messages arrive in order.
  HearLine();
  SubmitFrom(number, kNoWorker);
}

bool NodeModel::MayGoOnLine(const TaskScript& script) {
  const auto it = workers_.find(line_.worker);
  if (it == workers_.end() || it->second.dying || it->second.next != it->second.given_end) {
    return false;
  }
  const bool is_simple =
      script.depends_on.empty() && script.timeout_ms == 0 && script.priority == 0;
  if (!is_simple || core_.DriverOf(line_.worker) != testing::DriverNumber(script.driver)) {
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

void NodeModel::GiveOnLine(uint64_t number) {
  Worker& worker = workers_.at(line_.worker);
  submitted_.insert(number);
  ++given_directly_;
  line_.unheard.push_back({number, worker.given_end});
  worker.inbox.push_back({number, worker.given_end++, 0, true});
}

void NodeModel::HearLine() {
  while (!line_.unheard.empty()) {
    const OnLine one = line_.unheard.front();
    line_.unheard.pop_front();
    const TaskScript& script = scripts_.at(one.task);
    const Status status = core_.OnTaskGivenDirectly(SpecOf(script), line_.worker, one.sequence,
                                                    {.node = {}, .client = script.caller});
    core_.SanityCheck();
    if (!status.ok()) Broken("a given task was refused: " + status.ToString());
  }
}

void NodeModel::ActOn(const RevokeLease& effect) {
  if (effect.worker != line_.worker) return Broken("closes a line that is not open");
  if (Random(2) == 0) HearLine();
  if (!line_.unheard.empty()) {
    core_.OnLineInUse(effect.worker);
    return;
  }
  line_.open = false;
  core_.OnLineClosed(effect.worker);
}

}  // namespace rayx::scheduler
