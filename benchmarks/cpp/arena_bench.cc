// The arena: what one allocation costs, by how many there are and how they lie.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "plasma/arena.h"

namespace rayx::plasma {
namespace {

constexpr uint64_t kSegmentBytes = uint64_t{64} << 30;

// One object at a time, always the same place: the best case.
void BM_ArenaAllocateFree(benchmark::State& state) {
  Arena arena(kSegmentBytes);
  for (auto _ : state) {
    const auto got = arena.Allocate(128 << 10);
    arena.Free(got->offset);
    benchmark::DoNotOptimize(got);
  }
}
BENCHMARK(BM_ArenaAllocateFree);

// Among many live objects of mixed sizes, a random one goes and another comes.
void BM_ArenaReplaceOneOfMany(benchmark::State& state) {
  Arena arena(kSegmentBytes);
  std::mt19937_64 random(1);
  const auto size = [&random] { return 64 + random() % (256 << 10); };
  std::vector<uint64_t> live(static_cast<size_t>(state.range(0)));
  for (uint64_t& offset : live) offset = arena.Allocate(size())->offset;
  for (auto _ : state) {
    uint64_t& offset = live[random() % live.size()];
    arena.Free(offset);
    offset = arena.Allocate(size())->offset;
  }
  const Arena::Stats stats = arena.GetStats();
  state.counters["waste"] =
      1 - static_cast<double>(stats.used_bytes) / static_cast<double>(stats.touched_bytes);
}
BENCHMARK(BM_ArenaReplaceOneOfMany)->Arg(100)->Arg(10000)->Arg(100000);

}  // namespace
}  // namespace rayx::plasma

BENCHMARK_MAIN();
