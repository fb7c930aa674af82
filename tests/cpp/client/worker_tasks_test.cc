#include "client/worker_tasks.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "client/client.h"
#include "client/fake_node.h"
#include "client/run_task_message.h"
#include "common/base/limits.h"
#include "common/io/claim_word.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

// A whole worker, since its parts meet at the wire.
class WorkerTasksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.Serve(false);
    auto worker = Client::AdoptWorker(node_.client_fd(), ::dup(claims_.fd()), 3, "3.11");
    ASSERT_TRUE(worker.ok()) << worker.status().ToString();
    worker_ = std::move(*worker);
  }
  void Hand(RunTaskMessage message) {
    message.sequence = next_sequence_++;
    claims_.HandOut(message.sequence);
    flatbuffers::FlatBufferBuilder builder;
    (void)message.Encode(&builder);
    node_.Send(MessageType::RunTask, builder);
  }
  static RunTaskMessage ATask(uint8_t first_byte) {
    RunTaskMessage message;
    uint8_t bytes[16] = {first_byte};
    message.id = TaskId::FromBytes(bytes);
    return message;
  }
  static ObjectPieces Pieces(const std::string& stream) {
    ObjectPieces pieces;
    pieces.stream = {reinterpret_cast<const uint8_t*>(stream.data()), stream.size()};
    return pieces;
  }

  FakeNode node_;
  ClaimWord claims_ = std::move(ClaimWord::Create()).value();
  uint32_t next_sequence_ = 0;
  std::unique_ptr<Client> worker_;
};

TEST_F(WorkerTasksTest, RunsATaskAndReportsItsSmallResult) {
  Hand(ATask('a'));
  const auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok()) << task.status().ToString();
  EXPECT_EQ(claims_.next(), 1u);
  EXPECT_EQ(worker_->NextTask().status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(worker_->PutResult(1, Pieces("x")).code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(worker_->PutResult(0, Pieces("result")).ok());
  ASSERT_TRUE(worker_->FinishTask("it raised", true).ok());
  const FakeNode::Received received = node_.Next();
  ASSERT_EQ(received.type, MessageType::TaskDone);
  const auto& done = received.As<protocol::TaskDone>();
  EXPECT_EQ(FromWire<TaskId>(*done.task_id()), task->id);
  EXPECT_EQ(done.results()->size(), 1u);
  EXPECT_EQ(done.error_text()->str(), "it raised");
  EXPECT_TRUE(done.wrote_output());
  EXPECT_EQ(worker_->FinishTask("", false).code(), StatusCode::kInvalidArgument);
}

TEST_F(WorkerTasksTest, LargeResultsAreLetGoAndSealedFirst) {
  RunTaskMessage message = ATask('a');
  message.return_count = 40;
  Hand(message);
  ASSERT_TRUE(worker_->NextTask().ok());
  ASSERT_TRUE(worker_->PutResult(0, Pieces(std::string(100000, 'x'))).ok());
  // Together more than one message may carry: the rest goes ahead.
  for (uint32_t i = 1; i < 20; ++i) {
    ASSERT_TRUE(worker_->PutResult(i, Pieces(std::string(60000, 'y'))).ok());
  }
  ASSERT_TRUE(worker_->FinishTask("", false).ok());
  std::vector<MessageType> types;
  do types.push_back(node_.Next().type);
  while (types.back() != MessageType::TaskDone && types.back() != MessageType::None);
  EXPECT_EQ(types, (std::vector<MessageType>{MessageType::CreateObject, MessageType::ReleaseObjects,
                                             MessageType::SealObject, MessageType::PutObject,
                                             MessageType::PutObject, MessageType::TaskDone}));
}

TEST_F(WorkerTasksTest, DropsTasksThatWereTakenBack) {
  Hand(ATask('a'));
  Hand(ATask('b'));
  ASSERT_TRUE(worker_->NextTask().ok());
  EXPECT_EQ(claims_.TakeBack(), 1u);
  Hand(ATask('c'));
  ASSERT_TRUE(worker_->FinishTask("", false).ok());
  const auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->id.data()[0], 'c');
}

TEST_F(WorkerTasksTest, FetchesWhatDidNotFit) {
  RunTaskMessage message = ATask('a');
  const ObjectId here = ObjectId::ForPut(TaskId(), 1);
  const ObjectId there = ObjectId::ForPut(TaskId(), 2);
  message.dependencies = {there, here, there};
  message.inline_values = {{here, MakeObject("here")}};
  node_.Store(there, MakeObject("over there"));
  Hand(message);
  const auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok()) << task.status().ToString();
  EXPECT_EQ(ParseObject(task->values[0].bytes())->stream.size(), 10u);
  EXPECT_EQ(ParseObject(task->values[1].bytes())->stream.size(), 4u);
  EXPECT_TRUE(task->values[2].valid());
  ASSERT_TRUE(worker_->FinishTask("", false).ok());
  worker_->Close();
  std::vector<MessageType> types;
  do types.push_back(node_.Next().type);
  while (types.back() != MessageType::None);
  EXPECT_EQ(types, (std::vector<MessageType>{MessageType::AddReferences, MessageType::GetObjects,
                                             MessageType::TaskDone, MessageType::ReleaseObjects,
                                             MessageType::None}));
}

TEST_F(WorkerTasksTest, TellsTheNodeWhileItsTaskWaits) {
  Hand(ATask('a'));
  ASSERT_TRUE(worker_->NextTask().ok());
  const ObjectId id = (*worker_->Submit({}, nullptr, {}))[0];
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
  std::thread answer([&] {
    EXPECT_EQ(node_.Next().type, MessageType::Blocked);
    node_.PushInline(id, MakeObject("late"));
  });
  EXPECT_TRUE(worker_->Get({&id, 1}, -1).ok());
  answer.join();
  EXPECT_EQ(node_.Next().type, MessageType::Unblocked);
  EXPECT_TRUE(worker_->Get({&id, 1}, -1).ok());
  EXPECT_EQ(*worker_->Wait({&id, 1}, 1, -1), std::vector<bool>{true});
  // Other threads of the worker do not give its CPUs away.
  const ObjectId second = (*worker_->Submit({}, nullptr, {}))[0];
  std::thread other([&] {
    EXPECT_EQ(worker_->Get({&second, 1}, 1).status().code(), StatusCode::kTimedOut);
  });
  other.join();
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
  EXPECT_EQ(node_.pending(), 0u);
  EXPECT_EQ(worker_->Get({&second, 1}, 1).status().code(), StatusCode::kTimedOut);
  EXPECT_EQ(node_.Next().type, MessageType::Blocked);
  EXPECT_EQ(node_.Next().type, MessageType::Unblocked);
}

TEST_F(WorkerTasksTest, PutsAreNamedAfterTheTaskAndItsAttempt) {
  RunTaskMessage message = ATask('a');
  message.attempt = 2;
  Hand(message);
  ASSERT_TRUE(worker_->NextTask().ok());
  EXPECT_EQ(*worker_->Put(Pieces("x")), ObjectId::ForPut(message.id, 2u << 20));
}

TEST_F(WorkerTasksTest, TheNodeEndsTheWorker) {
  Hand(ATask('a'));
  ASSERT_TRUE(worker_->NextTask().ok());
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateExitWorker(builder));
  node_.Send(MessageType::ExitWorker, builder);
  ASSERT_TRUE(worker_->FinishTask("", false).ok());
  const auto ended = worker_->NextTask();
  EXPECT_EQ(ended.status().code(), StatusCode::kDisconnected);
  EXPECT_EQ(ended.status().message(), "the node ended this worker");
}

TEST(WorkerTasksDriverTest, ADriverHasNone) {
  FakeNode node;
  node.Serve(true);
  uint8_t bytes[16] = {'d'};
  const auto driver = Client::ConnectDriver({node.path(), DriverId::FromBytes(bytes), "3.11", ""});
  ASSERT_TRUE(driver.ok());
  EXPECT_EQ((*driver)->NextTask().status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace rayx
