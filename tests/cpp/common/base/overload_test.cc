#include "common/base/overload.h"

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <variant>

namespace rayx {
namespace {

struct Known {};
struct Other {};

TEST(OverloadTest, EachAlternativeHasItsCase) {
  const Overload text{[](int value) { return std::to_string(value); },
                      [](const std::string& value) { return value; }};
  EXPECT_EQ(std::visit(text, std::variant<int, std::string>(3)), "3");
  EXPECT_EQ(std::visit(text, std::variant<int, std::string>("x")), "x");
}

TEST(OverloadTest, WhatHasNoCaseDoesNotCompile) {
  const auto on_known = [](const Known&) {};
  static_assert(std::is_invocable_v<Overload<decltype(on_known)>, Known>);
  static_assert(!std::is_invocable_v<Overload<decltype(on_known)>, Other>);
}

}  // namespace
}  // namespace rayx
