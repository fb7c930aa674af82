// Bytes between machines: TLS beside none, over a TCP connection of the loopback interface. `plain`
// is what TLS stands on: the same reads and writes of the socket, without encryption.
#include <benchmark/benchmark.h>
#include <poll.h>

#include <array>
#include <memory>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/io/byte_stream.h"
#include "common/io/socket.h"
#include "common/os/scoped_fd.h"
#include "common/tls/tls_context.h"
#include "common/tls/tls_stream.h"
#include "testing/tcp_pair.h"

namespace rayx {
namespace {

constexpr size_t kPieceBytes = 1 << 20;
constexpr size_t kRoomBytes = 64 << 10;
constexpr size_t kMessageBytes = 200;

NodeId IdOf(uint8_t filling) {
  std::array<uint8_t, NodeId::kSize> bytes;
  bytes.fill(filling);
  return NodeId::FromBytes(bytes.data());
}

struct Contexts {
  ClusterKey key{std::array<uint8_t, ClusterKey::kBytes>{7}};
  TlsContext dialer{key, ClusterId(), IdOf(1)};
  TlsContext listener{key, ClusterId(), IdOf(2)};
};

struct Ends {
  std::unique_ptr<ByteStream> dialer;
  std::unique_ptr<ByteStream> listener;
};

Ends MakeTlsEnds(std::pair<ScopedFd, ScopedFd> sockets) {
  static Contexts contexts;
  auto dialer = contexts.dialer.Dial(std::move(sockets.first), NodeId());
  auto listener = contexts.listener.Accept(std::move(sockets.second));
  std::array<uint8_t, 1> room;
  while (!dialer->proven() || !listener->proven()) {
    RAYX_CHECK(dialer->Read(room).ok() && listener->Read(room).ok());
  }
  return {std::move(dialer), std::move(listener)};
}

Ends MakeEnds(bool tls) {
  std::pair<ScopedFd, ScopedFd> sockets = TcpPair();
  if (tls) return MakeTlsEnds(std::move(sockets));
  return {std::make_unique<UnixStream>(std::move(sockets.first)),
          std::make_unique<UnixStream>(std::move(sockets.second))};
}

void Await(const ByteStream& stream, short events) {
  pollfd ready{stream.fd(), events, 0};
  (void)::poll(&ready, 1, -1);
}

void WriteAll(ByteStream* stream, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const size_t taken = stream->Write(bytes, {}).value();
    bytes = bytes.subspan(taken);
    if (taken == 0) Await(*stream, POLLOUT);
  }
}

// Waits for some; 0 at the end.
size_t ReadSome(ByteStream* stream, std::span<uint8_t> room) {
  while (true) {
    const Result<ReadOutcome> outcome = stream->Read(room);
    if (!outcome.ok()) return 0;
    if (!outcome->would_block) return outcome->bytes;
    Await(*stream, POLLIN);
  }
}

void ReadAll(ByteStream* stream, std::span<uint8_t> room) {
  while (!room.empty()) room = room.subspan(ReadSome(stream, room));
}

// Both ends in one thread: what the bytes cost of a processor, at both ends together.
void ThroughputInOneThread(benchmark::State& state, bool tls) {
  Ends ends = MakeEnds(tls);
  const std::vector<uint8_t> piece(kPieceBytes, 1);
  std::vector<uint8_t> room(kRoomBytes);
  for (auto _ : state) {
    size_t written = 0;
    size_t read = 0;
    while (read < piece.size()) {
      if (written < piece.size()) {
        written += ends.dialer->Write(std::span(piece).subspan(written), {}).value();
      }
      read += ends.listener->Read(room).value().bytes;
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(piece.size()));
}
BENCHMARK_CAPTURE(ThroughputInOneThread, plain, false);
BENCHMARK_CAPTURE(ThroughputInOneThread, tls, true);

// A thread for each end, as on two machines with a processor each.
void ThroughputInTwoThreads(benchmark::State& state, bool tls) {
  Ends ends = MakeEnds(tls);
  const std::vector<uint8_t> piece(kPieceBytes, 1);
  std::thread reader([&] {
    std::vector<uint8_t> room(kRoomBytes);
    while (ReadSome(ends.listener.get(), room) != 0) {
    }
  });
  for (auto _ : state) WriteAll(ends.dialer.get(), piece);
  ends.dialer.reset();
  reader.join();
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(piece.size()));
}
BENCHMARK_CAPTURE(ThroughputInTwoThreads, plain, false)->UseRealTime();
BENCHMARK_CAPTURE(ThroughputInTwoThreads, tls, true)->UseRealTime();

// A message of 200 bytes and an answer of as many, without waking anybody.
void RoundTripInOneThread(benchmark::State& state, bool tls) {
  Ends ends = MakeEnds(tls);
  std::array<uint8_t, kMessageBytes> message{};
  for (auto _ : state) {
    WriteAll(ends.dialer.get(), message);
    ReadAll(ends.listener.get(), message);
    WriteAll(ends.listener.get(), message);
    ReadAll(ends.dialer.get(), message);
  }
}
BENCHMARK_CAPTURE(RoundTripInOneThread, plain, false);
BENCHMARK_CAPTURE(RoundTripInOneThread, tls, true);

// The same with a thread for each end, which sleep while they wait.
void RoundTripInTwoThreads(benchmark::State& state, bool tls) {
  Ends ends = MakeEnds(tls);
  std::thread echo([&] {
    std::array<uint8_t, kMessageBytes> room;
    while (const size_t bytes = ReadSome(ends.listener.get(), room)) {
      WriteAll(ends.listener.get(), std::span(room).first(bytes));
    }
  });
  std::array<uint8_t, kMessageBytes> message{};
  for (auto _ : state) {
    WriteAll(ends.dialer.get(), message);
    ReadAll(ends.dialer.get(), message);
  }
  ends.dialer.reset();
  echo.join();
}
BENCHMARK_CAPTURE(RoundTripInTwoThreads, plain, false)->UseRealTime();
BENCHMARK_CAPTURE(RoundTripInTwoThreads, tls, true)->UseRealTime();

// Both proofs of a connection, the work of both ends. Over a socket pair, since a TCP connection
// each time would use up the machine's ports.
void Handshake(benchmark::State& state) {
  for (auto _ : state) MakeTlsEnds(SocketPair().value());
}
BENCHMARK(Handshake);

}  // namespace
}  // namespace rayx
