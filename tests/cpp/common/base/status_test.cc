#include "common/base/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

namespace rayx {
namespace {

TEST(StatusTest, OkCostsAPointerAndSaysSo) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kOk);
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.ToString(), "Ok");
  EXPECT_LE(sizeof(Status), 2 * sizeof(uintptr_t));
}

TEST(StatusTest, FailureNamesItsCodeAndText) {
  const Status status = Status::StoreFull("asked for 10 bytes");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.ToString(), "StoreFull: asked for 10 bytes");
  const Status copy = status;
  EXPECT_EQ(copy.message(), status.message());
}

TEST(StatusTest, ErrnoBecomesAnIoErrorWithItsText) {
  const Status status = Status::FromErrno("open /x", ENOENT);
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_EQ(status.message(), "open /x: No such file or directory");
}

TEST(StatusTest, EveryCodeHasAName) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(StatusCode::kForked); ++code) {
    names.insert(StatusCodeName(static_cast<StatusCode>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(StatusCode::kForked) + 1);
  EXPECT_EQ(names.count("Unknown"), 0u);
}

TEST(StatusDeathTest, FailureWithoutACodeIsABug) {
  EXPECT_DEATH(Status(StatusCode::kOk, "fine"), "check failed");
}

Result<int> Halve(int number) {
  if (number % 2 != 0) return Status::InvalidArgument("odd");
  return number / 2;
}

Status CheckEven(int number) {
  RAYX_RETURN_IF_ERROR(Halve(number).status());
  return Status::Ok();
}

TEST(ResultTest, HoldsAValueOrAReason) {
  EXPECT_EQ(*Halve(4), 2);
  EXPECT_FALSE(Halve(3).ok());
  EXPECT_EQ(Halve(3).status().message(), "odd");
  EXPECT_TRUE(CheckEven(2).ok());
  EXPECT_EQ(CheckEven(1).code(), StatusCode::kInvalidArgument);
}

TEST(ResultTest, ValuesMayBeMoveOnly) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 7);
  EXPECT_EQ(**Result<std::unique_ptr<int>>(std::make_unique<int>(8)), 8);
}

TEST(ResultDeathTest, MisuseIsABug) {
  EXPECT_DEATH((void)Halve(3).value(), "check failed");
  EXPECT_DEATH((void)Result<int>(Status::Ok()), "check failed");
}

}  // namespace
}  // namespace rayx
