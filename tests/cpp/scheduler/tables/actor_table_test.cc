#include "scheduler/tables/actor_table.h"

#include <gtest/gtest.h>

#include <map>

#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

using testing::DriverNumber;
using testing::Task;
using testing::TaskNumber;

class ActorTableTest : public ::testing::Test {
 protected:
  ActorTableTest() : actor_(table_.Add(Task(1).Creation(1, "hal").Build())) {}
  TaskEntry& Call(uint64_t number, ClientId client, bool is_ready = true, NodeId node = {}) {
    TaskEntry& call = calls_[number];
    call.spec = Task(number).CallOf(1).Build();
    call.actor = &actor_;
    call.caller = {.node = node, .client = client};
    if (is_ready) call.MoveTo(Ready{});
    table_.PushCall(call);
    return call;
  }
  uint64_t Take() {
    const TaskEntry* call = ActorTable::TakeCall(actor_);
    return call == nullptr ? 0 : testing::NumberOf(call->spec.id);
  }
  ActorTable table_;
  ActorEntry& actor_;
  std::map<uint64_t, TaskEntry> calls_;
};

TEST_F(ActorTableTest, CallersTakeTurnsEachInOrder) {
  Call(2, ClientId(7));
  Call(3, ClientId(7));
  Call(4, ClientId(8));
  EXPECT_EQ(Take(), 2u);
  EXPECT_EQ(Take(), 4u);
  EXPECT_EQ(Take(), 3u);
  EXPECT_EQ(Take(), 0u);
  EXPECT_TRUE(actor_.callers.empty());
}

TEST_F(ActorTableTest, AWaitingCallHoldsUpItsCaller) {
  TaskEntry& waiting = Call(2, ClientId(7), false);
  Call(3, ClientId(7));
  EXPECT_EQ(Take(), 0u);
  waiting.MoveTo(Ready{});
  table_.OnCallReady(waiting);
  EXPECT_EQ(Take(), 2u);
  EXPECT_EQ(Take(), 3u);
}

TEST_F(ActorTableTest, ClientsOfTwoNodesAreTwoCallers) {
  NodeId other;
  other.mutable_data()[0] = 1;
  Call(2, ClientId(7), false);
  Call(3, ClientId(7), true, other);
  EXPECT_EQ(Take(), 3u) << "it waits for no call of the other node's client 7";
  EXPECT_EQ(Take(), 0u);
  EXPECT_EQ(actor_.callers.size(), 1u);
}

TEST_F(ActorTableTest, ACallPutBackGoesBeforeWhatWaits) {
  TaskEntry& first = Call(2, ClientId(7));
  Call(3, ClientId(7), false);
  EXPECT_EQ(Take(), 2u);
  table_.PutBackCall(first);
  EXPECT_EQ(Take(), 2u);
  EXPECT_EQ(Take(), 0u);
}

TEST_F(ActorTableTest, RemovingTheFirstLetsTheNextGo) {
  TaskEntry& first = Call(2, ClientId(7), false);
  Call(3, ClientId(7));
  TaskEntry& last = Call(4, ClientId(7));
  table_.RemoveCall(first);
  table_.RemoveCall(last);
  EXPECT_EQ(Take(), 3u);
  EXPECT_EQ(Take(), 0u);
}

TEST_F(ActorTableTest, ListsAnActorOnce) {
  Call(2, ClientId(7));
  Call(3, ClientId(8));
  EXPECT_EQ(table_.TakeListed(), std::vector<ActorEntry*>({&actor_}));
  EXPECT_FALSE(table_.has_listed());
}

TEST_F(ActorTableTest, ANameBelongsToTheLivingOfOneDriver) {
  EXPECT_EQ(table_.FindNamed(DriverNumber(1), "hal"), &actor_);
  EXPECT_EQ(table_.FindNamed(DriverNumber(2), "hal"), nullptr);
  EXPECT_EQ(table_.living(), 1u);
  table_.Move(actor_, ActorState::kDead);
  EXPECT_EQ(table_.FindNamed(DriverNumber(1), "hal"), nullptr);
  EXPECT_EQ(table_.living(), 0u);
  EXPECT_FALSE(table_.ForgetIfUnused(actor_));
  actor_.unreferenced = true;
  EXPECT_TRUE(table_.OnCreationEnded(actor_));
  EXPECT_EQ(table_.Find(TaskNumber(1)), nullptr);
}

TEST_F(ActorTableTest, TheDeadStayDead) {
  table_.Move(actor_, ActorState::kDead);
  EXPECT_DEATH(table_.Move(actor_, ActorState::kAlive), "dead");
}

}  // namespace
}  // namespace rayx::scheduler
