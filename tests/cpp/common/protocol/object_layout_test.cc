#include "common/protocol/object_layout.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "common/base/limits.h"

namespace rayx {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes Filled(size_t size, uint8_t value) { return Bytes(size, value); }

// A whole object with stream bytes 's' and buffers of bytes 0, 1, 2, ….
Bytes MakeObject(ObjectKind kind, uint64_t stream_bytes, const std::vector<uint64_t>& sizes) {
  const ObjectPlan plan(kind, stream_bytes, sizes);
  Bytes memory(plan.total_bytes(), 0xee);
  plan.WriteHeader(memory.data());
  if (stream_bytes != 0) std::memset(memory.data() + plan.stream_offset(), 's', stream_bytes);
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] != 0) {
      std::memset(memory.data() + plan.buffers()[i].offset, static_cast<int>(i), sizes[i]);
    }
  }
  return memory;
}

TEST(ObjectLayoutTest, HeaderIsAsDocumented) {
  const Bytes object = MakeObject(ObjectKind::kPickle, 3, {5});
  const Bytes start(object.begin(), object.begin() + 32);
  const Bytes expected = {1,  1, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,   // header
                          64, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0};  // buffer 0
  EXPECT_EQ(start, expected);
  EXPECT_EQ(object.size(), 64u + 5u);
}

TEST(ObjectLayoutTest, PartsComeBack) {
  const std::vector<uint64_t> sizes = {100, 0, 1, 64};
  const Bytes object = MakeObject(ObjectKind::kTaskError, 77, sizes);
  Result<ObjectParts> parts = ParseObject(object);
  ASSERT_TRUE(parts.ok()) << parts.status().ToString();
  EXPECT_EQ(parts->kind, ObjectKind::kTaskError);
  EXPECT_EQ(Bytes(parts->stream.begin(), parts->stream.end()), Filled(77, 's'));
  ASSERT_EQ(parts->buffers.size(), sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    const std::span<const uint8_t> buffer = parts->buffers[i];
    EXPECT_EQ(Bytes(buffer.begin(), buffer.end()), Filled(sizes[i], static_cast<uint8_t>(i)));
    EXPECT_EQ(static_cast<size_t>(buffer.data() - object.data()) % limits::kObjectAlignment, 0u);
  }
}

TEST(ObjectLayoutTest, FailuresAreKnownByTheirKind) {
  EXPECT_TRUE(HoldsError(MakeObject(ObjectKind::kTaskError, 3, {})));
  EXPECT_TRUE(HoldsError(MakeObject(ObjectKind::kSystemError, 3, {})));
  EXPECT_FALSE(HoldsError(MakeObject(ObjectKind::kPickle, 3, {})));
  EXPECT_FALSE(HoldsError(MakeObject(ObjectKind::kBytes, 3, {})));
  EXPECT_FALSE(HoldsError({}));
}

TEST(ObjectLayoutTest, EmptyStreamWithoutBuffersIsAnObject) {
  const Bytes object = MakeObject(ObjectKind::kBytes, 0, {});
  EXPECT_EQ(object.size(), sizeof(ObjectHeader));
  Result<ObjectParts> parts = ParseObject(object);
  ASSERT_TRUE(parts.ok());
  EXPECT_TRUE(parts->stream.empty());
  EXPECT_TRUE(parts->buffers.empty());
}

TEST(ObjectLayoutTest, EveryTruncationIsRefused) {
  const Bytes object = MakeObject(ObjectKind::kPickle, 10, {100, 3});
  for (size_t size = 0; size < object.size(); ++size) {
    const Bytes truncated(object.begin(), object.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(ParseObject(truncated).status().code(), StatusCode::kProtocolError) << size;
  }
  EXPECT_TRUE(ParseObject(object).ok());
}

class HostileObjectTest : public testing::Test {
 protected:
  template <typename Number>
  void Put(size_t at, Number number) {
    std::memcpy(object_.data() + at, &number, sizeof(number));
  }
  void ExpectRefused() {
    EXPECT_EQ(ParseObject(object_).status().code(), StatusCode::kProtocolError);
  }
  Bytes object_ = MakeObject(ObjectKind::kPickle, 10, {100});
};

TEST_F(HostileObjectTest, UnknownKindOrVersion) {
  for (const uint8_t kind : {uint8_t{0}, uint8_t{5}, uint8_t{255}}) {
    Put(0, kind);
    ExpectRefused();
  }
  Put(0, uint8_t{1});
  Put(1, uint8_t{2});
  ExpectRefused();
}

TEST_F(HostileObjectTest, BufferCountBeyondTheObject) {
  for (const uint32_t count : {8u, 0x0fffffffu, 0xffffffffu}) {
    Put(4, count);
    ExpectRefused();
  }
}

TEST_F(HostileObjectTest, StreamBeyondTheObject) {
  for (const uint64_t bytes : {uint64_t{1000}, UINT64_MAX, UINT64_MAX - 15}) {
    Put(8, bytes);
    ExpectRefused();
  }
}

TEST_F(HostileObjectTest, BufferBeyondTheObjectOrAroundTheEndOfNumbers) {
  Put(16, uint64_t{object_.size() + 1});
  ExpectRefused();
  Put(16, UINT64_MAX - 10);
  ExpectRefused();
  Put(16, uint64_t{64});
  Put(24, uint64_t{101});
  ExpectRefused();
  Put(24, UINT64_MAX - 63);
  ExpectRefused();
  Put(24, uint64_t{100});
  EXPECT_TRUE(ParseObject(object_).ok());
}

TEST(ObjectLayoutTest, SystemErrorIsAWholeObject) {
  const std::string object = EncodeSystemError(SystemErrorCode::kObjectLost, "it is gone");
  Result<ObjectParts> parts =
      ParseObject({reinterpret_cast<const uint8_t*>(object.data()), object.size()});
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(parts->kind, ObjectKind::kSystemError);
  EXPECT_EQ(std::string(parts->stream.begin(), parts->stream.end()), "\x03it is gone");
}

}  // namespace
}  // namespace rayx
