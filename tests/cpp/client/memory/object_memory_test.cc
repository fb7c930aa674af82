#include "client/memory/object_memory.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/limits.h"

namespace rayx {
namespace {

std::span<const uint8_t> BytesOfText(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(ObjectMemoryTest, WritesWhatParses) {
  const std::string stream = "stream";
  const std::string buffer(100, 'b');
  ObjectPieces pieces;
  pieces.kind = ObjectKind::kTaskError;
  pieces.stream = BytesOfText(stream);
  pieces.buffers = {BytesOfText(buffer), {}, BytesOfText(stream)};
  const ObjectPlan plan = PlanObject(pieces);
  // What lay in the memory before must not show through.
  std::vector<uint8_t> dirty(plan.total_bytes(), 0xee);
  WriteObject(plan, pieces, dirty.data());
  std::vector<uint8_t> clean(plan.total_bytes(), 0);
  WriteObject(plan, pieces, clean.data());
  EXPECT_EQ(dirty, clean);
  const auto parts = ParseObject(dirty);
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(parts->kind, ObjectKind::kTaskError);
  EXPECT_EQ(std::string(parts->stream.begin(), parts->stream.end()), stream);
  EXPECT_EQ(std::string(parts->buffers[0].begin(), parts->buffers[0].end()), buffer);
  EXPECT_EQ(parts->buffers[1].size(), 0u);
}

TEST(ObjectMemoryTest, CopiesAreAlignedAsBuffersNeedIt) {
  ObjectPieces pieces;
  const std::string text(100, 'x');
  pieces.buffers = {BytesOfText(text)};
  const ObjectPlan plan = PlanObject(pieces);
  std::vector<uint64_t> words(plan.total_bytes() / 8 + 16);
  auto* memory = reinterpret_cast<uint8_t*>(words.data()) + 4;
  WriteObject(plan, pieces, memory);
  const std::span<const uint8_t> object(memory, plan.total_bytes());
  for (const ObjectView& view : {CopyObject(object), AlignedObject(nullptr, object)}) {
    EXPECT_NE(view.bytes().data(), memory);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(view.bytes().data()) % limits::kObjectAlignment, 0u);
    EXPECT_EQ(ParseObject(view.bytes())->buffers[0][99], 'x');
  }
}

TEST(ObjectMemoryTest, WithoutBuffersItStaysWhereItIs) {
  ObjectPieces pieces;
  const std::string text = "x";
  pieces.stream = BytesOfText(text);
  const ObjectPlan plan = PlanObject(pieces);
  std::vector<uint64_t> words(16);
  auto* memory = reinterpret_cast<uint8_t*>(words.data()) + 4;
  WriteObject(plan, pieces, memory);
  const ObjectView view = AlignedObject(std::make_shared<int>(1), {memory, plan.total_bytes()});
  EXPECT_EQ(view.bytes().data(), memory);
  EXPECT_TRUE(view.valid());
  EXPECT_EQ(CopyObject({}).bytes().size(), 0u);
}

}  // namespace
}  // namespace rayx
