#include "client/tasks/worker_tasks.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "client/client.h"
#include "client/connection/frame_stream.h"
#include "client/fake_node_worker.h"
#include "client/run_task_message.h"
#include "client/tasks/completions.h"
#include "common/base/limits.h"
#include "common/io/socket.h"
#include "common/protocol/wire_ids.h"
#include "common/shm/claim_word.h"

namespace rayx {
namespace {

using protocol::MessageType;

// A whole worker, since its parts meet at the wire.
class WorkerTasksTest : public FakeNodeWorkerTest {};

TEST_F(WorkerTasksTest, RunsATaskAndReportsItsSmallResult) {
  Hand(ATask('a'));
  const auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok()) << task.status().ToString();
  EXPECT_EQ(claims_.next(), 1u);
  EXPECT_EQ(worker_->PutResult(*task, 1, Pieces("x")).code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(worker_->PutResult(*task, 0, Pieces("result")).ok());
  ASSERT_TRUE(worker_->FinishTask(*task, "it raised", true, true).ok());
  const FakeNode::Received received = node_.Next();
  ASSERT_EQ(received.type, MessageType::TaskDone);
  const auto& done = received.As<protocol::TaskDone>();
  EXPECT_EQ(FromWire<TaskId>(*done.task_id()), task->id);
  EXPECT_EQ(done.results()->size(), 1u);
  EXPECT_EQ(done.error_text()->str(), "it raised");
  EXPECT_TRUE(done.wrote_output());
  EXPECT_TRUE(done.failed());
  EXPECT_EQ(worker_->FinishTask(*task, "", false, false).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(worker_->PutResult(*task, 0, Pieces("x")).code(), StatusCode::kInvalidArgument);
}

// What a worker runs by chance after something else is another caller than that.
TEST_F(WorkerTasksTest, EachRunOfAFunctionIsACallerOfItsOwn) {
  TaskTemplate call;
  call.kind = TaskKind::kActorCall;
  call.actor = ObjectId::ForReturn(ATask('z').id, 0);
  call.method = "step";
  const auto run_of_call = [&] {
    EXPECT_TRUE(worker_->Submit(call, nullptr, {}).ok());
    for (;;) {
      const FakeNode::Received received = node_.Next();
      if (received.type != MessageType::SubmitTask) continue;
      return ParseTaskSpec(received.payload->bytes())->run;
    }
  };
  for (uint32_t run = 1; run <= 2; ++run) {
    Hand(ATask('a'));
    const auto task = worker_->NextTask();
    ASSERT_TRUE(task.ok());
    EXPECT_EQ(run_of_call(), run);
    EXPECT_EQ(run_of_call(), run);
    ASSERT_TRUE(worker_->PutResult(*task, 0, Pieces("x")).ok());
    ASSERT_TRUE(worker_->FinishTask(*task, "", false, false).ok());
  }
  // An actor remains the same caller from call to call.
  for (const char id : {'c', 'd'}) {
    RunTaskMessage message = ATask(static_cast<uint8_t>(id));
    message.task.kind = TaskKind::kActorCall;
    message.task.actor = call.actor;
    message.task.method = "step";
    Hand(message);
    const auto task = worker_->NextTask();
    ASSERT_TRUE(task.ok()) << task.status().ToString();
    EXPECT_EQ(run_of_call(), 2u);
    ASSERT_TRUE(worker_->PutResult(*task, 0, Pieces("x")).ok());
    ASSERT_TRUE(worker_->FinishTask(*task, "", false, false).ok());
  }
}

TEST_F(WorkerTasksTest, LargeResultsAreLetGoAndSealedFirst) {
  RunTaskMessage message = ATask('a');
  message.return_count = 40;
  Hand(message);
  const auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok());
  ASSERT_TRUE(worker_->PutResult(*task, 0, Pieces(std::string(100000, 'x'))).ok());
  // Together more than one message may carry: the rest goes ahead.
  for (uint32_t i = 1; i < 20; ++i) {
    ASSERT_TRUE(worker_->PutResult(*task, i, Pieces(std::string(60000, 'y'))).ok());
  }
  ASSERT_TRUE(worker_->FinishTask(*task, "", false, false).ok());
  std::vector<MessageType> types;
  do types.push_back(node_.Next().type);
  while (types.back() != MessageType::TaskDone && types.back() != MessageType::None);
  EXPECT_EQ(types, (std::vector<MessageType>{MessageType::CreateObject, MessageType::ReleaseObjects,
                                             MessageType::SealObject, MessageType::PutObject,
                                             MessageType::PutObject, MessageType::TaskDone}));
}

TEST_F(WorkerTasksTest, IsToldOfFunctionsToForgetBeforeTheNextTask) {
  uint8_t bytes[16] = {7};
  const auto function = FunctionId::FromBytes(bytes);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateForgetFunction(builder, ToWire(function)));
  node_.Send(MessageType::ForgetFunction, builder);
  EXPECT_EQ(worker_->NextTask().status().code(), StatusCode::kInterrupted);
  EXPECT_EQ(worker_->TakeForgottenFunctions(), std::vector{function});
  // Once more after a while without a task, for who wants to clean up.
  EXPECT_EQ(worker_->NextTask().status().code(), StatusCode::kInterrupted);
  EXPECT_TRUE(worker_->TakeForgottenFunctions().empty());
  Hand(ATask('a'));
  EXPECT_TRUE(worker_->NextTask().ok());
}

TEST_F(WorkerTasksTest, DropsTasksThatWereTakenBack) {
  Hand(ATask('a'));
  Hand(ATask('b'));
  const auto first = worker_->NextTask();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(claims_.TakeBack(), 1u);
  Hand(ATask('c'));
  ASSERT_TRUE(worker_->FinishTask(*first, "", false, false).ok());
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
  ASSERT_TRUE(worker_->FinishTask(*task, "", false, false).ok());
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

TEST_F(WorkerTasksTest, TheOnlyOpenTaskLendsItsCpus) {
  EXPECT_EQ(*worker_->LendCpus(), 0u) << "nothing runs";
  Hand(ATask('a'));
  const auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok());
  const auto wait = worker_->LendCpus();
  ASSERT_TRUE(wait.ok());
  EXPECT_EQ(node_.Next().type, MessageType::Blocked);
  ASSERT_TRUE(worker_->FinishTask(*task, "", false, false).ok());
  EXPECT_EQ(node_.Next().type, MessageType::TaskDone);
  ASSERT_TRUE(worker_->ReturnCpus(*wait).ok());
  ASSERT_TRUE(worker_->ReturnCpus(0).ok());
  EXPECT_EQ(node_.pending(), 0u);
}

TEST_F(WorkerTasksTest, PutsAreNamedAfterTheTaskAndItsAttempt) {
  RunTaskMessage message = ATask('a');
  message.attempt = 2;
  Hand(message);
  ASSERT_TRUE(worker_->NextTask().ok());
  EXPECT_EQ(*worker_->Put(Pieces("x")), ObjectId::ForPut(message.id, 2u << 20));
}

TEST_F(WorkerTasksTest, SeveralTasksAreOpenAndEndInAnyOrderOnAnyThread) {
  RunTaskMessage second = ATask('b');
  second.return_count = 2;
  Hand(ATask('a'));
  Hand(second);
  const auto a = worker_->NextTask();
  const auto b = worker_->NextTask();
  ASSERT_TRUE(a.ok() && b.ok());
  ASSERT_TRUE(worker_->PutResult(*a, 0, Pieces("of a")).ok());
  std::thread other([&] {
    EXPECT_TRUE(worker_->PutResult(*b, 0, Pieces("first of b")).ok());
    EXPECT_TRUE(worker_->PutResult(*b, 1, Pieces("second of b")).ok());
    EXPECT_TRUE(worker_->FinishTask(*b, "", false, false).ok());
  });
  other.join();
  ASSERT_TRUE(worker_->FinishTask(*a, "", false, false).ok());
  const FakeNode::Received first = node_.Next();
  ASSERT_EQ(first.type, MessageType::TaskDone);
  EXPECT_EQ(first.As<protocol::TaskDone>().sequence(), 1u);
  EXPECT_EQ(FromWire<TaskId>(*first.As<protocol::TaskDone>().task_id()), b->id);
  EXPECT_EQ(first.As<protocol::TaskDone>().results()->size(), 2u);
  const FakeNode::Received last = node_.Next();
  ASSERT_EQ(last.type, MessageType::TaskDone);
  EXPECT_EQ(last.As<protocol::TaskDone>().sequence(), 0u);
  EXPECT_EQ(last.As<protocol::TaskDone>().results()->size(), 1u);
}

TEST_F(WorkerTasksTest, ATaskThatWaitsForCompletionsGivesItsCpusAway) {
  Hand(ATask('a'));
  const auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok());
  const ObjectId id = (*worker_->Submit({}, nullptr, {}))[0];
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
  const auto completions = *worker_->NewCompletions();
  ASSERT_TRUE(completions->Add({&id, 1}).ok());
  EXPECT_EQ(completions->Take(0).status().code(), StatusCode::kTimedOut);
  EXPECT_EQ(node_.pending(), 0u) << "not for a look";
  std::thread answer([&] {
    EXPECT_EQ(node_.Next().type, MessageType::Blocked);
    node_.PushInline(id, MakeObject("late"));
  });
  EXPECT_EQ(*completions->Take(-1), std::vector<ObjectId>{id});
  answer.join();
  EXPECT_EQ(node_.Next().type, MessageType::Unblocked);
}

TEST_F(WorkerTasksTest, OfSeveralOpenTasksNoneGivesItsCpusAway) {
  Hand(ATask('a'));
  Hand(ATask('b'));
  const auto a = worker_->NextTask();
  const auto b = worker_->NextTask();
  ASSERT_TRUE(a.ok() && b.ok());
  const ObjectId id = (*worker_->Submit({}, nullptr, {}))[0];
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
  EXPECT_EQ(worker_->Get({&id, 1}, 1).status().code(), StatusCode::kTimedOut);
  EXPECT_EQ(*worker_->Wait({&id, 1}, 1, 1), std::vector<bool>{false});
  EXPECT_EQ(node_.pending(), 0u);
  EXPECT_EQ(*worker_->Put(Pieces("x")), ObjectId::ForPut(b->id, 0)) << "named after the newest";
  ASSERT_TRUE(worker_->Poll().ok());
  EXPECT_EQ(node_.Next().type, MessageType::PutObject);
  ASSERT_TRUE(worker_->FinishTask(*a, "", false, false).ok());
  EXPECT_EQ(node_.Next().type, MessageType::TaskDone);
  EXPECT_EQ(worker_->Get({&id, 1}, 1).status().code(), StatusCode::kTimedOut);
  EXPECT_EQ(node_.Next().type, MessageType::Blocked) << "the only one";
  EXPECT_EQ(node_.Next().type, MessageType::Unblocked);
}

// The newest has ended, an older one is open: what is made belongs to the process.
TEST_F(WorkerTasksTest, AfterTheNewestNothingIsNamedAfterIt) {
  Hand(ATask('a'));
  Hand(ATask('b'));
  const auto a = worker_->NextTask();
  const auto b = worker_->NextTask();
  ASSERT_TRUE(worker_->FinishTask(*b, "", false, false).ok());
  const TaskId owner = worker_->Put(Pieces("x"))->Task();
  EXPECT_NE(owner, a->id);
  EXPECT_NE(owner, b->id);
}

TEST_F(WorkerTasksTest, SeesWhatTheNodeInterrupts) {
  EXPECT_EQ(worker_->Interrupt().reason, 0);
  Hand(ATask('a'));
  const auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok());
  claims_.Interrupt(task->sequence, 2);
  EXPECT_EQ(worker_->Interrupt().sequence, task->sequence);
  EXPECT_EQ(worker_->Interrupt().reason, 2);
}

TEST_F(WorkerTasksTest, TheStateOfAnActorComesAndGoes) {
  RunTaskMessage message = ATask('a');
  message.task.kind = TaskKind::kActorCreation;
  message.state = ObjectId::ForPut(TaskId(), 1);
  Hand(message);
  const auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->state, message.state);
  const ObjectId state = *worker_->Put(Pieces("the state"));
  ASSERT_TRUE(worker_->FinishTask(*task, "", false, false, &state).ok());
  EXPECT_EQ(node_.Next().type, MessageType::AddReferences) << "of what came";
  EXPECT_EQ(node_.Next().type, MessageType::PutObject);
  const FakeNode::Received done = node_.Next();
  ASSERT_EQ(done.type, MessageType::TaskDone);
  EXPECT_EQ(FromWire(*done.As<protocol::TaskDone>().state()), state);
  worker_->Close();
  const FakeNode::Received release = node_.Next();
  ASSERT_EQ(release.type, MessageType::ReleaseObjects);
  EXPECT_EQ(FromWire(release.As<protocol::ReleaseObjects>().unreferenced()),
            std::vector<ObjectId>{*message.state});
}

// A call of an actor takes long; those after it go on.
TEST_F(WorkerTasksTest, ManyThreadsStoreAndFinish) {
  constexpr int kTasks = 64;
  std::vector<RunnableTask> tasks;
  for (int i = 0; i < kTasks; ++i) {
    Hand(ATask(static_cast<uint8_t>(i + 1)));
    auto task = worker_->NextTask();
    ASSERT_TRUE(task.ok());
    tasks.push_back(std::move(*task));
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t; i < kTasks; i += 8) {
        const RunnableTask& task = tasks[static_cast<size_t>(i)];
        const std::string result(static_cast<size_t>(task.sequence) * 100, 'r');
        EXPECT_TRUE(worker_->PutResult(task, 0, Pieces(result)).ok());
        EXPECT_TRUE(worker_->FinishTask(task, "", false, false).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < kTasks; ++i) {
    const FakeNode::Received received = node_.Next();
    ASSERT_EQ(received.type, MessageType::TaskDone);
    const auto& done = received.As<protocol::TaskDone>();
    ASSERT_EQ(done.results()->size(), 1u);
    EXPECT_EQ(ParseObject(BytesOf(*done.results()->Get(0)->data()))->stream.size(),
              done.sequence() * 100u);
  }
}

TEST_F(WorkerTasksTest, TheNodeEndsTheWorker) {
  Hand(ATask('a'));
  const auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok());
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateExitWorker(builder));
  node_.Send(MessageType::ExitWorker, builder);
  ASSERT_TRUE(worker_->FinishTask(*task, "", false, false).ok());
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
  EXPECT_EQ((*driver)->FinishTask({}, "", false, false).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ((*driver)->Interrupt().reason, 0);
}

// --- over a direct channel ---

class WorkerChannelTest : public WorkerTasksTest {
 protected:
  void SetUp() override {
    WorkerTasksTest::SetUp();
    auto sockets = SocketPair();
    ASSERT_TRUE(sockets.ok());
    client_ = std::make_unique<FrameStream>(std::move(sockets->first));
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(protocol::CreateOpenChannel(builder));
    const ScopedFd doorbell = std::move(CreateDoorbell()).value();
    node_.Send(MessageType::OpenChannel, builder, {sockets->second.get(), doorbell.get()});
    claims_.Lend();
  }
  void Give(RunTaskMessage message) {
    const std::optional<uint32_t> number = claims_.Take();
    ASSERT_TRUE(number.has_value());
    message.sequence = *number;
    flatbuffers::FlatBufferBuilder builder;
    const auto bytes = message.Encode(&builder);
    ASSERT_TRUE(client_->SendAll(static_cast<uint16_t>(MessageType::RunTask), bytes).ok());
  }
  // What the worker says on the channel; null if it closes it.
  const protocol::TaskDone* Told() {
    while (true) {
      const auto frame = client_->Next();
      if (!frame.ok()) return nullptr;
      if (*frame) return VerifiedMessage<protocol::TaskDone>((*frame)->payload);
      const auto ready = client_->Wait(true, false, 10'000);
      if (!ready.ok() || !ready->readable || !client_->ReadSome().ok()) return nullptr;
    }
  }

  std::unique_ptr<FrameStream> client_;
};

TEST_F(WorkerChannelTest, ASmallResultIsToldToBoth) {
  Give(ATask('a'));
  const auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok()) << task.status().ToString();
  EXPECT_TRUE(task->from_client);
  EXPECT_EQ(claims_.next(), 1u);
  ASSERT_TRUE(worker_->PutResult(*task, 0, Pieces("x")).ok());
  ASSERT_TRUE(worker_->FinishTask(*task, "", false, false).ok());
  const FakeNode::Received done = node_.Next();
  ASSERT_EQ(done.type, MessageType::TaskDone);
  EXPECT_TRUE(done.As<protocol::TaskDone>().delivered());
  const protocol::TaskDone* told = Told();
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(FromWire<TaskId>(*told->task_id()), task->id);
  ASSERT_EQ(told->results()->size(), 1u);
}

TEST_F(WorkerChannelTest, WhatTheNodeMustTellIsNotToldOnTheChannel) {
  const ObjectId inner = ObjectId::ForPut(TaskId(), 9);
  const std::string holder_text = "holder";
  ObjectPieces holder = Pieces(holder_text);
  holder.contained = {inner};
  const std::string large_text(limits::kInlineObjectBytesMax + 1, 'x');
  const ObjectPieces large = Pieces(large_text);
  for (const ObjectPieces* value : {static_cast<const ObjectPieces*>(&holder), &large}) {
    Give(ATask(value == &holder ? 'a' : 'b'));
    const auto task = worker_->NextTask();
    ASSERT_TRUE(task.ok());
    ASSERT_TRUE(worker_->PutResult(*task, 0, *value).ok());
    ASSERT_TRUE(worker_->FinishTask(*task, "", false, false).ok());
    FakeNode::Received done = node_.Next();
    while (done.type != MessageType::TaskDone) done = node_.Next();
    EXPECT_FALSE(done.As<protocol::TaskDone>().delivered());
    const protocol::TaskDone* told = Told();
    ASSERT_NE(told, nullptr);
    EXPECT_EQ(told->results(), nullptr);
    EXPECT_EQ(FromWire<TaskId>(*told->task_id()), task->id);
  }
}

TEST_F(WorkerChannelTest, TasksOfTheNodeTakeTheirTurn) {
  Give(ATask('a'));
  claims_.OnHandedOut(0);
  next_sequence_ = 1;
  auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok());
  ASSERT_TRUE(worker_->FinishTask(*task, "", false, false).ok());
  Give(ATask('b'));
  claims_.OnHandedOut(1);
  ASSERT_TRUE(claims_.Reclaim());
  next_sequence_ = 2;
  Hand(ATask('c'));
  for (const char name : {'b', 'c'}) {
    task = worker_->NextTask();
    ASSERT_TRUE(task.ok());
    EXPECT_EQ(task->id.data()[0], name);
    ASSERT_TRUE(worker_->FinishTask(*task, "", false, false).ok());
  }
}

TEST_F(WorkerChannelTest, AChannelThatIsGoneOrBrokenDoesNoHarm) {
  Give(ATask('a'));
  const auto task = worker_->NextTask();
  ASSERT_TRUE(task.ok());
  const std::vector<uint8_t> junk(64, 0xff);
  ASSERT_TRUE(client_->SendAll(static_cast<uint16_t>(MessageType::RunTask), junk).ok());
  ASSERT_TRUE(worker_->Poll().ok());
  ASSERT_TRUE(worker_->PutResult(*task, 0, Pieces("x")).ok());
  ASSERT_TRUE(worker_->FinishTask(*task, "", false, false).ok());
  EXPECT_EQ(node_.Next().type, MessageType::TaskDone);
  EXPECT_EQ(Told(), nullptr) << "it is closed";
  claims_.OnHandedOut(0);
  ASSERT_TRUE(claims_.Reclaim());
  next_sequence_ = 1;
  Hand(ATask('b'));
  EXPECT_TRUE(worker_->NextTask().ok());
}

}  // namespace
}  // namespace rayx
