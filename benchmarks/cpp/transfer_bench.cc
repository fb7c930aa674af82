// What the decisions about copies cost: of each chunk, at the puller and its source, and of each
// question for a source, at the home. No byte is copied here.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "transfer/directory.h"
#include "transfer/node_transfers.h"

namespace rayx::transfer {
namespace {

template <typename AnyId>
AnyId Numbered(uint32_t number) {
  AnyId id;
  for (size_t byte = 0; byte < 4; ++byte) {
    id.mutable_data()[byte] = static_cast<uint8_t>(number >> (8 * byte));
  }
  id.mutable_data()[AnyId::size() - 1] = 1;
  return id;
}

// Room for everything.
struct EmptyPool final : Pool {
  explicit EmptyPool(uint64_t size_bytes) : size(size_bytes) {}

  bool MakeRoom(const ObjectId&, uint64_t) override { return true; }
  void DropRoom(const ObjectId&) override {}
  void Seal(const ObjectId&, Version) override { ++sealed; }
  std::optional<uint64_t> Pin(const NodeId&, const ObjectId&, Version) override { return size; }
  void Unpin(const NodeId&, const ObjectId&) override {}

  uint64_t size;
  size_t sealed = 0;
};

// A node that pulls all that it wants from another one.
class TwoNodes {
 public:
  TwoNodes(uint32_t values, uint64_t size_bytes)
      : puller_pool_(size_bytes), source_pool_(size_bytes), values_(values) {
    for (uint32_t value = 0; value < values; ++value) {
      directory_.OnMade(Numbered<ObjectId>(value), 1, size_bytes, source_id_);
      puller_.pulls().Want(value + 1, {.number = value}, {{Numbered<ObjectId>(value), size_bytes}});
    }
  }
  // Chunks that have come when all is there.
  uint64_t Run() {
    uint64_t chunks = 0;
    while (puller_pool_.sealed < values_) {
      puller_.pulls().Turn(UINT64_MAX);
      for (const auto& effect : puller_.pulls().TakeEffects()) Carry(effect);
      for (const auto& answer : directory_.TakeAnswers()) {
        puller_.pulls().On(std::get<UseSource>(answer.message));
      }
      while (const auto chunk = source_.serves().Next(puller_id_)) {
        source_.serves().OnSent(puller_id_, *chunk);
        if (!puller_.pulls().Begin(source_id_, *chunk)) std::abort();
        puller_.pulls().OnChunk(source_id_, *chunk, true);
        ++chunks;
      }
    }
    return chunks;
  }

 private:
  void Carry(const PullQueue::Effect& effect) {
    if (const auto* ask = std::get_if<AskSource>(&effect)) {
      directory_.On(puller_id_, *ask);
    } else if (const auto* whole = std::get_if<CopyWhole>(&effect)) {
      directory_.On(puller_id_, *whole);
    } else if (const auto* said = std::get_if<PullQueue::ForSource>(&effect)) {
      if (const auto* chunk = std::get_if<AskChunk>(&said->message)) {
        source_.serves().OnAsk(puller_id_, chunk->name);
      } else {
        source_.serves().OnLeave(puller_id_, std::get<LeaveCopy>(said->message).id);
      }
    }
  }

  const NodeId puller_id_ = Numbered<NodeId>(1);
  const NodeId source_id_ = Numbered<NodeId>(2);
  EmptyPool puller_pool_;
  EmptyPool source_pool_;
  const uint32_t values_;
  Directory directory_;
  NodeTransfers puller_{&puller_pool_};
  NodeTransfers source_{&source_pool_};
};

// Values, and chunks of each.
void Pull(benchmark::State& state) {
  uint64_t chunks = 0;
  for (auto _ : state) {
    TwoNodes nodes(static_cast<uint32_t>(state.range(0)),
                   static_cast<uint64_t>(state.range(1)) * kChunkBytes);
    chunks += nodes.Run();
  }
  state.SetItemsProcessed(static_cast<int64_t>(chunks));
}
BENCHMARK(Pull)->Args({1, 10'000})->Args({100, 100})->Args({10'000, 1})->Args({100'000, 1});

// A value that so many nodes want at once: one question and one CopyWhole each.
void Broadcast(benchmark::State& state) {
  const auto nodes = static_cast<uint32_t>(state.range(0));
  const ObjectId id = Numbered<ObjectId>(1);
  for (auto _ : state) {
    Directory directory;
    directory.OnMade(id, 1, 1, Numbered<NodeId>(0));
    for (uint32_t node = 1; node <= nodes; ++node) {
      directory.On(Numbered<NodeId>(node), AskSource{.id = id, .number = 1});
    }
    for (uint32_t node = 1; node <= nodes; ++node) {
      directory.On(Numbered<NodeId>(node), CopyWhole{.id = id, .version = 1});
    }
    benchmark::DoNotOptimize(directory.TakeAnswers().size());
  }
  state.SetItemsProcessed(state.iterations() * nodes);
}
BENCHMARK(Broadcast)->Arg(10)->Arg(100)->Arg(1000);

}  // namespace
}  // namespace rayx::transfer
