// Many threads on one client; made for ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "client/client.h"
#include "client/fake_node.h"

namespace rayx {
namespace {

constexpr int kThreads = 8;
constexpr int kRounds = 150;

TEST(ClientThreadsTest, SubmitGetPutWaitRemoveFromEightThreads) {
  FakeNode node;
  node.set_result_bytes(100);
  node.Serve(true);
  uint8_t bytes[16] = {'d'};
  auto client = Client::ConnectDriver({node.path(), DriverId::FromBytes(bytes), "3.11", ""});
  ASSERT_TRUE(client.ok());
  Client& shared = **client;
  const std::string large(100000, 'x');
  const ObjectId common = *shared.Put({});
  std::atomic<int> right{0};
  const auto work = [&](int thread) {
    TaskTemplate task;
    task.name = "f";
    for (int round = 0; round < kRounds; ++round) {
      const ObjectId id = (*shared.Submit(task, nullptr, {}))[0];
      shared.AddLocalReference(id);
      ObjectPieces pieces;
      const bool is_large = round % 25 == thread;
      pieces.stream = {reinterpret_cast<const uint8_t*>(large.data()), is_large ? 100000u : 50u};
      const ObjectId own = *shared.Put(pieces);
      const std::vector<ObjectId> ids{id, own, common};
      const auto views = shared.Get(ids, -1);
      if (views.ok() && views->size() == 3) ++right;
      (void)shared.Wait(ids, 3, 10);
      for (const ObjectId& each : {id, id, own}) shared.RemoveLocalReference(each);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right.load(), kThreads * kRounds);
}

TEST(ClientThreadsTest, CloseEndsThoseThatWait) {
  FakeNode node;
  node.Serve(true);
  uint8_t bytes[16] = {'d'};
  auto client = Client::ConnectDriver({node.path(), DriverId::FromBytes(bytes), "3.11", ""});
  ASSERT_TRUE(client.ok());
  TaskTemplate task;
  const ObjectId id = (*(*client)->Submit(task, nullptr, {}))[0];
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      Status status;
      do {
        status = (*client)->Get({&id, 1}, -1).status();
      } while (status.code() == StatusCode::kInterrupted);
      EXPECT_EQ(status.code(), StatusCode::kDisconnected);
    });
  }
  (*client)->Close();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace rayx
