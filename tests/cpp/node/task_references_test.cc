#include "node/task_references.h"

#include <gtest/gtest.h>

#include "node/node_recorder.h"

namespace rayx::node {
namespace {

class TaskReferencesTest : public ::testing::Test {
 protected:
  // A task that needs one value and has another inside its arguments.
  static TaskSpec Spec(bool is_call) {
    TaskSpec spec = Task(3).DependsOn(ResultOf(1)).Build();
    spec.contained.push_back(ResultOf(2));
    if (is_call) spec.kind = TaskKind::kActorCall;
    return spec;
  }
  size_t Objects() const { return store_.Stats().objects; }

  plasma::ObjectStore store_{1 << 16};
};

TEST_F(TaskReferencesTest, WhatATaskRefersToIsKeptUntilItReturnsIt) {
  const TaskSpec spec = Spec(/*is_call=*/false);
  TakeReferences(&store_, spec);
  EXPECT_TRUE(store_.IsExpected(ResultOf(1)));
  EXPECT_TRUE(store_.IsExpected(ResultOf(2)));
  EXPECT_TRUE(store_.IsExpected(ObjectId::ForFunction(spec.function)));
  ReturnReferences(&store_, spec);
  EXPECT_EQ(Objects(), 0u);
}

TEST_F(TaskReferencesTest, ACallDoesNotReferToTheClass) {
  const TaskSpec spec = Spec(/*is_call=*/true);
  TakeReferences(&store_, spec);
  EXPECT_FALSE(store_.IsExpected(ObjectId::ForFunction(spec.function)));
  ReturnReferences(&store_, spec);
  EXPECT_EQ(Objects(), 0u);
}

}  // namespace
}  // namespace rayx::node
