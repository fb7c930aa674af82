// A server with real connections; what it decides is tested in tests/cpp/placement.
#include "global_scheduler/scheduler_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "common/base/limits.h"
#include "common/io/connection.h"
#include "global_scheduler/turning_loop.h"

namespace rayx::global_scheduler {
namespace {

// Says what it likes.
class RawNode {
 public:
  explicit RawNode(TurningLoop* turning)
      : connection_(turning->loop(), std::move(*turning->dial()()), limits::kFrameBytesMax,
                    {.on_frames =
                         [this] {
                           while (const auto frame = connection_.NextFrame()) {
                             heard.push_back(*DecodeFromScheduler(*frame));
                           }
                         },
                     .on_closed = [this](const Status&) { closed = true; },
                     .on_dirty = [] {}}) {}
  void Say(const FromNode& message) {
    const EncodedFrame frame = Encode(message);
    connection_.Send(frame.type, frame.payload);
    connection_.Flush();
  }
  void SayBytes(uint16_t type, const std::vector<uint8_t>& payload) {
    connection_.Send(type, payload);
    connection_.Flush();
  }

  std::vector<FromScheduler> heard;
  bool closed = false;

 private:
  Connection connection_;
};

TEST(SchedulerServer, PlacesTasksOfAllNodes) {
  TurningLoop turning;
  turning.StartServer();
  for (uint64_t number = 1; number <= 4; ++number) turning.AddNode(number, 2);
  for (uint64_t task = 0; task < 400; ++task) {
    turning.nodes()[task % 4]->Submit(1 + task, 1 + static_cast<int64_t>(task % 2));
  }
  EXPECT_TRUE(turning.RunUntil([&] {
    return std::all_of(turning.nodes().begin(), turning.nodes().end(),
                       [](const auto& node) { return node->ended() == 100; });
  }));
  std::set<NodeId> used;
  for (const auto& node : turning.nodes()) {
    for (const auto& [task, runs] : node->runs()) {
      EXPECT_EQ(runs.size(), 1u);
      used.insert(runs.begin(), runs.end());
    }
    EXPECT_EQ(node->link().open(), 0u);
    EXPECT_EQ(std::set<NodeId>(node->joined().begin(), node->joined().end()).size(), 4u);
  }
  EXPECT_EQ(used.size(), 4u);
}

TEST(SchedulerServer, RefusesWhoHasNotRegistered) {
  TurningLoop turning;
  turning.StartServer();
  RawNode raw(&turning);
  raw.Say(Offers{{OfferOf(1, 1)}});
  EXPECT_TRUE(turning.RunUntil([&raw] { return raw.closed; }));
  ASSERT_EQ(raw.heard.size(), 1u);
  EXPECT_EQ(std::get<Refusal>(raw.heard[0]).reason, "the session has not registered a node");
}

TEST(SchedulerServer, JunkEndsAConnectionAndNothingElse) {
  TurningLoop turning;
  turning.StartServer();
  ModelledNode* const node = turning.AddNode(1, 1);
  for (const uint16_t type : std::initializer_list<uint16_t>{0, 1, 3, 24, 999}) {
    RawNode raw(&turning);
    raw.SayBytes(type, {1, 2, 3, 4, 5, 6, 7, 8});
    EXPECT_TRUE(turning.RunUntil([&raw] { return raw.closed; })) << type;
  }
  RawNode large(&turning);
  large.SayBytes(1, std::vector<uint8_t>(limits::kHelloBytesMax + 8));
  EXPECT_TRUE(turning.RunUntil([&large] { return large.closed; }));
  node->Submit(1, 1);
  EXPECT_TRUE(turning.RunUntil([node] { return node->ended() == 1; }));
}

TEST(SchedulerServer, SaysTwiceASecondThatItIsThere) {
  TurningLoop turning;
  turning.StartServer();
  RawNode raw(&turning);
  raw.Say(placement::NodeFacts{NodeNumber(1), Cpus(1), {}});
  // The registration, itself as a new node, and signs.
  EXPECT_TRUE(turning.RunUntil([&raw] { return raw.heard.size() >= 4; }, 3000));
  EXPECT_FALSE(raw.closed);
}

TEST(SchedulerServer, WhatNoNodeCouldRunIsTold) {
  for (const bool complete : {false, true}) {
    TurningLoop turning;
    turning.StartServer({.complete = complete});
    ModelledNode* const node = turning.AddNode(1, 1);
    node->Submit(1, 2);
    node->Submit(2, 1);
    EXPECT_TRUE(turning.RunUntil([node] { return !node->told().empty(); }));
    EXPECT_EQ(node->told()[0].first,
              "it asks for {CPU: 2}, and the most that a node of the cluster has of 'CPU' is 1");
    EXPECT_EQ(node->told()[0].second, complete);
    EXPECT_EQ(node->link().open(), complete ? 0u : 1u);
    if (complete) continue;
    turning.AddNode(2, 2);
    EXPECT_TRUE(turning.RunUntil([node] { return node->ended() == 2; }));
  }
}

}  // namespace
}  // namespace rayx::global_scheduler
