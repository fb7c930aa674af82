#include "daemon/others/waiting_messages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "testing/task_builder.h"

namespace rayx::daemon {
namespace {

using testing::NumberedId;

const NodeId kOne = NumberedId<NodeId>(1);
const NodeId kTwo = NumberedId<NodeId>(2);

cluster::Message Said(uint16_t type, size_t bytes = 8) {
  return {.type = type, .payload = cluster::SharedBytes::Of(std::vector<uint8_t>(bytes))};
}

class WaitingMessagesTest : public ::testing::Test {
 protected:
  // Sends to nodes as long as `room` lasts.
  void SendTo(const NodeId& node, size_t room) {
    waiting_.SendTo([&](const NodeId& to) { return to == node && room > 0; },
                    [&](const NodeId& to, const cluster::Message& message) {
                      sent_.emplace_back(to, message.type);
                      --room;
                    });
  }

  WaitingMessages waiting_;
  std::vector<std::pair<NodeId, uint16_t>> sent_;
};

TEST_F(WaitingMessagesTest, GoInOrderAsThereIsRoom) {
  for (uint16_t type = 1; type <= 3; ++type) waiting_.Add(kOne, Said(type));
  waiting_.Add(kTwo, Said(4));
  SendTo(kOne, 2);
  EXPECT_TRUE(waiting_.Contains(kOne) && waiting_.Contains(kTwo));
  SendTo(kOne, 2);
  EXPECT_FALSE(waiting_.Contains(kOne));
  SendTo(kTwo, 1);
  EXPECT_TRUE(waiting_.empty());
  const std::vector<std::pair<NodeId, uint16_t>> expected{
      {kOne, 1}, {kOne, 2}, {kOne, 3}, {kTwo, 4}};
  EXPECT_EQ(sent_, expected);
}

// S35: short messages count too, as what they take.
TEST_F(WaitingMessagesTest, WhoTakesNothingIsFound) {
  const cluster::Message large = Said(1, 1 << 20);
  const size_t fits = limits::kPeerBacklogBytesMax >> 20;
  for (size_t i = 0; i + 1 < fits; ++i) waiting_.Add(kOne, large);
  waiting_.Add(kTwo, large);
  EXPECT_TRUE(waiting_.Overfull().empty());
  // What it does take is no reason any more.
  SendTo(kOne, 10);
  for (size_t i = 0; i < 10; ++i) waiting_.Add(kOne, large);
  EXPECT_TRUE(waiting_.Overfull().empty());
  for (size_t i = 0; i < 1 << 20 && waiting_.Overfull().empty(); ++i) waiting_.Add(kOne, Said(2));
  EXPECT_EQ(waiting_.Overfull(), std::vector<NodeId>{kOne});
  waiting_.Forget(kOne);
  EXPECT_TRUE(waiting_.Overfull().empty());
  EXPECT_TRUE(waiting_.Contains(kTwo));
}

}  // namespace
}  // namespace rayx::daemon
