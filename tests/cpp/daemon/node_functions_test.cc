// Functions in a real node: who keeps them, and when they are forgotten.
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/test_node.h"

namespace rayx {
namespace {

constexpr std::string_view kPickled = "pickled";

class NodeFunctionsTest : public ::testing::Test {
 protected:
  static FunctionId Named(uint8_t name) {
    uint8_t bytes[16] = {name};
    return FunctionId::FromBytes(bytes);
  }
  // As Python does it: the reference first.
  static void Export(TestDriver& driver, uint8_t name, std::vector<ObjectId> contained = {}) {
    driver.client().AddLocalReference(ObjectId::ForFunction(Named(name)));
    const std::span pickled(reinterpret_cast<const uint8_t*>(kPickled.data()), kPickled.size());
    ASSERT_TRUE(driver.client().ExportFunction(Named(name), "f", pickled, contained).ok());
  }
  static void Drop(TestDriver& driver, uint8_t name) {
    driver.Drop(ObjectId::ForFunction(Named(name)));
  }
  // In the turn in which the last reference goes, it is still there.
  static bool IsForgotten(TestDriver& driver, uint8_t name) {
    return WaitUntil([&] { return !IsKnownTo(driver, name); });
  }
  static bool IsKnownTo(TestDriver& driver, uint8_t name) {
    const auto found = driver.client().FetchFunction(Named(name));
    if (found.ok()) {
      EXPECT_EQ(*found, kPickled);
    } else {
      EXPECT_EQ(found.status().code(), StatusCode::kNotFound);
    }
    return found.ok();
  }

  TestNode node_;
  TestDriver driver_{node_.socket_path()};
};

TEST_F(NodeFunctionsTest, AFunctionGoesWithItsLastReference) {
  Export(driver_, 1);
  Export(driver_, 2);
  EXPECT_TRUE(IsKnownTo(driver_, 1));
  Drop(driver_, 1);
  EXPECT_TRUE(IsForgotten(driver_, 1));
  EXPECT_TRUE(IsKnownTo(driver_, 2));
  Export(driver_, 1);
  EXPECT_TRUE(IsKnownTo(driver_, 1)) << "sent again";
}

TEST_F(NodeFunctionsTest, WhoExportsItRefersToItWithoutSayingSo) {
  const std::span pickled(reinterpret_cast<const uint8_t*>(kPickled.data()), kPickled.size());
  ASSERT_TRUE(driver_.client().ExportFunction(Named(1), "f", pickled, {}).ok());
  EXPECT_TRUE(IsKnownTo(driver_, 1));
}

TEST_F(NodeFunctionsTest, WhatItContainsGoesWithIt) {
  const ObjectId captured = driver_.Put("captured");
  Export(driver_, 2);
  Export(driver_, 1, {captured, ObjectId::ForFunction(Named(2)), ObjectId::ForFunction(Named(1))});
  driver_.Drop(captured);
  Drop(driver_, 2);
  EXPECT_TRUE(IsKnownTo(driver_, 2));
  EXPECT_NE(driver_.Dump().find("object store: 1 objects, 1 of them sealed, and 2 functions"),
            std::string::npos);
  Drop(driver_, 1);
  EXPECT_TRUE(IsForgotten(driver_, 1));
  EXPECT_TRUE(IsForgotten(driver_, 2));
  EXPECT_NE(driver_.Dump().find("object store: 0 objects, 0 of them sealed, and 0 functions"),
            std::string::npos);
}

TEST_F(NodeFunctionsTest, OtherProcessesKeepIt) {
  TestDriver other(node_.socket_path());
  Export(driver_, 1);
  // It has come inside a value.
  other.client().AddLocalReference(ObjectId::ForFunction(Named(1)));
  EXPECT_TRUE(IsKnownTo(other, 1));
  Drop(driver_, 1);
  EXPECT_TRUE(IsKnownTo(driver_, 1));
  Drop(other, 1);
  EXPECT_TRUE(IsForgotten(other, 1));
}

}  // namespace
}  // namespace rayx
