#include "node/remote_streams.h"

#include <algorithm>

namespace rayx::node {

void RemoteStreams::Add(const TaskId& task, ClientId home, ClientId consumer) {
  Stream& stream = streams_[task];
  stream.home = home;
  // Its task may run here, too.
  if (!consumer.IsNil()) stream.consumer = consumer;
}

void RemoteStreams::OnSessionEnded(ClientId home) {
  std::erase_if(streams_, [&](const auto& entry) { return entry.second.home == home; });
}

std::vector<TaskId> RemoteStreams::Of(ClientId consumer) const {
  std::vector<TaskId> streams;
  for (const auto& [task, stream] : streams_) {
    if (stream.consumer == consumer) streams.push_back(task);
  }
  std::sort(streams.begin(), streams.end());
  return streams;
}

}  // namespace rayx::node
