// Every message: its example reads back as it was written, its bytes are those of the golden file,
// and no damage to them makes a reader leave the buffer. To write the golden files and the seeds of
// the fuzzer anew:
//
//   RAYX_UPDATE_GOLDEN=1 build/tests/protocol_test
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "testing/example_messages.h"
#include "testing/message_fields.h"

namespace rayx {
namespace {

using protocol::MessageType;
using Bytes = std::vector<uint8_t>;

constexpr const char* kGoldenDirectory = "tests/golden";
constexpr const char* kSeedDirectory = "tests/fuzz/corpus/messages_fuzz";

std::vector<MessageType> AllTypes() {
  std::vector<MessageType> types;
  for (const MessageType type : protocol::EnumValuesMessageType()) {
    if (type != MessageType::None) types.push_back(type);
  }
  return types;
}

void WriteFile(const std::filesystem::path& path, const Bytes& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

Bytes ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

class MessageTest : public testing::TestWithParam<MessageType> {
 protected:
  std::string Name() const { return protocol::EnumNameMessageType(GetParam()); }
  Bytes example_ = ExampleMessages().Encode(GetParam());
};

TEST_P(MessageTest, IsListedWithItsFieldsAndHasAnExample) {
  ASSERT_FALSE(example_.empty()) << "add " << Name() << " to tests/cpp/testing/example_messages.h";
  EXPECT_TRUE(DescribeMessage(GetParam(), example_).has_value())
      << "add " << Name() << " to tests/cpp/testing/message_fields.h";
}

TEST_P(MessageTest, BytesAreThoseOfTheGoldenFile) {
  const std::filesystem::path path = std::filesystem::path(kGoldenDirectory) / (Name() + ".bin");
  if (std::getenv("RAYX_UPDATE_GOLDEN") != nullptr) {
    WriteFile(path, example_);
    Bytes seed = {static_cast<uint8_t>(GetParam())};
    seed.insert(seed.end(), example_.begin(), example_.end());
    WriteFile(std::filesystem::path(kSeedDirectory) / Name(), seed);
    if (GetParam() == MessageType::SubmitTask) {
      WriteFile("tests/fuzz/corpus/task_spec_fuzz/example", example_);
    }
  }
  const Bytes golden = ReadFile(path);
  ASSERT_FALSE(golden.empty()) << path << " is missing; run with RAYX_UPDATE_GOLDEN=1";
  const std::optional<std::string> old_meaning = DescribeMessage(GetParam(), golden);
  EXPECT_EQ(old_meaning, DescribeMessage(GetParam(), example_))
      << "the bytes of protocol version " << limits::kProtocolVersion
      << " are not read as what they were";
  EXPECT_EQ(golden, example_)
      << "the encoding of " << Name()
      << " has changed. If that is meant, and processes of an older build"
      << " could not read it, raise limits::kProtocolVersion; then run with RAYX_UPDATE_GOLDEN=1.";
}

TEST_P(MessageTest, TruncatedBytesAreRefusedOrReadWithinTheirBounds) {
  for (size_t size = 0; size < example_.size(); ++size) {
    // Of its own size, so that the sanitizers see a read past the end.
    const auto truncated = std::make_unique<uint64_t[]>(size / 8 + 1);
    std::memcpy(truncated.get(), example_.data(), size);
    (void)DescribeMessage(GetParam(), {reinterpret_cast<const uint8_t*>(truncated.get()), size});
  }
  EXPECT_FALSE(DescribeMessage(GetParam(), {example_.data(), 4}).has_value());
}

INSTANTIATE_TEST_SUITE_P(Every, MessageTest, testing::ValuesIn(AllTypes()),
                         [](const auto& type_info) {
                           return std::string(protocol::EnumNameMessageType(type_info.param));
                         });

TEST(MessagesTest, ExamplesLeaveNoFieldOut) {
  for (const MessageType type : AllTypes()) {
    std::vector<std::string> expected;
    // A stream, as the example is one, has one result; that is the default.
    if (type == MessageType::SubmitTask) expected = {"return_count"};
    const Bytes example = ExampleMessages().Encode(type);
    EXPECT_EQ(UnsetFields(type, example), expected) << protocol::EnumNameMessageType(type);
  }
}

TEST(MessagesTest, TypesAreNumberedInTheirBlocks) {
  std::set<uint16_t> numbers;
  for (const MessageType type : AllTypes()) numbers.insert(static_cast<uint16_t>(type));
  EXPECT_EQ(numbers.size(), AllTypes().size());
  EXPECT_EQ(std::size(kMessages), AllTypes().size());
  // The start of a connection must be read by every version.
  EXPECT_EQ(static_cast<int>(MessageType::Hello), 1);
  EXPECT_EQ(static_cast<int>(MessageType::Welcome), 2);
  EXPECT_EQ(static_cast<int>(MessageType::Refused), 3);
}

TEST(MessagesTest, MissingRequiredFieldsAreRefused) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateBlocked(builder));
  // An empty table, which is what Blocked is, is no PutObject.
  const std::span<const uint8_t> bytes(builder.GetBufferPointer(), builder.GetSize());
  EXPECT_TRUE(DescribeMessage(MessageType::Blocked, bytes).has_value());
  EXPECT_FALSE(DescribeMessage(MessageType::PutObject, bytes).has_value());
  EXPECT_FALSE(DescribeMessage(MessageType::SubmitTask, bytes).has_value());
  EXPECT_FALSE(DescribeMessage(MessageType::None, bytes).has_value());
}

TEST(MessagesTest, NestedSpecIsAlignedLikeAMessage) {
  const Bytes bytes = ExampleMessages().Encode(MessageType::RunTask);
  const auto* run = flatbuffers::GetRoot<protocol::RunTask>(bytes.data());
  EXPECT_EQ((run->spec()->data() - bytes.data()) % 8, 0);
  EXPECT_EQ(run->spec_nested_root()->options()->max_retries(), -1);
}

}  // namespace
}  // namespace rayx
