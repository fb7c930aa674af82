// A loop with nodes on it, and a directory for the socket of their scheduler.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/io/event_loop.h"
#include "control/redis_connection.h"
#include "global_scheduler/modelled_node.h"
#include "global_scheduler/scheduler_server.h"

namespace rayx::global_scheduler {

class TurningLoop {
 public:
  TurningLoop() {
    char path[] = "/tmp/rayx-scheduler-XXXXXX";
    RAYX_CHECK(::mkdtemp(path) != nullptr);
    directory_ = path;
  }
  ~TurningLoop() {
    nodes_.clear();
    server_.reset();
    std::filesystem::remove_all(directory_);
  }
  TurningLoop(const TurningLoop&) = delete;
  TurningLoop& operator=(const TurningLoop&) = delete;

  EventLoop* loop() { return &loop_; }
  const std::string& directory() const { return directory_; }
  std::string socket() const { return directory_ + "/scheduler.sock"; }
  DialScheduler dial() const {
    return [path = socket()] { return control::DialUnix(path); };
  }
  ModelledNode* AddNode(uint64_t number, int64_t cpus, int64_t task_ms_max = 5) {
    nodes_.push_back(std::make_unique<ModelledNode>(&loop_, dial(), number, cpus, task_ms_max));
    return nodes_.back().get();
  }
  void RemoveNode(ModelledNode* node) {
    std::erase_if(nodes_, [node](const auto& owned) { return owned.get() == node; });
  }
  const std::vector<std::unique_ptr<ModelledNode>>& nodes() const { return nodes_; }

  // A scheduler on the same loop, in place of one that is there.
  SchedulerServer* StartServer(placement::OfferBook::Options options = {}) {
    server_.reset();
    server_ = std::make_unique<SchedulerServer>(&loop_, options);
    RAYX_CHECK(server_->Listen(socket()).ok());
    return server_.get();
  }
  void StopServer() { server_.reset(); }

  // Turns until the condition holds; false if it does not within `limit_ms`.
  [[nodiscard]] bool RunUntil(const std::function<bool()>& condition, int64_t limit_ms = 20'000) {
    bool holds = false;
    bool is_late = false;
    const auto timer = loop_.CallAt(loop_.now_ms() + limit_ms, [&is_late] { is_late = true; });
    // The loop turns at least this often, as conditions may be of other processes.
    std::function<void()> tick;
    std::unique_ptr<EventLoop::Timer> ticking;
    tick = [&] { ticking = loop_.CallAt(loop_.now_ms() + 5, [&tick] { tick(); }); };
    tick();
    loop_.Run([&] {
      for (const auto& node : nodes_) node->link().OnTurn();
      const bool again = server_ != nullptr && server_->OnTurn();
      holds = condition();
      if (holds || is_late) loop_.Stop();
      return again;
    });
    return holds;
  }

 private:
  EventLoop loop_;
  std::string directory_;
  std::unique_ptr<SchedulerServer> server_;
  std::vector<std::unique_ptr<ModelledNode>> nodes_;
};

}  // namespace rayx::global_scheduler
