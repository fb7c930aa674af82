#include "transfer/serve_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "transfer/transfer_ids.h"

namespace rayx::transfer {
namespace {

constexpr Version kVersion = 7;

ChunkName Chunk(uint8_t object, uint32_t chunk) {
  return {.id = Object(object), .version = kVersion, .chunk = chunk};
}

struct FakeCopies final : ServeQueue::Copies {
  Pinned Pin(const NodeId& reader, const ObjectId& id, Version version) override {
    if (version != kVersion || !copies.contains(id)) return {};
    if (copies.at(id) == Kind::kWhole) pins.insert({reader, id});
    return {.kind = copies.at(id), .chunks = 4};
  }
  void Unpin(const NodeId& reader, const ObjectId& id) override { pins.erase({reader, id}); }
  bool HasChunk(const ChunkName& name) const override { return here.contains(name); }
  void OnNothingSent(const ObjectId& id) override { idle.push_back(id); }

  std::map<ObjectId, Kind> copies;
  std::set<ChunkName> here;
  std::set<std::pair<NodeId, ObjectId>> pins;
  std::vector<ObjectId> idle;
};

class ServeQueueTest : public ::testing::Test {
 protected:
  using Kind = ServeQueue::Copies::Kind;

  FakeCopies copies_;
  ServeQueue queue_{&copies_};
  const NodeId reader_ = Node(1);
};

// One of each value in turn, so that a small one does not wait behind a large one.
TEST_F(ServeQueueTest, ValuesTakeTurns) {
  copies_.copies = {{Object(1), Kind::kWhole}, {Object(2), Kind::kWhole}};
  for (uint32_t chunk = 0; chunk < 3; ++chunk) EXPECT_TRUE(queue_.OnAsk(reader_, Chunk(1, chunk)));
  EXPECT_TRUE(queue_.OnAsk(reader_, Chunk(2, 0)));
  EXPECT_EQ(queue_.Next(reader_), Chunk(1, 0));
  EXPECT_EQ(queue_.Next(reader_), Chunk(2, 0));
  EXPECT_EQ(queue_.Next(reader_), Chunk(1, 1));
  EXPECT_EQ(queue_.Next(reader_), Chunk(1, 2));
  EXPECT_EQ(queue_.Next(reader_), std::nullopt);
  EXPECT_EQ(queue_.Next(Node(9)), std::nullopt);
}

TEST_F(ServeQueueTest, ACopyIsPinnedUntilItIsLeftAndNothingIsSent) {
  copies_.copies = {{Object(1), Kind::kWhole}};
  queue_.OnAsk(reader_, Chunk(1, 0));
  EXPECT_EQ(copies_.pins.size(), 1u);
  queue_.Next(reader_);
  queue_.OnLeave(reader_, Object(1));
  EXPECT_EQ(copies_.pins.size(), 1u);
  EXPECT_TRUE(queue_.IsSending(Object(1)));
  queue_.OnSent(reader_, Chunk(1, 0));
  EXPECT_TRUE(copies_.pins.empty());
  EXPECT_TRUE(queue_.empty());
}

TEST_F(ServeQueueTest, AReaderThatGoesLeavesNothing) {
  copies_.copies = {{Object(1), Kind::kWhole}, {Object(2), Kind::kPart}};
  queue_.OnAsk(reader_, Chunk(1, 0));
  queue_.OnAsk(reader_, Chunk(2, 0));
  queue_.Next(reader_);
  queue_.OnReaderGone(reader_);
  EXPECT_TRUE(queue_.empty());
  EXPECT_TRUE(copies_.pins.empty());
  // Too late.
  queue_.OnSent(reader_, Chunk(1, 0));
  queue_.OnLeave(reader_, Object(1));
}

TEST_F(ServeQueueTest, APartGivesWhatItGets) {
  copies_.copies = {{Object(1), Kind::kPart}};
  copies_.here = {Chunk(1, 2)};
  queue_.OnAsk(reader_, Chunk(1, 0));
  queue_.OnAsk(reader_, Chunk(1, 2));
  EXPECT_EQ(queue_.Next(reader_), Chunk(1, 2));
  EXPECT_EQ(queue_.Next(reader_), std::nullopt);
  queue_.OnChunkHere(Chunk(1, 0));
  EXPECT_EQ(queue_.Next(reader_), Chunk(1, 0));
}

TEST_F(ServeQueueTest, APartThatIsWholeIsPinned) {
  copies_.copies = {{Object(1), Kind::kPart}};
  queue_.OnAsk(reader_, Chunk(1, 0));
  copies_.copies = {{Object(1), Kind::kWhole}};
  queue_.OnWhole(Object(1));
  EXPECT_EQ(copies_.pins.size(), 1u);
}

TEST_F(ServeQueueTest, APartThatIsGivenUp) {
  copies_.copies = {{Object(1), Kind::kPart}};
  copies_.here = {Chunk(1, 0)};
  queue_.OnAsk(reader_, Chunk(1, 0));
  queue_.OnAsk(reader_, Chunk(1, 1));
  queue_.Next(reader_);
  queue_.OnCopyGone(Object(1));
  const auto missing = queue_.TakeMissing();
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_EQ(missing[0].first, reader_);
  EXPECT_EQ(missing[0].second.id, Object(1));
  EXPECT_TRUE(copies_.idle.empty());
  queue_.OnSent(reader_, Chunk(1, 0));
  EXPECT_EQ(copies_.idle, std::vector<ObjectId>{Object(1)});
  EXPECT_TRUE(queue_.empty());
}

// While bytes of the one that was given up go out, another one of the same id may have begun.
TEST_F(ServeQueueTest, WhatIsAskedOfAPartThatWasGivenUpIsMissing) {
  copies_.copies = {{Object(1), Kind::kPart}};
  copies_.here = {Chunk(1, 0)};
  queue_.OnAsk(reader_, Chunk(1, 0));
  queue_.Next(reader_);
  queue_.OnCopyGone(Object(1));
  queue_.TakeMissing();
  EXPECT_TRUE(queue_.OnAsk(reader_, Chunk(1, 1)));
  EXPECT_EQ(queue_.TakeMissing().size(), 1u);
}

TEST_F(ServeQueueTest, WhatIsNotHereIsMissing) {
  copies_.copies = {{Object(1), Kind::kWhole}};
  EXPECT_TRUE(queue_.OnAsk(reader_, Chunk(2, 0)));
  EXPECT_TRUE(queue_.OnAsk(reader_, {.id = Object(1), .version = 8, .chunk = 0}));
  EXPECT_EQ(queue_.TakeMissing().size(), 2u);
  EXPECT_TRUE(queue_.TakeMissing().empty());
  EXPECT_TRUE(queue_.empty());
}

TEST_F(ServeQueueTest, BreachesOfProtocol) {
  copies_.copies = {{Object(1), Kind::kWhole}, {Object(2), Kind::kPart}};
  EXPECT_FALSE(queue_.OnAsk(reader_, Chunk(1, 4)));
  EXPECT_TRUE(queue_.OnAsk(reader_, Chunk(2, 0)));
  EXPECT_FALSE(queue_.OnAsk(reader_, Chunk(2, 0)));
  bool is_allowed = true;
  for (size_t i = 0; i < ServeQueue::kAskedMax && is_allowed; ++i) {
    is_allowed = queue_.OnAsk(reader_, Chunk(1, 0));
  }
  EXPECT_FALSE(is_allowed);
}

TEST_F(ServeQueueTest, WhoComesBackIsServed) {
  copies_.copies = {{Object(1), Kind::kWhole}};
  queue_.OnAsk(reader_, Chunk(1, 0));
  queue_.Next(reader_);
  queue_.OnLeave(reader_, Object(1));
  queue_.OnAsk(reader_, Chunk(1, 1));
  queue_.OnSent(reader_, Chunk(1, 0));
  EXPECT_EQ(queue_.Next(reader_), Chunk(1, 1));
  EXPECT_EQ(copies_.pins.size(), 1u);
}

}  // namespace
}  // namespace rayx::transfer
