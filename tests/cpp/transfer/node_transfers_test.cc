#include "transfer/node_transfers.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "transfer/transfer_ids.h"

namespace rayx::transfer {
namespace {

constexpr Version kVersion = 7;

struct FakePool final : Pool {
  bool MakeRoom(const ObjectId& id, uint64_t) override { return rooms.insert(id).second; }
  void DropRoom(const ObjectId& id) override { rooms.erase(id); }
  void Seal(const ObjectId& id, Version version) override {
    rooms.erase(id);
    values[id] = version;
  }
  std::optional<uint64_t> Pin(const NodeId&, const ObjectId& id, Version version) override {
    const auto found = values.find(id);
    if (found == values.end() || found->second != version) return std::nullopt;
    ++pins;
    return 20;
  }
  void Unpin(const NodeId&, const ObjectId&) override { --pins; }

  std::set<ObjectId> rooms;
  std::map<ObjectId, Version> values;
  int pins = 0;
};

// A node that pulls a value of two chunks from node 1, and is asked for it by node 2.
class NodeTransfersTest : public ::testing::Test {
 protected:
  NodeTransfersTest() {
    transfers_.pulls().Want(1, {}, {{Object(1), 20}});
    Turn();
    transfers_.pulls().On(UseSource{Object(1), 1, kVersion, 20, Node(1)});
    Turn();
  }
  void Turn() {
    transfers_.pulls().Turn(1000);
    transfers_.pulls().TakeEffects();
  }
  ChunkName Chunk(uint32_t chunk) { return {.id = Object(1), .version = kVersion, .chunk = chunk}; }
  void Get(uint32_t chunk) {
    ASSERT_TRUE(transfers_.pulls().Begin(Node(1), Chunk(chunk)));
    transfers_.pulls().OnChunk(Node(1), Chunk(chunk), true);
  }

  FakePool pool_;
  NodeTransfers transfers_{&pool_, 10};
};

TEST_F(NodeTransfersTest, WhatComesIsGivenOn) {
  EXPECT_TRUE(transfers_.serves().OnAsk(Node(2), Chunk(0)));
  EXPECT_TRUE(transfers_.serves().OnAsk(Node(2), Chunk(1)));
  EXPECT_EQ(transfers_.serves().Next(Node(2)), std::nullopt);
  Get(1);
  EXPECT_EQ(transfers_.serves().Next(Node(2)), Chunk(1));
  Get(0);
  EXPECT_EQ(pool_.values.at(Object(1)), kVersion);
  EXPECT_EQ(pool_.pins, 1);
  EXPECT_EQ(transfers_.serves().Next(Node(2)), Chunk(0));
  transfers_.serves().OnSent(Node(2), Chunk(0));
  transfers_.serves().OnSent(Node(2), Chunk(1));
  transfers_.serves().OnLeave(Node(2), Object(1));
  EXPECT_EQ(pool_.pins, 0);
  transfers_.pulls().Leave(1);
  EXPECT_TRUE(transfers_.empty());
}

// Bytes are read until they are on the wire, which may be long after the value is not needed.
TEST_F(NodeTransfersTest, ARoomStaysWhileItIsSent) {
  Get(0);
  EXPECT_TRUE(transfers_.serves().OnAsk(Node(2), Chunk(0)));
  EXPECT_EQ(transfers_.serves().Next(Node(2)), Chunk(0));
  transfers_.pulls().Leave(1);
  Turn();
  EXPECT_TRUE(pool_.rooms.contains(Object(1)));
  EXPECT_EQ(transfers_.serves().TakeMissing().size(), 1u);
  // A new one has to wait for it.
  transfers_.pulls().Want(2, {}, {{Object(1), 20}});
  Turn();
  EXPECT_TRUE(transfers_.pulls().waits_for_room());
  transfers_.serves().OnSent(Node(2), Chunk(0));
  EXPECT_FALSE(pool_.rooms.contains(Object(1)));
  Turn();
  EXPECT_TRUE(pool_.rooms.contains(Object(1)));
}

TEST_F(NodeTransfersTest, AnotherVersionIsNotGiven) {
  Get(0);
  EXPECT_TRUE(transfers_.serves().OnAsk(Node(2), {Object(1), kVersion + 1, 0}));
  EXPECT_EQ(transfers_.serves().TakeMissing().size(), 1u);
}

}  // namespace
}  // namespace rayx::transfer
