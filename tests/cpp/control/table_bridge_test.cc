#include "control/table_bridge.h"

#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/io/socket.h"
#include "control/control_server.h"
#include "control/fake_server.h"
#include "control/loop_runner.h"
#include "control/redis_link.h"

namespace rayx::control {
namespace {

// What a stream over TLS may do: it takes and gives little at a time, and keeps what it has read
// ahead, of which the socket says nothing.
class HoldingStream final : public ByteStream {
 public:
  explicit HoldingStream(ScopedFd socket) : inner_(std::move(socket)) {}

  int fd() const override { return inner_.fd(); }
  Result<ReadOutcome> Read(std::span<uint8_t> room) override {
    if (held_.empty()) {
      held_.resize(4096);
      Result<ReadOutcome> outcome = inner_.Read(held_);
      held_.resize(outcome.ok() ? outcome->bytes : 0);
      if (!outcome.ok() || outcome->bytes == 0) return outcome;
    }
    ReadOutcome outcome;
    outcome.bytes = std::min({room.size(), held_.size(), kAtATime});
    std::copy_n(held_.begin(), outcome.bytes, room.begin());
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(outcome.bytes));
    return outcome;
  }
  Result<size_t> Write(std::span<const uint8_t> bytes, std::span<const int>) override {
    return inner_.Write(bytes.first(std::min(bytes.size(), kAtATime)), {});
  }
  bool passes_fds() const override { return false; }
  bool holds_bytes() const override { return !held_.empty(); }

 private:
  static constexpr size_t kAtATime = 7;
  UnixStream inner_;
  std::vector<uint8_t> held_;
};

// A node that reaches a server through a bridge of the head.
class TableBridgeTest : public testing::Test {
 protected:
  // Ends of a connection between the two machines.
  std::pair<ScopedFd, ScopedFd> Wire() {
    auto wire = std::move(SocketPair()).value();
    EXPECT_TRUE(SetNonBlocking(wire.first.get(), true).ok());
    EXPECT_TRUE(SetNonBlocking(wire.second.get(), true).ok());
    return wire;
  }
  TableBridge* Bridge(const RedisEndpoint& server, std::unique_ptr<ByteStream> stream) {
    bridges_.push_back(std::make_unique<TableBridge>(
        runner_.loop(), server, std::move(stream),
        [this](const Status& reason) { ends_.push_back(reason.message()); }));
    return bridges_.back().get();
  }
  template <typename Stream>
  RedisEndpoint Through(const RedisEndpoint& server) {
    return {.path = "head:6379",
            .user = "",
            .password = "",
            .dial = [this, server]() -> Result<std::unique_ptr<ByteStream>> {
              if (refuses_) return Status::Unavailable("the head refuses us");
              auto [ours, theirs] = Wire();
              Bridge(server, std::make_unique<Stream>(std::move(theirs)));
              std::unique_ptr<ByteStream> stream = std::make_unique<Stream>(std::move(ours));
              return stream;
            }};
  }
  // Writes a key through the link, and reads it again.
  void CheckServed(RedisLink* link, const std::string& value) {
    // The server may still be starting.
    runner_.RunUntil([&] { return link->connected(); });
    ends_.clear();
    link->Write(std::vector<std::string_view>{"HSET", "rayx:test", "field", value});
    std::optional<Result<Reply>> got;
    link->Read(std::vector<std::string_view>{"HGET", "rayx:test", "field"},
               [&got](Result<Reply> reply) { got = std::move(reply); });
    runner_.RunUntil([&] { return got.has_value(); }, [&] { link->Flush(); });
    ASSERT_TRUE(got && got->ok()) << (got ? got->status().message() : "none");
    EXPECT_EQ((*got)->text, value);
  }

  LoopRunner runner_;
  bool refuses_ = false;
  std::list<std::unique_ptr<TableBridge>> bridges_;
  std::vector<std::string> ends_;
};

TEST_F(TableBridgeTest, ANodeWithoutThePasswordIsServed) {
  ControlServer server;
  RedisLink link(runner_.loop(), Through<UnixStream>(server.admin()));
  CheckServed(&link, "small");
  CheckServed(&link, std::string(5u << 20, 'x'));
  EXPECT_TRUE(ends_.empty());
}

TEST_F(TableBridgeTest, StreamsThatHoldBytesAndTakeFewAreServed) {
  ControlServer server;
  RedisLink link(runner_.loop(), Through<HoldingStream>(server.admin()));
  CheckServed(&link, "small");
  CheckServed(&link, std::string(50'000, 'x'));
}

TEST_F(TableBridgeTest, AServerThatStartsAgainIsFoundAgain) {
  ControlServer server;
  RedisLink link(runner_.loop(), Through<UnixStream>(server.admin()));
  CheckServed(&link, "before");
  server.Kill();
  runner_.RunUntil([&] { return !link.connected(); });
  runner_.RunUntil([&] { return !ends_.empty(); });
  EXPECT_NE(ends_[0].find("closed"), std::string::npos) << ends_[0];
  server.Start();
  CheckServed(&link, "after");
  EXPECT_GT(bridges_.size(), 1u);
}

TEST_F(TableBridgeTest, ANodeThatMayNotWriteAnyMoreIsCutOff) {
  ControlServer server;
  RedisLink link(runner_.loop(), Through<UnixStream>(server.admin()));
  CheckServed(&link, "alive");
  refuses_ = true;
  bridges_.back()->Close(Status::Unavailable("node 1 is declared dead"));
  link.Write(std::vector<std::string_view>{"HSET", "rayx:test", "field", "late"});
  runner_.RunUntil([&] { return !link.connected() && ends_.size() == 1; }, [&] { link.Flush(); });
  EXPECT_EQ(ends_[0], "node 1 is declared dead");
  runner_.RunUntil(
      [&] { return link.health().message().find("the head refuses us") != std::string::npos; });
  RedisLink own(runner_.loop(), server.admin());
  runner_.RunUntil([&] { return own.connected(); });
  std::optional<Result<Reply>> got;
  own.Read(std::vector<std::string_view>{"HGET", "rayx:test", "field"},
           [&got](Result<Reply> reply) { got = std::move(reply); });
  runner_.RunUntil([&] { return got.has_value(); }, [&] { own.Flush(); });
  EXPECT_EQ((*got)->text, "alive");
}

TEST_F(TableBridgeTest, AServerThatDoesNotLetTheHeadInEndsTheBridge) {
  ControlServer server;
  RedisEndpoint endpoint = server.rayx();
  endpoint.password = "a-wrong-password";
  auto [node, head] = Wire();
  {
    RedisLink own(runner_.loop(), server.admin());
    runner_.RunUntil([&] { return own.connected(); });
  }
  Bridge(endpoint, std::make_unique<UnixStream>(std::move(head)));
  runner_.RunUntil([&] { return !ends_.empty(); });
  EXPECT_NE(ends_[0].find("WRONGPASS"), std::string::npos) << ends_[0];
  EXPECT_EQ(ends_[0].find(endpoint.password), std::string::npos);
  std::array<uint8_t, 16> room;
  EXPECT_EQ(ReadWithFds(node.get(), room)->bytes, 0u) << "nothing of the server's is passed on";
}

TEST_F(TableBridgeTest, WhereNoServerListensTheBridgeEnds) {
  ScratchDirectory directory;
  auto [node, head] = Wire();
  Bridge({directory.path() + "/nobody", "rayx", "secret"},
         std::make_unique<UnixStream>(std::move(head)));
  EXPECT_TRUE(ends_.empty()) << "not from inside the constructor";
  runner_.RunUntil([&] { return !ends_.empty(); });
}

TEST_F(TableBridgeTest, AServerThatDoesNotReadHoldsTheNodeUp) {
  // It answers the login, and reads nothing after.
  ScratchDirectory directory;
  const std::string path = directory.path() + "/deaf.sock";
  const ScopedFd listener = std::move(ListenUnix(path, 1)).value();
  auto [node, head] = Wire();
  Bridge({path, "rayx", "secret"}, std::make_unique<UnixStream>(std::move(head)));
  const ScopedFd server = std::move(AcceptUnix(listener.get())).value();
  const std::string ok = "+OK\r\n";
  ASSERT_TRUE(
      WriteWithFds(server.get(), {reinterpret_cast<const uint8_t*>(ok.data()), ok.size()}, {})
          .ok());
  const std::vector<uint8_t> bytes(256u << 10, 'x');
  size_t taken = 0;
  int idle_turns = 0;
  runner_.RunUntil([&] { return idle_turns > 100; },
                   [&] {
                     const size_t wrote = *WriteWithFds(node.get(), bytes, {});
                     taken += wrote;
                     idle_turns = wrote == 0 ? idle_turns + 1 : 0;
                     runner_.loop()->Post([] {});
                   });
  EXPECT_GT(taken, limits::kStreamBridgeBytesMax);
  EXPECT_LT(taken, 4 * limits::kStreamBridgeBytesMax);
  EXPECT_TRUE(ends_.empty());
}

}  // namespace
}  // namespace rayx::control
