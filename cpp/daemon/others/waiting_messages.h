// What is to be said to other nodes when their sessions have room: in order, and no more than a
// node may let wait that takes nothing.
//
// Small messages are never refused to the core, so they have to wait somewhere; a peer that lives
// and does not acknowledge what it is sent would have them wait for ever.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "cluster/wire_values.h"
#include "common/base/ids.h"
#include "common/base/limits.h"

namespace rayx::daemon {

class WaitingMessages {
 public:
  bool empty() const { return nodes_.empty(); }
  bool Contains(const NodeId& node) const { return nodes_.contains(node); }

  void Add(const NodeId& node, cluster::Message message) {
    Queue& queue = nodes_[node];
    queue.bytes += BytesOf(message);
    queue.messages.push_back(std::move(message));
  }
  // Hands on what there is room for.
  template <typename HasRoom, typename Send>
  void SendTo(const HasRoom& has_room, const Send& send) {
    for (auto& [node, queue] : nodes_) {
      while (!queue.messages.empty() && has_room(node)) {
        queue.bytes -= BytesOf(queue.messages.front());
        send(node, std::move(queue.messages.front()));
        queue.messages.pop_front();
      }
    }
    std::erase_if(nodes_, [](const auto& one) { return one.second.messages.empty(); });
  }
  // For which more waits than may: limits::kPeerBacklogBytesMax.
  std::vector<NodeId> Overfull() const {
    std::vector<NodeId> found;
    for (const auto& [node, queue] : nodes_) {
      if (queue.bytes > limits::kPeerBacklogBytesMax) found.push_back(node);
    }
    return found;
  }
  void Forget(const NodeId& node) { nodes_.erase(node); }

 private:
  struct Queue {
    std::deque<cluster::Message> messages;
    size_t bytes = 0;
  };

  // With what a short one takes beside its bytes.
  static size_t BytesOf(const cluster::Message& message) {
    return message.payload.size() + 2 * sizeof(cluster::Message);
  }

  std::map<NodeId, Queue> nodes_;
};

}  // namespace rayx::daemon
