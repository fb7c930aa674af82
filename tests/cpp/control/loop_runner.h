// Runs an event loop in a test until something has happened.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "control/tables.h"

namespace rayx::control {

class LoopRunner {
 public:
  EventLoop* loop() { return &loop_; }

  // Runs turns, with `act` at the end of each, until `happened`. Fails the test if that takes too
  // long.
  void RunUntil(const std::function<bool()>& happened, const std::function<void()>& act = {},
                int64_t timeout_ms = 20000) {
    // A test that cannot go on does not wait either.
    if (testing::Test::HasFatalFailure()) return;
    bool late = false;
    const auto limit = loop_.CallAt(loop_.now_ms() + timeout_ms, [&late] { late = true; });
    // A first turn even if nothing is going to happen by itself.
    loop_.Post([] {});
    loop_.Run([&] {
      if (act) act();
      if (late || happened()) loop_.Stop();
      return false;
    });
    EXPECT_FALSE(late) << "what the test waits for does not happen";
  }

  // Runs turns with the tables' Flush at the end of each, as a daemon does.
  void RunTables(Tables* tables, const std::function<bool()>& happened) {
    std::unique_ptr<EventLoop::Timer> wake;
    RunUntil(happened, [&] {
      tables->Flush();
      const auto next_ms = tables->NextFlushMs();
      wake = next_ms ? loop_.CallAt(*next_ms, [] {}) : nullptr;
    });
  }

  // Asks something of the tables and waits for the answer.
  template <typename T>
  Result<T> Ask(Tables* tables, const std::function<void(Callback<T>)>& ask) {
    std::optional<Result<T>> answer;
    ask([&answer](Result<T> result) { answer = std::move(result); });
    if (!answer) RunTables(tables, [&answer] { return answer.has_value(); });
    if (!answer) return Status::TimedOut("no answer");
    return *std::move(answer);
  }
  Status Drain(Tables* tables) {
    std::optional<Status> answer;
    tables->Drain(15000, [&answer](Status status) { answer = std::move(status); });
    if (!answer) RunTables(tables, [&answer] { return answer.has_value(); });
    return answer.value_or(Status::TimedOut("no answer"));
  }

 private:
  EventLoop loop_;
};

}  // namespace rayx::control
