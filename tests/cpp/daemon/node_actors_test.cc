// Actors on a real node with real worker processes, seen through the client library.
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "client/ask.h"
#include "common/process/process_tree.h"
#include "daemon/test_node.h"

namespace rayx {
namespace {

// A driver that makes actors of the functions of fake_worker.cc.
class ActorDriver : public TestDriver {
 public:
  using TestDriver::TestDriver;

  struct ActorOptions {
    std::string function = "make";
    int32_t max_restarts = 0;
    double gpus = 0;
    std::string name;
  };
  ObjectId Make(const ActorOptions& options) {
    TaskTemplate task;
    task.name = options.function;
    task.kind = TaskKind::kActorCreation;
    task.options.max_retries = options.max_restarts;
    task.actor_name = options.name;
    task.actor_info = "info of " + options.name;
    if (options.gpus > 0) task.resources.Set(kGpu, *ResourceAmount::FromDouble(options.gpus));
    const auto ids = client().Submit(task, nullptr, {});
    RAYX_CHECK_MSG(ids.ok(), ids.status().ToString());
    return ids->front();
  }
  ObjectId Make() { return Make(ActorOptions()); }

  ObjectId Call(const ObjectId& actor, const std::string& method, const std::string& args = "",
                const std::vector<ObjectId>& dependencies = {}) {
    TaskTemplate task;
    task.name = method;
    task.method = method;
    task.kind = TaskKind::kActorCall;
    task.actor = actor;
    const ObjectPieces pieces = TextPieces(args);
    const auto ids = client().Submit(task, &pieces, dependencies);
    RAYX_CHECK_MSG(ids.ok(), ids.status().ToString());
    return ids->front();
  }
  pid_t PidOf(const ObjectId& actor) { return std::stoi(Get(Call(actor, "pid"))); }
};

class NodeActorsTest : public testing::Test {
 protected:
  bool Gone(pid_t pid) {
    return WaitUntil([&] { return ::kill(pid, 0) != 0; });
  }
  // The call fails with a text that says so.
  void ExpectDead(const ObjectId& call, const std::string& why) {
    const ObjectView value = driver_.GetView(call);
    EXPECT_EQ(KindOf(value), ObjectKind::kSystemError);
    EXPECT_NE(TextOf(value).find(why), std::string::npos) << TextOf(value);
  }

  TestNode node_{{.arguments = {"--num-gpus", "2"}, .template_command = {}}};
  ActorDriver driver_{node_.socket_path()};
};

TEST_F(NodeActorsTest, CallsRunInOrderInOneProcess) {
  const ObjectId actor = driver_.Make();
  std::vector<ObjectId> calls;
  for (int i = 0; i < 500; ++i) calls.push_back(driver_.Call(actor, "count"));
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(driver_.Get(calls[static_cast<size_t>(i)]), std::to_string(i + 1));
  }
  const ObjectId other = driver_.Make();
  EXPECT_EQ(driver_.Get(driver_.Call(other, "count")), "1");
  EXPECT_NE(driver_.PidOf(actor), driver_.PidOf(other));
}

TEST_F(NodeActorsTest, ACallThatWaitsHoldsUpTheLaterOnesOfItsCaller) {
  const ObjectId actor = driver_.Make();
  const std::string gate = node_.scratch() + "/gate";
  const ObjectId late = driver_.Submit("wait for file", gate);
  const ObjectId first = driver_.Call(actor, "echo", "", {late});
  const ObjectId second = driver_.Call(actor, "count");
  const auto ready = driver_.client().Wait(std::vector{second}, 1, 50);
  ASSERT_TRUE(ready.ok());
  EXPECT_FALSE((*ready)[0]);
  driver_.TestDriver::Call("touch", gate);
  EXPECT_EQ(driver_.Get(first), "there");
  EXPECT_EQ(driver_.Get(second), "1");
}

TEST_F(NodeActorsTest, TheLastHandleEndsItAfterItsCalls) {
  const ObjectId actor = driver_.Make();
  const pid_t pid = driver_.PidOf(actor);
  const ObjectId last = driver_.Call(actor, "count");
  driver_.Drop(actor);
  EXPECT_EQ(driver_.Get(last), "1");
  EXPECT_TRUE(Gone(pid));
}

TEST_F(NodeActorsTest, AHandleInAnObjectKeepsIt) {
  const ObjectId actor = driver_.Make();
  const pid_t pid = driver_.PidOf(actor);
  const std::string text = "a box";
  ObjectPieces box = TextPieces(text);
  box.contained = {actor};
  const auto holder = driver_.client().Put(box);
  ASSERT_TRUE(holder.ok());
  driver_.Drop(actor);
  EXPECT_EQ(driver_.Get(driver_.Call(actor, "count")), "1");
  EXPECT_EQ(::kill(pid, 0), 0);
  driver_.Drop(*holder);
  EXPECT_TRUE(Gone(pid));
}

TEST_F(NodeActorsTest, KilledItsCallsFailAndNothingIsLeft) {
  const ObjectId actor = driver_.Make();
  const pid_t pid = driver_.PidOf(actor);
  const ObjectId running = driver_.Call(actor, "wait for file", node_.scratch() + "/never");
  const ObjectId queued = driver_.Call(actor, "count");
  ASSERT_TRUE(driver_.client().KillActor(actor).ok());
  ExpectDead(running, "rayx.kill");
  ExpectDead(queued, "rayx.kill");
  ExpectDead(driver_.Call(actor, "count"), "rayx.kill");
  EXPECT_TRUE(Gone(pid));
}

TEST_F(NodeActorsTest, ADeadWorkerIsTheCause) {
  const ObjectId actor = driver_.Make();
  const ObjectId fatal = driver_.Call(actor, "exit", "3");
  const ObjectId later = driver_.Call(actor, "count");
  ExpectDead(fatal, "exited with code 3");
  ExpectDead(fatal, "leaving now");
  ExpectDead(later, "exited with code 3");
}

// The result comes before the message that the call is over. Who has it must not be told that the
// call failed.
TEST_F(NodeActorsTest, ACallWhoseResultIsThereHasNotFailedWhenTheWorkerGoes) {
  constexpr size_t kBytes = 1 << 20;
  const ObjectId actor = driver_.Make();
  const ObjectId call = driver_.Call(actor, "exit behind the result", std::to_string(kBytes));
  EXPECT_EQ(driver_.Get(call).size(), kBytes);
  ExpectDead(driver_.Call(actor, "count"), "exited with code 3");
  const auto errors = AskErrors(driver_.client(), 10000);
  ASSERT_TRUE(errors.ok());
  ASSERT_EQ(errors->size(), 1u) << errors->front()["text"].text;
  EXPECT_EQ(errors->front()["name"].text, "count");
}

TEST_F(NodeActorsTest, ARestartRunsWhatHadNotBegun) {
  const ObjectId actor = driver_.Make({.max_restarts = 1, .name = ""});
  const pid_t first = driver_.PidOf(actor);
  const ObjectId fatal = driver_.Call(actor, "exit", "3");
  const ObjectId queued = driver_.Call(actor, "count");
  ExpectDead(fatal, "exited with code 3");
  EXPECT_EQ(driver_.Get(queued), "1");
  EXPECT_NE(driver_.PidOf(actor), first);
  ExpectDead(driver_.Call(actor, "exit", "4"), "exited with code 4");
  ExpectDead(driver_.Call(actor, "count"), "exited with code 4");
}

TEST_F(NodeActorsTest, AFailedCreationIsTheErrorOfEachCall) {
  const ObjectId actor = driver_.Make({.function = "fail to make", .name = ""});
  EXPECT_EQ(driver_.Get(driver_.Call(actor, "count")), "the error");
  EXPECT_EQ(driver_.Get(driver_.Call(actor, "count")), "the error");
  EXPECT_EQ(driver_.Get(actor), "the error");
}

TEST_F(NodeActorsTest, ANameIsFoundAndKeepsIt) {
  const ObjectId actor = driver_.Make({.name = "counter"});
  EXPECT_EQ(driver_.Get(driver_.Call(actor, "count")), "1");
  driver_.Drop(actor);
  const auto found = driver_.client().FindActor("counter", 10000);
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->id, actor);
  EXPECT_EQ((*found)->info, "info of counter");
  EXPECT_EQ(driver_.Get(driver_.Call(actor, "count")), "2");
  ExpectDead(driver_.Call(driver_.Make({.name = "counter"}), "count"), "counter");
  ASSERT_TRUE(driver_.client().KillActor(actor).ok());
  const auto gone = driver_.client().FindActor("counter", 10000);
  ASSERT_TRUE(gone.ok());
  EXPECT_FALSE(gone->has_value());
  EXPECT_FALSE(driver_.client().FindActor("nobody", 10000)->has_value());
}

TEST_F(NodeActorsTest, EachHasItsGpuUntilItEnds) {
  const ObjectId first = driver_.Make({.gpus = 1, .name = ""});
  const ObjectId second = driver_.Make({.gpus = 1, .name = ""});
  const std::string gpus =
      driver_.Get(driver_.Call(first, "gpus")) + driver_.Get(driver_.Call(second, "gpus"));
  EXPECT_TRUE(gpus == "0 1 " || gpus == "1 0 ") << gpus;
  const ObjectId third = driver_.Make({.gpus = 1, .name = ""});
  const ObjectId call = driver_.Call(third, "gpus");
  EXPECT_FALSE((*driver_.client().Wait(std::vector{call}, 1, 50))[0]);
  const std::string freed = driver_.Get(driver_.Call(first, "gpus"));
  ASSERT_TRUE(driver_.client().KillActor(first).ok());
  EXPECT_EQ(driver_.Get(call), freed);
}

TEST_F(NodeActorsTest, ItIsSaidWhatAnActorWaitsFor) {
  const ObjectId first = driver_.Make({.gpus = 2, .name = ""});
  EXPECT_EQ(driver_.Get(driver_.Call(first, "gpus")), "0 1 ");
  const ObjectId second = driver_.Make({.gpus = 1, .name = ""});
  const ObjectId call = driver_.Call(second, "count");
  const auto creation = AskWhy(driver_.client(), second, 10000);
  ASSERT_TRUE(creation.ok());
  EXPECT_NE(creation->find("GPU"), std::string::npos) << *creation;
  const auto waiting = AskWhy(driver_.client(), call, 10000);
  ASSERT_TRUE(waiting.ok());
  EXPECT_NE(waiting->find(second.Task().Hex()), std::string::npos) << *waiting;
  ActorDriver other(node_.socket_path());
  EXPECT_EQ(*AskWhy(other.client(), second, 10000), "") << "another driver's";
}

TEST_F(NodeActorsTest, AnotherDriversActorIsUnknown) {
  ActorDriver other(node_.socket_path());
  const ObjectId actor = driver_.Make({.name = "counter"});
  EXPECT_EQ(driver_.Get(driver_.Call(actor, "count")), "1");
  EXPECT_FALSE(other.client().FindActor("counter", 10000)->has_value());
  ASSERT_TRUE(other.client().KillActor(actor).ok());
  EXPECT_EQ(KindOf(other.GetView(other.Call(actor, "count"))), ObjectKind::kSystemError);
  EXPECT_EQ(driver_.Get(driver_.Call(actor, "count")), "2");
}

}  // namespace
}  // namespace rayx
