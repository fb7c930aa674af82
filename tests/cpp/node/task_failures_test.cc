#include "node/task_failures.h"

#include <gtest/gtest.h>

#include "common/protocol/object_layout.h"
#include "node/node_recorder.h"

namespace rayx::node {
namespace {

class TaskFailuresTest : public ::testing::Test {
 protected:
  TaskFailuresTest() { node_.Output(1); }
  // The driver waits for both results of task 2, which fails.
  Lines Fail(SystemErrorCode code, bool has_results = false, const ObjectId& like = {}) {
    scheduler::FailTask failure;
    failure.code = code;
    failure.has_results = has_results;
    failure.like = like;
    failure.task = TaskNumber(2);
    failure.driver = DriverNumber(1);
    failure.name = "f";
    failure.return_count = 2;
    failure.text = "why";
    FailResults(&node_.core().store(), &node_.core().drivers(), failure);
    return node_.Take();
  }
  ObjectId Result(uint32_t index) const { return ObjectId::ForReturn(TaskNumber(2), index); }
  void Wait() {
    for (uint32_t i = 0; i < 2; ++i) {
      node_.core().store().Get(driver_.id, Result(i), /*pin=*/false);
    }
  }
  std::string DataOf(const ObjectId& id) {
    const auto location = node_.core().store().Find(id);
    return location ? std::string(location->data.begin(), location->data.end()) : "";
  }

  NodeRecorder node_;
  Peer& driver_ = node_.Driver(1);
};

TEST_F(TaskFailuresTest, EachResultHoldsTheErrorAndTheDriverIsTold) {
  Wait();
  EXPECT_EQ(Fail(SystemErrorCode::kWorkerCrashed),
            Lines({"error at c2: why", "record WorkerCrashedError of f"}));
  const std::string error = EncodeSystemError(SystemErrorCode::kWorkerCrashed, "why");
  EXPECT_EQ(DataOf(Result(0)), error);
  EXPECT_EQ(DataOf(Result(1)), error);
}

TEST_F(TaskFailuresTest, WhoCancelsATaskKnowsThatItFails) {
  Wait();
  EXPECT_EQ(Fail(SystemErrorCode::kTaskCancelled), Lines());
  EXPECT_TRUE(node_.core().store().IsSealed(Result(0)));
}

TEST_F(TaskFailuresTest, ResultsThatHaveValuesKeepThem) {
  Wait();
  for (uint32_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(node_.core().objects().OnPut(driver_, Result(i), Bytes("a"), {}).ok());
  }
  EXPECT_EQ(Fail(SystemErrorCode::kWorkerCrashed, /*has_results=*/true), Lines())
      << "nothing has failed";
  EXPECT_EQ(DataOf(Result(1)), "a");
}

TEST_F(TaskFailuresTest, AnErrorLikeAnotherWasReported) {
  Wait();
  const std::string other = EncodeSystemError(SystemErrorCode::kObjectLost, "gone");
  node_.core().store().Get(driver_.id, ResultOf(9), /*pin=*/false);
  ASSERT_TRUE(node_.core().objects().OnPut(driver_, ResultOf(9), Bytes(other), {}).ok());
  EXPECT_EQ(Fail(SystemErrorCode::kActorDied, /*has_results=*/false, ResultOf(9)), Lines());
  EXPECT_EQ(DataOf(Result(0)), other);
}

}  // namespace
}  // namespace rayx::node
