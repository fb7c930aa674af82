#include "daemon/listening/network_listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/io/connection.h"
#include "common/io/frame.h"
#include "common/io/socket.h"
#include "common/os/clock.h"
#include "testing/open_fds.h"

namespace rayx::daemon {
namespace {

template <typename IdType>
IdType IdOf(uint8_t filling) {
  std::array<uint8_t, IdType::kSize> bytes;
  bytes.fill(filling);
  return IdType::FromBytes(bytes.data());
}

ClusterKey KeyOf(uint8_t filling) {
  std::array<uint8_t, ClusterKey::kBytes> bytes;
  bytes.fill(filling);
  return ClusterKey(bytes);
}

class NetworkListenerTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<HeldPort> port = HoldPort("127.0.0.1", 0);
    ASSERT_TRUE(port.ok()) << port.status().message();
    port_ = port->port;
    const Status listens = listener_.Listen(std::move(*port));
    ASSERT_TRUE(listens.ok()) << listens.message();
  }

  // A connection from another address of this machine: 127.x.y.z.
  ScopedFd ConnectFrom(uint32_t number) const {
    ScopedFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number);
    sockaddr_in place = own;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    place.sin_port = htons(port_);
    RAYX_CHECK(::bind(socket.get(), reinterpret_cast<sockaddr*>(&own), sizeof(own)) == 0);
    // None that ends leaves its port behind for a minute.
    const linger at_once{1, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    RAYX_CHECK(SetNonBlocking(socket.get(), true).ok());
    ::connect(socket.get(), reinterpret_cast<sockaddr*>(&place), sizeof(place));
    return socket;
  }

  // Turns until `done`, which is asked in each; false if it lasts too long.
  bool RunUntil(const std::function<bool()>& done, int64_t limit_ms = 10'000) {
    bool late = false;
    const auto limit = loop_.CallAt(loop_.now_ms() + limit_ms, [&] {
      late = true;
      loop_.Stop();
    });
    loop_.Run([&] {
      listener_.OnTurn();
      if (done()) loop_.Stop();
      loop_.Post([] {});
      return false;
    });
    return !late;
  }
  static bool IsClosed(const ScopedFd& socket) {
    uint8_t byte = 0;
    const ssize_t bytes = ::recv(socket.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return bytes == 0 || (bytes < 0 && errno != EAGAIN);
  }
  // Whether a peer with the key gets in from that address, trying again whenever it is refused.
  bool JoinsFrom(uint32_t number, int64_t limit_ms) {
    std::unique_ptr<TlsStream> dialer;
    const size_t before = handed_on_.size();
    int64_t again_ms = 0;
    return RunUntil(
        [&] {
          if (!dialer && loop_.now_ms() >= again_ms) {
            dialer = dials_.Dial(ConnectFrom(number), NodeId());
            again_ms = loop_.now_ms() + 100;
          }
          if (dialer && !dialer->Prove().ok()) dialer.reset();
          return handed_on_.size() > before;
        },
        limit_ms);
  }

  EventLoop loop_;
  TlsContext listens_{KeyOf(1), IdOf<ClusterId>(1), IdOf<NodeId>(1)};
  TlsContext dials_{KeyOf(1), ClusterId(), IdOf<NodeId>(2)};
  TlsContext guesses_{KeyOf(2), ClusterId(), IdOf<NodeId>(3)};
  std::vector<std::pair<std::unique_ptr<ByteStream>, std::string>> handed_on_;
  NetworkListener listener_{&loop_, &listens_,
                            [this](std::unique_ptr<ByteStream> stream, const std::string& name) {
                              handed_on_.emplace_back(std::move(stream), name);
                            }};
  uint16_t port_ = 0;
};

TEST_F(NetworkListenerTest, APeerWithTheKeyIsHandedOnWithAllThatItHasSaid) {
  Result<ScopedFd> socket = DialTcp("127.0.0.1", port_);
  ASSERT_TRUE(socket.ok()) << socket.status().message();
  const auto dialer = dials_.Dial(std::move(*socket), IdOf<NodeId>(1));
  std::vector<uint8_t> hello;
  AppendFrame(1, std::vector<uint8_t>(100, 7), &hello);
  size_t taken = 0;
  ASSERT_TRUE(RunUntil([&] {
    if (taken < hello.size()) taken += dialer->Write(std::span(hello).subspan(taken), {}).value();
    return !handed_on_.empty() && taken == hello.size();
  }));
  auto& [stream, name] = handed_on_.front();
  const auto& over_tls = dynamic_cast<TlsStream&>(*stream);
  EXPECT_TRUE(over_tls.proven());
  EXPECT_EQ(over_tls.identity().dialer, IdOf<NodeId>(2));
  EXPECT_TRUE(name.starts_with("127.0.0.1:")) << name;
  EXPECT_EQ(listener_.unproven_count(), 0u);
  std::vector<size_t> frames;
  std::unique_ptr<Connection> connection;
  Connection::Handlers handlers;
  handlers.on_frames = [&] {
    while (const auto frame = connection->NextFrame()) frames.push_back(frame->payload.size());
  };
  connection = std::make_unique<Connection>(&loop_, std::move(stream), 1 << 20, handlers);
  EXPECT_TRUE(RunUntil([&] { return !frames.empty(); }));
  EXPECT_EQ(frames, std::vector<size_t>{100});
}

TEST_F(NetworkListenerTest, JunkIsClosedAndHandedOnNever) {
  const std::string http = "GET / HTTP/1.1\r\nHost: attacker.example\r\n\r\n";
  std::vector<ScopedFd> peers;
  for (uint32_t i = 0; i < 20; ++i) {
    peers.push_back(ConnectFrom(i));
    ASSERT_EQ(::send(peers.back().get(), http.data(), http.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(http.size()));
  }
  EXPECT_TRUE(RunUntil([&] {
    // One alert comes before the end.
    std::array<uint8_t, 64> alert;
    for (const ScopedFd& peer : peers) (void)::recv(peer.get(), alert.data(), 7, MSG_DONTWAIT);
    return std::all_of(peers.begin(), peers.end(), IsClosed);
  }));
  EXPECT_TRUE(handed_on_.empty());
  EXPECT_EQ(
      listener_.DebugText(),
      "connections of other machines: 0 have proven the key, 0 have not yet, 20 were refused\n");
  EXPECT_TRUE(JoinsFrom(0, 2000)) << "junk is no wrong key";
}

// S20
TEST_F(NetworkListenerTest, AFloodFromOneAddressHasEightPlaces) {
  const size_t fds_before = OpenFdCount();
  std::deque<ScopedFd> flood;
  for (int i = 0; i < 200; ++i) flood.push_back(ConnectFrom(1));
  RunUntil([&] { return listener_.DebugText().find("192 were refused") != std::string::npos; });
  EXPECT_EQ(listener_.unproven_count(), limits::kUnprovenPerAddressMax);
  EXPECT_LE(OpenFdCount() - fds_before, flood.size() + limits::kUnprovenPerAddressMax + 2);
  EXPECT_TRUE(JoinsFrom(2, 2000));
}

// Every place is taken, and somebody new comes each millisecond, about as many as are accepted.
// More would fill the kernel's queue, before which no listener can do anything.
TEST_F(NetworkListenerTest, AFloodFromManyAddressesKeepsNobodyOut) {
  const size_t fds_before = OpenFdCount();
  std::deque<ScopedFd> flood;
  size_t most = 0;
  uint32_t number = 0;
  int64_t last_ms = 0;
  std::unique_ptr<TlsStream> dialer;
  int64_t dialed_ms = 0;
  EXPECT_TRUE(RunUntil([&] {
    if (std::exchange(last_ms, loop_.now_ms()) != loop_.now_ms()) {
      flood.push_back(ConnectFrom(++number + 1000));
      if (flood.size() > 200) flood.pop_front();
    }
    most = std::max(most, listener_.unproven_count());
    if (number < 300) return false;
    if (dialed_ms == 0) dialed_ms = loop_.now_ms();
    if (!dialer) dialer = dials_.Dial(ConnectFrom(1), NodeId());
    if (!dialer->Prove().ok()) dialer.reset();
    return !handed_on_.empty();
  }));
  EXPECT_EQ(most, limits::kUnprovenMax);
  EXPECT_LT(loop_.now_ms() - dialed_ms, 2000);
  EXPECT_LE(OpenFdCount() - fds_before, 200 + limits::kUnprovenMax + 4);
}

// S21
TEST_F(NetworkListenerTest, AWrongKeyMakesItsAddressWaitAndNoOther) {
  int refused = 0;
  const int64_t begun_ms = MonotonicMs();
  std::unique_ptr<TlsStream> guesser;
  EXPECT_TRUE(RunUntil([&] {
    if (!guesser) guesser = guesses_.Dial(ConnectFrom(1), NodeId());
    if (!guesser->Prove().ok()) {
      guesser.reset();
      ++refused;
    }
    // 100 + 200 + 400 ms lie between four that are looked at, however many come.
    return MonotonicMs() - begun_ms > 600;
  }));
  EXPECT_GT(refused, 4);
  EXPECT_TRUE(JoinsFrom(2, 2000)) << "from another address at once";
  EXPECT_TRUE(handed_on_.size() == 1);
  EXPECT_TRUE(JoinsFrom(1, 5000)) << "from the same one when it has waited";
}

TEST_F(NetworkListenerTest, WhoSaysNothingIsClosedInTime) {
  const ScopedFd silent = ConnectFrom(1);
  const int64_t begun_ms = MonotonicMs();
  EXPECT_TRUE(RunUntil([&] { return IsClosed(silent); }, limits::kHelloTimeoutMs + 5000));
  EXPECT_GE(MonotonicMs() - begun_ms, limits::kHelloTimeoutMs - 100);
  EXPECT_EQ(listener_.unproven_count(), 0u);
}

TEST_F(NetworkListenerTest, AfterTheEndNobodyCanConnect) {
  const ScopedFd silent = ConnectFrom(1);
  EXPECT_TRUE(RunUntil([&] { return listener_.unproven_count() == 1; }));
  listener_.Close();
  EXPECT_EQ(listener_.unproven_count(), 0u);
  EXPECT_TRUE(IsClosed(silent));
  const ScopedFd late = ConnectFrom(1);
  EXPECT_TRUE(RunUntil([&] { return IsClosed(late); }));
}

}  // namespace
}  // namespace rayx::daemon
