// The object store on the path of a task: what the book-keeping of one object costs.
#include <benchmark/benchmark.h>

#include <vector>

#include "plasma/object_store.h"
#include "testing/task_ids.h"

namespace rayx::plasma {
namespace {

constexpr uint64_t kPoolBytes = uint64_t{1} << 30;
constexpr ClientId kDriver(1);
constexpr ClientId kWorker(2);

// The daemon takes the effects once a turn; a turn under load has about so many events.
constexpr size_t kEventsPerTurn = 100;

class Turns {
 public:
  explicit Turns(ObjectStore* store) : store_(store) {}
  void OnEvent() {
    if (++events_ % kEventsPerTurn == 0) benchmark::DoNotOptimize(store_->TakeEffects());
  }

 private:
  ObjectStore* store_;
  size_t events_ = 0;
};

// Puts `live` small objects that stay, so that the tables are as large as in use.
void Fill(ObjectStore* store, int64_t live) {
  const std::vector<uint8_t> data(100);
  for (int64_t i = 0; i < live; ++i) {
    benchmark::DoNotOptimize(
        store->PutInline(kDriver, IdOf(static_cast<uint64_t>(i) + (uint64_t{1} << 40)), data, {}));
  }
  store->TakeEffects();
}

// The result of a task: asked for by the driver, put by the node, delivered, dropped.
void BM_StoreTaskResult(benchmark::State& state) {
  ObjectStore store(kPoolBytes);
  Fill(&store, state.range(0));
  Turns turns(&store);
  const std::vector<uint8_t> data(100);
  uint64_t number = 0;
  for (auto _ : state) {
    const ObjectId id = IdOf(number++);
    store.AddClientReference(kDriver, id);
    store.Get(kDriver, id, true);
    benchmark::DoNotOptimize(store.PutInline(kNoClient, id, data, {}));
    benchmark::DoNotOptimize(store.Find(id));
    benchmark::DoNotOptimize(store.RemoveClientReference(kDriver, id));
    turns.OnEvent();
  }
}
BENCHMARK(BM_StoreTaskResult)->Arg(0)->Arg(10000)->Arg(1000000);

// A small put by a client, got by itself, dropped.
void BM_StorePutInlineGetDrop(benchmark::State& state) {
  ObjectStore store(kPoolBytes);
  Turns turns(&store);
  const std::vector<uint8_t> data(static_cast<size_t>(state.range(0)));
  uint64_t number = 0;
  for (auto _ : state) {
    const ObjectId id = IdOf(number++);
    benchmark::DoNotOptimize(store.PutInline(kDriver, id, data, {}));
    store.Get(kDriver, id, false);
    benchmark::DoNotOptimize(store.RemoveClientReference(kDriver, id));
    turns.OnEvent();
  }
}
BENCHMARK(BM_StorePutInlineGetDrop)->Arg(16)->Arg(100)->Arg(4096)->Arg(65536);

// A large object: room, seal, pinned delivery to another client, release.
void BM_StorePoolObject(benchmark::State& state) {
  ObjectStore store(kPoolBytes);
  Turns turns(&store);
  uint64_t number = 0;
  for (auto _ : state) {
    const ObjectId id = IdOf(number++);
    benchmark::DoNotOptimize(store.Create(kWorker, id, 1 << 20));
    benchmark::DoNotOptimize(store.Seal(kWorker, id, {}));
    store.Get(kDriver, id, true);
    benchmark::DoNotOptimize(store.RemoveClientReference(kWorker, id));
    benchmark::DoNotOptimize(store.RemoveClientReference(kDriver, id));
    benchmark::DoNotOptimize(store.Unpin(kDriver, id));
    turns.OnEvent();
  }
}
BENCHMARK(BM_StorePoolObject);

// A burst: references to 10,000 results are taken at once, then all are put and dropped. Time for
// each.
void BM_StoreBurst(benchmark::State& state) {
  constexpr uint64_t kBurst = 10000;
  ObjectStore store(kPoolBytes);
  const std::vector<uint8_t> data(100);
  std::vector<ObjectId> ids;
  for (uint64_t i = 0; i < kBurst; ++i) ids.push_back(IdOf(i));
  for (auto _ : state) {
    for (const ObjectId& id : ids) store.Get(kDriver, id, true);
    for (const ObjectId& id : ids)
      benchmark::DoNotOptimize(store.PutInline(kNoClient, id, data, {}));
    benchmark::DoNotOptimize(store.TakeEffects());
    for (const ObjectId& id : ids)
      benchmark::DoNotOptimize(store.RemoveClientReference(kDriver, id));
    benchmark::DoNotOptimize(store.TakeEffects());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBurst));
}
BENCHMARK(BM_StoreBurst)->Unit(benchmark::kMicrosecond);

// A client with many references goes. Time for each reference.
void BM_StoreClientGone(benchmark::State& state) {
  constexpr uint64_t kReferences = 10000;
  ObjectStore store(kPoolBytes);
  for (auto _ : state) {
    state.PauseTiming();
    for (uint64_t i = 0; i < kReferences; ++i) store.AddClientReference(kWorker, IdOf(i));
    state.ResumeTiming();
    store.OnClientGone(kWorker);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kReferences));
}
BENCHMARK(BM_StoreClientGone)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace rayx::plasma

BENCHMARK_MAIN();
