// Made-up loads for a NodeModel, from seeds: what there is to run, and on how much of what.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "scheduler/node_model.h"

namespace rayx::scheduler {

using Scripts = std::map<uint64_t, TaskScript>;

inline ResourceSet Cpus(int64_t count) { return {{std::string(kCpu), ResourceAmount::Of(count)}}; }

class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed * 7919 + 1) {}

  unsigned Random(unsigned below) { return static_cast<unsigned>(random_() % below); }
  bool OneIn(unsigned count) { return Random(count) == 0; }

  TaskScript& Add(uint64_t driver) {
    const uint64_t number = scripts.size() + 1;
    TaskScript& script = scripts[number];
    script.number = number;
    script.driver = driver;
    script.resources = Cpus(1);
    return script;
  }
  // A tree of tasks that wait for their children; returns its root.
  uint64_t AddTree(uint64_t driver, unsigned depth, unsigned width) {
    const uint64_t root = Add(driver).number;
    scripts[root].steps = Random(3);
    scripts[root].waits = !OneIn(5);
    if (depth == 0) return root;
    const unsigned children = 1 + Random(width);
    for (unsigned i = 0; i < children; ++i) {
      const uint64_t child = AddTree(driver, depth - 1, width);
      scripts[root].children.push_back(child);
    }
    return root;
  }

  Scripts scripts;
  std::vector<uint64_t> roots;

 private:
  std::mt19937_64 random_;
};

inline ResourceSet AnyDemand(Maker& maker, const ResourceSet& total) {
  ResourceSet demand = Cpus(1);
  const int64_t cpus = total.Get(kCpu).units();
  switch (maker.Random(8)) {
    case 0:
      demand.Set(kCpu, ResourceAmount::FromUnits(cpus));
      break;
    case 1:
      demand.Set(kCpu, ResourceAmount::FromUnits(2500));
      break;
    case 2:
      demand.Set(kGpu, ResourceAmount::FromUnits(5000));
      break;
    case 3:
      demand = {};
      break;
    case 4:
      demand = {{"lamp", ResourceAmount::Of(1)}};
      break;
    default:
      break;
  }
  return demand;
}

// Everything at once: shapes, trees, dependencies, deaths, several drivers.
struct World {
  explicit World(uint64_t seed) : maker(seed) {
    options.seed = seed;
    options.total = Cpus(1 + maker.Random(4));
    options.total.Set(kGpu, ResourceAmount::Of(1));
    options.total.Set("lamp", ResourceAmount::Of(2));
    options.prestart = maker.Random(4);
    options.delay_max = maker.Random(6);
    const unsigned drivers = 1 + maker.Random(3);
    const unsigned count = 5 + maker.Random(60);
    for (unsigned i = 0; i < count; ++i) AddRoot(1 + maker.Random(drivers));
  }

  void AddRoot(uint64_t driver) {
    uint64_t root = 0;
    if (maker.OneIn(8)) {
      root = maker.AddTree(driver, 1 + maker.Random(4), 3);
      // A blocked task keeps its GPU; its children ask for CPUs only, so this cannot be a deadlock
      // of the user's making.
      if (maker.OneIn(3)) maker.scripts[root].resources.Set(kGpu, ResourceAmount::Of(1));
    } else {
      TaskScript& script = maker.Add(driver);
      script.resources = AnyDemand(maker, options.total);
      script.steps = maker.OneIn(4) ? maker.Random(40) : maker.Random(3);
      root = script.number;
    }
    TaskScript& script = maker.scripts[root];
    if (maker.OneIn(10)) script.deaths = 1 + maker.Random(3);
    if (maker.OneIn(3)) script.max_retries = static_cast<int32_t>(maker.Random(3)) - 1;
    if (maker.OneIn(5) && !maker.roots.empty()) {
      const size_t count = maker.roots.size();
      for (int i = 0; i < 2; ++i) {
        const uint64_t other = maker.roots[maker.Random(static_cast<unsigned>(count))];
        if (maker.scripts[other].driver == driver) script.depends_on.push_back(other);
      }
    }
    maker.roots.push_back(root);
  }

  Maker maker;
  ModelOptions options;
};

// Actors, calls, cancellations and GPUs among plain tasks.
struct ActorWorld {
  explicit ActorWorld(uint64_t seed) : maker(seed) {
    options.seed = seed;
    options.total = Cpus(1 + maker.Random(3));
    options.total.Set(kGpu, ResourceAmount::Of(1 + maker.Random(3)));
    options.prestart = maker.Random(3);
    options.delay_max = maker.Random(6);
    const unsigned count = 5 + maker.Random(40);
    for (unsigned i = 0; i < count; ++i) {
      const unsigned what = maker.Random(6);
      if (what == 0 || actors.empty()) {
        AddActor();
      } else if (what < 4) {
        AddCall();
      } else {
        AddTask();
      }
    }
  }

  // So small a demand that what others hold for life does not stop it for ever.
  ResourceSet AnyGpuDemand() {
    const int64_t gpus = options.total.Get(kGpu).units();
    switch (maker.Random(5)) {
      case 0:
        return {{std::string(kGpu), ResourceAmount::FromUnits(3000 + maker.Random(7000))}};
      case 1:
        return {{std::string(kGpu), ResourceAmount::FromUnits(gpus)}};
      case 2:
        return Cpus(1);
      default:
        return {};
    }
  }
  TaskScript& Any() {
    TaskScript& script = maker.Add(1 + maker.Random(2));
    script.steps = maker.Random(8);
    script.heeds_interrupt = !maker.OneIn(3);
    if (maker.OneIn(12)) script.deaths = 1 + maker.Random(2);
    if (maker.OneIn(12)) {
      script.timeout_ms = 1 + maker.Random(10);
      script.steps = maker.Random(30);
    }
    script.max_retries = 0;
    return script;
  }
  void AddActor() {
    TaskScript& script = Any();
    script.kind = TaskKind::kActorCreation;
    script.resources = AnyGpuDemand();
    script.max_concurrency = maker.OneIn(3) ? 1 + maker.Random(5) : 1;
    script.max_retries = static_cast<int32_t>(maker.Random(4)) - 1;
    script.raises = maker.OneIn(8);
    actors.push_back(script.number);
  }
  void AddCall() {
    const uint64_t actor = actors[maker.Random(static_cast<unsigned>(actors.size()))];
    TaskScript& script = Any();
    script.kind = TaskKind::kActorCall;
    script.actor = actor;
    script.driver = maker.scripts[actor].driver;
    script.caller = ClientId(maker.Random(3));
    script.resources = {};
    // An actor that holds nothing may wait for plain tasks.
    if (!maker.scripts[actor].resources.empty() || !maker.OneIn(4) || tasks.empty()) return;
    const uint64_t other = tasks[maker.Random(static_cast<unsigned>(tasks.size()))];
    if (maker.scripts[other].driver == script.driver) script.depends_on.push_back(other);
  }
  void AddTask() {
    TaskScript& script = Any();
    script.resources = maker.OneIn(2) ? Cpus(1) : AnyGpuDemand();
    script.priority = static_cast<int32_t>(maker.Random(3)) - 1;
    script.max_retries = static_cast<int32_t>(maker.Random(3));
    tasks.push_back(script.number);
  }
  // Something that somebody does to what is there.
  void Disturb(NodeModel& model) {
    const auto count = static_cast<unsigned>(maker.scripts.size());
    const uint64_t number = 1 + maker.Random(count);
    if (maker.OneIn(3)) {
      model.Kill(actors[maker.Random(static_cast<unsigned>(actors.size()))]);
    } else {
      model.Cancel(number, maker.OneIn(2));
    }
  }

  Maker maker;
  ModelOptions options;
  std::vector<uint64_t> actors;
  std::vector<uint64_t> tasks;
};

}  // namespace rayx::scheduler
