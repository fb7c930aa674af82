// A real node with workers that run C++: what a task costs without Python. The rest of a Python
// task's time is Python's.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "daemon/test_node.h"

namespace rayx {
namespace {

// One node for all benchmarks, ended with the program.
struct Bench {
  TestNode node;
  TestDriver driver{node.socket_path()};
};
Bench& TheBench() {
  static Bench bench;
  return bench;
}

// One task at a time: submit, wait, drop.
void BM_TaskRoundTrip(benchmark::State& state) {
  TestDriver& driver = TheBench().driver;
  driver.Call("echo", "warm");
  for (auto _ : state) benchmark::DoNotOptimize(driver.Call("echo", "x"));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TaskRoundTrip)->UseRealTime();

void BM_TaskBurst(benchmark::State& state) {
  TestDriver& driver = TheBench().driver;
  const auto count = static_cast<size_t>(state.range(0));
  driver.Call("echo", "warm");
  for (auto _ : state) {
    std::vector<ObjectId> ids(count);
    for (ObjectId& id : ids) id = driver.Submit("echo", "x");
    const auto views = driver.client().Get(ids, 60000);
    if (!views.ok()) state.SkipWithError(views.status().ToString().c_str());
    for (const ObjectId& id : ids) driver.Drop(id);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_TaskBurst)->Arg(10000)->UseRealTime()->Unit(benchmark::kMillisecond);

// Each task takes the result of the one before.
void BM_TaskChain(benchmark::State& state) {
  TestDriver& driver = TheBench().driver;
  for (auto _ : state) {
    std::vector<ObjectId> ids = {driver.Put("0")};
    for (int i = 0; i < 1000; ++i) ids.push_back(driver.Submit("sum", "1", {ids.back()}));
    benchmark::DoNotOptimize(driver.Get(ids.back()));
    for (const ObjectId& id : ids) driver.Drop(id);
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(BM_TaskChain)->UseRealTime()->Unit(benchmark::kMillisecond);

// Storing a value and reading it back, in the process that stored it.
void BM_PutGet(benchmark::State& state) {
  TestDriver& driver = TheBench().driver;
  const std::string value(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    const ObjectId id = driver.Put(value);
    benchmark::DoNotOptimize(driver.GetView(id).bytes().data());
    driver.Drop(id);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_PutGet)->Arg(100)->Arg(1 << 20)->Arg(16 << 20)->UseRealTime();

}  // namespace
}  // namespace rayx

// The library of the node's tests brings a main of its own.
BENCHMARK_MAIN();
