// What workers print, on its way to the driver or to files.
#include <gtest/gtest.h>

#include <filesystem>

#include "client/connection/output_channel.h"
#include "daemon/test_node.h"

namespace rayx {
namespace {

std::vector<OutputEvent> EventsUntilDrained(OutputChannel* channel) {
  std::vector<OutputEvent> events;
  EXPECT_TRUE(channel->Drain().ok());
  while (true) {
    Result<OutputEvent> event = channel->Next();
    EXPECT_TRUE(event.ok()) << event.status().ToString();
    if (!event.ok() || event->kind == OutputEvent::Kind::kDrained) return events;
    events.push_back(*event);
  }
}

std::unique_ptr<OutputChannel> ConnectOutput(const TestNode& node, const TestDriver& driver) {
  auto channel = OutputChannel::Connect({node.socket_path(), driver.id(), "C++", ""});
  RAYX_CHECK_MSG(channel.ok(), channel.status().ToString());
  return std::move(*channel);
}

TEST(NodeOutput, LinesCarryTheFunctionThatPrintedThem) {
  TestNode node;
  TestDriver driver(node.socket_path());
  const auto output = ConnectOutput(node, driver);
  driver.Call("print", "first\nsecond\n");
  const auto events = EventsUntilDrained(output.get());
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].text, "first\nsecond");
  EXPECT_EQ(events[0].name, "print");
  EXPECT_FALSE(events[0].is_stderr);
  EXPECT_EQ(std::to_string(events[0].pid), driver.Call("pid"));
}

TEST(NodeOutput, LinesAreThereBeforeTheResultIs) {
  TestNode node;
  TestDriver driver(node.socket_path());
  const auto output = ConnectOutput(node, driver);
  for (int i = 0; i < 100; ++i) {
    const std::string line = "line " + std::to_string(i);
    driver.Call("print", line + "\n");
    const auto events = EventsUntilDrained(output.get());
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].text, line);
  }
}

TEST(NodeOutput, LinesOfOneDriverDoNotReachAnother) {
  TestNode node;
  TestDriver driver(node.socket_path());
  TestDriver other(node.socket_path());
  const auto output = ConnectOutput(node, other);
  driver.Call("print", "not for others\n");
  EXPECT_TRUE(EventsUntilDrained(output.get()).empty());
}

TEST(NodeOutput, AFailedTaskIsTold) {
  TestNode node;
  TestDriver driver(node.socket_path());
  const auto output = ConnectOutput(node, driver);
  driver.Call("fail", "Traceback: it failed");
  driver.Call("exit", "4");
  const auto events = EventsUntilDrained(output.get());
  std::vector<std::string> failures;
  for (const OutputEvent& event : events) {
    if (event.kind == OutputEvent::Kind::kTaskFailed) failures.push_back(event.text);
  }
  ASSERT_EQ(failures.size(), 2u);
  EXPECT_EQ(failures[0], "Traceback: it failed");
  EXPECT_NE(failures[1].find("exited with code 4"), std::string::npos);
}

TEST(NodeOutput, RedirectedOutputGoesToPrivateFiles) {
  TestNode::Options options;
  options.arguments = {"--redirect-output"};
  TestNode node(options);
  TestDriver driver(node.socket_path());
  driver.Call("print", "into the file\n");
  const std::string path = node.scratch() + "/session/logs/worker-" + driver.Call("pid") + ".out";
  EXPECT_EQ(ReadFile(path), "into the file\n");
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace
}  // namespace rayx
