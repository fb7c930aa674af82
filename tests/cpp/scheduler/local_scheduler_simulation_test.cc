// Whole lives of a node, from seeds. A failure names its seed; the same seed replays it exactly.

#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "scheduler/queues/waiting_heads.h"
#include "scheduler/simulated_worlds.h"

namespace rayx::scheduler {
namespace {

bool MustFail(const TaskScript& script) {
  return script.max_retries >= 0 && script.deaths > static_cast<uint32_t>(script.max_retries);
}

void ExpectAtRest(NodeModel& model, const ModelOptions& options) {
  EXPECT_EQ(model.core().available().ToString(), options.total.ToString());
  // Beyond those that are kept, workers end when they have been idle long enough.
  model.Rest(2 * limits::kIdleWorkerMs);
  EXPECT_EQ(model.processes(), options.prestart);
  EXPECT_EQ(model.broken(), "");
}

class Simulation : public ::testing::TestWithParam<int> {};

// Each parameter is a block of seeds, so that blocks run as tests of their own.
constexpr int kBlocks = 10;
constexpr int kSeedsPerBlock = 40;

TEST_P(Simulation, EveryTaskEndsOnceWhateverHappens) {
  for (int i = 0; i < kSeedsPerBlock; ++i) {
    const auto seed = static_cast<uint64_t>(GetParam() * kSeedsPerBlock + i);
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    NodeModel model(world.options, world.maker.scripts);
    for (const uint64_t root : world.maker.roots) {
      model.Submit(root);
      while (world.maker.OneIn(3)) model.Step();
    }
    ASSERT_TRUE(model.RunToEnd(200000)) << model.broken() << "\n"
                                        << model.core().reports().DebugText(50);
    ASSERT_EQ(model.broken(), "");
    for (const uint64_t root : world.maker.roots) {
      const TaskScript& script = world.maker.scripts[root];
      EXPECT_EQ(model.Failed(root), MustFail(script)) << "task " << root;
      if (script.max_retries < 0) continue;
      EXPECT_LE(model.Begun(root), static_cast<uint32_t>(script.max_retries) + 1) << root;
    }
    ExpectAtRest(model, world.options);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST_P(Simulation, EveryTaskEndsOnceWhenStartsFailAndIdleWorkersDie) {
  for (int i = 0; i < kSeedsPerBlock / 2; ++i) {
    const auto seed = static_cast<uint64_t>(100000 + GetParam() * kSeedsPerBlock + i);
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    world.options.start_fails = 200;
    world.options.idle_dies = 5;
    world.options.loses_messages = true;
    NodeModel model(world.options, world.maker.scripts);
    for (const uint64_t root : world.maker.roots) model.Submit(root);
    ASSERT_TRUE(model.RunToEnd(2000000)) << model.broken() << "\n"
                                         << model.core().reports().DebugText(50);
    EXPECT_EQ(model.core().available().ToString(), world.options.total.ToString());
    if (::testing::Test::HasFailure()) return;
  }
}

TEST_P(Simulation, AGoneDriverLeavesNothingAndHarmsNobody) {
  for (int i = 0; i < kSeedsPerBlock / 2; ++i) {
    const auto seed = static_cast<uint64_t>(200000 + GetParam() * kSeedsPerBlock + i);
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    NodeModel model(world.options, world.maker.scripts);
    for (const uint64_t root : world.maker.roots) model.Submit(root);
    for (unsigned k = world.maker.Random(100); k > 0; --k) model.Step();
    model.DriverGone(1);
    ASSERT_TRUE(model.RunToEnd(200000)) << model.broken() << "\n"
                                        << model.core().reports().DebugText(50);
    for (const uint64_t root : world.maker.roots) {
      const TaskScript& script = world.maker.scripts[root];
      if (script.driver == 1) continue;
      EXPECT_EQ(model.Failed(root), MustFail(script)) << "task " << root;
    }
    ExpectAtRest(model, world.options);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST_P(Simulation, ProcessesAreBoundedByProcessorsAndBlockedWorkers) {
  for (int i = 0; i < kSeedsPerBlock / 2; ++i) {
    const auto seed = static_cast<uint64_t>(300000 + GetParam() * kSeedsPerBlock + i);
    SCOPED_TRACE("seed " + std::to_string(seed));
    Maker maker(seed);
    ModelOptions options;
    options.seed = seed;
    options.total = Cpus(1 + maker.Random(4));
    const size_t cpus = static_cast<size_t>(options.total.Get(kCpu).units() / 10000);
    options.prestart = cpus;
    for (int k = 0; k < 10; ++k) maker.roots.push_back(maker.AddTree(1, 1 + maker.Random(5), 4));
    NodeModel model(options, maker.scripts);
    for (const uint64_t root : maker.roots) model.Submit(root);
    ASSERT_TRUE(model.RunToEnd(200000)) << model.broken() << "\n"
                                        << model.core().reports().DebugText(50);
    EXPECT_LE(model.processes_peak(), cpus + model.blocked_peak() + 8);
    if (::testing::Test::HasFailure()) return;
  }
}

// Of an actor that nothing happens to no call fails.
bool IsUndisturbed(const ActorWorld& world, uint64_t number) {
  const TaskScript& actor = world.maker.scripts.at(number);
  if (actor.deaths > 0 || actor.raises || actor.timeout_ms > 0) return false;
  for (const auto& [other, script] : world.maker.scripts) {
    if (script.actor == number && script.deaths > 0) return false;
  }
  return true;
}

TEST_P(Simulation, CallsRunInOrderAndFailOnlyWithTheirActors) {
  for (int i = 0; i < kSeedsPerBlock; ++i) {
    const auto seed = static_cast<uint64_t>(400000 + GetParam() * kSeedsPerBlock + i);
    SCOPED_TRACE("seed " + std::to_string(seed));
    ActorWorld world(seed);
    NodeModel model(world.options, world.maker.scripts);
    for (const auto& [number, script] : world.maker.scripts) {
      model.Submit(number);
      while (world.maker.OneIn(3)) model.Step();
    }
    ASSERT_TRUE(model.RunToEnd(200000)) << model.broken() << "\n"
                                        << model.core().reports().DebugText(50);
    for (const auto& [number, script] : world.maker.scripts) {
      if (script.kind != TaskKind::kActorCall || script.timeout_ms > 0) continue;
      if (!IsUndisturbed(world, script.actor)) continue;
      EXPECT_FALSE(model.Failed(number)) << number;
    }
    EXPECT_EQ(model.core().Stats().actors, 0u);
    ExpectAtRest(model, world.options);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST_P(Simulation, EverythingEndsWhateverIsKilledAndCancelled) {
  for (int i = 0; i < kSeedsPerBlock; ++i) {
    const auto seed = static_cast<uint64_t>(500000 + GetParam() * kSeedsPerBlock + i);
    SCOPED_TRACE("seed " + std::to_string(seed));
    ActorWorld world(seed);
    world.options.idle_dies = 5;
    world.options.loses_messages = world.maker.OneIn(2);
    NodeModel model(world.options, world.maker.scripts);
    for (const auto& [number, script] : world.maker.scripts) {
      model.Submit(number);
      while (world.maker.OneIn(3)) model.Step();
      if (world.maker.OneIn(4)) world.Disturb(model);
    }
    if (world.maker.OneIn(3)) model.DriverGone(1);
    for (int k = 0; k < 10; ++k) {
      model.Step();
      world.Disturb(model);
    }
    ASSERT_TRUE(model.RunToEnd(200000)) << model.broken() << "\n"
                                        << model.core().reports().DebugText(50);
    model.Step();
    EXPECT_EQ(model.core().Stats().actors, 0u);
    EXPECT_EQ(model.core().available().ToString(), world.options.total.ToString());
    if (::testing::Test::HasFailure()) return;
  }
}

// Clients that wait for each task and have lines, among others.
TEST_P(Simulation, NothingIsLostOrRunTwiceBesideLeases) {
  size_t given_directly = 0;
  for (int i = 0; i < kSeedsPerBlock; ++i) {
    const auto seed = static_cast<uint64_t>(600000 + GetParam() * kSeedsPerBlock + i);
    SCOPED_TRACE("seed " + std::to_string(seed));
    ActorWorld world(seed);
    world.options.leases = 300;
    world.options.idle_dies = world.maker.OneIn(2) ? 5 : 0;
    const bool disturbed = world.maker.OneIn(3);
    NodeModel model(world.options, world.maker.scripts);
    for (const auto& [number, script] : world.maker.scripts) {
      model.Submit(number);
      for (int k = 0; k < 20 && !model.Ended(number) && !world.maker.OneIn(10); ++k) model.Step();
      if (disturbed && world.maker.OneIn(4)) world.Disturb(model);
    }
    if (disturbed && world.maker.OneIn(3)) model.DriverGone(1);
    ASSERT_TRUE(model.RunToEnd(200000)) << model.broken() << "\n"
                                        << model.core().reports().DebugText(50);
    model.EndLease();
    model.Step();
    model.EndLease();
    EXPECT_EQ(model.broken(), "");
    EXPECT_EQ(model.core().Stats().actors, 0u);
    EXPECT_EQ(model.core().available().ToString(), world.options.total.ToString());
    given_directly += model.given_directly();
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(given_directly, 10u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, ::testing::Range(0, kBlocks));

// --- particular loads ---

ModelOptions TwoCpus() {
  ModelOptions options;
  options.seed = 1;
  options.total = Cpus(2);
  options.prestart = 2;
  return options;
}

TEST(SimulationOfLoads, AChainOfBlockingTasksNeedsOneWorkerALevel) {
  constexpr uint64_t kDepth = 200;
  Maker maker(1);
  for (uint64_t i = 1; i <= kDepth; ++i) maker.Add(1);
  for (uint64_t i = 1; i < kDepth; ++i) {
    maker.scripts[i].children = {i + 1};
    maker.scripts[i].waits = true;
  }
  NodeModel model(TwoCpus(), maker.scripts);
  model.Submit(1);
  ASSERT_TRUE(model.RunToEnd(20000)) << model.broken() << model.core().reports().DebugText(10);
  EXPECT_EQ(model.ended(), kDepth);
  EXPECT_LE(model.processes_peak(), kDepth + 2 + 8);
}

uint64_t AddFibonacci(Maker& maker, unsigned n) {
  const uint64_t number = maker.Add(1).number;
  maker.scripts[number].steps = 1;
  if (n < 2) return number;
  const uint64_t left = AddFibonacci(maker, n - 1);
  const uint64_t right = AddFibonacci(maker, n - 2);
  maker.scripts[number].children = {left, right};
  maker.scripts[number].waits = true;
  return number;
}

TEST(SimulationOfLoads, ATreeOfBlockingTasksNeedsWorkersByItsDepthNotItsSize) {
  Maker maker(1);
  AddFibonacci(maker, 14);
  NodeModel model(TwoCpus(), maker.scripts);
  model.Submit(1);
  ASSERT_TRUE(model.RunToEnd(100000)) << model.broken() << model.core().reports().DebugText(10);
  EXPECT_EQ(model.ended(), maker.scripts.size());
  EXPECT_GT(maker.scripts.size(), 1000u);
  // Two processors walk two branches, each at most 14 deep.
  EXPECT_LE(model.processes_peak(), 2 * 14 + 2 + 8);
}

TEST(SimulationOfLoads, FiftyTasksThatBlockOnTwentyChildrenEach) {
  Maker maker(1);
  for (int i = 0; i < 50; ++i) maker.roots.push_back(maker.AddTree(1, 0, 0));
  for (const uint64_t root : maker.roots) {
    maker.scripts[root].waits = true;
    for (int k = 0; k < 20; ++k) {
      const uint64_t child = maker.Add(1).number;
      maker.scripts[root].children.push_back(child);
    }
  }
  NodeModel model(TwoCpus(), maker.scripts);
  for (const uint64_t root : maker.roots) model.Submit(root);
  ASSERT_TRUE(model.RunToEnd(100000)) << model.broken() << model.core().reports().DebugText(10);
  EXPECT_EQ(model.ended(), 50u * 21u);
  EXPECT_LE(model.processes_peak(), 50u + 2 + 8);
}

// A stream of tasks of one CPU never ends; a task that needs both runs all the same, whether tasks
// are long or short.
void RunBigTaskInStream(int64_t steps, int64_t wait_max_ms) {
  Maker maker(1);
  constexpr uint64_t kStream = 60000;
  for (uint64_t i = 0; i < kStream; ++i) maker.Add(1).steps = steps;
  TaskScript& big = maker.Add(1);
  big.resources = Cpus(2);
  const uint64_t big_number = big.number;
  NodeModel model(TwoCpus(), maker.scripts);
  uint64_t next = 1;
  const auto feed = [&] {
    while (next < kStream && model.submitted() < model.ended() + 50) model.Submit(next++);
    model.Step();
  };
  for (int i = 0; i < 100; ++i) feed();
  const int64_t submitted_ms = model.now_ms();
  model.Submit(big_number);
  while (!model.Ended(big_number) && model.now_ms() < submitted_ms + wait_max_ms) feed();
  EXPECT_TRUE(model.Ended(big_number))
      << model.core().reports().Explain(testing::TaskNumber(big_number));
  EXPECT_LT(next, kStream) << "the stream has dried up, this test shows nothing";
  EXPECT_EQ(model.broken(), "");
}

TEST(SimulationOfLoads, ABigTaskRunsInAStreamOfTinyOnes) { RunBigTaskInStream(0, 200); }

TEST(SimulationOfLoads, ABigTaskRunsInAStreamOfLongOnes) {
  // The fifty tasks before it take 5 s on two CPUs; then it waits for those that run.
  RunBigTaskInStream(200, 5000 + WaitingHeads::kWaitMs + 500);
}

TEST(SimulationOfLoads, WorkersThatCannotStartAreTriedLessAndLessOften) {
  Maker maker(1);
  for (int i = 0; i < 20; ++i) maker.roots.push_back(maker.Add(1).number);
  ModelOptions options = TwoCpus();
  options.total = Cpus(16);
  options.prestart = 16;
  options.start_fails = 1000;
  NodeModel model(options, maker.scripts);
  for (const uint64_t root : maker.roots) model.Submit(root);
  ASSERT_TRUE(model.RunToEnd(10000)) << model.broken() << model.core().reports().DebugText(10);
  for (const uint64_t root : maker.roots) EXPECT_TRUE(model.Failed(root));
  while (model.now_ms() < 60000) model.Step();
  EXPECT_LE(model.started(), limits::kWorkerStartsMax + 10);
  while (model.now_ms() < 600000) model.Rest(50);
  EXPECT_LE(model.started(), limits::kWorkerStartsMax + 20);
  EXPECT_GT(model.started(), limits::kWorkerStartsMax + 10) << "it has given up for ever";
  EXPECT_EQ(model.broken(), "");
}

}  // namespace
}  // namespace rayx::scheduler
