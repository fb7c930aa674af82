// A node as far as the global scheduler is concerned: it offers tasks, runs what is placed on it,
// and tells when they have ended. All nodes of a test share a loop and a table of who is who.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/io/event_loop.h"
#include "global_scheduler/scheduler_link.h"

namespace rayx::global_scheduler {

inline NodeId NodeNumber(uint64_t number) {
  NodeId id;
  std::memcpy(id.mutable_data(), &number, sizeof(number));
  return id;
}
inline TaskId TaskNumber(uint64_t number) {
  TaskId id;
  std::memcpy(id.mutable_data(), &number, sizeof(number));
  return id;
}
inline ResourceSet Cpus(int64_t count) {
  ResourceSet set;
  set.Set(kCpu, ResourceAmount::Of(count));
  return set;
}
inline placement::Offer OfferOf(uint64_t task, int64_t cpus) {
  placement::Offer offer;
  offer.task = TaskNumber(task);
  offer.demand = Cpus(cpus);
  return offer;
}

class ModelledNode final : private SchedulerLink::Events {
 public:
  // Tasks take up to `task_ms_max`.
  ModelledNode(EventLoop* loop, DialScheduler dial, uint64_t number, int64_t cpus,
               int64_t task_ms_max = 5)
      : loop_(loop),
        random_(number),
        task_ms_max_(task_ms_max),
        link_(loop, std::move(dial), NodeNumber(number), Cpus(cpus), this) {}

  void Submit(uint64_t task, int64_t cpus) {
    ++submitted_;
    link_.Offer(OfferOf(task, cpus));
  }
  SchedulerLink& link() { return link_; }
  uint64_t submitted() const { return submitted_; }
  uint64_t ended() const { return ended_; }
  // How often each task of this home was begun, and where.
  const std::unordered_map<TaskId, std::vector<NodeId>>& runs() const { return runs_; }
  const std::vector<NodeId>& joined() const { return joined_; }
  const std::vector<NodeId>& dead() const { return dead_; }
  // What was told of offers that cannot be placed: the reason, and whether for ever.
  const std::vector<std::pair<std::string, bool>>& told() const { return told_; }

 private:
  void OnPlace(const placement::OfferName& offer, const NodeId& node) override {
    runs_[offer.task].push_back(node);
    const int64_t ms = 1 + static_cast<int64_t>(random_() % static_cast<uint64_t>(task_ms_max_));
    running_[offer.task] = loop_->CallAt(loop_->now_ms() + ms, [this, task = offer.task] {
      ++ended_;
      link_.Withdraw(task);
      done_.push_back(std::move(running_.extract(task).mapped()));
    });
  }
  void OnUnplaceable(std::span<const placement::OfferName>, const std::string& reason,
                     bool for_ever) override {
    told_.emplace_back(reason, for_ever);
  }
  void OnNodeJoined(const NodeId& node) override { joined_.push_back(node); }
  void OnNodeDead(const NodeId& node) override { dead_.push_back(node); }

  EventLoop* const loop_;
  std::mt19937_64 random_;
  const int64_t task_ms_max_;
  uint64_t submitted_ = 0;
  uint64_t ended_ = 0;
  std::unordered_map<TaskId, std::vector<NodeId>> runs_;
  std::unordered_map<TaskId, std::unique_ptr<EventLoop::Timer>> running_;
  std::vector<std::unique_ptr<EventLoop::Timer>> done_;
  std::vector<NodeId> joined_;
  std::vector<NodeId> dead_;
  std::vector<std::pair<std::string, bool>> told_;
  SchedulerLink link_;
};

}  // namespace rayx::global_scheduler
