#include "plasma/store_report.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "plasma/object_ids.h"

namespace rayx::plasma {
namespace {

Arena::Stats PoolOf(uint64_t size_bytes, uint64_t used_bytes, uint64_t largest_free_bytes) {
  Arena::Stats pool;
  pool.size_bytes = size_bytes;
  pool.used_bytes = used_bytes;
  pool.free_bytes = size_bytes - used_bytes;
  pool.largest_free_bytes = largest_free_bytes;
  return pool;
}

TEST(StoreReportTest, BytesAreExactAndReadable) {
  EXPECT_EQ(BytesText(0), "0 bytes");
  EXPECT_EQ(BytesText(1), "1 byte");
  EXPECT_EQ(BytesText(1023), "1023 bytes");
  EXPECT_EQ(BytesText(1536), "1.5 KiB (1536 bytes)");
  EXPECT_EQ(BytesText(uint64_t{3} << 30), "3.0 GiB (3221225472 bytes)");
  EXPECT_EQ(BytesText(UINT64_MAX), "16.0 EiB (18446744073709551615 bytes)");
}

TEST(StoreReportTest, AnObjectIsNamedWithItsHolders) {
  ObjectSummary object;
  object.id = TestObject(1);
  object.state = ObjectState::kSealed;
  object.size_bytes = 100;
  object.client_references = 2;
  object.counted_references = 1;
  EXPECT_EQ(ObjectText(object),
            TestObject(1).Hex() + " sealed, 100 bytes, held by 2 clients and 1 task or object");
  object.pins = 1;
  object.is_inline = true;
  EXPECT_EQ(ObjectText(object),
            TestObject(1).Hex() +
                " sealed, 100 bytes inline, held by 2 clients and 1 task or object, "
                "pinned 1 time");
  EXPECT_EQ(ObjectText(ObjectSummary()),
            ObjectId().Hex() + " expected, held by 0 clients and 0 tasks or objects");
  object.state = ObjectState::kCreated;
  EXPECT_NE(ObjectText(object).find("being written, 100 bytes"), std::string::npos);
}

TEST(StoreReportTest, TheLargestAreThoseThatAreHere) {
  std::vector<ObjectSummary> objects(5);
  const std::array states = {ObjectState::kExpected, ObjectState::kCreated, ObjectState::kSealed,
                             ObjectState::kElsewhere, ObjectState::kSealed};
  for (size_t i = 0; i < objects.size(); ++i) {
    objects[i].id = TestObject(static_cast<uint32_t>(i + 1));
    objects[i].state = states.at(i);
    objects[i].size_bytes = 100 * (i + 1);
  }
  objects[4].is_inline = true;
  const auto ids = [](const std::vector<ObjectSummary>& listed) {
    std::vector<ObjectId> found;
    for (const ObjectSummary& one : listed) found.push_back(one.id);
    return found;
  };
  EXPECT_EQ(ids(Largest(objects, 9, /*in_pool_only=*/false)),
            (std::vector<ObjectId>{TestObject(5), TestObject(3), TestObject(2)}));
  EXPECT_EQ(ids(Largest(objects, 9, /*in_pool_only=*/true)),
            (std::vector<ObjectId>{TestObject(3), TestObject(2)}));
  EXPECT_EQ(ids(Largest(objects, 1, /*in_pool_only=*/false)),
            (std::vector<ObjectId>{TestObject(5)}));
}

TEST(StoreReportTest, AFullStoreTellsSizesHoldersAndAdvice) {
  ObjectSummary object;
  object.id = TestObject(1);
  object.state = ObjectState::kSealed;
  object.size_bytes = 800;
  const std::array<ObjectSummary, 1> largest = {object};
  const std::string text = StoreFullText(500, PoolOf(1000, 800, 128), largest);
  for (const char* part : {"500 bytes", "the pool has 1000 bytes", "200 bytes are free",
                           "128 bytes in one piece", "Drop ObjectIDs", "object_store_memory"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is missing from " << text;
  }
  EXPECT_NE(text.find(ObjectText(object)), std::string::npos);
}

TEST(StoreReportTest, NoObjectIsBlamedForOneThatNeverFits) {
  ObjectSummary object;
  object.id = TestObject(1);
  const std::array<ObjectSummary, 1> largest = {object};
  const std::string text = StoreFullText(UINT64_MAX, PoolOf(1024, 0, 1024), largest);
  EXPECT_NE(text.find("larger than the whole pool"), std::string::npos);
  EXPECT_EQ(text.find(object.id.Hex()), std::string::npos);
  EXPECT_EQ(text.find("Drop"), std::string::npos);
}

}  // namespace
}  // namespace rayx::plasma
