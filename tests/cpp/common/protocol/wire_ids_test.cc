#include "common/protocol/wire_ids.h"

#include <gtest/gtest.h>

#include <vector>

#include "testing/example_messages.h"

namespace rayx {
namespace {

TEST(WireIdsTest, IdsTravelAsTheirBytes) {
  const TaskId task = ExampleId<TaskId>(1);
  EXPECT_EQ(FromWire<TaskId>(*ToWire(task)), task);
  const ObjectId object = ExampleId<ObjectId>(2);
  EXPECT_EQ(FromWire(*ToWire(object)), object);
}

TEST(WireIdsTest, ListsTravelInOrder) {
  const std::vector<ObjectId> ids = {ExampleId<ObjectId>(3), ExampleId<ObjectId>(1)};
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateAddReferences(builder, ToWire(builder, ids)));
  const auto* message = flatbuffers::GetRoot<protocol::AddReferences>(builder.GetBufferPointer());
  EXPECT_EQ(FromWire(message->ids()), ids);
}

TEST(WireIdsTest, AbsentAndEmptyListsAreEmpty) {
  EXPECT_TRUE(FromWire(nullptr).empty());
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateAddReferences(builder, ToWire(builder, {})));
  const auto* message = flatbuffers::GetRoot<protocol::AddReferences>(builder.GetBufferPointer());
  ASSERT_NE(message->ids(), nullptr);
  EXPECT_TRUE(FromWire(message->ids()).empty());
}

}  // namespace
}  // namespace rayx
