// A driver that does what it should while others do not, and checks every answer.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "common/base/check.h"
#include "daemon/test_node.h"

namespace rayx {

class HonestDriver {
 public:
  explicit HonestDriver(const std::string& socket_path)
      : driver_(socket_path), thread_([this] { Run(); }) {}
  ~HonestDriver() { StopAndCount(); }

  // Its worker is there, and it has been served once.
  void AwaitAnswer() {
    RAYX_CHECK(WaitUntil([this] { return answered_ > 0; }));
  }
  // Tasks that it has had answered, all rightly.
  size_t StopAndCount() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return answered_;
  }

 private:
  void Run() {
    while (!stop_ && !testing::Test::HasFatalFailure()) {
      const std::string text = "honest " + std::to_string(answered_);
      const std::string answer = driver_.Call("echo", text);
      EXPECT_EQ(answer, text);
      if (answer != text) return;
      ++answered_;
    }
  }

  TestDriver driver_;
  std::atomic<bool> stop_{false};
  std::atomic<size_t> answered_{0};
  std::thread thread_;
};

}  // namespace rayx
