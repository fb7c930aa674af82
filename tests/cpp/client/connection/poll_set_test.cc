#include "client/connection/poll_set.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <utility>

#include "common/io/socket.h"

namespace rayx {
namespace {

TEST(PollSetTest, SaysWhatIsReadyForWhat) {
  auto [first, first_peer] = std::move(SocketPair()).value();
  auto [second, second_peer] = std::move(SocketPair()).value();
  PollSet set;
  const size_t none = set.Add(-1, {.read = true, .write = true});
  const size_t one = set.Add(first.get(), {.read = true});
  const size_t other = set.Add(second.get(), {.read = true});
  EXPECT_FALSE(set.any()) << "nobody has looked";
  ASSERT_TRUE(set.Wait(0).ok());
  EXPECT_FALSE(set.any());
  ASSERT_EQ(::write(second_peer.get(), "x", 1), 1);
  ASSERT_TRUE(set.Wait(-1).ok());
  EXPECT_TRUE(set.any());
  EXPECT_FALSE(set.readable(none));
  EXPECT_FALSE(set.readable(one));
  EXPECT_TRUE(set.readable(other));
  EXPECT_FALSE(set.writable(other)) << "nobody wants to write";
  const size_t writing = set.Add(first.get(), {.write = true});
  ASSERT_TRUE(set.Wait(0).ok());
  EXPECT_TRUE(set.writable(writing));
  EXPECT_FALSE(set.readable(writing));
}

TEST(PollSetTest, WhatIsClosedIsReadyForWhatWasWanted) {
  auto [first, first_peer] = std::move(SocketPair()).value();
  first_peer.Reset();
  PollSet set;
  const size_t reads = set.Add(first.get(), {.read = true});
  const size_t writes = set.Add(first.get(), {.write = true});
  const int gone = ::dup(first.get());
  ASSERT_EQ(::close(gone), 0);
  const size_t closed = set.Add(gone, {.read = true});
  ASSERT_TRUE(set.Wait(-1).ok());
  EXPECT_TRUE(set.readable(reads));
  EXPECT_TRUE(set.writable(writes));
  EXPECT_TRUE(set.readable(closed));
}

}  // namespace
}  // namespace rayx
