#include "node/remote_objects.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/overload.h"
#include "common/protocol/object_layout.h"
#include "node/node_recorder.h"

namespace rayx::node {
namespace {

constexpr ClientId kOther(1000);
constexpr ClientId kAda(1);

NodeId NodeNumber(uint64_t number) { return testing::NumberedId<NodeId>(number); }

// Writes down what is sent, and what is to be copied.
class Recorder final : public OtherNodes {
 public:
  NodeId self() const override { return NodeNumber(1); }
  bool HasRoom(ClientId) const override { return has_room; }
  void SendOnStream(const NodeId&, const transfer::OnStream&) override {}
  bool HasOthers() const override { return false; }
  bool ShouldOffer(const TaskSpec&) override { return false; }
  void Offer(const TaskOffer&) override {}
  void Withdraw(const TaskId&, uint32_t) override {}
  void Send(ClientId, remote::Message message) override {
    lines.push_back(std::visit(
        Overload{[&](const remote::AddReferences& add) { return ListOf("add", add.ids); },
                 [&](const remote::RemoveReferences& gone) { return ListOf("remove", gone.ids); },
                 [&](const remote::DropCopies& drop) { return ListOf("drop", drop.ids); },
                 [&](const remote::GetObjects& get) { return ListOf("get", get.ids); },
                 [&](const remote::Announce& made) {
                   return (made.is_pending ? "pending " : "announce ") + NameOf(made.value.id) +
                          ListOf(made.value.is_inline ? " =" + made.value.data : "",
                                 made.value.contained);
                 },
                 [&](const remote::ObjectsReady& ready) {
                   std::string line = "ready";
                   for (const remote::Value& value : ready.values) {
                     line += " " + NameOf(value.id) + (value.is_inline ? "=" + value.data : "");
                   }
                   return line;
                 },
                 [&](const transfer::AskSource& ask) { return "ask " + NameOf(ask.id); },
                 [&](const transfer::CopyWhole& copy) { return "whole " + NameOf(copy.id); },
                 [&](const transfer::CopyDropped& copy) { return "dropped " + NameOf(copy.id); },
                 [&](const remote::UseSource& use) {
                   return ListOf("use " + NameOf(use.source.id), use.contained);
                 },
                 [&](const transfer::NoSource& none) { return "none " + NameOf(none.id); },
                 [](const auto&) { return std::string("of tasks"); }},
        message));
  }

  bool has_room = true;
  Lines lines;

 private:
  static std::string ListOf(const std::string& what, const std::vector<ObjectId>& ids) {
    std::string line = what;
    for (const ObjectId& id : ids) line += " " + NameOf(id);
    return line;
  }
};

class RemoteObjectsTest : public ::testing::Test {
 protected:
  RemoteObjectsTest() { remote_.OnSessionBegun(kOther, NodeNumber(2)); }
  void TearDown() override { store_.SanityCheck(); }

  // Acts on what the store decided, as ObjectBook does.
  Lines Turn() {
    for (const plasma::Effect& effect : store_.TakeEffects()) {
      std::visit(Overload{[](const plasma::ObjectIsElsewhere&) {},
                          [&](const auto& shared) { remote_.Act(shared); }},
                 effect);
    }
    while (remote_.copies().Turn(now_ms_)) {
    }
    remote_.Flush();
    return std::exchange(others_.lines, {});
  }
  void Hear(remote::Message message) {
    const Status status = remote_.OnMessage(kOther, std::move(message));
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  // A copy of an object of 100 bytes, for which a source was asked, comes from node 3.
  void Come(const ObjectId& id, const std::vector<ObjectId>& contained) {
    const transfer::ChunkName name = {.id = id, .version = 7, .chunk = 0};
    Hear(remote::UseSource{.source = {.id = id,
                                      .number = 1,
                                      .version = name.version,
                                      .size_bytes = 100,
                                      .source = NodeNumber(3)},
                           .contained = contained});
    Turn();
    ASSERT_TRUE(remote_.copies().streams().Begin(NodeNumber(3), name));
    remote_.copies().streams().OnChunk(NodeNumber(3), name, /*is_whole=*/true);
  }
  static remote::Value Inline(const ObjectId& id, std::string data) {
    return {.id = id, .is_inline = true, .data = std::move(data)};
  }

  const ObjectId id_ = ResultOf(1);
  const ObjectId inner_ = ResultOf(2);
  int64_t now_ms_ = 0;
  Recorder others_;
  plasma::ObjectStore store_{1 << 16};
  DriverBook drivers_{Shell{}};
  FunctionBook functions_{Shell{.others = &others_}, &store_, &drivers_};
  NodeSessions sessions_;
  RemoteObjects remote_{Shell{.others = &others_}, &store_, &functions_, &sessions_};
};

TEST_F(RemoteObjectsTest, AnotherNodeIsOneMoreClient) {
  Hear(remote::GetObjects{{id_}});
  EXPECT_EQ(Turn(), Lines());
  ASSERT_TRUE(store_.PutInline(kNoClient, id_, Bytes("a"), {}).ok());
  EXPECT_EQ(Turn(), Lines{"ready t1.0=a"});
  Hear(remote::RemoveReferences{{id_}});
  EXPECT_EQ(store_.Stats().objects, 0u);
  EXPECT_FALSE(remote_.OnMessage(kOther, remote::RemoveReferences{{id_}}).ok());
  EXPECT_FALSE(remote_.OnMessage(ClientId(9), remote::AddReferences{{id_}}).ok());
}

TEST_F(RemoteObjectsTest, ValuesWaitForRoom) {
  Hear(remote::GetObjects{{id_}});
  ASSERT_TRUE(store_.PutInline(kNoClient, id_, Bytes("a"), {}).ok());
  others_.has_room = false;
  EXPECT_EQ(Turn(), Lines());
  others_.has_room = true;
  EXPECT_EQ(Turn(), Lines{"ready t1.0=a"});
}

TEST_F(RemoteObjectsTest, TheHomeKnowsAnIdBeforeItIsSentIt) {
  ASSERT_TRUE(store_.PutInline(kAda, inner_, Bytes("b"), {}).ok());
  ASSERT_TRUE(store_.PutInline(kAda, id_, Bytes("a"), {{inner_}}).ok());
  const ObjectId ids[] = {id_};
  remote_.Cross(kOther, ids);
  EXPECT_EQ(Turn(), (Lines{"add t1.0 t2.0", "announce t1.0 =a t2.0", "announce t2.0 =b"}));
  remote_.Cross(kOther, ids);
  EXPECT_EQ(Turn(), Lines()) << "once";
}

TEST_F(RemoteObjectsTest, WhatIsStillToBeMadeIsAnnouncedTwice) {
  store_.AddClientReference(kAda, id_);
  const ObjectId ids[] = {id_};
  remote_.Cross(kOther, ids);
  EXPECT_EQ(Turn(), (Lines{"add t1.0", "pending t1.0"}));
  ASSERT_TRUE(store_.RemoveClientReference(kAda, id_).ok());
  EXPECT_EQ(Turn(), Lines{"remove t1.0"});
  ASSERT_TRUE(store_.PutInline(kNoClient, id_, Bytes("a"), {}).ok());
  EXPECT_EQ(Turn(), Lines{"announce t1.0 =a"});
  EXPECT_EQ(store_.Stats().objects, 0u);
}

TEST_F(RemoteObjectsTest, WhatIsInsideALateValueIsAnnouncedBeforeTheValueGoes) {
  store_.AddClientReference(kAda, id_);
  const ObjectId ids[] = {id_};
  remote_.Cross(kOther, ids);
  ASSERT_TRUE(store_.RemoveClientReference(kAda, id_).ok());
  Turn();
  ASSERT_TRUE(store_.PutInline(kAda, inner_, Bytes("b"), {}).ok());
  ASSERT_TRUE(store_.PutInline(kNoClient, id_, Bytes("a"), {{inner_}}).ok());
  ASSERT_TRUE(store_.RemoveClientReference(kAda, inner_).ok());
  EXPECT_EQ(Turn(),
            (Lines{"add t2.0", "announce t1.0 =a t2.0", "announce t2.0 =b", "remove t2.0"}));
  EXPECT_EQ(store_.Stats().objects, 0u);
}

TEST_F(RemoteObjectsTest, WhatCameFromTheHomeIsAskedForThere) {
  store_.AddReference(id_);
  remote_.Named(kOther, {{id_}});
  EXPECT_EQ(Turn(), Lines()) << "the input of a task is covered by that";
  store_.Get(kAda, id_, /*pin=*/true);
  EXPECT_EQ(Turn(), (Lines{"add t1.0", "get t1.0"}));
  remote::Value large{.id = id_, .size_bytes = 100};
  large.places = {NodeNumber(3)};
  Hear(remote::ObjectsReady{{large}});
  EXPECT_EQ(Turn(), Lines{"ask t1.0"});
  Hear(transfer::NoSource{.id = id_, .number = 1});
  EXPECT_EQ(Turn(), (Lines{"dropped t1.0", "get t1.0"})) << "the home knows why";
  Hear(remote::ObjectsReady{{Inline(id_, "a")}});
  EXPECT_TRUE(store_.IsSealed(id_));
}

TEST_F(RemoteObjectsTest, AValueThatComesSecondIsNothing) {
  store_.AddReference(id_);
  remote_.Named(kOther, {{id_}});
  ASSERT_TRUE(store_.PutInline(kAda, id_, Bytes("mine"), {}).ok());
  remote::Value late = Inline(id_, "theirs");
  late.contained = {inner_};
  Hear(remote::ObjectsReady{{late}});
  EXPECT_EQ(store_.Stats().objects, 1u);
}

TEST_F(RemoteObjectsTest, ACopyTakesTheIdsInsideWithIt) {
  store_.AddReference(id_);
  remote_.Named(kOther, {{id_}});
  store_.Get(kAda, id_, /*pin=*/true);
  remote::Value large{.id = id_, .size_bytes = 100};
  large.places = {NodeNumber(3)};
  Hear(remote::ObjectsReady{{large}});
  Turn();
  Come(id_, {inner_});
  EXPECT_EQ(remote_.shared().Find(inner_)->home, kOther);
  EXPECT_TRUE(store_.IsSealed(id_));
}

TEST_F(RemoteObjectsTest, TheHomeDropsWhatItDoesNotNeed) {
  remote::Value large{.id = id_, .size_bytes = 100};
  Hear(remote::Announce{.is_pending = false, .value = large});
  EXPECT_EQ(Turn(), Lines{"drop t1.0"});
  store_.AddClientReference(kAda, id_);
  Hear(remote::Announce{.is_pending = false, .value = large});
  EXPECT_EQ(Turn(), Lines());
  ASSERT_TRUE(store_.RemoveClientReference(kAda, id_).ok());
  EXPECT_EQ(Turn(), Lines{"drop t1.0"});
}

TEST_F(RemoteObjectsTest, AResultIsKeptUntilTheHomeHasIt) {
  remote_.ExpectResult(kOther, id_);
  ASSERT_TRUE(store_.PutInline(kNoClient, id_, Bytes("a"), {}).ok());
  EXPECT_EQ(Turn(), Lines()) << "the end of the task will tell";
  EXPECT_EQ(remote_.TakeResult(kOther, id_).data, "a");
  remote_.OnResultSent(kOther, id_);
  EXPECT_EQ(store_.Stats().objects, 0u);
}

TEST_F(RemoteObjectsTest, WithANodeGoesWhatOnlyItHad) {
  store_.AddClientReference(kAda, id_);
  Hear(remote::AddReferences{{inner_}});
  Hear(remote::Announce{.is_pending = true, .value = {.id = id_}});
  remote_.OnSessionEnded(kOther, "it was silent");
  ASSERT_TRUE(store_.IsSealed(id_));
  const std::string error =
      EncodeSystemError(SystemErrorCode::kObjectLost,
                        "object " + id_.Hex() + " is lost: its value was only at node " +
                            NodeNumber(2).Hex() + ", which is gone: it was silent");
  EXPECT_TRUE(std::ranges::equal(store_.Find(id_)->data, Bytes(error)));
  EXPECT_EQ(store_.Stats().objects, 1u);
  EXPECT_FALSE(remote_.OnMessage(kOther, remote::AddReferences{{id_}}).ok());
  remote_.OnSessionEnded(kOther, "again");
}

}  // namespace
}  // namespace rayx::node
