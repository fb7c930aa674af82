// Whole lives of clusters from seeds: homes that offer, nodes that run, come and go, schedulers
// that are started again. What is checked: each task ends exactly once, no node is given what it
// could never run or more than it has room for, and nothing waits for ever.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "common/base/limits.h"
#include "placement/examples.h"
#include "placement/offer_book.h"

namespace rayx::placement {
namespace {

class SimulatedCluster {
 public:
  explicit SimulatedCluster(uint64_t seed) : random_(seed) {
    StartScheduler();
    // One that can run everything, and does not go.
    AddNode(Amounts(8, 2));
    for (size_t i = Below(6); i > 0; --i) AddNode(SomeTotal());
  }

  void Run() {
    for (int step = 0; step < 400 && !Failed(); ++step) Step(true);
    for (int step = 0; step < 4000 && !Failed() && ended_ < submitted_; ++step) Step(false);
    EXPECT_EQ(ended_, submitted_) << "tasks that were never run";
  }

 private:
  struct Task {
    Offer offer;
    bool waits = true;
    NodeId node;
    int64_t ends_ms = 0;
  };
  struct Node {
    NodeId id;
    ResourceSet total;
    SessionNumber session = kAllSessions;
    std::map<TaskId, Task> tasks;  // of which it is the home
    bool fixed = false;
  };

  static bool Failed() { return ::testing::Test::HasFailure(); }
  size_t Below(size_t end) { return static_cast<size_t>(random_() % end); }
  ResourceSet SomeTotal() {
    return Amounts(static_cast<double>(1 + Below(8)), static_cast<double>(Below(3)));
  }

  void StartScheduler() {
    book_ = std::make_unique<OfferBook>(OfferBook::Options(), now_ms_);
    for (auto& [id, node] : nodes_) node.session = kAllSessions;
  }
  void AddNode(const ResourceSet& total) {
    const NodeId id = NodeNumber(++made_nodes_);
    nodes_[id] = {.id = id, .total = total, .tasks = {}, .fixed = made_nodes_ == 1};
  }
  // Its own tasks end with it, and the homes of others learn that it is dead.
  void EndNode(Node* node) {
    const NodeId id = node->id;
    submitted_ -= node->tasks.size();
    if (node->session != kAllSessions) book_->OnSessionEnded(node->session, now_ms_);
    nodes_.erase(id);
    for (auto& [home_id, home] : nodes_) {
      for (auto& [task_id, task] : home.tasks) {
        if (!task.waits && task.node == id) OfferAgain(&home, &task);
      }
    }
  }
  void OfferAgain(Node* home, Task* task) {
    task->waits = true;
    task->offer.attempt += 16;
    if (home->session != kAllSessions) Send(home, *task);
  }
  void Send(Node* home, const Task& task) {
    Offer offer = task.offer;
    if (!task.waits) offer.placed_on = task.node;
    ASSERT_TRUE(book_->OnOffer(home->session, offer, now_ms_).ok());
  }
  void Connect(Node* node) {
    node->session = SessionNumber(++sessions_);
    ASSERT_TRUE(book_->OnRegister(node->session, {node->id, node->total, {}}, now_ms_).ok());
    for (const auto& [id, task] : node->tasks) Send(node, task);
  }
  void Submit(Node* home) {
    Task task;
    const double cpus[] = {0, 0.5, 1, 1, 1, 2, 8};
    task.offer = OfferOf(++made_tasks_, Amounts(cpus[Below(7)], Below(5) == 0 ? 1 : 0),
                         static_cast<int32_t>(Below(2)));
    if (Below(3) == 0) {
      task.offer.inputs = {{uint64_t{1} << (16 + Below(14)), {NodeNumber(1 + Below(made_nodes_))}}};
    }
    Send(home, home->tasks.emplace(task.offer.task, task).first->second);
    ++submitted_;
  }

  void Step(bool with_faults) {
    now_ms_ += static_cast<int64_t>(Below(20));
    if (with_faults && Below(40) == 0) StartScheduler();
    if (with_faults && Below(30) == 0) AddNode(SomeTotal());
    for (auto it = nodes_.begin(); it != nodes_.end();) {
      Node& node = (it++)->second;
      if (node.session == kAllSessions) {
        if (Below(3) == 0) Connect(&node);
        continue;
      }
      book_->OnHeard(node.session);
      if (with_faults && !node.fixed && Below(100) == 0) {
        EndNode(&node);
      } else if (with_faults && Below(60) == 0) {
        book_->OnSessionEnded(node.session, now_ms_);
        node.session = kAllSessions;
      } else {
        Work(&node, with_faults);
      }
    }
    book_->Schedule(now_ms_);
    for (const Effect& effect : book_->TakeEffects()) {
      if (const auto* const place = std::get_if<Place>(&effect)) OnPlace(*place);
      ASSERT_FALSE(std::holds_alternative<Pending>(effect) && NodeIsPresent(NodeNumber(1)));
    }
    CheckWindows();
  }
  bool NodeIsPresent(const NodeId& id) const { return nodes_.at(id).session != kAllSessions; }
  void Work(Node* node, bool may_submit) {
    for (auto it = node->tasks.begin(); it != node->tasks.end();) {
      Task& task = it->second;
      if (task.waits || task.ends_ms > now_ms_) {
        ++it;
        continue;
      }
      const OfferName name{task.offer.task, task.offer.attempt};
      ASSERT_TRUE(book_->OnWithdraw(node->session, name).ok());
      ++ended_;
      it = node->tasks.erase(it);
    }
    for (size_t i = may_submit ? Below(4) : 0; i > 0; --i) Submit(node);
    if (Below(4) == 0) {
      ASSERT_TRUE(book_->OnLoad(node->session, Amounts(static_cast<double>(Below(3)))).ok());
    }
  }

  void OnPlace(const Place& place) {
    const auto home = std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
      return entry.second.session == place.home;
    });
    ASSERT_NE(home, nodes_.end()) << "placed for a home that is not there";
    const auto found = home->second.tasks.find(place.offer.task);
    ASSERT_NE(found, home->second.tasks.end()) << "placed although it has ended";
    Task& task = found->second;
    ASSERT_EQ(place.offer.attempt, task.offer.attempt);
    ASSERT_TRUE(task.waits) << "placed twice";
    const auto node = nodes_.find(place.node);
    ASSERT_NE(node, nodes_.end()) << "placed on a node that is dead";
    ASSERT_TRUE(node->second.total.Covers(task.offer.demand)) << "it can never run there";
    task.waits = false;
    task.node = place.node;
    task.ends_ms = now_ms_ + static_cast<int64_t>(Below(Below(10) == 0 ? 2000 : 30));
  }

  // At most one of them is overdue.
  void CheckWindows() {
    const ClusterView& view = book_->view();
    for (NodeSlot slot = 0; slot < view.slot_end(); ++slot) {
      const NodeAmounts* const node = view.At(slot);
      if (node != nullptr) {
        ASSERT_LE(node->placed_tasks(), limits::kPlacedTasksMax + 1);
      }
    }
  }

  std::mt19937_64 random_;
  int64_t now_ms_ = 0;
  uint64_t sessions_ = 0;
  uint64_t made_nodes_ = 0;
  uint64_t made_tasks_ = 0;
  size_t submitted_ = 0;
  size_t ended_ = 0;
  std::unique_ptr<OfferBook> book_;
  std::map<NodeId, Node> nodes_;
};

TEST(OfferBookSimulation, EachTaskRunsOnceWhateverComesAndGoes) {
  for (uint64_t seed = 0; seed < 100 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    SimulatedCluster(seed).Run();
  }
}

}  // namespace
}  // namespace rayx::placement
