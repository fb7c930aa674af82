#include "node/remote_copies.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/base/overload.h"
#include "node/node_recorder.h"
#include "transfer/chunk_map.h"

namespace rayx::node {
namespace {

constexpr ClientId kAda(1);
constexpr ClientId kBo(1002);
constexpr ClientId kCy(1003);

NodeId NodeNumber(uint64_t number) { return testing::NumberedId<NodeId>(number); }

// Node 1, with sessions with Bo's node 2 and Cy's node 3. What is said of copies is written down:
// "n2: use t1.0 of n1".
class RemoteCopiesTest : public ::testing::Test, public OtherNodes {
 protected:
  RemoteCopiesTest() {
    remote().OnSessionBegun(kBo, NodeNumber(2));
    remote().OnSessionBegun(kCy, NodeNumber(3));
  }

  plasma::ObjectStore& store() { return node_.core().store(); }
  RemoteObjects& remote() { return node_.core().objects().remote(); }
  RemoteCopies& copies() { return remote().copies(); }
  CopyStreams& streams() { return copies().streams(); }

  Lines Turn() {
    node_.Turn(now_ms_);
    return std::exchange(lines_, {});
  }
  void Hear(ClientId session, remote::Message message) {
    const Status status = remote().OnMessage(session, std::move(message));
    EXPECT_TRUE(status.ok()) << status.message();
  }
  // A large value of Ada's.
  void Put(const ObjectId& id) {
    ASSERT_TRUE(store().Create(kAda, id, 100).ok());
    ASSERT_TRUE(store().Seal(kAda, id, {{inner_}}).ok());
  }
  void Ask(ClientId session, const ObjectId& id, uint64_t number) {
    Hear(session, transfer::AskSource{.id = id, .number = number});
  }
  // The value was made by Bo's node; Ada wants to have it if `wants`.
  void BoHas(const ObjectId& id, bool wants) {
    store().Get(kAda, id, /*pin=*/wants);
    Hear(kBo, remote::Announce{.value = {.id = id, .size_bytes = 100, .version = 7}});
  }
  // All of it comes from that node.
  void Come(const NodeId& source, const ObjectId& id, transfer::Version version) {
    const transfer::ChunkName name = {.id = id, .version = version, .chunk = 0};
    ASSERT_TRUE(streams().Begin(source, name));
    streams().OnChunk(source, name, /*is_whole=*/true);
  }
  bool IsLost(const ObjectId& id) {
    const auto value = store().Find(id);
    return value && value->is_inline && value->data.size() > 60;
  }

  // --- OtherNodes ---
  NodeId self() const override { return NodeNumber(1); }
  bool HasRoom(ClientId) const override { return true; }
  bool HasOthers() const override { return false; }
  bool ShouldOffer(const TaskSpec&) override { return false; }
  void Offer(const TaskOffer&) override {}
  void Withdraw(const TaskId&, uint32_t) override {}
  void SendOnStream(const NodeId& node, const transfer::OnStream& message) override {
    const std::string said = std::visit(
        Overload{
            [](const transfer::AskChunk& ask) { return "chunk of " + NameOf(ask.name.id); },
            [](const transfer::LeaveCopy&) { return std::string("leave"); },
            [](const transfer::CopyMissing& missing) { return "missing " + NameOf(missing.id); }},
        message);
    lines_.push_back(Name(node) + ": " + said);
  }
  void Send(ClientId session, remote::Message message) override {
    const std::string to = "n" + std::to_string(session.value() - 1000) + ": ";
    std::visit(
        Overload{
            [&](const transfer::AskSource& ask) { lines_.push_back(to + "ask " + NameOf(ask.id)); },
            [&](const transfer::CopyWhole& copy) {
              lines_.push_back(to + "whole " + NameOf(copy.id));
            },
            [&](const transfer::CopyDropped& copy) {
              lines_.push_back(to + (copy.was_whole ? "dropped " : "left ") + NameOf(copy.id));
            },
            [&](const remote::UseSource& use) {
              std::string line =
                  to + "use " + NameOf(use.source.id) + " of " + Name(use.source.source);
              for (const ObjectId& id : use.contained) line += " with " + NameOf(id);
              lines_.push_back(line);
              version_ = use.source.version;
            },
            [&](const transfer::LeaveSource& leave) {
              lines_.push_back(to + "leave " + NameOf(leave.id));
            },
            [&](const transfer::NoSource& none) {
              lines_.push_back(to + "none " + NameOf(none.id));
            },
            [](const auto&) {}},
        message);
  }
  static std::string Name(const NodeId& node) {
    return "n" + std::to_string(testing::NumberOf(node));
  }

  const ObjectId id_ = ResultOf(1);
  const ObjectId inner_ = ResultOf(2);
  // Of the last UseSource.
  transfer::Version version_ = 0;
  int64_t now_ms_ = 1;
  Lines lines_;
  NodeRecorder node_{2, this};
};

TEST_F(RemoteCopiesTest, OwnValuesAreListedWhenSomebodyAsks) {
  Put(id_);
  Turn();
  EXPECT_TRUE(copies().empty()) << "of what nobody asks for nothing is kept";
  Ask(kBo, id_, 1);
  EXPECT_EQ(Turn(), Lines{"n2: use t1.0 of n1 with t2.0"});
  ASSERT_TRUE(streams().OnAsk(NodeNumber(2), {.id = id_, .version = version_, .chunk = 0}).ok());
  const auto chunk = streams().Next(NodeNumber(2));
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->extent.offset, store().Find(id_)->offset);
  EXPECT_EQ(chunk->extent.size_bytes, 100u);
  streams().OnSent(NodeNumber(2), chunk->name);
  Hear(kBo, transfer::CopyWhole{.id = id_, .version = version_});
  Ask(kCy, id_, 1);
  Turn();
  streams().OnLeave(NodeNumber(2), id_);
  EXPECT_EQ(store().Stats().pinned_bytes, 0u);
  ASSERT_TRUE(store().RemoveClientReference(kAda, id_).ok());
  Turn();
  EXPECT_TRUE(copies().empty());
}

TEST_F(RemoteCopiesTest, WhatIsNotLargeOrNotHereHasNoSource) {
  Ask(kBo, id_, 1);
  EXPECT_EQ(Turn(), Lines{"n2: none t1.0"});
  ASSERT_TRUE(store().PutInline(kAda, id_, Bytes("small"), {}).ok());
  Ask(kBo, id_, 2);
  EXPECT_EQ(Turn(), Lines{"n2: none t1.0"});
  // Of another home.
  store().AddClientReference(kAda, inner_);
  remote().Named(kCy, {{inner_}});
  Ask(kBo, inner_, 3);
  EXPECT_EQ(Turn(), Lines{"n2: none t2.0"});
}

TEST_F(RemoteCopiesTest, TheHomePullsAsAnyNode) {
  BoHas(id_, /*wants=*/true);
  EXPECT_EQ(Turn(), Lines{"n2: chunk of t1.0"});
  Come(NodeNumber(2), id_, 7);
  EXPECT_EQ(Turn(), Lines{"n2: leave"});
  EXPECT_TRUE(store().IsSealed(id_));
  // Both have it now.
  EXPECT_EQ(copies().PlacesOf(id_).size(), 2u);
  Hear(kBo, transfer::CopyDropped{.id = id_, .was_whole = true});
  Ask(kCy, id_, 1);
  EXPECT_EQ(Turn(), Lines{"n3: use t1.0 of n1"});
  EXPECT_EQ(version_, 7u) << "it is the same value";
}

TEST_F(RemoteCopiesTest, ACopyOfAnotherNodeSavesWhatItsMakerHad) {
  BoHas(id_, /*wants=*/false);
  Ask(kCy, id_, 1);
  EXPECT_EQ(Turn(), Lines{"n3: use t1.0 of n2"});
  Hear(kCy, transfer::CopyWhole{.id = id_, .version = 7});
  remote().OnSessionEnded(kBo, "it was silent");
  EXPECT_EQ(Turn(), Lines{"n3: chunk of t1.0"}) << "who has it keeps it for nobody";
  Come(NodeNumber(3), id_, 7);
  Turn();
  EXPECT_TRUE(store().IsSealed(id_));
  EXPECT_FALSE(IsLost(id_));
}

TEST_F(RemoteCopiesTest, WithTheLastCopyItIsLost) {
  BoHas(id_, /*wants=*/true);
  Ask(kCy, id_, 1);
  Turn();
  Hear(kCy, transfer::CopyWhole{.id = id_, .version = 7});
  remote().OnSessionEnded(kBo, "it was silent");
  streams().OnSourceLost(NodeNumber(2));
  EXPECT_EQ(Turn(), Lines{"n3: chunk of t1.0"});
  EXPECT_FALSE(IsLost(id_));
  Hear(kCy, transfer::CopyDropped{.id = id_, .was_whole = true});
  Turn();
  now_ms_ += 100;
  Turn();
  EXPECT_TRUE(IsLost(id_));
  const auto error = store().Find(id_)->data;
  const std::string text(error.begin(), error.end());
  EXPECT_NE(text.find("node " + NodeNumber(2).Hex()), std::string::npos) << text;
  EXPECT_EQ(store().Stats().pool_used_bytes, 0u);
}

TEST_F(RemoteCopiesTest, WithItsMakerGoesWhatNobodyElseHas) {
  BoHas(id_, /*wants=*/false);
  Ask(kCy, id_, 1);
  Turn();
  remote().OnSessionEnded(kBo, "it was silent");
  // Cy's node may have all by now.
  EXPECT_EQ(Turn(), Lines{"n3: leave t1.0"});
  EXPECT_FALSE(IsLost(id_));
  Ask(kCy, id_, 2);
  Turn();
  now_ms_ += 100;
  Turn();
  EXPECT_TRUE(IsLost(id_));
}

// What a guest says to its home, for the same reasons.
class RemoteCopiesOfAGuest : public RemoteCopiesTest {
 protected:
  // Ada waits for a value of Bo's node, for which a room was made.
  void SetUp() override {
    store().AddClientReference(kAda, id_);
    remote().Named(kBo, {{id_}});
    store().Get(kAda, id_, /*pin=*/true);
    Turn();
    Hear(kBo, remote::ObjectsReady{{{.id = id_, .size_bytes = 100, .places = {NodeNumber(3)}}}});
    EXPECT_EQ(Turn(), Lines{"n2: ask t1.0"});
  }
  void Use(uint64_t number, transfer::Version version) {
    Hear(kBo, remote::UseSource{.source = {.id = id_,
                                           .number = number,
                                           .version = version,
                                           .size_bytes = 100,
                                           .source = NodeNumber(3)},
                                .contained = {inner_}});
  }
};

TEST_F(RemoteCopiesOfAGuest, ItsCopyIsToldAndItsEnd) {
  Use(1, 7);
  EXPECT_EQ(Turn(), Lines{"n3: chunk of t1.0"});
  Come(NodeNumber(3), id_, 7);
  EXPECT_EQ(Turn(), (Lines{"n3: leave", "n2: whole t1.0"}));
  EXPECT_EQ(store().ContainedIn(id_), std::vector<ObjectId>{inner_});
  ASSERT_TRUE(streams().OnAsk(NodeNumber(3), {.id = id_, .version = 7, .chunk = 0}).ok());
  EXPECT_TRUE(streams().Next(NodeNumber(3))) << "it is a source itself";
  streams().OnReaderGone(NodeNumber(3));
  ASSERT_TRUE(store().Unpin(kAda, id_).ok());
  ASSERT_TRUE(store().RemoveClientReference(kAda, id_).ok());
  EXPECT_EQ(Turn(), Lines{"n2: dropped t1.0"});
  EXPECT_TRUE(copies().empty());
}

TEST_F(RemoteCopiesOfAGuest, WhatGoesAtOnceWasWholeFirst) {
  Use(1, 7);
  Turn();
  // The last chunk, and the last reference, in one turn.
  Come(NodeNumber(3), id_, 7);
  store().OnClientGone(kAda);
  EXPECT_EQ(Turn(), (Lines{"n3: leave", "n2: whole t1.0", "n2: dropped t1.0"}));
  EXPECT_TRUE(copies().empty());
}

TEST_F(RemoteCopiesOfAGuest, WhoReadsAPartReadsOnWhenItIsWholeAndNeededByNobodyElse) {
  Use(1, 7);
  Turn();
  const transfer::ChunkName chunk = {.id = id_, .version = 7, .chunk = 0};
  ASSERT_TRUE(streams().OnAsk(NodeNumber(2), chunk).ok());
  EXPECT_FALSE(streams().Next(NodeNumber(2)));
  store().OnClientGone(kAda);
  Come(NodeNumber(3), id_, 7);
  Turn();
  EXPECT_TRUE(streams().Next(NodeNumber(2)));
  EXPECT_TRUE(store().IsSealed(id_));
  streams().OnReaderGone(NodeNumber(2));
  Turn();
  EXPECT_EQ(store().Stats().objects, 0u);
  EXPECT_TRUE(copies().empty());
}

TEST_F(RemoteCopiesOfAGuest, WhatOnlyAnotherValueKeptEndsInTheSameTurn) {
  Use(1, 7);
  Turn();
  // A value of Ada's has it inside, and is all that refers to it when it is whole.
  const ObjectId outer = ResultOf(3);
  ASSERT_TRUE(store().PutInline(kAda, outer, Bytes("a"), {{id_}}).ok());
  ASSERT_TRUE(store().RemoveClientReference(kAda, id_).ok());
  Come(NodeNumber(3), id_, 7);
  ASSERT_TRUE(store().RemoveClientReference(kAda, outer).ok());
  EXPECT_EQ(Turn(), (Lines{"n3: leave", "n2: whole t1.0", "n2: dropped t1.0"}));
  EXPECT_TRUE(copies().empty());
}

TEST_F(RemoteCopiesOfAGuest, WhatNobodyWaitsForAnyMoreIsLeft) {
  Use(1, 7);
  Turn();
  ASSERT_TRUE(store().RemoveClientReference(kAda, id_).ok());
  EXPECT_EQ(Turn(), (Lines{"n3: leave", "n2: left t1.0"}));
  EXPECT_EQ(store().Stats().objects, 0u);
  EXPECT_TRUE(copies().empty());
}

TEST_F(RemoteCopiesOfAGuest, ButGoesOnIfSomebodyComesToWaitForItInTheSameTurn) {
  Use(1, 7);
  Turn();
  ASSERT_TRUE(store().RemoveClientReference(kAda, id_).ok());
  store().Get(kAda, id_, /*pin=*/true);
  EXPECT_EQ(Turn(), Lines());
  Come(NodeNumber(3), id_, 7);
  Turn();
  EXPECT_TRUE(store().IsSealed(id_));
}

TEST_F(RemoteCopiesOfAGuest, AValueThatComesInAnotherWayEndsIt) {
  Use(1, 7);
  Turn();
  const transfer::ChunkName last = {.id = id_, .version = 7, .chunk = 0};
  ASSERT_TRUE(streams().Begin(NodeNumber(3), last));
  Hear(kBo, remote::ObjectsReady{{{.id = id_, .is_inline = true, .data = "error"}}});
  // Its last chunk comes in the same turn, and is too late.
  streams().OnChunk(NodeNumber(3), last, /*is_whole=*/true);
  EXPECT_EQ(Turn(), (Lines{"n3: leave", "n2: left t1.0"}));
  EXPECT_TRUE(store().Find(id_)->is_inline);
  EXPECT_EQ(store().Stats().pool_used_bytes, 0u);
}

TEST_F(RemoteCopiesOfAGuest, OnlyItsHomeNamesSources) {
  Hear(kCy,
       remote::UseSource{
           .source = {
               .id = id_, .number = 1, .version = 8, .size_bytes = 100, .source = NodeNumber(3)}});
  Hear(kCy, transfer::NoSource{.id = id_, .number = 1});
  EXPECT_EQ(Turn(), Lines());
  Use(1, 7);
  EXPECT_EQ(Turn(), Lines{"n3: chunk of t1.0"});
}

TEST_F(RemoteCopiesOfAGuest, WithItsHomeThePullEnds) {
  Use(1, 7);
  Turn();
  remote().OnSessionEnded(kBo, "it was silent");
  EXPECT_EQ(Turn(), Lines{"n3: leave"});
  EXPECT_TRUE(IsLost(id_));
  EXPECT_EQ(store().Stats().pool_used_bytes, 0u);
}

TEST_F(RemoteCopiesOfAGuest, VersionsOfNodesAreFarFromEachOther) {
  Put(inner_);
  const transfer::Version first = copies().VersionOf(inner_, kBo);
  EXPECT_EQ(copies().VersionOf(inner_, kBo), first);
  ASSERT_TRUE(store().RemoveClientReference(kAda, inner_).ok());
  Put(inner_);
  EXPECT_NE(copies().VersionOf(inner_, kBo), first) << "it was made anew";
  EXPECT_EQ(Turn(), Lines{"n2: dropped t2.0"}) << "and only the old one was dropped";
  EXPECT_TRUE(streams().OnAsk(NodeNumber(3), {.id = inner_, .version = first, .chunk = 0}).ok());
  EXPECT_EQ(Turn(), Lines{"n3: missing t2.0"});
}

}  // namespace
}  // namespace rayx::node
