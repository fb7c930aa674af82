#include "plasma/shared_objects.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/overload.h"
#include "plasma/object_ids.h"

namespace rayx::plasma {
namespace {

constexpr ClientId kAda(1);
constexpr ClientId kHome(7);
constexpr ClientId kGuest(8);
const std::vector<uint8_t> kData = {1, 2, 3};

NodeId NodeNumber(uint8_t number) {
  NodeId id;
  id.mutable_data()[0] = number;
  return id;
}

class SharedObjectsTest : public ::testing::Test {
 protected:
  void TearDown() override { store_.SanityCheck(); }

  // Those that have to do with other nodes, since the last call.
  std::vector<std::string> Effects() {
    std::vector<std::string> lines;
    for (const Effect& effect : store_.TakeEffects()) {
      std::visit(Overload{[&](const FetchObject&) { lines.push_back("fetch"); },
                          [&](const SharedObjectSealed&) { lines.push_back("shared sealed"); },
                          [&](const ObjectIsElsewhere&) { lines.push_back("elsewhere"); },
                          [&](const CopyIsUnneeded&) { lines.push_back("copy unneeded"); },
                          [&](const DeliverObject& deliver) {
                            lines.push_back("deliver to " + deliver.client.ToString());
                          },
                          [](const auto&) {}},
                 effect);
    }
    for (size_t i = shared_.news().TakeUnneeded().size(); i > 0; --i) lines.push_back("unneeded");
    return lines;
  }
  using Lines = std::vector<std::string>;
  bool IsTold() { return shared_.Find(id_)->told; }

  const ObjectId id_ = TestObject(1);
  const ObjectId inner_ = TestObject(2);
  const std::vector<NodeId> places_ = {NodeNumber(3)};
  ObjectStore store_{1 << 16};
  SharedObjects shared_{&store_};
};

TEST_F(SharedObjectsTest, TheHomeIsToldOfTheFirstReferenceAndOfTheLast) {
  store_.AddClientReference(kAda, id_);
  EXPECT_TRUE(shared_.news().empty()) << "what does not cross costs nothing";
  EXPECT_TRUE(shared_.Share(id_, kHome));
  EXPECT_FALSE(shared_.Share(id_, kGuest)) << "it has a home already";
  store_.AddReference(id_);
  EXPECT_EQ(shared_.news().Take(kHome).added, std::vector<ObjectId>{id_});
  ASSERT_TRUE(store_.RemoveClientReference(kAda, id_).ok());
  EXPECT_TRUE(shared_.news().empty());
  store_.RemoveReference(id_);
  EXPECT_EQ(shared_.news().Take(kHome).removed, std::vector<ObjectId>{id_});
}

TEST_F(SharedObjectsTest, WhatIsKeptForTheHomeIsNoReferenceOfThisNode) {
  ASSERT_TRUE(store_.PutInline(kAda, id_, kData, {}).ok());
  shared_.Share(id_, kHome);
  shared_.Keep(id_);
  EXPECT_TRUE(IsTold());
  ASSERT_TRUE(store_.RemoveClientReference(kAda, id_).ok());
  EXPECT_FALSE(IsTold());
  EXPECT_TRUE(store_.IsSealed(id_));
  shared_.DropKept(id_, kGuest);
  EXPECT_TRUE(store_.IsSealed(id_)) << "that was not the home";
  shared_.DropKept(id_, kHome);
  EXPECT_FALSE(store_.IsSealed(id_));
}

TEST_F(SharedObjectsTest, AValueFromTheHomeIsPutIfSomebodyHereRefersToIt) {
  shared_.PutCopy(id_, kData, {});
  EXPECT_FALSE(store_.Find(id_));
  store_.Get(kAda, id_, /*pin=*/true);
  shared_.Share(id_, kHome);
  store_.TakeEffects();
  shared_.PutCopy(id_, kData, {{inner_}});
  EXPECT_EQ(Effects(), Lines{"deliver to 1"}) << "and it is not announced to where it came from";
  EXPECT_TRUE(store_.IsExpected(inner_));
}

TEST_F(SharedObjectsTest, AValueElsewhereIsAvailableAndIsCopiedForWhoWantsIt) {
  store_.Get(kAda, id_, /*pin=*/false);
  EXPECT_TRUE(shared_.PlaceElsewhere(id_, 100, {{inner_}}, places_));
  EXPECT_EQ(Effects(), (Lines{"elsewhere", "deliver to 1"}));
  EXPECT_FALSE(store_.IsSealed(id_) || store_.IsExpected(id_));
  EXPECT_TRUE(store_.Find(id_)->is_elsewhere);
  EXPECT_EQ(store_.PutInline(kAda, id_, kData, {}).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(store_.Create(kAda, id_, 10).status().code(), StatusCode::kAlreadyExists);
  store_.Get(kAda, id_, /*pin=*/true);
  EXPECT_EQ(Effects(), Lines{"fetch"});
  ASSERT_TRUE(shared_.CreateCopy(id_).ok());
  ASSERT_TRUE(store_.Abort(SharedObjects::kCopier, id_).ok());
  EXPECT_TRUE(store_.Find(id_)->is_elsewhere) << "as before";
  ASSERT_TRUE(shared_.CreateCopy(id_).ok());
  ASSERT_TRUE(store_.Seal(SharedObjects::kCopier, id_, {{inner_}}).ok());
  EXPECT_EQ(Effects(), (Lines{"deliver to 1", "unneeded"}));
}

TEST_F(SharedObjectsTest, ACopyThatNobodyNeedsAnyMoreIsTold) {
  store_.Get(kAda, id_, /*pin=*/true);
  ASSERT_TRUE(shared_.PlaceElsewhere(id_, 100, {}, places_));
  ASSERT_TRUE(shared_.CreateCopy(id_).ok());
  store_.AddReference(id_);
  Effects();
  ASSERT_TRUE(store_.RemoveClientReference(kAda, id_).ok());
  EXPECT_EQ(Effects(), Lines()) << "a task needs it";
  store_.RemoveReference(id_);
  EXPECT_EQ(Effects(), Lines{"copy unneeded"});
  EXPECT_FALSE(shared_.Find(id_)->is_wanted_here);
  // Its own end is not told as that of others' needs.
  store_.AddReference(id_);
  ASSERT_TRUE(store_.Abort(SharedObjects::kCopier, id_).ok());
  EXPECT_EQ(Effects(), Lines());
  EXPECT_TRUE(store_.Find(id_)->is_elsewhere);
}

TEST_F(SharedObjectsTest, WhileACopyIsMadeItsValueIsNotLostWithItsPlaces) {
  store_.AddReference(id_);
  ASSERT_TRUE(shared_.PlaceElsewhere(id_, 100, {}, places_));
  ASSERT_TRUE(shared_.CreateCopy(id_).ok());
  EXPECT_TRUE(shared_.OnGone(places_[0]).empty());
  ASSERT_TRUE(store_.Abort(SharedObjects::kCopier, id_).ok());
  EXPECT_TRUE(store_.Find(id_)->is_elsewhere);
  shared_.SetPlaces(id_, {});
  EXPECT_TRUE(store_.IsExpected(id_));
  const NodeId other[] = {NodeNumber(4)};
  shared_.SetPlaces(id_, other);
  EXPECT_TRUE(store_.Find(id_)->is_elsewhere);
}

TEST_F(SharedObjectsTest, AVersionGoesWithItsValue) {
  ASSERT_TRUE(store_.Create(kAda, id_, 100).ok());
  ASSERT_TRUE(store_.Seal(kAda, id_, {}).ok());
  EXPECT_EQ(shared_.Find(id_), nullptr) << "what does not cross costs nothing";
  shared_.SetVersion(id_, 7);
  EXPECT_EQ(shared_.Find(id_)->version, 7u);
  ASSERT_TRUE(store_.RemoveClientReference(kAda, id_).ok());
  ASSERT_TRUE(store_.Create(kAda, id_, 100).ok());
  EXPECT_EQ(shared_.Find(id_), nullptr);
}

TEST_F(SharedObjectsTest, WhatIsInsideAValueElsewhereLivesAsLongAsThat) {
  store_.AddReference(id_);
  ASSERT_TRUE(shared_.PlaceElsewhere(id_, 100, {{inner_}}, places_));
  EXPECT_TRUE(store_.IsExpected(inner_));
  Effects();
  store_.RemoveReference(id_);
  EXPECT_EQ(Effects(), Lines{"unneeded"});
  EXPECT_EQ(store_.Stats().objects, 0u);
  EXPECT_FALSE(shared_.PlaceElsewhere(id_, 100, {}, places_)) << "nobody wants it";
}

TEST_F(SharedObjectsTest, AValueIsLostWithTheLastNodeThatHasItOrMakesIt) {
  store_.AddReference(id_);
  store_.AddReference(inner_);
  ASSERT_TRUE(shared_.PlaceElsewhere(id_, 100, {{inner_}}, places_));
  ASSERT_TRUE(shared_.SetMaker(inner_, places_[0]));
  EXPECT_TRUE(shared_.OnGone(NodeNumber(9)).empty());
  EXPECT_EQ(shared_.OnGone(places_[0]).size(), 2u);
  store_.RemoveReference(inner_);
  shared_.Lose(id_, kData);
  EXPECT_TRUE(store_.IsSealed(id_));
  EXPECT_TRUE(store_.IsExpected(inner_)) << "copies of the value may be about";
}

TEST_F(SharedObjectsTest, WithItsHomeGoesWhatHasNoValueHere) {
  store_.AddReference(id_);
  ASSERT_TRUE(store_.PutInline(kAda, inner_, kData, {}).ok());
  shared_.Share(id_, kHome);
  shared_.Share(inner_, kHome);
  shared_.Keep(inner_);
  EXPECT_EQ(shared_.OnGone(kHome), std::vector<ObjectId>{id_});
  EXPECT_EQ(shared_.Find(id_), nullptr);
  EXPECT_TRUE(store_.IsSealed(inner_));
  EXPECT_FALSE(shared_.IsReferencedBy(inner_, kHome));
  EXPECT_TRUE(shared_.news().empty());
}

TEST_F(SharedObjectsTest, ATaskThatNeedsAValueHasItFetched) {
  store_.AddReference(id_);
  shared_.WantHere(id_);
  EXPECT_EQ(Effects(), Lines()) << "it is made here";
  shared_.Share(id_, kHome);
  EXPECT_EQ(Effects(), Lines{"fetch"});
  ASSERT_TRUE(shared_.PlaceElsewhere(id_, 100, {}, places_));
  EXPECT_EQ(Effects(), Lines{"fetch"});
  shared_.SetPlaces(id_, {});
  EXPECT_TRUE(store_.IsExpected(id_));
}

}  // namespace
}  // namespace rayx::plasma
