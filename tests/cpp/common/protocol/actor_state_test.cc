#include "common/protocol/actor_state.h"

#include <gtest/gtest.h>

namespace rayx {
namespace {

TEST(ActorStateTest, NamesAndBack) {
  for (const ActorState state :
       {ActorState::kPending, ActorState::kAlive, ActorState::kRestarting, ActorState::kDead}) {
    EXPECT_EQ(ActorStateFromName(ActorStateName(state)), state);
  }
  EXPECT_EQ(ActorStateName(ActorState::kAlive), "alive");
  EXPECT_EQ(ActorStateFromName("Alive"), std::nullopt);
  EXPECT_EQ(ActorStateFromName(""), std::nullopt);
}

}  // namespace
}  // namespace rayx
