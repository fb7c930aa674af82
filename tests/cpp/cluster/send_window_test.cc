#include "cluster/send_window.h"

#include <gtest/gtest.h>

#include "cluster/example_nodes.h"

namespace rayx::cluster {
namespace {

TEST(SendWindow, WhatIsSentIsKeptUntilItIsAcknowledged) {
  SendWindow window;
  EXPECT_EQ(window.Next(), nullptr);
  for (uint16_t type = 1; type <= 3; ++type) window.Add(MessageOf(100, type));
  EXPECT_EQ(window.bytes(), 3 * (100 + SendWindow::kFrameBytes));
  EXPECT_EQ(window.Next()->type, 1);
  EXPECT_EQ(window.Next()->type, 2);
  EXPECT_EQ(window.sent(), 2u);
  EXPECT_TRUE(window.has_unsent());

  EXPECT_TRUE(window.Acknowledge(1));
  EXPECT_EQ(window.acknowledged(), 1u);
  EXPECT_EQ(window.bytes(), 2 * (100 + SendWindow::kFrameBytes));

  window.Rewind();
  EXPECT_EQ(window.Next()->type, 2);
  EXPECT_EQ(window.sent(), 2u) << "it keeps its number";
  EXPECT_EQ(window.Next()->type, 3);
  EXPECT_EQ(window.Next(), nullptr);
  EXPECT_TRUE(window.Acknowledge(3));
  EXPECT_EQ(window.bytes(), 0u);
}

TEST(SendWindow, NobodyHasProcessedWhatWasNotSent) {
  SendWindow window;
  window.Add(MessageOf(1));
  window.Add(MessageOf(1));
  EXPECT_FALSE(window.Acknowledge(1));
  window.Next();
  EXPECT_FALSE(window.Acknowledge(2));
  EXPECT_TRUE(window.Acknowledge(1));
  EXPECT_TRUE(window.Acknowledge(1)) << "said again";
  EXPECT_FALSE(window.Acknowledge(0)) << "it has said more before";
  EXPECT_EQ(window.acknowledged(), 1u);
}

// On the connection before it had sent more than on this one.
TEST(SendWindow, WhatWasSentBeforeTheRewindCanBeAcknowledged) {
  SendWindow window;
  for (int i = 0; i < 3; ++i) window.Add(MessageOf(1));
  for (int i = 0; i < 3; ++i) window.Next();
  EXPECT_TRUE(window.Acknowledge(1));
  window.Rewind();
  EXPECT_TRUE(window.Acknowledge(2));
  EXPECT_NE(window.Next(), nullptr);
  EXPECT_EQ(window.sent(), 3u);
}

TEST(SendWindow, ClearFreesAll) {
  SendWindow window;
  window.Add(MessageOf(1000));
  window.Clear();
  EXPECT_EQ(window.bytes(), 0u);
  EXPECT_FALSE(window.has_unsent());
}

}  // namespace
}  // namespace rayx::cluster
