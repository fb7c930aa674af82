#include "plasma/object_entry.h"

#include <gtest/gtest.h>

namespace rayx::plasma {
namespace {

TEST(ObjectEntryTest, TheTableOfMovesIsThatOfThePicture) {
  using S = ObjectState;
  EXPECT_TRUE(MayMove(S::kExpected, S::kCreated));
  EXPECT_TRUE(MayMove(S::kExpected, S::kSealed));
  EXPECT_TRUE(MayMove(S::kCreated, S::kSealed));
  EXPECT_TRUE(MayMove(S::kCreated, S::kExpected));
  for (const S same : {S::kExpected, S::kCreated, S::kSealed}) {
    EXPECT_FALSE(MayMove(same, same));
    EXPECT_FALSE(MayMove(S::kSealed, same));
  }
}

TEST(ObjectEntryTest, TheStateIsThatOfTheValue) {
  ObjectEntry entry;
  EXPECT_EQ(entry.state(), ObjectState::kExpected);
  EXPECT_EQ(entry.created(), nullptr);
  entry.MoveTo(CreatedObject{ClientId(1), {64, 100}});
  ASSERT_NE(entry.created(), nullptr);
  EXPECT_EQ(entry.created()->extent.offset, 64u);
  EXPECT_EQ(entry.sealed(), nullptr);
  entry.MoveTo(SealedObject{false, {64, 100}, {}, {}});
  EXPECT_TRUE(entry.IsSealed());
  EXPECT_EQ(entry.sealed()->size_bytes(), 100u);
  EXPECT_DEATH(entry.MoveTo(ExpectedObject()), "check failed");
}

TEST(ObjectEntryTest, AnyHolderOrCreatorIsAReasonToStay) {
  ObjectEntry entry;
  EXPECT_FALSE(entry.IsNeeded());
  entry.counted_references = 1;
  EXPECT_TRUE(entry.IsNeeded());
  entry.counted_references = 0;
  entry.client_references = 1;
  EXPECT_TRUE(entry.IsNeeded());
  entry.client_references = 0;
  entry.pins = 1;
  EXPECT_TRUE(entry.IsNeeded());
  EXPECT_FALSE(entry.IsReferenced());
  entry.pins = 0;
  entry.MoveTo(CreatedObject{});
  EXPECT_TRUE(entry.IsNeeded());
}

}  // namespace
}  // namespace rayx::plasma
