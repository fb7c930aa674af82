#include "daemon/latency/spare_cpus.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace rayx::daemon {
namespace {

class SpareCpusTest : public testing::Test {
 protected:
  SpareCpusTest() : path_(testing::TempDir() + "rayx-loadavg-" + std::to_string(::getpid())) {}
  ~SpareCpusTest() override { ::unlink(path_.c_str()); }
  void Write(const std::string& text) { std::ofstream(path_) << text; }
  bool LookAt(size_t cpus, const std::string& text) {
    Write(text);
    return SpareCpus(cpus, path_).Look(0);
  }
  const std::string path_;
};

TEST_F(SpareCpusTest, AllThreadsButOursHaveAProcessor) {
  EXPECT_TRUE(LookAt(2, "0.20 0.18 0.12 1/80 11206\n"));
  EXPECT_TRUE(LookAt(2, "9.20 0.18 0.12 2/80 11206\n")) << "what was is over";
  EXPECT_FALSE(LookAt(2, "0.20 0.18 0.12 3/80 11206\n")) << "none is idle";
  EXPECT_TRUE(LookAt(64, "0.20 0.18 0.12 64/8000 11206\n"));
}

TEST_F(SpareCpusTest, WhoDoesNotKnowHasNone) {
  for (const char* text : {"", "\n", "0.20 0.18 0.12", "/", "1/80", "a b c x/80 1", "0 0 0 /80 1",
                           "0 0 0 0/80 1", "0 0 0 -1/80 1", "0 0 0 1x/80 1"}) {
    EXPECT_FALSE(LookAt(2, text)) << text;
  }
  EXPECT_FALSE(SpareCpus(2, path_ + ".none").Look(0));
  EXPECT_FALSE(LookAt(0, "0.20 0.18 0.12 1/80 11206\n")) << "nothing may be kept";
}

TEST_F(SpareCpusTest, AnAnswerIsGoodForAWhile) {
  Write("0.20 0.18 0.12 1/80 11206\n");
  SpareCpus cpus(2, path_);
  EXPECT_TRUE(cpus.Look(0));
  Write("none");
  EXPECT_TRUE(cpus.Look(SpareCpus::kLookUs - 1));
  EXPECT_FALSE(cpus.Look(SpareCpus::kLookUs));
}

TEST_F(SpareCpusTest, WhoComesForAMomentTakesNone) {
  Write("0.20 0.18 0.12 1/80 11206\n");
  SpareCpus cpus(2, path_);
  int64_t now_us = 0;
  const auto look = [&](int runnable) {
    Write("0.20 0.18 0.12 " + std::to_string(runnable) + "/80 11206\n");
    return cpus.Look(now_us += SpareCpus::kLookUs);
  };
  EXPECT_TRUE(look(1));
  EXPECT_TRUE(look(9));
  EXPECT_TRUE(look(3)) << "a processor for each";
  EXPECT_TRUE(look(4));
  EXPECT_FALSE(look(4)) << "twice in a row";
  EXPECT_FALSE(look(3)) << "all have one, but whoever looks for something again would take it";
  EXPECT_TRUE(look(2));
  EXPECT_TRUE(look(4)) << "once";
}

TEST(SpareCpusMachineTest, TheKernelTells) {
  if (::access("/proc/loadavg", R_OK) != 0) GTEST_SKIP() << "no /proc/loadavg here";
  EXPECT_TRUE(SpareCpus(1u << 20).Look(0));
}

}  // namespace
}  // namespace rayx::daemon
