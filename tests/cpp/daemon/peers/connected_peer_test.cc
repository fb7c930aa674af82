#include "daemon/peers/connected_peer.h"

#include <gtest/gtest.h>

namespace rayx::daemon {
namespace {

TEST(ConnectedPeerTest, WhoMapsThePoolHasAUseOfIt) {
  ConnectedPeer peer;
  EXPECT_EQ(PoolUseOf(peer), nullptr) << "a stranger";
  peer.kind = StartingWorker();
  EXPECT_EQ(PoolUseOf(peer), nullptr);
  peer.kind = OutputPeer();
  EXPECT_EQ(PoolUseOf(peer), nullptr);
  auto& driver = peer.kind.emplace<DriverPeer>();
  EXPECT_EQ(PoolUseOf(peer), &driver.pool);
  EXPECT_EQ(AsDriver(peer), &driver);
  auto& worker = peer.kind.emplace<WorkerPeer>();
  EXPECT_EQ(PoolUseOf(peer), &worker.pool);
  EXPECT_EQ(AsDriver(peer), nullptr);
}

TEST(ConnectedPeerTest, OnlyAWorkerThatHasSaidHelloTakesTasks) {
  ConnectedPeer peer;
  EXPECT_FALSE(TakesTasks(peer)) << "a stranger";
  peer.kind = StartingWorker();
  EXPECT_FALSE(TakesTasks(peer));
  peer.kind = DriverPeer();
  EXPECT_FALSE(TakesTasks(peer));
  peer.kind = OutputPeer();
  EXPECT_FALSE(TakesTasks(peer));
  peer.kind = WorkerPeer();
  EXPECT_TRUE(TakesTasks(peer));
}

TEST(ConnectedPeerTest, WorkersAndTheClientOfALineAreHeardHoweverMuchTheyHaveNotRead) {
  ConnectedPeer peer;
  EXPECT_TRUE(MayBePaused(peer));
  auto& driver = peer.kind.emplace<DriverPeer>();
  EXPECT_TRUE(MayBePaused(peer));
  driver.runs_ahead = true;
  EXPECT_FALSE(MayBePaused(peer));
  peer.kind = StartingWorker();
  EXPECT_FALSE(MayBePaused(peer));
  peer.kind = WorkerPeer();
  EXPECT_FALSE(MayBePaused(peer));
  peer.kind = OutputPeer();
  EXPECT_TRUE(MayBePaused(peer));
}

}  // namespace
}  // namespace rayx::daemon
