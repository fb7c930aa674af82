#include "wire/reception.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/io/socket.h"
#include "common/tls/tls_context.h"
#include "common/tls/tls_stream.h"
#include "wire/dialled_stream.h"

namespace rayx::wire {
namespace {

NodeId MakeNode(uint8_t number) {
  const uint8_t bytes[16] = {number};
  return NodeId::FromBytes(bytes);
}

// With Param: over TLS.
class ReceptionTest : public testing::TestWithParam<bool> {
 protected:
  using Ends = std::pair<std::unique_ptr<ByteStream>, std::unique_ptr<ByteStream>>;

  Ends Connect() {
    auto [near, far] = std::move(SocketPair()).value();
    EXPECT_TRUE(SetNonBlocking(near.get(), true).ok());
    EXPECT_TRUE(SetNonBlocking(far.get(), true).ok());
    if (!GetParam()) {
      return {std::make_unique<UnixStream>(std::move(near)),
              std::make_unique<UnixStream>(std::move(far))};
    }
    return {dialler_tls_.Dial(std::move(near), MakeNode(9)), listener_tls_.Accept(std::move(far))};
  }
  // Greets, and reads until the answer has come.
  std::unique_ptr<DialledStream> Dial(const NodeGreeting& greeting, const std::string& python) {
    Ends ends = Connect();
    auto dialled = std::make_unique<DialledStream>(
        std::move(ends.first), NodeId(), EncodeGreeting(greeting, python),
        DialledStream::Events{
            .on_admitted = [this](const NodeAdmission& given) { admission_ = given; },
            .on_refused = [this](const NodeRefusal& given) { refusal_ = given; }});
    reception_.Receive(std::move(ends.second), "10.0.0.7:4711");
    RunUntil([&] {
      std::vector<uint8_t> room(16);
      const Result<ReadOutcome> outcome = dialled->Read(room);
      return admission_ || refusal_ || !outcome.ok();
    });
    return dialled;
  }
  // Without a watcher of the dialler's end: it tries in each turn.
  void RunUntil(const std::function<bool()>& happened) {
    bool late = false;
    const auto limit = loop_.CallAt(loop_.now_ms() + 20000, [&late] { late = true; });
    loop_.Run([&] {
      if (late || happened()) {
        loop_.Stop();
        return false;
      }
      return true;
    });
    EXPECT_FALSE(late) << "what the test waits for does not happen";
  }

  EventLoop loop_;
  const std::array<uint8_t, ClusterKey::kBytes> secret_ = {7};
  ClusterKey key_{secret_};
  TlsContext dialler_tls_{key_, {}, MakeNode(1)};
  TlsContext listener_tls_{key_, {}, MakeNode(9)};
  std::optional<NodeAdmission> admission_;
  std::optional<NodeRefusal> refusal_;
  std::vector<NodeGreeting> welcomed_;
  std::unique_ptr<ByteStream> stream_;
  std::vector<std::string> turned_away_;
  Reception reception_{
      &loop_,
      "3.11",
      {.decide = [](const NodeGreeting& greeting) -> std::variant<NodeAdmission, NodeRefusal> {
         if (greeting.node == MakeNode(2)) return NodeRefusal{"you are dead", true};
         return NodeAdmission{.node = MakeNode(9), .cluster = {}, .servers = 2};
       },
       .welcomed =
           [this](const NodeGreeting& greeting, std::unique_ptr<ByteStream> stream) {
             welcomed_.push_back(greeting);
             stream_ = std::move(stream);
           },
       .turned_away = [this](
                          const std::string& name,
                          const std::string& why) { turned_away_.push_back(name + ": " + why); }}};
};

TEST_P(ReceptionTest, WhoeverIsWelcomeIsHandedOn) {
  const auto dialled =
      Dial({.kind = protocol::ConnectionKind::Tables, .node = MakeNode(1), .server = 1}, "3.11");
  ASSERT_TRUE(admission_);
  EXPECT_EQ(admission_->node, MakeNode(9));
  ASSERT_EQ(welcomed_.size(), 1u);
  EXPECT_EQ(welcomed_[0].server, 1u);
  EXPECT_EQ(reception_.guest_count(), 0u);
  // Nothing is lost or added in either direction.
  const std::vector<uint8_t> bytes = {1, 2, 3};
  std::vector<uint8_t> room(16);
  for (auto [from, to] : {std::pair<ByteStream*, ByteStream*>(dialled.get(), stream_.get()),
                          std::pair<ByteStream*, ByteStream*>(stream_.get(), dialled.get())}) {
    EXPECT_EQ(*from->Write(bytes, {}), bytes.size());
    size_t got = 0;
    RunUntil([&, to = to] {
      const Result<ReadOutcome> outcome = to->Read(room);
      EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
      got = outcome.ok() ? outcome->bytes : 1;
      return got != 0;
    });
    EXPECT_EQ(got, 3u);
    EXPECT_EQ(room[2], 3);
  }
}

TEST_P(ReceptionTest, WhoeverIsRefusedHearsWhy) {
  const auto dialled = Dial({.node = MakeNode(2)}, "3.11");
  ASSERT_TRUE(refusal_);
  EXPECT_EQ(refusal_->reason, "you are dead");
  EXPECT_TRUE(refusal_->declared_dead);
  EXPECT_EQ(turned_away_, std::vector<std::string>{"10.0.0.7:4711: you are dead"});
  EXPECT_EQ(reception_.guest_count(), 0u);
  EXPECT_TRUE(welcomed_.empty());
}

TEST_P(ReceptionTest, AnotherPythonIsRefusedWithBothVersions) {
  const auto dialled = Dial({.node = MakeNode(1)}, "3.13");
  ASSERT_TRUE(refusal_);
  EXPECT_NE(refusal_->reason.find("3.11"), std::string::npos);
  EXPECT_NE(refusal_->reason.find("3.13"), std::string::npos);
}

TEST_P(ReceptionTest, WhoeverSaysNothingSensibleIsClosed) {
  Ends ends = Connect();
  reception_.Receive(std::move(ends.second), "somebody");
  const std::vector<uint8_t> nonsense(64, 0xff);
  size_t sent = 0;
  RunUntil([&] {
    const Result<size_t> wrote = sent < nonsense.size()
                                     ? ends.first->Write(std::span(nonsense).subspan(sent), {})
                                     : Result<size_t>(size_t{0});
    sent += wrote.ok() ? *wrote : 0;
    return reception_.guest_count() == 0;
  });
  ASSERT_EQ(turned_away_.size(), 1u);
  EXPECT_TRUE(turned_away_[0].starts_with("somebody: ")) << turned_away_[0];
}

TEST_P(ReceptionTest, WhoeverLeavesIsForgotten) {
  Ends ends = Connect();
  reception_.Receive(std::move(ends.second), "somebody");
  EXPECT_EQ(reception_.guest_count(), 1u);
  ends.first.reset();
  RunUntil([&] { return reception_.guest_count() == 0; });
}

INSTANTIATE_TEST_SUITE_P(Streams, ReceptionTest, testing::Bool(),
                         [](const auto& over) { return over.param ? "Tls" : "Plain"; });

}  // namespace
}  // namespace rayx::wire
