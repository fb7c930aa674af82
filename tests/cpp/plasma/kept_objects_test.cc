#include "plasma/kept_objects.h"

#include <gtest/gtest.h>

#include "plasma/object_ids.h"
#include "plasma/shared_objects.h"

namespace rayx::plasma {
namespace {

constexpr ClientId kHome{100};

TEST(KeptObjects, AreThoseThatTheirHomesReferTo) {
  ObjectStore store(1 << 20);
  SharedObjects shared(&store);
  for (uint32_t i = 1; i <= 3; ++i) {
    store.AddReference(TestObject(i));
    ASSERT_TRUE(shared.Share(TestObject(i), kHome));
  }
  EXPECT_TRUE(KeptObjects(&store).List().empty());
  shared.Keep(TestObject(1));
  shared.Keep(TestObject(2));
  ASSERT_TRUE(store.PutInline(kNoClient, TestObject(2), {}, {}).ok());
  size_t sealed = 0;
  const auto kept = KeptObjects(&store).List();
  ASSERT_EQ(kept.size(), 2u);
  for (const KeptObjects::Kept& one : kept) {
    EXPECT_EQ(one.home, kHome);
    EXPECT_EQ(one.is_sealed, one.id == TestObject(2));
    sealed += one.is_sealed ? 1 : 0;
  }
  EXPECT_EQ(sealed, 1u);
  shared.DropKept(TestObject(2), kHome);
  EXPECT_EQ(KeptObjects(&store).List().size(), 1u);
}

}  // namespace
}  // namespace rayx::plasma
