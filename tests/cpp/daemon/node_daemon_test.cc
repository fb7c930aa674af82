// A real node with real worker processes, seen through the client library.
#include "daemon/node_daemon.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "client/ask.h"
#include "common/base/limits.h"
#include "common/process/process_tree.h"
#include "daemon/test_node.h"

namespace rayx {
namespace {

TEST(NodeDaemon, RunsATaskAndGivesItsResultBack) {
  TestNode node;
  TestDriver driver(node.socket_path());
  EXPECT_EQ(driver.Call("echo", "hello"), "hello");
  EXPECT_EQ(driver.Call("sum", "41"), "41");
}

TEST(NodeDaemon, AChainOfDependenciesRunsInOrder) {
  TestNode node;
  TestDriver driver(node.socket_path());
  ObjectId last = driver.Put("1");
  for (int i = 0; i < 100; ++i) last = driver.Submit("sum", "1", {last});
  EXPECT_EQ(driver.Get(last), "101");
}

TEST(NodeDaemon, ATaskWaitsForDependenciesThatComeLater) {
  TestNode node;
  TestDriver driver(node.socket_path());
  const std::string gate = node.scratch() + "/gate";
  const ObjectId first = driver.Submit("wait for file", gate);
  const ObjectId second = driver.Submit("echo", "", {first});
  const auto before = driver.client().Wait(std::vector<ObjectId>{second}, 1, 50);
  ASSERT_TRUE(before.ok());
  EXPECT_FALSE((*before)[0]);
  driver.Call("touch", gate);
  EXPECT_EQ(driver.Get(second), "there");
}

TEST(NodeDaemon, NestedTasksDeeperThanTheCpusEnd) {
  TestNode node;
  TestDriver driver(node.socket_path());
  EXPECT_EQ(driver.Call("nested", "12"), "12");
}

TEST(NodeDaemon, ATaskGetsAnIdInItsArgumentsThatTheDriverHasDropped) {
  TestNode node;
  TestDriver driver(node.socket_path());
  const ObjectId value = driver.Put("kept alive by the task");
  const std::string gate = node.scratch() + "/gate";
  const ObjectId holder = driver.Submit("wait for file", gate);
  const ObjectId reader =
      driver.SubmitMany("get", value.Hex(), std::vector{holder}, {}, {value}).front();
  driver.Drop(value);
  driver.Call("touch", gate);
  EXPECT_EQ(driver.Get(reader), "kept alive by the task");
}

TEST(NodeDaemon, LargeResultsAreSharedNotSent) {
  TestNode node;
  TestDriver driver(node.socket_path());
  const ObjectId id = driver.Submit("large", "3000000");
  const ObjectView first = driver.GetView(id);
  const ObjectView second = driver.GetView(id);
  EXPECT_EQ(first.bytes().data(), second.bytes().data());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first.bytes().data()) % 64, 0u);
  const std::string text = TextOf(first);
  ASSERT_EQ(text.size(), 3000000u);
  for (size_t i = 0; i < text.size(); i += 997) ASSERT_EQ(text[i], static_cast<char>(i * 31 >> 3));
  // As an argument, and back.
  const ObjectId again = driver.Submit("echo", "", {id});
  EXPECT_EQ(driver.Get(again), text);
}

TEST(NodeDaemon, LargeArgumentsGoThroughTheStore) {
  TestNode node;
  TestDriver driver(node.socket_path());
  const std::string args(5000000, 'a');
  EXPECT_EQ(driver.Call("echo", args), args);
}

TEST(NodeDaemon, SeveralReturnValues) {
  TestNode node;
  TestDriver driver(node.socket_path());
  TestDriver::Options options;
  options.return_count = 50;
  const auto ids = driver.SubmitMany("echo", "x", {}, options);
  ASSERT_EQ(ids.size(), 50u);
  for (const ObjectId& id : ids) EXPECT_EQ(driver.Get(id), "x");
}

TEST(NodeDaemon, TasksOfOneShapeStartInOrder) {
  TestNode::Options options;
  options.cpus = 1;
  options.arguments = {"--num-workers", "1"};
  TestNode node(options);
  TestDriver driver(node.socket_path());
  const std::string path = node.scratch() + "/order";
  std::vector<ObjectId> ids;
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const std::string line = std::to_string(i) + "\n";
    ids.push_back(driver.Submit("append", path + " " + line));
    expected += line;
  }
  for (const ObjectId& id : ids) EXPECT_EQ(driver.Get(id), "written");
  EXPECT_EQ(ReadFile(path), expected);
}

TEST(NodeDaemon, TenThousandTasks) {
  TestNode node;
  TestDriver driver(node.socket_path());
  std::vector<ObjectId> ids;
  for (int i = 0; i < 10000; ++i) ids.push_back(driver.Submit("sum", std::to_string(i)));
  const auto views = driver.GetAll(ids, 120000);
  ASSERT_TRUE(views.ok()) << views.status().ToString();
  for (int i = 0; i < 10000; ++i) {
    ASSERT_EQ(TextOf((*views)[static_cast<size_t>(i)]), std::to_string(i));
  }
}

TEST(NodeDaemon, EachWorkerIsToldOfASetupOnce) {
  TestNode::Options options;
  options.cpus = 1;
  options.arguments = {"--num-workers", "1"};
  TestNode node(options);
  TestDriver driver(node.socket_path());
  const std::string setup = "one";
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(setup.data()),
                                       setup.size());
  EXPECT_EQ(driver.Call("setups"), "");
  ASSERT_TRUE(driver.client().AddWorkerSetup(bytes).ok());
  ASSERT_TRUE(driver.client().AddWorkerSetup(bytes).ok());
  EXPECT_EQ(driver.Call("setups"), "one one ");
  EXPECT_EQ(driver.Call("setups"), "");
  EXPECT_NE(driver.Call("exit", "1"), "");
  EXPECT_EQ(driver.Call("setups"), "one one ") << "a new worker";
}

TEST(NodeDaemon, ATaskWhoseResultsAreThereIsOverWhenItsWorkerGoes) {
  constexpr size_t kBytes = 1 << 20;
  TestNode node;
  TestDriver driver(node.socket_path());
  const std::vector<ObjectId> results = driver.SubmitMany(
      "exit behind the result", std::to_string(kBytes), {}, {.max_retries = 5, .return_count = 2});
  for (const ObjectId& result : results) EXPECT_EQ(driver.Get(result).size(), kBytes);
  EXPECT_EQ(driver.Call("echo", "another worker"), "another worker");
  const auto errors = AskErrors(driver.client(), 10000);
  ASSERT_TRUE(errors.ok());
  EXPECT_TRUE(errors->empty()) << errors->front()["text"].text;
  EXPECT_NE(driver.Dump().find("0 retried"), std::string::npos) << driver.Dump();
}

TEST(NodeDaemon, ACancelledTaskFailsAndWhatRunsIsEnded) {
  TestNode::Options options;
  options.cpus = 1;
  TestNode node(options);
  TestDriver driver(node.socket_path());
  const ObjectId running = driver.Submit("wait for file", node.scratch() + "/never");
  const ObjectId queued = driver.Submit("echo", "x");
  ASSERT_TRUE(driver.client().Cancel(queued, false).ok());
  EXPECT_EQ(KindOf(driver.GetView(queued)), ObjectKind::kSystemError);
  ASSERT_TRUE(driver.client().Cancel(running, true).ok());
  EXPECT_EQ(KindOf(driver.GetView(running)), ObjectKind::kSystemError);
  const ObjectId done = driver.Submit("echo", "done");
  EXPECT_EQ(driver.Get(done), "done");
  ASSERT_TRUE(driver.client().Cancel(done, true).ok());
  EXPECT_EQ(driver.Get(done), "done");
}

// ---- failures
// --------------------------------------------------------------------------------------

TEST(NodeDaemon, ATaskWhoseWorkerDiesIsTriedAgain) {
  TestNode node;
  TestDriver driver(node.socket_path());
  TestDriver::Options options;
  options.max_retries = 3;
  const auto id = driver.SubmitMany("crash once", node.scratch() + "/crashed", {}, options).front();
  EXPECT_EQ(driver.Get(id), "attempt 1");
}

TEST(NodeDaemon, ACrashTellsTheSignalAndTheLastLines) {
  TestNode node;
  TestDriver driver(node.socket_path());
  const ObjectView segfault = driver.GetView(driver.Submit("segfault"));
  EXPECT_EQ(KindOf(segfault), ObjectKind::kSystemError);
  const std::string text = TextOf(segfault);
  EXPECT_EQ(text[0], static_cast<char>(SystemErrorCode::kWorkerCrashed));
  EXPECT_NE(text.find("signal 11 (SIGSEGV)"), std::string::npos) << text;
  const std::string exit = driver.Call("exit", "3");
  EXPECT_NE(exit.find("exited with code 3"), std::string::npos) << exit;
  EXPECT_NE(exit.find("leaving now"), std::string::npos) << exit;
  // Others go on.
  EXPECT_EQ(driver.Call("echo", "alive"), "alive");
  const auto errors = AskErrors(driver.client(), 10000);
  ASSERT_TRUE(errors.ok()) << errors.status().ToString();
  ASSERT_EQ(errors->size(), 2u);
  EXPECT_EQ((*errors)[0]["kind"].text, "WorkerCrashedError");
  EXPECT_EQ((*errors)[0]["name"].text, "segfault");
}

TEST(NodeDaemon, AWorkerThatClosesItsConnectionIsEnded) {
  TestNode node;
  TestDriver driver(node.socket_path());
  const std::string text = driver.Call("close the socket");
  EXPECT_NE(text.find("closed its connection"), std::string::npos) << text;
  EXPECT_EQ(driver.Call("echo", "alive"), "alive");
}

TEST(NodeDaemon, AnInfeasibleTaskFailsAtOnce) {
  TestNode node;
  TestDriver driver(node.socket_path());
  TestDriver::Options options;
  options.cpus = 3;
  const auto view = driver.GetView(driver.SubmitMany("echo", "", {}, options).front(), 5000);
  const std::string text = TextOf(view);
  EXPECT_EQ(text[0], static_cast<char>(SystemErrorCode::kInfeasible));
  EXPECT_NE(text.find("CPU: 3"), std::string::npos) << text;
}

TEST(NodeDaemon, ATemplateThatCannotStartFailsTheTasksWithItsWords) {
  TestNode::Options options;
  options.template_command = {RAYX_TEMPLATE_PROGRAM, "--fail", "no module named sadness"};
  TestNode node(options);
  TestDriver driver(node.socket_path());
  const std::string text = driver.Call("echo", "x");
  EXPECT_EQ(text[0], static_cast<char>(SystemErrorCode::kWorkerStartFailed));
  EXPECT_NE(text.find("no module named sadness"), std::string::npos) << text;
}

TEST(NodeDaemon, TheTemplateIsStartedAgainWhenItIsKilled) {
  TestNode node;
  TestDriver driver(node.socket_path());
  EXPECT_EQ(driver.Call("echo", "before"), "before");
  for (const pid_t pid : Descendants(node.pid())) {
    const std::string name = ReadFile("/proc/" + std::to_string(pid) + "/stat");
    if (name.find(' ' + std::to_string(node.pid()) + ' ') != std::string::npos)
      ::kill(pid, SIGKILL);
  }
  TestDriver::Options options;
  options.max_retries = 3;
  for (int i = 0; i < 5; ++i) {
    const auto id = driver.SubmitMany("echo", "after", {}, options).front();
    EXPECT_EQ(driver.Get(id), "after");
  }
}

TEST(NodeDaemon, AnObjectThatDoesNotFitIsRefusedAndOthersGoOn) {
  TestNode::Options options;
  options.pool_bytes = 8u << 20;
  TestNode node(options);
  TestDriver driver(node.socket_path());
  const std::string too_large(9u << 20, 'x');
  const auto put = driver.client().Put(TextPieces(too_large));
  EXPECT_EQ(put.status().code(), StatusCode::kStoreFull) << put.status().ToString();
  EXPECT_EQ(driver.Call("echo", std::string(1u << 20, 'y')), std::string(1u << 20, 'y'));
}

// ---- what stays
// ------------------------------------------------------------------------------------

TEST(NodeDaemon, AllOfADriverGoesWithIt) {
  TestNode node;
  TestDriver watcher(node.socket_path());
  {
    TestDriver driver(node.socket_path());
    const ObjectId large = driver.Submit("large", "5000000");
    const ObjectView view = driver.GetView(large);
    driver.Put("small");
    for (int i = 0; i < 20; ++i) driver.Submit("wait for file", "/never/there");
    driver.Submit("echo", "", {driver.Submit("wait for file", "/never/there")});
    EXPECT_FALSE(view.bytes().empty());
  }
  std::string dump;
  EXPECT_TRUE(WaitUntil([&] {
    dump = watcher.Dump();
    return dump.find("tasks: 0 waiting for objects, 0 ready, 0 assigned") != std::string::npos &&
           dump.find("\nobject store: 0 objects") != std::string::npos;
  })) << dump;
  EXPECT_EQ(watcher.Call("echo", "still here"), "still here");
}

TEST(NodeDaemon, DroppedResultsLeaveNothingInTheStore) {
  TestNode node;
  TestDriver driver(node.socket_path());
  for (int i = 0; i < 50; ++i) driver.Call("large", "200000");
  for (int i = 0; i < 50; ++i) driver.Call("echo", "small");
  std::string dump;
  EXPECT_TRUE(WaitUntil([&] {
    dump = driver.Dump();
    return dump.find("\nobject store: 0 objects") != std::string::npos;
  })) << dump;
}

TEST(NodeDaemon, ADriverThatDoesNotReadGetsItsResultsWhenItDoes) {
  TestNode node;
  TestDriver driver(node.socket_path());
  TestDriver watcher(node.socket_path());
  constexpr int kTasks = 100000;
  std::vector<ObjectId> ids;
  size_t largest_backlog = 0;
  for (int i = 0; i < kTasks; ++i) {
    ids.push_back(driver.Submit("echo", std::string(1000, static_cast<char>('a' + i % 26))));
    if (i % 10000 != 0) continue;
    const std::string dump = watcher.Dump();
    largest_backlog = std::max(largest_backlog, TestNode::Number(dump, "largest backlog: "));
  }
  // Most results are made while nobody reads.
  EXPECT_TRUE(WaitUntil(
      [&] {
        const std::string dump = watcher.Dump();
        largest_backlog = std::max(largest_backlog, TestNode::Number(dump, "largest backlog: "));
        return dump.find("tasks: 0 waiting for objects, 0 ready, 0 assigned") != std::string::npos;
      },
      std::chrono::seconds(120)));
  EXPECT_LE(largest_backlog, limits::kPeerBacklogBytesSoft + 2 * limits::kInlineBatchBytesMax);
  const auto views = driver.GetAll(ids, 120000);
  ASSERT_TRUE(views.ok()) << views.status().ToString();
  for (int i = 0; i < kTasks; i += 1009) {
    EXPECT_EQ(TextOf((*views)[static_cast<size_t>(i)]),
              std::string(1000, static_cast<char>('a' + i % 26)));
  }
}

TEST(NodeDaemon, AnIdleNodeSleeps) {
  TestNode node;
  TestDriver driver(node.socket_path());
  driver.Call("echo", "x");
  // Its workers may be started and its records written meanwhile; then there is nothing to do.
  const auto quiet = [&] {
    const long before = CpuTicksOf(node.pid());
    WaitUntil([] { return false; }, std::chrono::milliseconds(500));
    return CpuTicksOf(node.pid()) - before <= 1;
  };
  EXPECT_TRUE(quiet() || quiet() || quiet());
}

TEST(NodeDaemon, DetachedChildrenOfWorkersEndWithTheNode) {
  pid_t detached = 0;
  {
    TestNode node;
    TestDriver driver(node.socket_path());
    detached = std::stoi(driver.Call("detach"));
    EXPECT_TRUE(IsAlive(detached));
  }
  EXPECT_FALSE(IsAlive(detached));
}

TEST(NodeDaemon, TheDriversSettingsComeWithTheFirstTask) {
  TestNode::Options options;
  options.cpus = 1;
  TestNode node(options);
  TestDriver driver(node.socket_path(), "sys.path and so on");
  EXPECT_EQ(driver.Call("config"), "sys.path and so on");
  EXPECT_EQ(driver.Call("config"), "(none)");
}

}  // namespace
}  // namespace rayx
