// A process's end of a task and its objects: what it does for each without a system call, and the
// copy of a value into the pool.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "client/memory/object_memory.h"
#include "client/memory/pool_writer.h"
#include "client/objects/object_cache.h"
#include "client/tasks/task_encoder.h"
#include "common/base/ids.h"
#include "common/shm/shared_memory.h"
#include "testing/task_ids.h"

namespace rayx {
namespace {

constexpr size_t kKeptBytesMax = size_t{64} << 20;
constexpr uint64_t kPoolBytes = uint64_t{256} << 20;

std::vector<ObjectId> Ids(size_t count) {
  std::vector<ObjectId> ids;
  for (size_t i = 0; i < count; ++i) ids.push_back(IdOf(i));
  return ids;
}

// A call without arguments.
void EncodeCall(benchmark::State& state) {
  TaskEncoder encoder;
  TaskTemplate task;
  task.name = "module.work";
  task.resources.Set(kCpu, ResourceAmount::Of(1));
  TaskCall call;
  call.task = &task;
  for (auto _ : state) benchmark::DoNotOptimize(encoder.Encode(call).data());
}
BENCHMARK(EncodeCall);

// A value of 100 bytes into memory of its own, as a small put or argument is.
void WriteSmallObject(benchmark::State& state) {
  const std::vector<uint8_t> stream(100);
  ObjectPieces pieces;
  pieces.stream = stream;
  for (auto _ : state) {
    const ObjectPlan plan = PlanObject(pieces);
    OwnedMemory memory = AllocateObject(plan.total_bytes(), false);
    WriteObject(plan, pieces, memory.data);
    benchmark::DoNotOptimize(memory.data);
  }
}
BENCHMARK(WriteSmallObject);

// The result of a task: submitted, pushed, got, dropped.
void ResultInCache(benchmark::State& state) {
  ObjectCache cache(kKeptBytesMax);
  for (const ObjectId& id : Ids(static_cast<size_t>(state.range(0)))) cache.AddResult(id);
  const std::vector<uint8_t> bytes(100);
  uint64_t number = uint64_t{1} << 40;
  for (auto _ : state) {
    const ObjectId id = IdOf(number++);
    cache.AddResult(id);
    cache.OnInline(id, bytes);
    benchmark::DoNotOptimize(cache.Want(id));
    ObjectView view;
    benchmark::DoNotOptimize(cache.Take(id, &view));
    benchmark::DoNotOptimize(cache.Settle(id, false));
    benchmark::DoNotOptimize(cache.RemoveReference(id));
  }
}
BENCHMARK(ResultInCache)->Arg(0)->Arg(10000);

// A wait for one of so many objects, none of which is there at first.
void WatchMany(benchmark::State& state) {
  ObjectCache cache(kKeptBytesMax);
  const std::vector<ObjectId> ids = Ids(static_cast<size_t>(state.range(0)));
  for (const ObjectId& id : ids) cache.AddResult(id);
  for (auto _ : state) {
    ObjectCache::Watch watch;
    for (const ObjectId& id : ids) benchmark::DoNotOptimize(cache.StartWatch(id, &watch));
    for (const ObjectId& id : ids) benchmark::DoNotOptimize(cache.EndWatch(id, &watch));
  }
}
BENCHMARK(WatchMany)->Arg(1000);

// What `wait` asks of its ids first.
void LookForRepeatedIds(benchmark::State& state) {
  const std::vector<ObjectId> ids = Ids(static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(FirstRepeated(ids));
}
BENCHMARK(LookForRepeatedIds)->Arg(1000);

std::optional<PoolWriter> NewPool() {
  Result<ScopedFd> file = CreateSharedMemory("client_bench", kPoolBytes);
  if (!file.ok()) return std::nullopt;
  Result<SharedMapping> mapping = SharedMapping::Map(file->get(), kPoolBytes, true);
  if (!mapping.ok()) return std::nullopt;
  return PoolWriter(std::move(*mapping), std::move(*file));
}

// Values of so many bytes into one room after the other, which have left the caches meanwhile, or
// into the same room.
void CopyIntoPool(benchmark::State& state, bool same_room) {
  const std::optional<PoolWriter> pool = NewPool();
  if (!pool) return state.SkipWithError("no shared memory");
  const std::vector<uint8_t> value(static_cast<size_t>(state.range(0)), 1);
  const uint64_t rooms = kPoolBytes / value.size();
  for (uint64_t i = 0; i < rooms; ++i) {
    pool->Copy(value, pool->At(i * value.size(), value.size()));
    pool->Copy(value, pool->At(i * value.size(), value.size()));  // mapped
  }
  uint64_t room = 0;
  for (auto _ : state) {
    pool->Copy(value, pool->At(room * value.size(), value.size()));
    if (!same_room) room = (room + 1) % rooms;
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(CopyIntoPool, new_room, false)->Arg(1 << 20)->Arg(100 << 20)->UseRealTime();
BENCHMARK_CAPTURE(CopyIntoPool, same_room, true)->Arg(1 << 20)->UseRealTime();

// Into a room that nobody has touched.
void CopyIntoNewPool(benchmark::State& state) {
  const std::vector<uint8_t> value(static_cast<size_t>(state.range(0)), 1);
  for (auto _ : state) {
    state.PauseTiming();
    std::optional<PoolWriter> pool = NewPool();
    if (!pool) return state.SkipWithError("no shared memory");
    state.ResumeTiming();
    pool->Copy(value, pool->At(0, value.size()));
    state.PauseTiming();
    pool.reset();
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(CopyIntoNewPool)->Arg(1 << 20)->Arg(100 << 20)->UseRealTime();

}  // namespace
}  // namespace rayx
