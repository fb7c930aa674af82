// Decisions of the global scheduler, and how good they are: a whole simulated cluster, without
// messages and processes.
//
// Decide: a task a processor runs everywhere, a million wait; each item is one task that ends, one
// that is offered, and the one that is placed. Makespan: how long simulated tasks take beside what
// no scheduler can beat (`ratio`), and what one that needs no messages would take that knows no
// more
// (`greedy`): the last tasks of a burst may happen to be the longest.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <queue>
#include <random>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "placement/offer_book.h"

namespace rayx::placement {
namespace {

constexpr int64_t kCpusPerNode = 8;

template <typename Id>
Id RandomId(std::mt19937_64* random) {
  Id id;
  const uint64_t words[2] = {(*random)(), (*random)()};
  std::memcpy(id.mutable_data(), words, sizeof(words));
  return id;
}

ResourceSet Cpus(int64_t count) {
  ResourceSet set;
  set.Set(kCpu, ResourceAmount::Of(count));
  return set;
}

// A book with nodes; the first ones are homes, too.
class Cluster {
 public:
  Cluster(size_t nodes, size_t homes) : homes_(homes) {
    for (size_t i = 0; i < nodes; ++i) {
      ids_.push_back(RandomId<NodeId>(&random_));
      const SessionNumber session(i + 1);
      RAYX_CHECK(book_.OnRegister(session, {ids_.back(), Cpus(kCpusPerNode), {}}, 0).ok());
    }
    book_.TakeEffects();
  }

  OfferBook& book() { return book_; }
  std::mt19937_64& random() { return random_; }
  SessionNumber HomeOf(uint64_t task) const { return SessionNumber(1 + task % homes_); }
  Offer MakeOffer(int64_t cpus) {
    Offer offer;
    offer.task = RandomId<TaskId>(&random_);
    offer.demand = Cpus(cpus);
    return offer;
  }
  // Each 10th task has inputs at two nodes.
  void AddInputs(uint64_t task, Offer* offer) {
    if (task % 10 == 0) {
      offer->inputs = {{uint64_t{1} << 22, {ids_[random_() % ids_.size()]}},
                       {uint64_t{1} << 20, {ids_[random_() % ids_.size()]}}};
    }
  }
  void Send(SessionNumber home, Offer offer, int64_t now_ms) {
    RAYX_CHECK(book_.OnOffer(home, std::move(offer), now_ms).ok());
  }
  // Nodes say that they live twice a second.
  void Turn(int64_t now_ms) {
    if (now_ms >= signs_ms_ + 500) {
      signs_ms_ = now_ms;
      for (size_t i = 0; i < ids_.size(); ++i) book_.OnHeard(SessionNumber(i + 1));
    }
    book_.Schedule(now_ms);
  }
  const std::vector<NodeId>& ids() const { return ids_; }

 private:
  const size_t homes_;
  std::mt19937_64 random_{7};
  OfferBook book_{{}, 0};
  int64_t signs_ms_ = 0;
  std::vector<NodeId> ids_;
};

// Arguments: nodes, homes, different demands.
void Decide(benchmark::State& state) {
  constexpr uint64_t kWaiting = 1'000'000;
  constexpr size_t kTurn = 64;
  Cluster cluster(static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1)));
  const auto demands = static_cast<uint64_t>(state.range(2));
  uint64_t made = 0;
  const auto offer = [&] {
    Offer one = cluster.MakeOffer(1 + static_cast<int64_t>(made % demands));
    cluster.AddInputs(made, &one);
    return std::pair(cluster.HomeOf(made++), std::move(one));
  };
  for (uint64_t i = 0; i < kWaiting; ++i) {
    auto [home, one] = offer();
    cluster.Send(home, std::move(one), 0);
  }
  int64_t now_ms = 0;
  std::vector<Place> running;
  const auto turn = [&] {
    cluster.Turn(now_ms += 1);
    for (const Effect& effect : cluster.book().TakeEffects()) {
      if (const auto* const place = std::get_if<Place>(&effect)) running.push_back(*place);
    }
  };
  turn();
  uint64_t placed = 0;
  std::vector<std::pair<SessionNumber, Offer>> next;
  while (state.KeepRunningBatch(kTurn)) {
    state.PauseTiming();
    next.clear();
    for (size_t i = 0; i < kTurn; ++i) next.push_back(offer());
    state.ResumeTiming();
    for (size_t i = 0; i < kTurn && !running.empty(); ++i) {
      std::swap(running[cluster.random()() % running.size()], running.back());
      RAYX_CHECK(cluster.book().OnWithdraw(running.back().home, running.back().offer).ok());
      running.pop_back();
    }
    for (auto& [home, one] : next) cluster.Send(home, std::move(one), now_ms);
    const size_t before = running.size();
    turn();
    placed += running.size() - before;
  }
  state.SetItemsProcessed(static_cast<int64_t>(placed));
}
BENCHMARK(Decide)
    ->ArgNames({"nodes", "homes", "demands"})
    ->Args({10, 1, 1})
    ->Args({100, 1, 1})
    ->Args({1000, 1, 1})
    ->Args({10, 8, 3})
    ->Args({1000, 8, 3})
    ->Args({1000, 1000, 3})
    ->Iterations(1 << 20)
    ->Unit(benchmark::kMicrosecond);

// How long the tasks of a case take, and how many CPUs they ask for.
enum class Durations { kEqual, kUniform, kLogNormal, kTiny };

// Nodes that run what they were given in order, as they have CPUs for it. It takes a millisecond
// from the end of a task to the scheduler, and another one from a decision to its node.
class Simulation {
 public:
  Simulation(size_t nodes, uint64_t tasks, Durations durations, bool mixed_cpus)
      : cluster_(nodes, 1), nodes_(nodes), tasks_(tasks) {
    for (size_t i = 0; i < nodes; ++i) numbers_[cluster_.ids()[i]] = i;
    for (uint64_t i = 0; i < tasks; ++i) {
      const int64_t cpus = mixed_cpus ? int64_t{1} << (i % 3) : 1;
      Offer offer = cluster_.MakeOffer(cpus);
      const int64_t us = DurationOf(durations);
      facts_[offer.task] = {cpus, us};
      in_order_us_.push_back(us);
      work_us_ += static_cast<double>(cpus * us);
      longest_us_ = std::max(longest_us_, us);
      cluster_.Send(SessionNumber(1), std::move(offer), 0);
    }
  }

  // The time until the last task has ended, beside the least that it could be.
  double Run() {
    Push(0, Kind::kTurn, 0);
    for (uint64_t ended = 0; ended < tasks_;) {
      RAYX_CHECK(!events_.empty());
      const Event event = events_.top();
      events_.pop();
      now_us_ = event.at_us;
      if (event.kind == Kind::kTurn) {
        Turn();
      } else {
        if (event.kind == Kind::kEnded) {
          OnEnded(event);
          ++ended;
        }
        Begin(event.node);
      }
    }
    return static_cast<double>(now_us_) / BoundUs();
  }

  // The same if each CPU took the next task the moment that it is free. REQUIRES: tasks of one CPU.
  double Greedy() const {
    std::priority_queue<int64_t, std::vector<int64_t>, std::greater<>> free_us;
    for (size_t i = 0; i < nodes_.size() * kCpusPerNode; ++i) free_us.push(0);
    int64_t last_us = 0;
    for (const int64_t us : in_order_us_) {
      const int64_t ends_us = free_us.top() + us;
      free_us.pop();
      free_us.push(ends_us);
      last_us = std::max(last_us, ends_us);
    }
    return static_cast<double>(last_us) / BoundUs();
  }

 private:
  static constexpr int64_t kWayUs = 1000;
  struct Fact {
    int64_t cpus;
    int64_t us;
  };
  struct Node {
    int64_t free = kCpusPerNode;
    std::queue<OfferName> waiting;
  };
  enum class Kind { kEnded, kArrived, kTurn };
  struct Event {
    int64_t at_us;
    uint64_t number;
    Kind kind;
    size_t node;
    OfferName offer;
    bool operator<(const Event& other) const {
      return std::pair(at_us, number) > std::pair(other.at_us, other.number);
    }
  };

  double BoundUs() const {
    const auto cpus = static_cast<double>(nodes_.size() * kCpusPerNode);
    return std::max(work_us_ / cpus, static_cast<double>(longest_us_));
  }
  int64_t DurationOf(Durations durations) {
    switch (durations) {
      case Durations::kEqual:
        return 20'000;
      case Durations::kUniform:
        return static_cast<int64_t>(1000 + cluster_.random()() % 99'000);
      case Durations::kLogNormal:
        return static_cast<int64_t>(log_normal_(cluster_.random()));
      case Durations::kTiny:
        return 500;
    }
    return 0;
  }
  void Push(int64_t at_us, Kind kind, size_t node, OfferName offer = {}) {
    events_.push({at_us, pushed_++, kind, node, offer});
  }
  void Begin(size_t number) {
    Node& node = nodes_[number];
    while (!node.waiting.empty()) {
      const Fact fact = facts_.at(node.waiting.front().task);
      if (fact.cpus > node.free) return;
      node.free -= fact.cpus;
      Push(now_us_ + fact.us, Kind::kEnded, number, node.waiting.front());
      node.waiting.pop();
    }
  }
  void OnEnded(const Event& event) {
    nodes_[event.node].free += facts_.at(event.offer.task).cpus;
    if (told_.empty()) Push(now_us_ + kWayUs, Kind::kTurn, 0);
    told_.emplace(now_us_ + kWayUs, event.offer);
  }
  void Turn() {
    OfferBook& book = cluster_.book();
    for (; !told_.empty() && told_.front().first <= now_us_; told_.pop()) {
      RAYX_CHECK(book.OnWithdraw(SessionNumber(1), told_.front().second).ok());
    }
    cluster_.Turn(now_us_ / 1000);
    for (const Effect& effect : book.TakeEffects()) {
      const auto* const place = std::get_if<Place>(&effect);
      if (place == nullptr) continue;
      const size_t node = numbers_.at(place->node);
      nodes_[node].waiting.push(place->offer);
      Push(now_us_ + kWayUs, Kind::kArrived, node);
    }
    if (!told_.empty()) Push(told_.front().first, Kind::kTurn, 0);
  }

  Cluster cluster_;
  std::vector<Node> nodes_;
  const uint64_t tasks_;
  std::lognormal_distribution<double> log_normal_{std::log(20'000.0), 1.0};
  std::unordered_map<NodeId, size_t> numbers_;
  std::unordered_map<TaskId, Fact> facts_;
  std::vector<int64_t> in_order_us_;
  double work_us_ = 0;
  int64_t longest_us_ = 0;
  int64_t now_us_ = 0;
  uint64_t pushed_ = 0;
  std::priority_queue<Event> events_;
  // What has ended, and when the scheduler hears of it.
  std::queue<std::pair<int64_t, OfferName>> told_;
};

// Arguments: nodes, tasks, Durations, whether tasks ask for 1, 2 or 4 CPUs.
void Makespan(benchmark::State& state) {
  const bool mixed_cpus = state.range(3) != 0;
  double ratio = 0;
  double greedy = 0;
  for ([[maybe_unused]] auto _ : state) {
    Simulation simulation(static_cast<size_t>(state.range(0)),
                          static_cast<uint64_t>(state.range(1)),
                          static_cast<Durations>(state.range(2)), mixed_cpus);
    ratio = simulation.Run();
    if (!mixed_cpus) greedy = simulation.Greedy();
  }
  state.counters["ratio"] = ratio;
  if (!mixed_cpus) state.counters["greedy"] = greedy;
}
BENCHMARK(Makespan)
    ->ArgNames({"nodes", "tasks", "durations", "mixed"})
    ->Args({10, 10'000, 0, 0})
    ->Args({1000, 1'000'000, 0, 0})
    ->Args({1000, 1'000'000, 1, 0})
    ->Args({1000, 1'000'000, 2, 0})
    ->Args({1000, 1'000'000, 3, 0})
    ->Args({1000, 1'000'000, 1, 1})
    ->Args({100, 100'000, 1, 1})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace rayx::placement

BENCHMARK_MAIN();
