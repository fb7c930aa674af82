// Drains this node (node/node_drain.h) until nothing of other nodes is left, or its time is up.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "daemon/others/other_nodes.h"
#include "node/node_core.h"

namespace rayx::daemon {

class DrainService {
 public:
  struct Options {
    // How long a drain lasts at most, unless who asks for it says so.
    int64_t grace_ms = 0;
    // When the node has left at the latest, on the loop's clock; 0: no time is set.
    int64_t leave_at_ms = 0;
  };
  // `others` is null for a node that is alone, which cannot be drained. All must outlive it.
  // `on_begun` is called once, when the drain has begun.
  DrainService(EventLoop* loop, const Options& options, node::NodeCore* core, OtherNodes* others,
               std::function<void()> on_begun)
      : loop_(loop),
        options_(options),
        core_(core),
        others_(others),
        on_begun_(std::move(on_begun)) {}

  // The node has begun to serve.
  void Start();
  // `why` for people: "SIGTERM". Nothing: as long as the options say. Neither that nor a second
  // word about it gives the node more time than it has.
  void Begin(std::optional<int64_t> grace_ms, const std::string& why);
  // In each turn, after the core's. A text for people when the node is to leave.
  std::optional<std::string> OnTurn();
  std::optional<int64_t> NextTickMs() const;

  bool has_begun() const { return end_ms_.has_value(); }
  struct Progress {
    // Until the node leaves, whatever is left then. Not below 0.
    int64_t ms = 0;
    node::NodeDrain::Left left;
  };
  // What is told to who asks, and so waits for the end: the node does not leave before it could ask
  // once more. Looks at all objects. REQUIRES: it has begun.
  Progress Tell();

 private:
  node::NodeDrain& drain() const { return core_->drain(); }

  EventLoop* const loop_;
  const Options options_;
  node::NodeCore* const core_;
  OtherNodes* const others_;
  const std::function<void()> on_begun_;
  // When it begins by itself.
  std::optional<int64_t> begin_ms_;
  // When it is over, at the latest; when to look whether it is.
  std::optional<int64_t> end_ms_;
  int64_t look_ms_ = 0;
  // When somebody has asked the last time, and whether the answer was that nothing is left.
  std::optional<int64_t> asked_ms_;
  bool has_told_end_ = false;
};

}  // namespace rayx::daemon
