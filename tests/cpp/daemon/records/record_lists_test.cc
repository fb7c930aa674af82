#include "daemon/records/record_lists.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "common/base/limits.h"
#include "control/memory_tables.h"
#include "testing/task_builder.h"

namespace rayx::daemon {
namespace {

class RecordListsTest : public ::testing::Test {
 protected:
  Result<RecordList> List(std::string_view kind, uint64_t most = 100) {
    std::optional<Result<RecordList>> found;
    lists_.List(kind, most, [&found](Result<RecordList> list) { found.emplace(std::move(list)); });
    EXPECT_TRUE(found.has_value()) << "tables in memory answer at once";
    return std::move(found).value();
  }
  void AddDriver(uint64_t number) {
    tables_->drivers().Register({.id = testing::DriverNumber(number),
                                 .node = node_,
                                 .pid = 7,
                                 .started_at = 1,
                                 .ended_at = 0});
  }
  void AddError(uint64_t driver, uint64_t task, double time, std::string text = "no") {
    tables_->errors().Append({.driver = testing::DriverNumber(driver),
                              .task = testing::TaskNumber(task),
                              .name = "f",
                              .kind = "TaskError",
                              .text = std::move(text),
                              .time = time});
  }
  static std::string Field(const ListedRecord& record, std::string_view name) {
    for (const auto& [field, value] : record.fields) {
      if (field == name) return value;
    }
    return "none";
  }

  const NodeId node_ = testing::NumberedId<NodeId>(1);
  std::unique_ptr<control::Tables> tables_ = control::MakeMemoryTables();
  node::NodeCore core_{{}, {}, 1 << 20};
  RecordLists lists_{tables_.get(), &core_, node_};
};

TEST_F(RecordListsTest, WhatThereIsNotIsAnEmptyList) {
  for (const char* kind : {"drivers", "functions", "tasks", "actors", "objects", "errors"}) {
    EXPECT_TRUE(List(kind)->records.empty()) << kind;
  }
  EXPECT_EQ(List("weather").status().code(), StatusCode::kInvalidArgument);
}

TEST_F(RecordListsTest, ARecordHasItsIdAndItsFieldsAsText) {
  AddDriver(3);
  const RecordList drivers = *List("drivers");
  ASSERT_EQ(drivers.records.size(), 1);
  const DriverId id = testing::DriverNumber(3);
  EXPECT_EQ(drivers.records[0].id, std::string(reinterpret_cast<const char*>(id.data()), 16));
  EXPECT_EQ(Field(drivers.records[0], "node"), node_.Hex());
  EXPECT_EQ(Field(drivers.records[0], "pid"), "7");
}

TEST_F(RecordListsTest, WhatIsTooManyIsCounted) {
  for (uint64_t number = 1; number <= 5; ++number) AddDriver(number);
  const RecordList some = *List("drivers", 2);
  EXPECT_EQ(some.records.size(), 2);
  EXPECT_EQ(some.left_out, 3);
}

TEST_F(RecordListsTest, OfTheErrorsOfAllDriversTheNewestAreListed) {
  AddDriver(1);
  AddDriver(2);
  AddError(1, 10, 1.0);
  AddError(2, 20, 3.0);
  AddError(1, 11, 2.0);
  const RecordList newest = *List("errors", 2);
  ASSERT_EQ(newest.records.size(), 2);
  EXPECT_EQ(newest.left_out, 1);
  EXPECT_EQ(Field(newest.records[0], "driver"), testing::DriverNumber(2).Hex());
  EXPECT_EQ(Field(newest.records[1], "time"), "2.000000");
}

TEST_F(RecordListsTest, AnAnswerStaysWithinAMessage) {
  AddDriver(1);
  constexpr size_t kErrors = 20;
  for (size_t i = 0; i < kErrors; ++i) {
    AddError(1, i + 1, static_cast<double>(i), std::string(limits::kErrorBytesMax, 'x'));
  }
  const RecordList list = *List("errors");
  EXPECT_LT(list.records.size() * limits::kErrorBytesMax, limits::kRecordsAnswerBytesMax);
  EXPECT_EQ(list.records.size() + list.left_out, kErrors);
}

}  // namespace
}  // namespace rayx::daemon
