// Worker leases between real processes: a driver, a node, workers.
#include "daemon/latency/lease_service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "common/protocol/wire_ids.h"
#include "daemon/raw_peer.h"
#include "daemon/test_node.h"

namespace rayx {
namespace {

class LeaseServiceTest : public testing::Test {
 protected:
  static TestNode::Options OneCpu() {
    TestNode::Options options;
    options.cpus = 1;
    options.arguments = {"--num-workers", "1"};
    return options;
  }
  bool IsOpen(TestDriver& driver) {
    return driver.Dump().find("worker lease: from peer") != std::string::npos;
  }
  // Calls until the node has given the driver a lease. Rounds of a busy machine may be too slow for
  // a while.
  void GetLease(TestDriver& driver) {
    for (int i = 0; i < 1000; ++i) {
      for (int k = 0; k < 100; ++k) ASSERT_EQ(driver.Call("echo", "x"), "x");
      if (IsOpen(driver)) return;
    }
    FAIL() << "no lease after 100,000 calls\n" << driver.Dump();
  }
};

TEST_F(LeaseServiceTest, OpensForCallsOneByOneAndClosesForOthers) {
  TestNode node(OneCpu());
  TestDriver driver(node.socket_path());
  GetLease(driver);
  for (int i = 0; i < 1000; ++i) {
    const std::string text = std::to_string(i);
    ASSERT_EQ(driver.Call("echo", text), text);
  }
  const ObjectId one = driver.Put("1");
  EXPECT_EQ(driver.Get(driver.Submit("sum", "2", {one})), "3");
  EXPECT_FALSE(IsOpen(driver));
  GetLease(driver);
}

TEST_F(LeaseServiceTest, NothingIsKeptOfWhatIsOver) {
  TestNode node(OneCpu());
  TestDriver driver(node.socket_path());
  GetLease(driver);
  const auto objects = [&] { return TestNode::Number(driver.Dump(), "object store: "); };
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(driver.Call("echo", "x"), "x");
  ASSERT_TRUE(driver.client().Poll().ok());
  EXPECT_TRUE(WaitUntil([&] { return objects() <= 2; })) << driver.Dump();
  EXPECT_EQ(driver.FreeCpus(), 1);
}

TEST_F(LeaseServiceTest, LargeValuesAndSeveralResults) {
  TestNode node(OneCpu());
  TestDriver driver(node.socket_path());
  GetLease(driver);
  const std::string large = driver.Call("large", "3000000");
  EXPECT_EQ(large.size(), 3000000u);
  EXPECT_EQ(driver.Call("large", "3000000"), large);
  TestDriver::Options options;
  options.return_count = 20;
  for (int round = 0; round < 3; ++round) {
    const auto ids = driver.SubmitMany("echo", "x", {}, options);
    for (const ObjectId& id : ids) EXPECT_EQ(driver.Get(id), "x");
  }
  const std::string args(5000000, 'a');
  EXPECT_EQ(driver.Call("echo", args), args);
}

TEST_F(LeaseServiceTest, ATaskWhoseWorkerDiesIsTriedAgain) {
  TestNode node(OneCpu());
  TestDriver driver(node.socket_path());
  TestDriver::Options options;
  options.max_retries = 2;
  for (int i = 0; i < 5; ++i) {
    GetLease(driver);
    const std::string mark = node.scratch() + "/crashed" + std::to_string(i);
    const ObjectId id = driver.SubmitMany("crash once", mark, {}, options).front();
    EXPECT_EQ(driver.Get(id), "attempt 1");
  }
}

TEST_F(LeaseServiceTest, ATaskThatMayNotBeTriedAgainFails) {
  TestNode node(OneCpu());
  TestDriver driver(node.socket_path());
  GetLease(driver);
  const ObjectView value = driver.GetView(driver.Submit("exit", "3"));
  EXPECT_EQ(KindOf(value), ObjectKind::kSystemError);
  EXPECT_NE(TextOf(value).find("exited with code 3"), std::string::npos) << TextOf(value);
  EXPECT_NE(TextOf(value).find("leaving now"), std::string::npos) << TextOf(value);
  GetLease(driver);
}

TEST_F(LeaseServiceTest, AnIdleWorkerThatIsKilledCostsNothing) {
  TestNode node(OneCpu());
  TestDriver driver(node.socket_path());
  for (int i = 0; i < 5; ++i) {
    GetLease(driver);
    ::kill(static_cast<pid_t>(std::stol(driver.Call("pid"))), SIGKILL);
    for (int k = 0; k < 10; ++k) {
      // Not one of these had begun in it, or may be tried again.
      TestDriver::Options options;
      options.max_retries = 1;
      ASSERT_EQ(driver.Get(driver.SubmitMany("echo", "x", {}, options).front()), "x");
    }
  }
}

TEST_F(LeaseServiceTest, ACancelledTaskEnds) {
  TestNode node(OneCpu());
  TestDriver driver(node.socket_path());
  GetLease(driver);
  const ObjectId id = driver.Submit("wait for file", node.scratch() + "/never");
  ASSERT_TRUE(driver.client().Cancel(id, /*force=*/true).ok());
  EXPECT_EQ(KindOf(driver.GetView(id)), ObjectKind::kSystemError);
  GetLease(driver);
}

TEST_F(LeaseServiceTest, AnotherDriverIsServedAsWell) {
  TestNode node(OneCpu());
  TestDriver driver(node.socket_path());
  TestDriver other(node.socket_path());
  GetLease(driver);
  std::atomic<bool> stop{false};
  std::thread beside([&] {
    while (!stop) EXPECT_EQ(driver.Call("echo", "x"), "x");
  });
  for (int i = 0; i < 300; ++i) {
    const std::string text = std::to_string(i);
    EXPECT_EQ(other.Call("echo", text), text);
  }
  stop = true;
  beside.join();
  EXPECT_EQ(driver.FreeCpus(), 1);
}

TEST_F(LeaseServiceTest, SeveralThreadsOfOneDriver) {
  TestNode node;
  TestDriver driver(node.socket_path());
  GetLease(driver);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 1000; ++i) {
        const std::string text = std::to_string(thread * 10000 + i);
        EXPECT_EQ(driver.Call("echo", text), text);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(LeaseServiceTest, WhatAllWorkersRunComesBeforeTheNextTask) {
  TestNode node(OneCpu());
  TestDriver driver(node.socket_path());
  GetLease(driver);
  const std::string setup = "one";
  ASSERT_TRUE(driver.client()
                  .AddWorkerSetup({reinterpret_cast<const uint8_t*>(setup.data()), setup.size()})
                  .ok());
  EXPECT_EQ(driver.Call("setups"), "one ");
  GetLease(driver);
}

TEST_F(LeaseServiceTest, ATaskOverALeaseMaySubmitAndWait) {
  TestNode node(OneCpu());
  TestDriver driver(node.socket_path());
  GetLease(driver);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(driver.Call("nested", "3"), "3");
}

TEST_F(LeaseServiceTest, WhoHasNoLeaseMayNotUseIt) {
  TestNode node(OneCpu());
  TestDriver driver(node.socket_path());
  GetLease(driver);
  RawPeer peer(node.socket_path());
  const DriverId id = peer.BecomeDriver();
  flatbuffers::FlatBufferBuilder spec;
  const TaskId task = TaskId::FromBytes(id.data());
  const FunctionId function;
  spec.Finish(
      protocol::CreateTaskSpecDirect(spec, ToWire(task), ToWire(id), ToWire(function), "echo"));
  ASSERT_TRUE(peer.SendMessage(protocol::MessageType::TaskGiven, [&](auto& builder) {
    builder.ForceVectorAlignment(spec.GetSize(), 1, 8);
    const auto nested = builder.CreateVector(spec.GetBufferPointer(), spec.GetSize());
    return protocol::CreateRunTask(builder, 0, 0, nested);
  }));
  EXPECT_TRUE(peer.IsClosedWithin(std::chrono::seconds(5)));
  EXPECT_TRUE(node.LogSays("TaskGiven of a client without a lease"));
  EXPECT_EQ(driver.Call("echo", "x"), "x");
}

TEST_F(LeaseServiceTest, ADriverThatIsKilledLeavesNothing) {
  TestNode node(OneCpu());
  TestDriver other(node.socket_path());
  {
    TestDriver driver(node.socket_path());
    GetLease(driver);
    (void)driver.Submit("wait for file", node.scratch() + "/never");
    driver.client().Close();
  }
  EXPECT_EQ(other.Call("echo", "x"), "x");
  EXPECT_TRUE(WaitUntil([&] { return other.FreeCpus() == 1; }));
}

}  // namespace
}  // namespace rayx
