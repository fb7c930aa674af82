// The path of every message: frames written and cut, and a round trip between two connections.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "common/io/frame.h"
#include "common/io/socket.h"

namespace rayx {
namespace {

constexpr size_t kPayloadBytesMax = 1 << 20;

void AppendFrames(benchmark::State& state) {
  const std::vector<uint8_t> payload(static_cast<size_t>(state.range(0)), 1);
  std::vector<uint8_t> out;
  for (auto _ : state) {
    out.clear();
    for (int i = 0; i < 64; ++i) AppendFrame(1, payload, &out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * 64);
  state.SetBytesProcessed(state.iterations() * 64 * state.range(0));
}
BENCHMARK(AppendFrames)->Arg(64)->Arg(256)->Arg(4096)->Arg(65536);

// Includes the copy into the reader, which is the kernel's in life.
void CutFrames(benchmark::State& state) {
  const std::vector<uint8_t> payload(static_cast<size_t>(state.range(0)), 1);
  std::vector<uint8_t> stream;
  for (int i = 0; i < 64; ++i) AppendFrame(1, payload, &stream);
  FrameReader reader(kPayloadBytesMax);
  for (auto _ : state) {
    for (size_t at = 0; at < stream.size();) {
      const std::span<uint8_t> room = reader.PrepareRead(64 << 10);
      const size_t bytes = std::min(room.size(), stream.size() - at);
      std::memcpy(room.data(), stream.data() + at, bytes);
      reader.Commit(bytes);
      at += bytes;
      while (true) {
        const auto next = reader.Next();
        if (!next->has_value()) break;
        benchmark::DoNotOptimize((*next)->payload.data());
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * 64);
  state.SetBytesProcessed(state.iterations() * 64 * state.range(0));
}
BENCHMARK(CutFrames)->Arg(64)->Arg(256)->Arg(4096)->Arg(65536);

// Two connections on one loop, so that no time is lost in waking another core: `range` messages of
// 200 bytes go one way in each turn, and one comes back for each.
void RoundTrips(benchmark::State& state) {
  const auto batch = static_cast<size_t>(state.range(0));
  const std::vector<uint8_t> payload(200, 1);
  EventLoop loop;
  auto pair = SocketPair();
  std::unique_ptr<Connection> caller;
  std::unique_ptr<Connection> echo;
  size_t returned = 0;
  caller = std::make_unique<Connection>(&loop, std::make_unique<UnixStream>(std::move(pair->first)),
                                        kPayloadBytesMax,
                                        Connection::Handlers{[&] {
                                                               while (caller->NextFrame())
                                                                 ++returned;
                                                             },
                                                             {},
                                                             {}});
  echo = std::make_unique<Connection>(
      &loop, std::make_unique<UnixStream>(std::move(pair->second)), kPayloadBytesMax,
      Connection::Handlers{[&] {
                             while (const auto frame = echo->NextFrame()) {
                               echo->Send(frame->type, frame->payload);
                             }
                           },
                           {},
                           {}});
  for (auto _ : state) {
    returned = 0;
    for (size_t i = 0; i < batch; ++i) caller->Send(1, payload);
    loop.Run([&] {
      caller->Flush();
      echo->Flush();
      if (returned == batch) loop.Stop();
      return false;
    });
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(RoundTrips)->Arg(1)->Arg(16)->Arg(256);

// The same by bare system calls: what the loop, the buffers and the frames add can be read off.
void BareRoundTrips(benchmark::State& state) {
  auto pair = SocketPair();
  std::vector<uint8_t> message(208, 1);
  std::vector<uint8_t> room(64 << 10);
  for (auto _ : state) {
    (void)WriteWithFds(pair->first.get(), message, {});
    (void)ReadWithFds(pair->second.get(), room);
    (void)WriteWithFds(pair->second.get(), message, {});
    (void)ReadWithFds(pair->first.get(), room);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BareRoundTrips);

}  // namespace
}  // namespace rayx
