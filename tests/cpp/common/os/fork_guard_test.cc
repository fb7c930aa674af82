#include "common/os/fork_guard.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rayx {
namespace {

TEST(ForkGuardTest, KnowsTheChild) {
  const ForkGuard guard;
  EXPECT_FALSE(guard.InChild());
  const pid_t child = ::fork();
  if (child == 0) {
    const ForkGuard own;
    ::_exit(guard.InChild() && !own.InChild() ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(guard.InChild());
}

}  // namespace
}  // namespace rayx
