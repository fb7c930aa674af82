#include "daemon/others/value_server.h"

#include "common/io/connection.h"
#include "daemon/others/value_streams_fixture.h"

namespace rayx::daemon {
namespace {

using ValueServerTest = ValueStreams;

TEST_F(ValueServerTest, WhatIsSentIsPinnedAndNothingIsWhenTheStreamIsGone) {
  // More than a socket takes, to somebody who does not read.
  Give(one_, Pattern(900'000, 1));
  Want(one_, 900'000, {there_});
  fetcher_.AfterTurn();
  auto pair = SocketPair().value();
  server_.Take(there_, std::make_unique<UnixStream>(std::move(pair.second)));
  RunUntil([&] { return taker_.store().IsSealed(one_); });
  EXPECT_EQ(giver_.store().Stats().pinned_bytes, 0u) << "it was sent";
  server_.OnNodeGone(there_);
  server_.OnNodeGone(testing::NumberedId<NodeId>(9));
  int turns = 0;
  RunUntil([&] { return ++turns > 2; });
  EXPECT_EQ(giver_.store().Stats().pinned_bytes, 0u);
}

TEST_F(ValueServerTest, WhoAsksForAnythingElseIsClosed) {
  auto pair = SocketPair().value();
  server_.Take(there_, std::make_unique<UnixStream>(std::move(pair.second)));
  bool is_closed = false;
  Connection stranger(&loop_, std::make_unique<UnixStream>(std::move(pair.first)), 1 << 20,
                      {.on_frames = [] {},
                       .on_closed = [&](const Status&) { is_closed = true; },
                       .on_dirty = [] {}});
  const std::vector<uint8_t> nonsense(64, 0xff);
  stranger.Send(30, nonsense);
  stranger.Flush();
  RunUntil([&] { return is_closed; });
}

}  // namespace
}  // namespace rayx::daemon
