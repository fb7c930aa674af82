#include "client/tasks/completions.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "client/ask.h"
#include "client/client.h"
#include "client/fake_node.h"
#include "client/fake_node_driver.h"
#include "client/run_task_message.h"
#include "common/protocol/wire_ids.h"
#include "common/shm/claim_word.h"

namespace rayx {
namespace {

using protocol::MessageType;
using Ids = std::vector<ObjectId>;

class CompletionsTest : public FakeNodeDriverTest {
 protected:
  void SetUp() override {
    FakeNodeDriverTest::SetUp();
    completions_ = *client_->NewCompletions();
  }
  Ids Submit(uint32_t count) {
    TaskTemplate task;
    task.return_count = count;
    Ids ids = *client_->Submit(task, nullptr, {});
    EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
    return ids;
  }
  bool IsReadable() const {
    pollfd entry{completions_->fd(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
  }
  // Comes when all that the node has pushed before has been taken in.
  void Meet() {
    EXPECT_TRUE(AskDump(*client_, -1).ok());
    EXPECT_EQ(node_.Next().type, MessageType::Query);
  }
  Ids Take(int64_t timeout_ms) {
    auto taken = completions_->Take(timeout_ms);
    return taken.ok() ? *taken : Ids();
  }

  std::shared_ptr<Completions> completions_;
};

TEST_F(CompletionsTest, GivesEachAsItComes) {
  const Ids ids = Submit(3);
  ASSERT_TRUE(completions_->Add(ids).ok());
  EXPECT_FALSE(IsReadable());
  EXPECT_EQ(completions_->Take(0).status().code(), StatusCode::kTimedOut);
  EXPECT_EQ(completions_->Take(5).status().code(), StatusCode::kTimedOut);
  node_.PushInline(ids[2], MakeObject("first"));
  EXPECT_EQ(Take(-1), Ids{ids[2]});
  node_.PushInPool(ids[0], 64, 10, false);
  node_.PushInline(ids[1], MakeObject("last"));
  Meet();
  EXPECT_TRUE(IsReadable());
  EXPECT_EQ(Take(-1), (Ids{ids[0], ids[1]}));
  EXPECT_FALSE(IsReadable());
  EXPECT_EQ(node_.pending(), 0u) << "results of our own tasks are not asked for";
}

TEST_F(CompletionsTest, WhatIsThereIsReadyAtOnceAndEachTimeItIsAdded) {
  const ObjectId id = *client_->Put({});
  ASSERT_TRUE(client_->Poll().ok());
  EXPECT_EQ(node_.Next().type, MessageType::PutObject);
  ASSERT_TRUE(completions_->Add({&id, 1}).ok());
  EXPECT_TRUE(IsReadable());
  ASSERT_TRUE(completions_->Add(Ids{id, id}).ok());
  EXPECT_EQ(Take(0), (Ids{id, id, id}));
  const ObjectId later = Submit(1)[0];
  ASSERT_TRUE(completions_->Add(Ids{later, later}).ok());
  node_.PushInline(later, MakeObject("x"));
  EXPECT_EQ(Take(-1), (Ids{later, later}));
}

// Who takes sleeps on the socket, where nothing comes.
TEST_F(CompletionsTest, WhatIsAddedWakesWhoTakes) {
  const ObjectId id = *client_->Put({});
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> begun = false;
    Ids taken;
    std::thread taker([&] {
      begun = true;
      taken = Take(30000);
    });
    while (!begun) std::this_thread::yield();
    if (round % 2 == 0) ::poll(nullptr, 0, 2);  // as a rule, it sleeps by now
    ASSERT_TRUE(completions_->Add(Ids{id}).ok());
    taker.join();
    ASSERT_EQ(taken, Ids{id});
  }
}

TEST_F(CompletionsTest, AsksTheNodeForWhatItHasNotBeenAskedFor) {
  const ObjectId id = ObjectId::ForPut(TaskId(), 7);
  client_->AddLocalReference(id);
  ASSERT_TRUE(completions_->Add(Ids{id, id}).ok());
  EXPECT_EQ(node_.Next().type, MessageType::AddReferences);
  const FakeNode::Received get = node_.Next();
  ASSERT_EQ(get.type, MessageType::GetObjects);
  EXPECT_EQ(FromWire(get.As<protocol::GetObjects>().ids()), Ids{id}) << "once";
  EXPECT_FALSE(get.As<protocol::GetObjects>().pin());
  node_.Store(id, MakeObject("late"));
  EXPECT_EQ(Take(-1), (Ids{id, id}));
  EXPECT_EQ(node_.pending(), 0u);
}

TEST_F(CompletionsTest, SomeoneElseReadsTheSocket) {
  const Ids ids = Submit(1);
  ASSERT_TRUE(completions_->Add(ids).ok());
  node_.PushInline(ids[0], MakeObject("x"));
  pollfd entry{client_->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&entry, 1, 10000), 1);
  EXPECT_FALSE(IsReadable());
  ASSERT_TRUE(client_->Poll().ok());
  EXPECT_TRUE(IsReadable());
  EXPECT_EQ(Take(0), ids);
}

TEST_F(CompletionsTest, WhatIsInTheQueueIsReferredTo) {
  const ObjectId id = Submit(1)[0];
  ASSERT_TRUE(completions_->Add({&id, 1}).ok());
  client_->RemoveLocalReference(id);
  node_.PushInline(id, MakeObject("x"));
  EXPECT_EQ(Take(-1), Ids{id});
  EXPECT_EQ(node_.pending(), 0u);
  EXPECT_TRUE(client_->Get({&id, 1}, 0).ok()) << "and by the taker now";
  client_->RemoveLocalReference(id);
  EXPECT_TRUE(AskDump(*client_, -1).ok());
  EXPECT_EQ(node_.Next().type, MessageType::ReleaseObjects);
}

TEST_F(CompletionsTest, DiscardForgetsAll) {
  const Ids ids = Submit(3);
  ASSERT_TRUE(completions_->Add(Ids{ids[0], ids[1], ids[1], ids[2]}).ok());
  for (const ObjectId& id : ids) client_->RemoveLocalReference(id);
  ASSERT_TRUE(completions_->Discard(ids[1]).ok());
  const FakeNode::Received release = node_.Next();
  ASSERT_EQ(release.type, MessageType::ReleaseObjects);
  EXPECT_EQ(FromWire(release.As<protocol::ReleaseObjects>().unreferenced()), Ids{ids[1]});
  node_.PushInline(ids[1], MakeObject("nobody wants it"));
  node_.PushInline(ids[0], MakeObject("x"));
  Meet();
  EXPECT_TRUE(IsReadable());
  ASSERT_TRUE(completions_->Discard(ids[0]).ok());
  EXPECT_FALSE(IsReadable());
  ASSERT_TRUE(completions_->Discard(ids[0]).ok()) << "nothing to do";
  node_.PushInline(ids[2], MakeObject("y"));
  EXPECT_EQ(Take(-1), Ids{ids[2]});
}

TEST_F(CompletionsTest, ClosedItHasNothing) {
  const Ids ids = Submit(2);
  ASSERT_TRUE(completions_->Add(ids).ok());
  node_.PushInline(ids[0], MakeObject("x"));
  Meet();
  for (const ObjectId& id : ids) client_->RemoveLocalReference(id);
  EXPECT_EQ(node_.pending(), 0u);
  completions_->Close();
  const FakeNode::Received release = node_.Next();
  ASSERT_EQ(release.type, MessageType::ReleaseObjects);
  EXPECT_EQ(release.As<protocol::ReleaseObjects>().unreferenced()->size(), 2u);
  EXPECT_EQ(completions_->fd(), -1);
  EXPECT_EQ(completions_->Add(ids).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(completions_->Take(-1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(completions_->Discard(ids[0]).ok());
  completions_->Close();
  node_.PushInline(ids[1], MakeObject("too late"));
  Meet();
}

TEST_F(CompletionsTest, OutlivesTheClient) {
  const Ids ids = Submit(2);
  ASSERT_TRUE(completions_->Add(ids).ok());
  node_.PushInline(ids[0], MakeObject("x"));
  Meet();
  client_.reset();
  EXPECT_EQ(Take(-1), Ids{ids[0]}) << "what was ready";
  EXPECT_EQ(completions_->Take(-1).status().code(), StatusCode::kDisconnected);
  const ObjectId unknown = ObjectId::ForPut(TaskId(), 7);
  EXPECT_EQ(completions_->Add({&unknown, 1}).code(), StatusCode::kDisconnected);
  ASSERT_TRUE(completions_->Discard(ids[1]).ok());
}

TEST_F(CompletionsTest, ALostNodeEndsTheWait) {
  const Ids ids = Submit(1);
  ASSERT_TRUE(completions_->Add(ids).ok());
  std::thread taker(
      [&] { EXPECT_EQ(completions_->Take(-1).status().code(), StatusCode::kDisconnected); });
  node_.Hangup();
  taker.join();
}

TEST_F(CompletionsTest, AForkedChildTouchesNothing) {
  const Ids ids = Submit(2);
  ASSERT_TRUE(completions_->Add(ids).ok());
  node_.PushInline(ids[0], MakeObject("x"));
  Meet();
  const pid_t child = ::fork();
  if (child == 0) {
    const bool refused = completions_->Take(0).status().code() == StatusCode::kForked &&
                         completions_->Add(ids).code() == StatusCode::kForked &&
                         completions_->Discard(ids[0]).code() == StatusCode::kForked &&
                         completions_->fd() == -1 && !client_->NewCompletions().ok();
    completions_.reset();
    client_.reset();
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(node_.pending(), 0u);
  EXPECT_TRUE(IsReadable());
  EXPECT_EQ(Take(0), Ids{ids[0]});
}

TEST_F(CompletionsTest, ManyThreadsAddAndTakeEachOnce) {
  constexpr int kThreads = 4;
  constexpr size_t kRounds = 200;
  node_.set_result_bytes(10);
  std::atomic<size_t> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (size_t round = 0; round < kRounds; ++round) {
        const ObjectId id = (*client_->Submit({}, nullptr, {}))[0];
        EXPECT_TRUE(completions_->Add({&id, 1}).ok());
        client_->RemoveLocalReference(id);
        for (const ObjectId& each : Take(0)) {
          client_->RemoveLocalReference(each);
          ++taken;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (taken < kThreads * kRounds) {
    const Ids rest = Take(-1);
    for (const ObjectId& each : rest) client_->RemoveLocalReference(each);
    taken += rest.size();
    if (rest.empty()) break;
  }
  EXPECT_EQ(taken.load(), kThreads * kRounds);
  EXPECT_FALSE(IsReadable());
}

// A task tells the node when its wait is over, and another thread may take meanwhile what has come.
TEST(CompletionsOfATaskTest, TakeNeverReturnsNothing) {
  FakeNode node;
  node.Serve(false);
  ClaimWord claims = std::move(ClaimWord::Create()).value();
  const auto worker =
      Client::AdoptWorker(node.client_fd(), ::dup(claims.fd()), WorkerNumber(3), "3.11");
  ASSERT_TRUE(worker.ok());
  claims.HandOut(0);
  flatbuffers::FlatBufferBuilder builder;
  (void)RunTaskMessage().Encode(&builder);
  node.Send(MessageType::RunTask, builder);
  ASSERT_TRUE((*worker)->NextTask().ok());
  TaskTemplate many;
  many.return_count = 1000;
  const Ids ids = *(*worker)->Submit(many, nullptr, {});
  const std::shared_ptr<Completions> queue = *(*worker)->NewCompletions();
  ASSERT_TRUE(queue->Add(ids).ok());
  std::atomic<size_t> taken{0};
  const auto take = [&](int64_t timeout_ms) {
    const auto some = queue->Take(timeout_ms);
    if (!some.ok()) return;
    EXPECT_FALSE(some->empty());
    for (const ObjectId& each : *some) (*worker)->RemoveLocalReference(each);
    taken += some->size();
  };
  std::thread pusher([&] {
    for (const ObjectId& id : ids) {
      while (node.Next().type != MessageType::Blocked) continue;
      node.PushInline(id, MakeObject("x"));
    }
  });
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&] {
      while (taken < ids.size()) take(0);
    });
  }
  while (taken < ids.size()) take(5);
  pusher.join();
  for (std::thread& other : others) other.join();
  EXPECT_EQ(taken.load(), ids.size());
}

}  // namespace
}  // namespace rayx
