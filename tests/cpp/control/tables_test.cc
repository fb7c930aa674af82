// What every implementation of the tables does, asked of each: in memory, on one server, on three.

#include "control/tables.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "control/control_server.h"
#include "control/loop_runner.h"
#include "control/memory_tables.h"
#include "control/records_maker.h"
#include "control/redis_tables.h"

namespace rayx::control {
namespace {

class TablesTest : public testing::TestWithParam<int> {
 protected:
  // The parameter is the number of servers; 0 is memory.
  TablesTest() {
    RedisOptions options;
    for (int i = 0; i < GetParam(); ++i) {
      servers_.push_back(std::make_unique<ControlServer>());
      options.shards.push_back({servers_.back()->path()});
    }
    options.password = ControlServer::password();
    tables_ = servers_.empty() ? MakeMemoryTables() : MakeRedisTables(runner_.loop(), options);
  }

  template <typename T>
  T Must(const std::function<void(Callback<T>)>& ask) {
    auto answer = runner_.Ask<T>(tables_.get(), ask);
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    return answer.ok() ? std::move(*answer) : T();
  }
  std::vector<NodeRecord> Nodes() {
    return Must<std::vector<NodeRecord>>([this](auto done) { tables_->nodes().List(done); });
  }
  std::vector<DriverRecord> Drivers() {
    return Must<std::vector<DriverRecord>>([this](auto done) { tables_->drivers().List(done); });
  }
  std::vector<TaskRecord> Tasks() {
    return Must<std::vector<TaskRecord>>([this](auto done) { tables_->tasks().List(done); });
  }
  std::optional<TaskRecord> Task(const TaskId& id) {
    return Must<std::optional<TaskRecord>>([&](auto done) { tables_->tasks().Get(id, done); });
  }
  std::optional<ObjectRecord> Object(const ObjectId& id) {
    return Must<std::optional<ObjectRecord>>([&](auto done) { tables_->objects().Get(id, done); });
  }
  std::optional<FunctionRecord> Function(const FunctionId& id) {
    return Must<std::optional<FunctionRecord>>(
        [&](auto done) { tables_->functions().Get(id, done); });
  }
  std::vector<ErrorRecord> Errors(const DriverId& driver) {
    return Must<std::vector<ErrorRecord>>([&](auto done) { tables_->errors().List(driver, done); });
  }
  using Counters = std::vector<std::pair<std::string, int64_t>>;
  Counters CountersNow() {
    return Must<Counters>([this](auto done) { tables_->counters().List(done); });
  }

  LoopRunner runner_;
  std::vector<std::unique_ptr<ControlServer>> servers_;
  std::unique_ptr<Tables> tables_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, TablesTest, testing::Values(0, 1, 3), [](const auto& tested) {
  return tested.param == 0 ? std::string("Memory") : "Servers" + std::to_string(tested.param);
});

TEST(TaskStateNameTest, NamesAndBack) {
  for (const TaskState state : kTaskStates) {
    EXPECT_EQ(TaskStateFromName(TaskStateName(state)), state);
  }
  EXPECT_EQ(TaskStateName(TaskState::kRunning), "running");
  EXPECT_EQ(TaskStateFromName("Running"), std::nullopt);
}

TEST_P(TablesTest, BeginsEmpty) {
  EXPECT_TRUE(Nodes().empty());
  EXPECT_TRUE(Drivers().empty());
  EXPECT_TRUE(Tasks().empty());
  EXPECT_TRUE(CountersNow().empty());
  EXPECT_TRUE(Errors(MakeId<DriverId>(1)).empty());
  EXPECT_FALSE(Task(MakeId<TaskId>(1)));
  EXPECT_FALSE(Object(MakeId<ObjectId>(1)));
  EXPECT_FALSE(Function(MakeId<FunctionId>(1)));
}

TEST_P(TablesTest, NodesLiveAndDie) {
  tables_->nodes().Register(MakeNode(2));
  tables_->nodes().Register(MakeNode(1));
  tables_->nodes().Heartbeat(MakeId<NodeId>(1), 2000);
  tables_->nodes().MarkDead(MakeId<NodeId>(2), 3000);
  const auto nodes = Nodes();
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0].host, "host-1");
  EXPECT_EQ(nodes[0].pid, 101);
  EXPECT_EQ(nodes[0].total, MakeNode(1).total);
  EXPECT_EQ(nodes[0].pool_bytes, 1u << 30);
  EXPECT_EQ(nodes[0].started_at, 1000.25);
  EXPECT_EQ(nodes[0].heartbeat_at, 2000);
  EXPECT_TRUE(nodes[0].alive);
  EXPECT_EQ(nodes[1].heartbeat_at, 3000);
  EXPECT_FALSE(nodes[1].alive);
}

TEST_P(TablesTest, NodeThatRegistersAgainHasOnlyItsNewResources) {
  tables_->nodes().Register(MakeNode(1));
  NodeRecord again = MakeNode(1);
  again.total = {{"GPU", ResourceAmount::Of(1)}};
  tables_->nodes().Register(again);
  const auto nodes = Nodes();
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].total, again.total);
}

TEST_P(TablesTest, UnknownNodesAreNotMadeByHeartbeats) {
  tables_->nodes().Heartbeat(MakeId<NodeId>(9), 1);
  tables_->nodes().MarkDead(MakeId<NodeId>(9), 2);
  EXPECT_TRUE(Nodes().empty());
}

TEST_P(TablesTest, SubscribersHearOfNewsOnly) {
  tables_->nodes().Register(MakeNode(1));
  std::vector<std::string> heard;
  tables_->nodes().Subscribe([&heard](const NodeRecord& node) {
    heard.push_back(node.host + (node.alive ? " lives" : " died"));
  });
  tables_->nodes().Register(MakeNode(2));
  runner_.RunTables(tables_.get(), [&heard] { return heard.size() == 1; });
  tables_->nodes().Heartbeat(MakeId<NodeId>(1), 2000);
  tables_->nodes().MarkDead(MakeId<NodeId>(1), 3000);
  runner_.RunTables(tables_.get(), [&heard] { return heard.size() == 2; });
  EXPECT_EQ(heard, (std::vector<std::string>{"host-2 lives", "host-1 died"}));
}

TEST_P(TablesTest, SubscribersHearWhatHappensAtOnce) {
  tables_->nodes().Register(MakeNode(1));
  tables_->nodes().Register(MakeNode(2));
  std::vector<std::string> heard;
  tables_->nodes().Subscribe([&heard](const NodeRecord& node) {
    heard.push_back(node.host + (node.alive ? " lives" : " died"));
  });
  tables_->nodes().MarkDead(MakeId<NodeId>(1), 3000);
  runner_.RunTables(tables_.get(), [&heard] { return !heard.empty(); });
  EXPECT_EQ(heard, std::vector<std::string>{"host-1 died"});
}

TEST_P(TablesTest, DriversComeAndEnd) {
  tables_->drivers().Register(MakeDriver(1));
  tables_->drivers().Register(MakeDriver(2));
  tables_->drivers().MarkEnded(MakeId<DriverId>(1), 12.25);
  const auto drivers = Drivers();
  ASSERT_EQ(drivers.size(), 2u);
  EXPECT_EQ(drivers[0].node, MakeId<NodeId>(2));
  EXPECT_EQ(drivers[0].pid, 7);
  EXPECT_EQ(drivers[0].started_at, 10.5);
  EXPECT_EQ(drivers[0].ended_at, 12.25);
  EXPECT_EQ(drivers[1].ended_at, 0);
}

TEST_P(TablesTest, FunctionsGoWithTheirDriver) {
  const DriverId first = MakeId<DriverId>(1);
  const DriverId second = MakeId<DriverId>(2);
  const std::string pickled("\x80\x05\0\r\n", 5);
  for (uint32_t i = 0; i < 20; ++i) {
    tables_->functions().Put(i % 2 == 0 ? first : second, {MakeId<FunctionId>(i), "f", pickled});
  }
  const auto function = Function(MakeId<FunctionId>(4));
  ASSERT_TRUE(function);
  EXPECT_EQ(function->id, MakeId<FunctionId>(4));
  EXPECT_EQ(function->name, "f");
  EXPECT_EQ(function->pickled, pickled);
  tables_->functions().Remove(second, MakeId<FunctionId>(5));
  tables_->functions().Remove(second, MakeId<FunctionId>(55));
  EXPECT_FALSE(Function(MakeId<FunctionId>(5)));
  EXPECT_TRUE(Function(MakeId<FunctionId>(7)));
  tables_->functions().Put(second, {MakeId<FunctionId>(5), "f", pickled});
  tables_->functions().RemoveDriver(first);
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  for (uint32_t i = 0; i < 20; ++i) {
    EXPECT_EQ(Function(MakeId<FunctionId>(i)).has_value(), i % 2 == 1) << i;
  }
}

TEST_P(TablesTest, TaskUpdatesKeepWhatTheyDoNotTell) {
  tables_->tasks().Put(MakeTask(1, TaskState::kWaiting));
  TaskRecord update;
  update.id = MakeId<TaskId>(1);
  update.node = MakeId<NodeId>(8);
  update.state = TaskState::kRunning;
  update.attempt = 2;
  tables_->tasks().Put(update);
  auto task = Task(MakeId<TaskId>(1));
  ASSERT_TRUE(task);
  EXPECT_EQ(task->state, TaskState::kRunning);
  EXPECT_EQ(task->attempt, 2u);
  EXPECT_EQ(task->node, MakeId<NodeId>(8));
  EXPECT_EQ(task->driver, MakeId<DriverId>(1));
  EXPECT_EQ(task->function, MakeId<FunctionId>(2));
  EXPECT_EQ(task->name, "train");
  EXPECT_EQ(task->spec, MakeTask(1, TaskState::kWaiting).spec);
  // Again, now that the server has it.
  update.state = TaskState::kDone;
  tables_->tasks().Put(update);
  task = Task(MakeId<TaskId>(1));
  ASSERT_TRUE(task);
  EXPECT_EQ(task->state, TaskState::kDone);
  EXPECT_EQ(task->spec, MakeTask(1, TaskState::kWaiting).spec);
}

TEST_P(TablesTest, TasksAreListedAndRemoved) {
  // More than one step of a listing.
  const uint32_t count = 3 * static_cast<uint32_t>(limits::kControlRecordsPerFlush);
  for (uint32_t i = 0; i < count; ++i) tables_->tasks().Put(MakeTask(i, TaskState::kReady));
  tables_->tasks().Remove(MakeId<TaskId>(3));
  const auto tasks = Tasks();
  ASSERT_EQ(tasks.size(), count - 1);
  tables_->tasks().Remove(MakeId<TaskId>(5));
  EXPECT_FALSE(Task(MakeId<TaskId>(3)));
  EXPECT_FALSE(Task(MakeId<TaskId>(5)));
  EXPECT_EQ(Tasks().size(), count - 2);
}

TEST_P(TablesTest, TaskThatIsRemovedAndPutAgainForgetsItsFirstLife) {
  tables_->tasks().Put(MakeTask(1, TaskState::kDone));
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  tables_->tasks().Remove(MakeId<TaskId>(1));
  TaskRecord again;
  again.id = MakeId<TaskId>(1);
  tables_->tasks().Put(again);
  const auto task = Task(MakeId<TaskId>(1));
  ASSERT_TRUE(task);
  EXPECT_EQ(task->state, TaskState::kWaiting);
  EXPECT_TRUE(task->name.empty());
  EXPECT_TRUE(task->spec.empty());
}

TEST_P(TablesTest, ActorsChangeAndGo) {
  const auto actors = [this] {
    return Must<std::vector<ActorRecord>>([this](auto done) { tables_->actors().List(done); });
  };
  EXPECT_TRUE(actors().empty());
  tables_->actors().Put(MakeActor(2, ActorState::kPending));
  tables_->actors().Put(MakeActor(1, ActorState::kAlive));
  tables_->actors().Put(MakeActor(2, ActorState::kDead));
  ASSERT_EQ(actors().size(), 2u);
  EXPECT_EQ(actors()[0].id, MakeId<TaskId>(1));
  EXPECT_EQ(actors()[0].name, "counter 1");
  EXPECT_EQ(actors()[1].state, ActorState::kDead);
  EXPECT_EQ(actors()[1].restarts, 2u);
  tables_->actors().Remove(MakeId<TaskId>(1));
  ASSERT_EQ(actors().size(), 1u);
  EXPECT_EQ(actors()[0].id, MakeId<TaskId>(2));
}

TEST_P(TablesTest, ObjectsHaveLocationsUntilTheLastGoes) {
  const ObjectId id = ObjectId::ForReturn(MakeId<TaskId>(1), 0);
  tables_->objects().AddLocation(id, MakeId<NodeId>(2), 5000000000);
  tables_->objects().AddLocation(id, MakeId<NodeId>(1), 5000000000);
  auto object = Object(id);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->id, id);
  EXPECT_EQ(object->size, 5000000000u);
  EXPECT_EQ(object->locations, (std::vector<NodeId>{MakeId<NodeId>(1), MakeId<NodeId>(2)}));
  tables_->objects().RemoveLocation(id, MakeId<NodeId>(2));
  object = Object(id);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->locations, std::vector<NodeId>{MakeId<NodeId>(1)});
  tables_->objects().RemoveLocation(id, MakeId<NodeId>(1));
  EXPECT_FALSE(Object(id));
  const auto all =
      Must<std::vector<ObjectRecord>>([this](auto done) { tables_->objects().List(done); });
  EXPECT_TRUE(all.empty());
}

TEST_P(TablesTest, ObjectsAreListedById) {
  for (uint32_t i = 0; i < 30; ++i) {
    tables_->objects().AddLocation(MakeId<ObjectId>(i), MakeId<NodeId>(1), i);
  }
  const auto objects =
      Must<std::vector<ObjectRecord>>([this](auto done) { tables_->objects().List(done); });
  ASSERT_EQ(objects.size(), 30u);
  uint64_t sum = 0;
  for (const ObjectRecord& object : objects) sum += object.size;
  EXPECT_EQ(sum, 30u * 29 / 2);
}

TEST_P(TablesTest, NewestErrorsOfEachDriverAreKept) {
  const DriverId driver = MakeId<DriverId>(1);
  ErrorRecord error{driver, MakeId<TaskId>(2), "f", "TaskError", "", 1.5};
  for (size_t i = 0; i < limits::kErrorsKept + 5; ++i) {
    error.text = "line " + std::to_string(i) + "\n\tat \\ end";
    tables_->errors().Append(error);
  }
  error.driver = MakeId<DriverId>(2);
  tables_->errors().Append(error);
  const auto errors = Errors(driver);
  ASSERT_EQ(errors.size(), limits::kErrorsKept);
  EXPECT_EQ(errors.front().text, "line 5\n\tat \\ end");
  EXPECT_EQ(errors.back().text, "line 1004\n\tat \\ end");
  EXPECT_EQ(errors.back().driver, driver);
  EXPECT_EQ(errors.back().task, MakeId<TaskId>(2));
  EXPECT_EQ(errors.back().name, "f");
  EXPECT_EQ(errors.back().kind, "TaskError");
  EXPECT_EQ(errors.back().time, 1.5);
  EXPECT_EQ(Errors(MakeId<DriverId>(2)).size(), 1u);
}

TEST_P(TablesTest, CountersAddUp) {
  tables_->counters().Add("tasks finished", 2);
  tables_->counters().Add("bytes put", 1000);
  EXPECT_EQ(CountersNow(), (Counters{{"bytes put", 1000}, {"tasks finished", 2}}));
  tables_->counters().Add("tasks finished", 3);
  EXPECT_EQ(CountersNow(), (Counters{{"bytes put", 1000}, {"tasks finished", 5}}));
}

TEST_P(TablesTest, DrainedTablesAreConnected) {
  tables_->tasks().Put(MakeTask(1, TaskState::kReady));
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  EXPECT_TRUE(tables_->connected());
  EXPECT_TRUE(tables_->health().ok());
  tables_->Flush();
  EXPECT_EQ(tables_->NextFlushMs(), std::nullopt);
}

}  // namespace
}  // namespace rayx::control
