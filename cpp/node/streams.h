// Which tasks make streams, and who takes their items.
//
// A stream's items and their references are objects like others. What is left to know is whom to
// stop: a task whose consumer is gone would wait for ever to be told to go on.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/base/ids.h"

namespace rayx::node {

class Streams {
 public:
  // A task that makes a stream was submitted. REQUIRES: not known.
  void Add(const TaskId& task, ClientId consumer);
  // It has ended. Unknown ones are ignored.
  void Remove(const TaskId& task);
  bool Contains(const TaskId& task) const { return consumers_.contains(task); }
  size_t size() const { return consumers_.size(); }
  // Forgets those of this consumer, and says which they were.
  std::vector<TaskId> TakeOf(ClientId consumer);

 private:
  std::unordered_map<TaskId, ClientId> consumers_;
  std::unordered_map<ClientId, std::unordered_set<TaskId>> tasks_;
};

}  // namespace rayx::node
