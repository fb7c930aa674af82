// What is particular to the tables in memory; what all tables do is in tables_test.cc.

#include "control/memory_tables.h"

#include <gtest/gtest.h>

#include "control/records_maker.h"

namespace rayx::control {
namespace {

TEST(MemoryTablesTest, AnswersBeforeTheCallReturns) {
  const auto tables = MakeMemoryTables();
  bool answered = false;
  tables->nodes().List([&answered](const auto& nodes) { answered = nodes.ok() && nodes->empty(); });
  EXPECT_TRUE(answered);
  bool drained = false;
  tables->Drain(0, [&drained](const Status& status) { drained = status.ok(); });
  EXPECT_TRUE(drained);
  EXPECT_EQ(tables->NextFlushMs(), std::nullopt);
}

TEST(MemoryTablesTest, SubscribersHearAtOnceAndMaySubscribe) {
  const auto tables = MakeMemoryTables();
  int first = 0;
  int second = 0;
  tables->nodes().Subscribe([&](const NodeRecord&) {
    if (first++ == 0) tables->nodes().Subscribe([&second](const NodeRecord&) { ++second; });
  });
  tables->nodes().Register(MakeNode(1));
  tables->nodes().MarkDead(MakeId<NodeId>(1), 5);
  EXPECT_EQ(first, 2);
  EXPECT_GE(second, 1);
}

TEST(MemoryTablesTest, ListsAreSortedById) {
  const auto tables = MakeMemoryTables();
  for (const uint32_t number : {5u, 1u, 3u})
    tables->tasks().Put(MakeTask(number, TaskState::kReady));
  std::vector<TaskId> ids;
  tables->tasks().List([&ids](const auto& tasks) {
    ASSERT_TRUE(tasks.ok());
    for (const TaskRecord& task : *tasks) ids.push_back(task.id);
  });
  EXPECT_EQ(ids, (std::vector<TaskId>{MakeId<TaskId>(1), MakeId<TaskId>(3), MakeId<TaskId>(5)}));
}

}  // namespace
}  // namespace rayx::control
