#include "daemon/network/member_role.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/os/clock.h"
#include "common/tls/key_file.h"
#include "daemon/network/test_head.h"

namespace rayx::daemon {
namespace {

constexpr int64_t kPatienceMs = 20'000;
// Of no member message.
constexpr uint16_t kType = 77;

cluster::Message Word(uint8_t word) {
  return {.type = kType, .payload = cluster::SharedBytes::Of({word})};
}

// A head in a thread, and members that share a loop.
class MemberRoleTest : public testing::Test {
 protected:
  struct Member {
    NodeId id = RandomIdSource().Next<NodeId>();
    HeldPort port = TestPort();
    std::unique_ptr<control::Tables> tables = control::MakeMemoryTables();
    std::unique_ptr<NodeNetwork> network;
    // Each session: with whom; each message, and each end.
    std::vector<NodeId> begun;
    std::vector<std::pair<NodeId, uint8_t>> heard;
    std::vector<NodeId> ended;
    bool is_expelled = false;

    std::string Address() const { return "127.0.0.1:" + std::to_string(port.port); }
    bool Knows(const Member& other) const {
      return network->DebugText().find("  member " + other.id.Hex() + " at " + other.Address() +
                                       "\n") != std::string::npos;
    }
    wire::SessionCarrier& sessions() const { return network->sessions(); }
  };

  ~MemberRoleTest() override {
    tick_.reset();
    members_.clear();
  }

  void StartHead(const std::vector<control::NodeRecord>& nodes = {}) {
    head_.reset();
    head_ = std::make_unique<TestHead>(head_port_, key_, IdOf<ClusterId>(1), "", nodes);
  }
  Member& Join() {
    Member& member = *members_.emplace_back(std::make_unique<Member>());
    NetworkOptions options = OptionsAt(member.port, key_);
    options.head = "127.0.0.1:" + std::to_string(head_port_.port);
    member.network = NodeNetwork::Open(&loop_, options, member.id).value();
    member.network->Follow(
        {.on_begun = [&member](const NodeId& peer) { member.begun.push_back(peer); },
         .on_message =
             [&member](const NodeId& peer, uint16_t type, std::span<const uint8_t> payload) {
               if (type != kType) return Status::ProtocolError("an unknown word");
               member.heard.emplace_back(peer, payload[0]);
               return Status::Ok();
             },
         .on_ended =
             [&member](const cluster::SessionEnded& ended) { member.ended.push_back(ended.peer); },
         .on_bulk = nullptr,
         .on_questions = nullptr});
    const Status started = member.network->Start(
        member.tables.get(), {},
        [&member](Expulsion, const std::string&) { member.is_expelled = true; });
    EXPECT_TRUE(started.ok());
    return member;
  }
  void Kill(Member* member) {
    member->network.reset();
    StopListening(member->port);
  }

  // Runs the members until that is so.
  template <typename Condition>
  void RunUntil(Condition condition) {
    const int64_t give_up_ms = MonotonicMs() + kPatienceMs;
    bool met = false;
    loop_.Run([&] {
      for (const auto& member : members_) {
        if (!member->network) continue;
        member->network->OnTurn();
        member->network->Accept();
      }
      met = condition();
      if (met || MonotonicMs() > give_up_ms) loop_.Stop();
      constexpr int64_t kLookMs = 5;
      tick_ = loop_.CallAt(loop_.now_ms() + kLookMs, [] {});
      return false;
    });
    ASSERT_TRUE(met) << "not within " << kPatienceMs << " ms";
  }
  // Two that know each other.
  std::array<Member*, 2> JoinTwo() {
    StartHead();
    Member& one = Join();
    Member& two = Join();
    RunUntil([&] { return one.Knows(two) && two.Knows(one); });
    return {&one, &two};
  }
  // What a member answers a node of that id that dials it; nothing if it is welcome.
  std::optional<wire::NodeRefusal> AnswerTo(const NodeId& node, const Member& member) {
    NodeStreams streams(ReadKeyFile(key_).value(),
                        {.node = node, .cluster = IdOf<ClusterId>(1), .python_version = "3.11"});
    bool is_answered = false;
    std::optional<wire::NodeRefusal> answer;
    const auto stream =
        streams.Dial({.address = {"127.0.0.1", member.port.port}, .node = member.id},
                     {.on_admitted = [&](const wire::NodeAdmission&) { is_answered = true; },
                      .on_refused = [&](const wire::NodeRefusal& refusal) { answer = refusal; }});
    EXPECT_TRUE(stream.ok());
    RunUntil([&] {
      std::array<uint8_t, 8> room;
      (void)(*stream)->Read(room);
      return is_answered || answer;
    });
    return answer;
  }
  control::NodeRecord RecordOf(const Member& member, bool is_alive) {
    control::NodeRecord record;
    record.id = member.id;
    record.host = "127.0.0.1";
    record.port = member.port.port;
    record.alive = is_alive;
    return record;
  }

  TestKeys keys_;
  const std::string key_ = keys_.Make(1);
  const HeldPort head_port_ = TestPort();
  std::unique_ptr<TestHead> head_;
  EventLoop loop_;
  std::vector<std::unique_ptr<Member>> members_;
  std::unique_ptr<EventLoop::Timer> tick_;
};

TEST_F(MemberRoleTest, MembersKnowEachOtherAndForgetTheDead) {
  StartHead();
  Member& one = Join();
  Member& two = Join();
  Member& three = Join();
  RunUntil([&] {
    return one.Knows(two) && one.Knows(three) && two.Knows(one) && two.Knows(three) &&
           three.Knows(one) && three.Knows(two);
  });
  EXPECT_FALSE(one.Knows(one));
  Kill(&two);
  RunUntil([&] { return !one.Knows(two) && !three.Knows(two); });
  EXPECT_TRUE(one.Knows(three) && three.Knows(one));
  EXPECT_TRUE(one.sessions().IsDead(two.id) && three.sessions().IsDead(two.id));
  three.network->Leave();
  RunUntil([&] { return !one.Knows(three); });
}

TEST_F(MemberRoleTest, WhatWasMissedIsToldByTheNextHead) {
  const auto [one, two] = JoinTwo();
  head_.reset();
  StopListening(head_port_);
  RunUntil([&] { return one->network->DebugText().find("not found again") != std::string::npos; });
  // Meanwhile one has died, and one has joined of which the members were not told.
  Kill(two);
  Member other;
  StartHead({RecordOf(*one, true), RecordOf(*two, false), RecordOf(other, true)});
  RunUntil([&] { return one->Knows(other) && !one->Knows(*two); });
  EXPECT_TRUE(one->sessions().IsDead(two->id));
  EXPECT_FALSE(one->is_expelled);
}

TEST_F(MemberRoleTest, MembersThatNeverSpeakHaveNoSession) {
  const auto [one, two] = JoinTwo();
  for (const Member* member : {one, two}) {
    EXPECT_EQ(member->begun, std::vector<NodeId>{head_->id()});
    EXPECT_EQ(member->sessions().connection_count(), 1u);
  }
  EXPECT_EQ(one->sessions().Find(two->id), nullptr);
}

TEST_F(MemberRoleTest, WhoHasSomethingToSayOpensASession) {
  const auto [one, two] = JoinTwo();
  ASSERT_TRUE(one->sessions().Open(two->id));
  EXPECT_EQ(one->begun.back(), two->id);
  ASSERT_TRUE(one->sessions().Send(two->id, Word(1)));
  RunUntil([&] { return !two->heard.empty(); });
  EXPECT_EQ(two->begun.back(), one->id);
  ASSERT_TRUE(two->sessions().Send(one->id, Word(2)));
  RunUntil([&] { return !one->heard.empty(); });
  EXPECT_EQ(two->heard, (std::vector{std::pair{one->id, uint8_t{1}}}));
  EXPECT_EQ(one->heard, (std::vector{std::pair{two->id, uint8_t{2}}}));
}

TEST_F(MemberRoleTest, OneOfTwoDialsIsKept) {
  const auto [one, two] = JoinTwo();
  ASSERT_TRUE(one->sessions().Open(two->id) && two->sessions().Open(one->id));
  ASSERT_TRUE(one->sessions().Send(two->id, Word(1)) && two->sessions().Send(one->id, Word(2)));
  RunUntil([&] {
    return one->heard.size() == 1 && two->heard.size() == 1 &&
           one->sessions().connection_count() + two->sessions().connection_count() == 4;
  });
  EXPECT_EQ(one->begun.size(), 2u);
  EXPECT_EQ(two->begun.size(), 2u);
  EXPECT_TRUE(one->ended.empty() && two->ended.empty());
}

TEST_F(MemberRoleTest, TheEndOfASessionBetweenMembersIsNobodysDeath) {
  const auto [one, two] = JoinTwo();
  ASSERT_TRUE(one->sessions().Open(two->id));
  RunUntil([&] { return two->begun.size() == 2; });
  one->sessions().End(two->id, cluster::EndReason::kSilent);
  RunUntil([&] { return !one->ended.empty() && !two->ended.empty(); });
  EXPECT_EQ(one->ended, std::vector<NodeId>{two->id});
  EXPECT_EQ(two->ended, std::vector<NodeId>{one->id});
  // Either may begin the next one.
  ASSERT_TRUE(two->sessions().Open(one->id));
  ASSERT_TRUE(two->sessions().Send(one->id, Word(3)));
  RunUntil([&] { return !one->heard.empty(); });
  EXPECT_TRUE(one->Knows(*two) && two->Knows(*one));
  EXPECT_FALSE(one->is_expelled || two->is_expelled);
}

TEST_F(MemberRoleTest, ABreachEndsASessionOnly) {
  const auto [one, two] = JoinTwo();
  ASSERT_TRUE(one->sessions().Open(two->id));
  ASSERT_TRUE(
      one->sessions().Send(two->id, {.type = kType + 1, .payload = cluster::SharedBytes::Of({0})}));
  RunUntil([&] { return !one->ended.empty() && !two->ended.empty(); });
  // What only the head says is one, too.
  ASSERT_TRUE(one->sessions().Open(two->id));
  ASSERT_TRUE(one->sessions().Send(two->id, wire::Encode(wire::NodeDead{two->id})));
  RunUntil([&] { return one->ended.size() == 2 && two->ended.size() == 2; });
  EXPECT_TRUE(one->Knows(*two) && two->Knows(*one));
  EXPECT_FALSE(one->is_expelled || two->is_expelled);
}

TEST_F(MemberRoleTest, TheHeadsWordEndsASessionForEver) {
  const auto [one, two] = JoinTwo();
  ASSERT_TRUE(one->sessions().Open(two->id));
  RunUntil([&] { return two->begun.size() == 2; });
  two->network->Leave();
  RunUntil([&] { return !one->Knows(*two); });
  RunUntil([&] { return !one->ended.empty(); });
  EXPECT_FALSE(one->sessions().Open(two->id));
  EXPECT_FALSE(one->sessions().Send(two->id, Word(1)));
}

TEST_F(MemberRoleTest, OnlyMembersAreLetIn) {
  const auto [one, two] = JoinTwo();
  EXPECT_FALSE(AnswerTo(two->id, *one).has_value());
  EXPECT_FALSE(AnswerTo(head_->id(), *one).has_value());
  // Of whom the head has not told, it may still tell.
  const auto stranger = AnswerTo(IdOf<NodeId>(9), *one);
  ASSERT_TRUE(stranger.has_value());
  EXPECT_FALSE(stranger->declared_dead);
  Kill(two);
  RunUntil([&] { return !one->Knows(*two); });
  const auto dead = AnswerTo(two->id, *one);
  ASSERT_TRUE(dead.has_value());
  EXPECT_TRUE(dead->declared_dead);
}

}  // namespace
}  // namespace rayx::daemon
