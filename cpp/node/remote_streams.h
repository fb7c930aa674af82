// Streams of drivers of other nodes, whose tasks run here, or whose items are taken here.
//
// Items, and the credits by which their consumer lets the task go on, are objects whose ids follow
// from the task's: nobody sends them before they are there. So whoever makes one here, or asks for
// one, does so of an object that the home may not know; this is how it is known to be the home's.
#pragma once

#include <unordered_map>
#include <vector>

#include "common/base/ids.h"

namespace rayx::node {

class RemoteStreams {
 public:
  // The task makes a stream, and `home` is the session with the node of its driver. Until its end,
  // ForReturn(task, 0), is deleted here. `consumer`: if it is one of this node.
  void Add(const TaskId& task, ClientId home, ClientId consumer = kNoClient);
  void OnEndDeleted(const TaskId& task) {
    if (!streams_.empty()) streams_.erase(task);
  }
  void OnSessionEnded(ClientId home);
  // The streams of this consumer, which takes nothing any more.
  std::vector<TaskId> Of(ClientId consumer) const;

  // Whose the object is: kNoClient if it is no item and no credit of such a stream.
  ClientId HomeOf(const ObjectId& id) const {
    if (streams_.empty() || id.IsPut() || id.Index() == 0) return kNoClient;
    const auto it = streams_.find(id.Task());
    return it == streams_.end() ? kNoClient : it->second.home;
  }
  size_t size() const { return streams_.size(); }

 private:
  struct Stream {
    ClientId home = kNoClient;
    ClientId consumer = kNoClient;
  };
  std::unordered_map<TaskId, Stream> streams_;
};

}  // namespace rayx::node
