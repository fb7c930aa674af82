#include "control/field_text.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "common/base/limits.h"

namespace rayx::control {
namespace {

template <typename T>
std::optional<T> Read(std::string_view text) {
  T value{};
  return ReadText(text, &value) ? std::optional<T>(value) : std::nullopt;
}

TEST(FieldTextTest, WhatIsWrittenIsRead) {
  EXPECT_EQ(Read<int64_t>(TextOf(std::numeric_limits<int64_t>::min())),
            std::numeric_limits<int64_t>::min());
  EXPECT_EQ(Read<uint64_t>(TextOf(std::numeric_limits<uint64_t>::max())),
            std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(Read<bool>(TextOf(true)), true);
  EXPECT_EQ(Read<bool>(TextOf(false)), false);
  EXPECT_EQ(TextOf(1722945600.25), "1722945600.250000");
  EXPECT_EQ(Read<double>(TextOf(1722945600.25)), 1722945600.25);
  EXPECT_EQ(TextOf(ResourceAmount::FromUnits(2500)), "0.25");
  EXPECT_EQ(Read<ResourceAmount>("0.25"), ResourceAmount::FromUnits(2500));
  EXPECT_EQ(Read<TaskState>(TextOf(TaskState::kFailed)), TaskState::kFailed);
  EXPECT_EQ(Read<ActorState>(TextOf(ActorState::kRestarting)), ActorState::kRestarting);
}

TEST(FieldTextTest, WhatMakesNoSenseIsNotRead) {
  for (const char* text : {"", " 1", "1 ", "x", "1x", "-1", "18446744073709551616"}) {
    EXPECT_EQ(Read<uint64_t>(text), std::nullopt) << text;
  }
  for (const char* text : {"", "nan", "inf", "-1", "1e5", "10000000001"}) {
    EXPECT_EQ(Read<double>(text), std::nullopt) << text;
  }
  for (const char* text : {"", ".5", "1.", "1.23456", "-1", "1.-5", "1000000001"}) {
    EXPECT_EQ(Read<ResourceAmount>(text), std::nullopt) << text;
  }
  EXPECT_EQ(Read<bool>("yes"), std::nullopt);
  EXPECT_EQ(Read<ActorState>("Alive"), std::nullopt);
  EXPECT_EQ(Read<NodeId>("00"), std::nullopt);
  EXPECT_EQ(Read<std::string>(std::string(limits::kNameBytesMax + 1, 'x')), std::nullopt);
}

}  // namespace
}  // namespace rayx::control
