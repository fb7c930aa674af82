#include "control/records.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "control/records_maker.h"

namespace rayx::control {
namespace {

Fields Changed(Fields fields, const std::string& name, const std::string& text) {
  for (auto& [field, value] : fields) {
    if (field == name) value = text;
  }
  return fields;
}
Fields Without(Fields fields, const std::string& name) {
  std::erase_if(fields, [&name](const auto& field) { return field.first == name; });
  return fields;
}

TEST(RecordsTest, NodeIsReadable) {
  const Fields fields = NodeFields(MakeNode(1));
  const Fields expected = {{"host", "host-1"},
                           {"port", "4711"},
                           {"pid", "101"},
                           {"resource:CPU", "4"},
                           {"resource:disk space", "0.25"},
                           {"pool_bytes", "1073741824"},
                           {"started_at", "1000.250000"},
                           {"heartbeat_at", "1000.500000"},
                           {"alive", "1"}};
  EXPECT_EQ(fields, expected);
}

TEST(RecordsTest, NodeComesBack) {
  const auto node = ParseNode(MakeId<NodeId>(1), NodeFields(MakeNode(1)));
  ASSERT_TRUE(node.ok()) << node.status().ToString();
  EXPECT_EQ(node->id, MakeId<NodeId>(1));
  EXPECT_EQ(node->total, MakeNode(1).total);
  EXPECT_EQ(node->port, 4711);
  EXPECT_EQ(node->pool_bytes, 1u << 30);
  EXPECT_TRUE(node->alive);
}

TEST(RecordsTest, SmallestAndLargestAmountsComeBackExactly) {
  NodeRecord node = MakeNode(1);
  node.total = {{"a", ResourceAmount::FromUnits(1)},
                {"b", ResourceAmount::FromUnits(10'000'000'000'000)},
                {"c", ResourceAmount::FromUnits(9'999'999'999'999)}};
  const auto again = ParseNode(node.id, NodeFields(node));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->total, node.total);
}

TEST(RecordsTest, NonsenseInANodeNamesTheField) {
  const Fields good = NodeFields(MakeNode(1));
  const std::vector<std::pair<std::string, std::vector<std::string>>> bad = {
      {"pid", {"", "x", "1x", " 1", "99999999999999999999"}},
      {"pool_bytes", {"-1", "1.5", "0x10", "18446744073709551616"}},
      {"started_at", {"", "nan", "inf", "-1", "1e5", "1,5", "99999999999999", "1 "}},
      {"alive", {"", "2", "yes"}},
      {"resource:CPU", {"", "-1", "1.23456", "1.", ".5", "1000000001", "1.-5", "+1", "1.5.5"}},
      {"host", {std::string(limits::kNameBytesMax + 1, 'x')}},
  };
  for (const auto& [field, texts] : bad) {
    for (const std::string& text : texts) {
      const auto node = ParseNode(NodeId(), Changed(good, field, text));
      ASSERT_FALSE(node.ok()) << field << " = " << text;
      EXPECT_EQ(node.status().code(), StatusCode::kProtocolError);
      EXPECT_NE(node.status().message().find("'" + field + "'"), std::string::npos)
          << node.status().ToString();
    }
  }
}

TEST(RecordsTest, MissingFieldsAreNamed) {
  for (const std::string field :
       {"host", "pid", "pool_bytes", "started_at", "heartbeat_at", "alive"}) {
    const auto node = ParseNode(NodeId(), Without(NodeFields(MakeNode(1)), field));
    ASSERT_FALSE(node.ok()) << field;
    EXPECT_NE(node.status().message().find("without '" + field + "'"), std::string::npos);
  }
  for (const std::string field : {"node", "pid", "started_at", "ended_at"}) {
    EXPECT_FALSE(ParseDriver(DriverId(), Without(DriverFields(DriverRecord()), field)).ok())
        << field;
  }
  for (const std::string field : {"name", "pickled"}) {
    const Fields fields = FunctionFields(DriverId(), FunctionRecord());
    EXPECT_FALSE(ParseFunction(FunctionId(), Without(fields, field)).ok()) << field;
  }
  for (const std::string field : {"state", "attempt"}) {
    const Fields fields = TaskFields(MakeTask(1, TaskState::kDone));
    EXPECT_FALSE(ParseTask(TaskId(), Without(fields, field)).ok()) << field;
  }
}

TEST(RecordsTest, ActorComesBack) {
  const ActorRecord actor = MakeActor(1, ActorState::kRestarting);
  const auto parsed = ParseActor(actor.id, ActorFields(actor));
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(ActorFields(*parsed), ActorFields(actor));
  EXPECT_EQ(parsed->state, ActorState::kRestarting);
  EXPECT_EQ(parsed->cause, actor.cause);
  for (const auto& [field, text] : ActorFields(actor)) {
    EXPECT_FALSE(ParseActor(TaskId(), Without(ActorFields(actor), field)).ok()) << field;
  }
}

TEST(RecordsTest, UnknownFieldsAreLeftAlone) {
  Fields fields = NodeFields(MakeNode(1));
  fields.emplace_back("colour", "red");
  EXPECT_TRUE(ParseNode(NodeId(), fields).ok());
}

TEST(RecordsTest, TaskComesBackWithRawSpec) {
  const TaskRecord task = MakeTask(7, TaskState::kFailed);
  const auto again = ParseTask(task.id, TaskFields(task));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->spec, task.spec);
  EXPECT_EQ(again->state, TaskState::kFailed);
  EXPECT_EQ(again->function, task.function);
  EXPECT_FALSE(ParseTask(task.id, Changed(TaskFields(task), "state", "lost")).ok());
  EXPECT_FALSE(ParseTask(task.id, Changed(TaskFields(task), "node", "abcd")).ok());
  EXPECT_FALSE(ParseTask(task.id, Changed(TaskFields(task), "attempt", "-1")).ok());
}

TEST(RecordsTest, TaskUpdateHasOnlyWhatItChanges) {
  TaskRecord update;
  update.state = TaskState::kRunning;
  update.attempt = 1;
  const Fields expected = {{"state", "running"}, {"attempt", "1"}};
  EXPECT_EQ(TaskFields(update), expected);
  TaskRecord task = MakeTask(1, TaskState::kReady);
  MergeTask(update, &task);
  EXPECT_EQ(task.state, TaskState::kRunning);
  EXPECT_EQ(task.name, "train");
  EXPECT_FALSE(task.spec.empty());
}

TEST(RecordsTest, ObjectTakesLocationsInOrderAndTheLargestSize) {
  const NodeId first = MakeId<NodeId>(1);
  const NodeId second = MakeId<NodeId>(2);
  const auto object = ParseObject(ObjectId(), {LocationField(second, 10),
                                               LocationField(first, 30),
                                               {"note", "x"},
                                               LocationField(second, 20)});
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(object->locations, (std::vector<NodeId>{first, second}));
  EXPECT_EQ(object->size, 30u);
  EXPECT_FALSE(ParseObject(ObjectId(), {{first.Hex(), "-3"}}).ok());
}

TEST(RecordsTest, ErrorLineKeepsAnyText) {
  const ErrorRecord error{MakeId<DriverId>(1),
                          MakeId<TaskId>(2),
                          "a\tb",
                          "Task\\Error",
                          std::string("Traceback:\n\tx = '\\n'\0\xff", 22),
                          12.5};
  const std::string line = ErrorLine("w-1", error);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto again = ParseErrorLine(error.driver, line);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->serial, "w-1");
  EXPECT_EQ(again->error.name, error.name);
  EXPECT_EQ(again->error.kind, error.kind);
  EXPECT_EQ(again->error.text, error.text);
  EXPECT_EQ(again->error.task, error.task);
  EXPECT_EQ(again->error.time, 12.5);
}

TEST(RecordsTest, LongErrorTextsAreCut) {
  ErrorRecord error;
  error.text = std::string(limits::kErrorBytesMax + 10, '\n');
  const auto again = ParseErrorLine(error.driver, ErrorLine("w-1", error));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->error.text.size(), limits::kErrorBytesMax);
}

TEST(RecordsTest, BadErrorLinesAreRefused) {
  const std::string good = ErrorLine("w-1", ErrorRecord());
  ASSERT_TRUE(ParseErrorLine(DriverId(), good).ok());
  for (const std::string& line :
       {std::string(), std::string("x"), good + "\tmore", good + "\\", good + "\\x", good.substr(3),
        "w-1\tsoon" + good.substr(good.find('\t', 4))}) {
    EXPECT_FALSE(ParseErrorLine(DriverId(), line).ok()) << line;
  }
}

TEST(RecordsTest, CountersAddUpOverWriters) {
  const auto totals = ParseCounters({CounterField("w1", "tasks", 5), CounterField("w2", "tasks", 7),
                                     CounterField("w1", "a:b", -2)});
  ASSERT_TRUE(totals.ok());
  EXPECT_EQ(*totals, (std::map<std::string, int64_t>{{"a:b", -2}, {"tasks", 12}}));
  const std::string largest = "9223372036854775807";
  EXPECT_FALSE(ParseCounters({{"w1:n", largest}, {"w2:n", "1"}}).ok());
  EXPECT_FALSE(ParseCounters({{"tasks", "1"}}).ok());
  EXPECT_FALSE(ParseCounters({{"w1:", "1"}}).ok());
  EXPECT_FALSE(ParseCounters({{"w1:n", "many"}}).ok());
}

}  // namespace
}  // namespace rayx::control
