#include "node/streams.h"

#include "common/base/check.h"

namespace rayx::node {

void Streams::Add(const TaskId& task, ClientId consumer) {
  RAYX_CHECK(consumers_.emplace(task, consumer).second);
  tasks_[consumer].insert(task);
}

void Streams::Remove(const TaskId& task) {
  const auto found = consumers_.find(task);
  if (found == consumers_.end()) return;
  const auto of_consumer = tasks_.find(found->second);
  of_consumer->second.erase(task);
  if (of_consumer->second.empty()) tasks_.erase(of_consumer);
  consumers_.erase(found);
}

std::vector<TaskId> Streams::TakeOf(ClientId consumer) {
  const auto found = tasks_.find(consumer);
  if (found == tasks_.end()) return {};
  const std::vector<TaskId> taken(found->second.begin(), found->second.end());
  for (const TaskId& task : taken) consumers_.erase(task);
  tasks_.erase(found);
  return taken;
}

}  // namespace rayx::node
