// The tables on real servers: what is sent and when, and what a server's death and return do to it.

#include "control/redis_tables.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "control/control_server.h"
#include "control/loop_runner.h"
#include "control/records_maker.h"
#include "control/redis_link.h"
#include "control/schema.h"

namespace rayx::control {
namespace {

class RedisTablesTest : public testing::Test {
 protected:
  std::unique_ptr<Tables> Join() {
    return MakeRedisTables(runner_.loop(), {{{server_.path()}}, ControlServer::password()});
  }
  Reply AskServer(const ControlServer& server, std::vector<std::string_view> words) {
    RedisLink admin(runner_.loop(), server.admin());
    std::optional<Reply> answer;
    admin.Read(words, [&answer](Result<Reply> reply) {
      EXPECT_TRUE(reply.ok()) << reply.status().ToString();
      answer = reply.ok() ? std::move(*reply) : Reply();
    });
    runner_.RunUntil([&answer] { return answer.has_value(); }, [&admin] { admin.Flush(); });
    return answer.value_or(Reply());
  }
  // How often the server has run a command since it started.
  int CallsOf(const std::string& command) {
    const std::string text = AskServer(server_, {"INFO", "commandstats"}).text;
    const std::string line = "cmdstat_" + command + ":calls=";
    const size_t at = text.find(line);
    return at == std::string::npos ? 0 : std::stoi(text.substr(at + line.size()));
  }
  int64_t MemoryOf(const std::string& field) {
    const std::string text = AskServer(server_, {"INFO", "memory"}).text;
    const std::string line = field + ":";
    const size_t at = text.find(line);
    return at == std::string::npos ? 0 : std::stoll(text.substr(at + line.size()));
  }
  template <typename T>
  T Must(const std::function<void(Callback<T>)>& ask) {
    auto answer = runner_.Ask<T>(tables_.get(), ask);
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    return answer.ok() ? std::move(*answer) : T();
  }

  LoopRunner runner_;
  ControlServer server_;
  std::unique_ptr<Tables> tables_ = Join();
};

TEST_F(RedisTablesTest, LocalStateIsCoalescedUntilItIsDue) {
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  tables_->Flush();
  EXPECT_EQ(tables_->NextFlushMs(), std::nullopt);
  const int before = CallsOf("hset");
  for (uint32_t i = 0; i < 100; ++i) {
    for (const TaskState state : {TaskState::kWaiting, TaskState::kReady, TaskState::kRunning}) {
      tables_->tasks().Put(MakeTask(i, state));
      tables_->Flush();
    }
    if (i % 2 == 1) tables_->tasks().Remove(MakeId<TaskId>(i));
    tables_->objects().AddLocation(MakeId<ObjectId>(i), MakeId<NodeId>(1), 10);
    tables_->objects().RemoveLocation(MakeId<ObjectId>(i), MakeId<NodeId>(1));
    tables_->counters().Add("tasks", 1);
  }
  tables_->Flush();
  const auto due_ms = tables_->NextFlushMs();
  ASSERT_TRUE(due_ms);
  EXPECT_LE(*due_ms, runner_.loop()->now_ms() + limits::kControlFlushMs);
  runner_.RunTables(tables_.get(), [this] { return !tables_->NextFlushMs(); });
  EXPECT_GE(runner_.loop()->now_ms(), *due_ms);
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  // Fifty tasks are left, and the counter; no other command was needed.
  EXPECT_EQ(CallsOf("hset") - before, 51);
  EXPECT_EQ(CallsOf("hdel"), 0);
  EXPECT_EQ(CallsOf("del"), 0);
}

TEST_F(RedisTablesTest, ABurstIsWrittenInSmallPortions) {
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  const auto count = static_cast<uint32_t>(2 * limits::kControlRecordsPerFlush + 100);
  for (uint32_t i = 0; i < count; ++i) tables_->tasks().Put(MakeTask(i, TaskState::kReady));
  const int64_t start_ms = runner_.loop()->now_ms();
  EXPECT_TRUE(tables_->behind());
  runner_.RunTables(tables_.get(), [this] { return !tables_->NextFlushMs(); });
  EXPECT_FALSE(tables_->behind());
  EXPECT_GE(runner_.loop()->now_ms() - start_ms, 3 * limits::kControlFlushMs);
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  EXPECT_EQ(CallsOf("hset"), static_cast<int>(count));
}

TEST_F(RedisTablesTest, TheMemoryOfABurstGoesBackWithItsRecords) {
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  // The server looks at its memory twice a second.
  const auto memory_when = [this](const auto& is_as_expected) {
    const int64_t limit_ms = runner_.loop()->now_ms() + 10000;
    int64_t memory = MemoryOf("used_memory_rss");
    while (!is_as_expected(memory) && runner_.loop()->now_ms() < limit_ms) {
      memory = MemoryOf("used_memory_rss");
    }
    return memory;
  };
  const int64_t before = MemoryOf("used_memory_rss");
  const int64_t much = before + (int64_t{20} << 20);
  const auto count = static_cast<uint32_t>(4 * limits::kControlBurstRecords);
  for (uint32_t i = 0; i < count; ++i) tables_->tasks().Put(MakeTask(i, TaskState::kReady));
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  EXPECT_GT(memory_when([&](int64_t memory) { return memory > much; }), much);
  for (uint32_t i = 0; i < count; ++i) tables_->tasks().Remove(MakeId<TaskId>(i));
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  tables_->Flush();
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  const int64_t little = before + (int64_t{5} << 20);
  EXPECT_LT(memory_when([&](int64_t memory) { return memory < little; }), little);
}

TEST_F(RedisTablesTest, NothingAcknowledgedIsLostAndOrderIsKeptWhenTheServerIsKilled) {
  const uint32_t turns = 150;
  const DriverId driver = MakeId<DriverId>(1);
  tables_->drivers().Register(MakeDriver(1));
  uint32_t turn = 0;
  runner_.RunUntil(
      [&] { return turn == turns; },
      [&] {
        ++turn;
        for (uint32_t i = 0; i < 20; ++i) {
          const uint32_t number = turn * 20 + i;
          tables_->functions().Put(driver,
                                   {MakeId<FunctionId>(number), "f", std::to_string(number)});
          // In order, so that the last one stays.
          tables_->drivers().MarkEnded(driver, number);
          tables_->tasks().Put(MakeTask(number, TaskState::kDone));
        }
        tables_->counters().Add("turns", 1);
        tables_->errors().Append({driver, TaskId(), "f", "TaskError", std::to_string(turn), 1});
        tables_->Flush();
        if (turn == 40 || turn == 90) server_.Kill();
        if (turn == 60 || turn == 91) server_.Start();
        runner_.loop()->Post([] {});
      });
  ASSERT_TRUE(runner_.Drain(tables_.get()).ok());

  const auto drivers =
      Must<std::vector<DriverRecord>>([&](auto done) { tables_->drivers().List(done); });
  ASSERT_EQ(drivers.size(), 1u);
  EXPECT_EQ(drivers[0].ended_at, turns * 20 + 19);
  const auto tasks = Must<std::vector<TaskRecord>>([&](auto done) { tables_->tasks().List(done); });
  EXPECT_EQ(tasks.size(), turns * 20);
  for (uint32_t number = 20; number < 20 * (turns + 1); number += 37) {
    const auto function = Must<std::optional<FunctionRecord>>(
        [&](auto done) { tables_->functions().Get(MakeId<FunctionId>(number), done); });
    ASSERT_TRUE(function) << number;
    EXPECT_EQ(function->pickled, std::to_string(number));
  }
  const auto errors =
      Must<std::vector<ErrorRecord>>([&](auto done) { tables_->errors().List(driver, done); });
  ASSERT_EQ(errors.size(), turns);
  for (uint32_t i = 0; i < turns; ++i) EXPECT_EQ(errors[i].text, std::to_string(i + 1));
  const auto counters = Must<std::vector<std::pair<std::string, int64_t>>>(
      [&](auto done) { tables_->counters().List(done); });
  ASSERT_EQ(counters.size(), 1u);
  EXPECT_EQ(counters[0].second, turns);
}

TEST_F(RedisTablesTest, WhatAServerHasLostIsWrittenAgainByWhomItIsAbout) {
  for (const uint32_t number : {1, 2}) {
    tables_->nodes().Register(MakeNode(number));
    tables_->drivers().Register(MakeDriver(number));
    tables_->actors().Put(MakeActor(number, ActorState::kAlive));
  }
  tables_->nodes().MarkDead(MakeId<NodeId>(2), 5);
  tables_->nodes().Heartbeat(MakeId<NodeId>(1), 2000);
  tables_->drivers().MarkEnded(MakeId<DriverId>(2), 5);
  tables_->actors().Remove(MakeId<TaskId>(2));
  ASSERT_TRUE(runner_.Drain(tables_.get()).ok());
  server_.Kill();
  server_.Forget();
  server_.Start();
  ASSERT_TRUE(runner_.Drain(tables_.get()).ok());

  const auto nodes = Must<std::vector<NodeRecord>>([&](auto done) { tables_->nodes().List(done); });
  ASSERT_EQ(nodes.size(), 1u) << "who is dead is not told of again";
  EXPECT_EQ(nodes[0].id, MakeId<NodeId>(1));
  EXPECT_EQ(nodes[0].total, MakeNode(1).total);
  EXPECT_TRUE(nodes[0].alive);
  EXPECT_EQ(nodes[0].heartbeat_at, 2000);
  const auto drivers =
      Must<std::vector<DriverRecord>>([&](auto done) { tables_->drivers().List(done); });
  ASSERT_EQ(drivers.size(), 2u);
  EXPECT_EQ(drivers[0].ended_at, 0);
  EXPECT_EQ(drivers[1].ended_at, 5) << "and of the end of one that has ended";
  const auto actors =
      Must<std::vector<ActorRecord>>([&](auto done) { tables_->actors().List(done); });
  ASSERT_EQ(actors.size(), 1u);
  EXPECT_EQ(actors[0].name, "counter 1");
}

TEST_F(RedisTablesTest, EndsThatAServerHasLostAreToldAgain) {
  for (const uint32_t number : {1, 2, 3}) {
    tables_->nodes().Register(MakeNode(number));
    tables_->drivers().Register(MakeDriver(number));
  }
  ASSERT_TRUE(runner_.Drain(tables_.get()).ok());
  server_.Kill();
  server_.Remember();
  server_.Start();
  for (const uint32_t number : {2, 3}) {
    tables_->nodes().MarkDead(MakeId<NodeId>(number), 5);
    tables_->drivers().MarkEnded(MakeId<DriverId>(number), 5);
  }
  tables_->nodes().Register(MakeNode(3));  // it lives again
  ASSERT_TRUE(runner_.Drain(tables_.get()).ok());
  server_.Kill();
  server_.GoBack();
  server_.Start();
  ASSERT_TRUE(runner_.Drain(tables_.get()).ok());

  const auto nodes = Must<std::vector<NodeRecord>>([&](auto done) { tables_->nodes().List(done); });
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_TRUE(nodes[0].alive);
  EXPECT_FALSE(nodes[1].alive);
  EXPECT_EQ(nodes[1].heartbeat_at, 5);
  EXPECT_TRUE(nodes[2].alive);
  const auto drivers =
      Must<std::vector<DriverRecord>>([&](auto done) { tables_->drivers().List(done); });
  ASSERT_EQ(drivers.size(), 3u);
  EXPECT_EQ(drivers[0].ended_at, 0);
  EXPECT_EQ(drivers[1].ended_at, 5);
  EXPECT_EQ(drivers[2].ended_at, 5);
}

TEST_F(RedisTablesTest, FunctionsThatAServerHasLostArePutAgain) {
  const auto function = [](uint32_t number) {
    return FunctionRecord{MakeId<FunctionId>(number), "f", std::to_string(number)};
  };
  const auto find = [this](uint32_t number) {
    return Must<std::optional<FunctionRecord>>(
        [&](auto done) { tables_->functions().Get(MakeId<FunctionId>(number), done); });
  };
  constexpr uint32_t kCount = 200;  // several times what is looked for at a time
  tables_->functions().SetSource([&](const FunctionId& id) -> std::optional<FunctionRecord> {
    for (uint32_t number = 0; number < kCount; ++number) {
      if (id == MakeId<FunctionId>(number)) return function(number);
    }
    return std::nullopt;
  });
  for (uint32_t number = 0; number < kCount; ++number) {
    tables_->functions().Put(MakeId<DriverId>(number < 190 ? 1 : 2), function(number));
  }
  tables_->functions().Remove(MakeId<DriverId>(1), MakeId<FunctionId>(7));
  tables_->functions().RemoveDriver(MakeId<DriverId>(2));
  ASSERT_TRUE(runner_.Drain(tables_.get()).ok());
  server_.Kill();
  server_.Forget();
  server_.Start();
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(runner_.Drain(tables_.get()).ok());

  for (uint32_t number = 0; number < kCount; ++number) {
    const auto found = find(number);
    EXPECT_EQ(found.has_value(), number < 190 && number != 7) << number;
    EXPECT_EQ(found ? found->pickled : std::to_string(number), std::to_string(number));
  }
  // The list of a driver's functions is there, too.
  tables_->functions().RemoveDriver(MakeId<DriverId>(1));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(runner_.Drain(tables_.get()).ok());
  EXPECT_FALSE(find(189));
}

TEST_F(RedisTablesTest, ErrorsThatAServerHasLostAreAppendedAgain) {
  std::vector<std::string> told;
  const auto append = [&](int first, int end) {
    for (int number = first; number < end; ++number) {
      const DriverId driver = MakeId<DriverId>(number % 5 == 0 ? 2 : 1);
      tables_->errors().Append(
          {driver, TaskId(), "f", "TaskError", std::to_string(number), 1.0 * number});
      if (number % 5 != 0) told.push_back(std::to_string(number));
    }
  };
  append(0, 150);
  ASSERT_TRUE(runner_.Drain(tables_.get()).ok());
  server_.Kill();
  server_.Forget();
  append(150, 160);
  server_.Start();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(runner_.Drain(tables_.get()).ok());
  append(160, 170);
  const auto errors = Must<std::vector<ErrorRecord>>(
      [&](auto done) { tables_->errors().List(MakeId<DriverId>(1), done); });
  std::vector<std::string> texts;
  for (const ErrorRecord& error : errors) texts.push_back(error.text);
  EXPECT_EQ(texts, told);
}

TEST_F(RedisTablesTest, ErrorsThatHadToGiveWayToCopiesAreNotAppendedAgain) {
  const DriverId driver = MakeId<DriverId>(1);
  const int count = static_cast<int>(limits::kErrorsKept);
  for (int number = 1; number <= count; ++number) {
    tables_->errors().Append(
        {driver, TaskId(), "f", "TaskError", std::to_string(number), 1.0 * number});
  }
  ASSERT_TRUE(runner_.Drain(tables_.get()).ok());
  const std::string key = schema::Key(schema::kErrors, driver);
  const std::string newest = AskServer(server_, {"LRANGE", key, "-1", "-1"}).TakeStrings()->at(0);
  for (int copy = 0; copy < 20; ++copy) AskServer(server_, {"RPUSH", key, newest});
  AskServer(server_, {"LTRIM", key, "-" + std::to_string(count), "-1"});
  server_.Kill();
  server_.Start();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(runner_.Drain(tables_.get()).ok());
  const auto errors =
      Must<std::vector<ErrorRecord>>([&](auto done) { tables_->errors().List(driver, done); });
  ASSERT_EQ(errors.size(), count - 20u);
  for (int i = 0; i < count - 20; ++i) EXPECT_EQ(errors[i].text, std::to_string(21 + i));
}

TEST_F(RedisTablesTest, WhatAServerHasIsNotWrittenAgain) {
  const DriverId driver = MakeId<DriverId>(1);
  int asked = 0;
  tables_->functions().SetSource([&](const FunctionId&) -> std::optional<FunctionRecord> {
    ++asked;
    return std::nullopt;
  });
  tables_->functions().Put(driver, {MakeId<FunctionId>(1), "f", "code"});
  for (int number = 0; number < 3; ++number) {
    tables_->errors().Append({driver, TaskId(), "f", "TaskError", std::to_string(number), 1.0});
  }
  ASSERT_TRUE(runner_.Drain(tables_.get()).ok());
  server_.Kill();
  server_.Start();
  ASSERT_TRUE(runner_.Drain(tables_.get()).ok());
  ASSERT_TRUE(runner_.Drain(tables_.get()).ok());
  EXPECT_EQ(asked, 0);
  // Not in the table, which would not show copies.
  const std::string key = schema::Key(schema::kErrors, driver);
  const auto lines = AskServer(server_, {"LRANGE", key, "0", "-1"}).TakeStrings();
  ASSERT_TRUE(lines.ok());
  EXPECT_EQ(lines->size(), 3u);
}

TEST_F(RedisTablesTest, ReadsOutliveConnectionsThatAreKilled) {
  RedisLink admin(runner_.loop(), server_.admin());
  tables_->tasks().Put(MakeTask(1, TaskState::kDone));
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  constexpr int kReads = 200;
  int asked = 0;
  int answered = 0;
  const auto ask = [&] {
    ++asked;
    tables_->tasks().Get(MakeId<TaskId>(1), [&answered](const auto& task) {
      EXPECT_TRUE(task.ok()) << task.status().ToString();
      EXPECT_TRUE(task.ok() && task->has_value());
      ++answered;
    });
    if (asked % 50 == 0) admin.Write({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    runner_.loop()->Post([] {});
  };
  runner_.RunUntil([&] { return answered == kReads && admin.unacknowledged() == 0; },
                   [&] {
                     if (asked < kReads) ask();
                     tables_->Flush();
                     admin.Flush();
                   });
  EXPECT_EQ(answered, kReads);
}

TEST_F(RedisTablesTest, DrainAndListsLoseNothingHoweverMuchWaits) {
  const auto count = static_cast<uint32_t>(limits::kControlQueueCommandsMax + 1000);
  for (uint32_t i = 0; i < count; ++i) {
    tables_->objects().AddLocation(MakeId<ObjectId>(i), MakeId<NodeId>(1), 1);
  }
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  EXPECT_EQ(AskServer(server_, {"DBSIZE"}).integer, count);
  for (uint32_t i = 0; i < count; ++i) {
    tables_->objects().AddLocation(MakeId<ObjectId>(i), MakeId<NodeId>(2), 1);
  }
  const auto objects =
      Must<std::vector<ObjectRecord>>([&](auto done) { tables_->objects().List(done); });
  ASSERT_EQ(objects.size(), count);
  for (const ObjectRecord& object : objects) ASSERT_EQ(object.locations.size(), 2u);
}

TEST_F(RedisTablesTest, AWrongPasswordIsUnavailableAtOnceAndSaysSo) {
  const auto tables = MakeRedisTables(runner_.loop(), {{{server_.path()}}, "not-the-password"});
  const auto nodes = runner_.Ask<std::vector<NodeRecord>>(
      tables.get(), [&](auto done) { tables->nodes().List(done); });
  ASSERT_FALSE(nodes.ok());
  EXPECT_EQ(nodes.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(nodes.status().message().find("password"), std::string::npos);
  EXPECT_EQ(nodes.status().message().find("not-the-password"), std::string::npos);
  EXPECT_FALSE(tables->connected());
  const Status drained = runner_.Drain(tables.get());
  EXPECT_EQ(drained.code(), StatusCode::kUnavailable);
}

TEST_F(RedisTablesTest, DrainGivesUpInTime) {
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  server_.Kill();
  tables_->tasks().Put(MakeTask(1, TaskState::kDone));
  std::optional<Status> drained;
  tables_->Drain(50, [&drained](Status status) { drained = std::move(status); });
  runner_.RunTables(tables_.get(), [&drained] { return drained.has_value(); });
  EXPECT_EQ(drained->code(), StatusCode::kUnavailable);
  EXPECT_FALSE(tables_->connected());
  EXPECT_EQ(tables_->health().code(), StatusCode::kUnavailable);
  server_.Start();
  EXPECT_TRUE(runner_.Drain(tables_.get()).ok());
  EXPECT_TRUE(tables_->connected());
}

TEST_F(RedisTablesTest, RecordsOfTheWrongTypeAreAStatus) {
  const std::string id = MakeId<TaskId>(1).Hex();
  AskServer(server_, {"SET", "rayx:task:" + id, "not a hash"});
  const auto task = runner_.Ask<std::optional<TaskRecord>>(
      tables_.get(), [&](auto done) { tables_->tasks().Get(MakeId<TaskId>(1), done); });
  ASSERT_FALSE(task.ok());
  EXPECT_EQ(task.status().code(), StatusCode::kProtocolError);
  EXPECT_NE(task.status().message().find("WRONGTYPE"), std::string::npos);
  EXPECT_TRUE(tables_->connected());
}

TEST_F(RedisTablesTest, NamesAreSpreadOverTheShards) {
  ControlServer first;
  ControlServer second;
  const auto tables = MakeRedisTables(
      runner_.loop(),
      {{{server_.path()}, {first.path()}, {second.path()}}, ControlServer::password()});
  for (uint32_t i = 0; i < 100; ++i) tables->tasks().Put(MakeTask(i, TaskState::kDone));
  tables->nodes().Register(MakeNode(1));
  EXPECT_TRUE(runner_.Drain(tables.get()).ok());
  const int64_t on_primary = AskServer(server_, {"DBSIZE"}).integer;
  const int64_t on_first = AskServer(first, {"DBSIZE"}).integer;
  const int64_t on_second = AskServer(second, {"DBSIZE"}).integer;
  EXPECT_EQ(on_primary, 2);  // the node and the list of nodes
  EXPECT_EQ(on_first + on_second, 100);
  EXPECT_GT(on_first, 25);
  EXPECT_GT(on_second, 25);
}

TEST_F(RedisTablesTest, OneShardAwayDoesNotHoldUpTheOthers) {
  ControlServer first;
  ControlServer second;
  const auto tables = MakeRedisTables(
      runner_.loop(),
      {{{server_.path()}, {first.path()}, {second.path()}}, ControlServer::password()});
  EXPECT_TRUE(runner_.Drain(tables.get()).ok());
  second.Kill();
  for (uint32_t i = 0; i < 100; ++i) tables->tasks().Put(MakeTask(i, TaskState::kDone));
  runner_.RunTables(tables.get(), [&] { return !tables->connected() && !tables->NextFlushMs(); });
  EXPECT_GT(AskServer(first, {"DBSIZE"}).integer, 25);
  EXPECT_FALSE(tables->health().ok());
  second.Start();
  EXPECT_TRUE(runner_.Drain(tables.get()).ok());
  EXPECT_EQ(AskServer(first, {"DBSIZE"}).integer + AskServer(second, {"DBSIZE"}).integer, 100);
}

}  // namespace
}  // namespace rayx::control
