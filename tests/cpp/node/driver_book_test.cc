#include "node/driver_book.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "node/node_recorder.h"

namespace rayx::node {
namespace {

TEST(DriverBook, AnIdIsTakenOnceAndAnOutputNeedsItsDriver) {
  NodeRecorder node;
  DriverBook& drivers = node.core().drivers();
  Peer& first = node.Connect(WorkerNumber(0));
  EXPECT_FALSE(drivers.OnOutput(first, DriverNumber(1)).ok());
  EXPECT_FALSE(drivers.OnDriver(first, DriverId(), {}).ok());
  EXPECT_TRUE(drivers.OnDriver(first, DriverNumber(1), Bytes("config")).ok());
  EXPECT_FALSE(drivers.OnDriver(node.Connect(WorkerNumber(0)), DriverNumber(1), {}).ok());
  EXPECT_TRUE(drivers.OnOutput(node.Connect(WorkerNumber(0)), DriverNumber(1)).ok());
  EXPECT_EQ(drivers.ConfigOf(DriverNumber(1)), "config");
  EXPECT_EQ(node.Turn(), Lines());
}

TEST(DriverBook, TheEndOfItsMainConnectionIsItsEnd) {
  NodeRecorder node;
  Peer& driver = node.Driver(1);
  Peer& output = node.Output(1);
  const ClientId output_id = output.id;
  Peer& second_output = node.Output(1);
  node.Gone(output);
  EXPECT_EQ(node.Take(), Lines()) << "its place was taken by the second";
  node.Gone(driver);
  EXPECT_EQ(node.Take(), Lines({"close c" + second_output.id.ToString(), "driver gone"}));
  EXPECT_NE(output_id, second_output.id);
  EXPECT_FALSE(node.core().drivers().IsKnown(DriverNumber(1)));
}

TEST(DriverBook, LinesThatItDoesNotReadAreCountedAndLost) {
  NodeRecorder node;
  node.Driver(1);
  Peer& output = node.Output(1);
  DriverBook& drivers = node.core().drivers();
  const PrintedLines lines{.pid = 7, .function = "f", .is_stderr = false, .text = "hello"};
  node.backlog_bytes = limits::kPeerBacklogBytesSoft + 1;
  drivers.SendLines(DriverNumber(1), lines);
  drivers.SendLines(DriverNumber(1), lines);
  drivers.SendLines(DriverNumber(2), lines);
  EXPECT_EQ(node.Take(), Lines());
  node.backlog_bytes = 0;
  drivers.SendLines(DriverNumber(1), lines);
  drivers.SendLines(DriverNumber(1), lines);
  const std::string at = "print at c" + output.id.ToString() + " f: ";
  EXPECT_EQ(node.Take(), Lines({at + "[rayx: 2 blocks of output were dropped, the driver did not "
                                     "read them]\nhello",
                                at + "hello"}));
}

TEST(DriverBook, AnErrorIsPrintedAndRecorded) {
  NodeRecorder node;
  node.Driver(1);
  Peer& output = node.Output(1);
  node.core().drivers().ReportError({.driver = DriverNumber(1),
                                     .task = TaskNumber(1),
                                     .name = "f",
                                     .kind = "TaskError",
                                     .text = std::string(limits::kErrorBytesMax + 1, 'x')});
  const Lines lines = node.Take();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0],
            "error at c" + output.id.ToString() + ": " + std::string(limits::kErrorBytesMax, 'x'));
  EXPECT_EQ(lines[1], "record TaskError of f");
}

TEST(DriverBook, SetupsAreKeptInOrderAndBounded) {
  NodeRecorder node;
  Peer& driver = node.Driver(1);
  DriverBook& drivers = node.core().drivers();
  EXPECT_FALSE(drivers.OnSetup(node.Connect(WorkerNumber(0)), Bytes("a")).ok());
  for (size_t i = 0; i < limits::kWorkerSetupsMax; ++i) {
    ASSERT_TRUE(drivers.OnSetup(driver, Bytes(std::to_string(i))).ok());
  }
  EXPECT_FALSE(drivers.OnSetup(driver, Bytes("more")).ok());
  EXPECT_EQ(drivers.SetupsOf(DriverNumber(1))[2], "2");
}

}  // namespace
}  // namespace rayx::node
