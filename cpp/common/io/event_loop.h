// The one loop of a daemon: sockets, timers and signals on asio, in three beats.
//
// A turn: *hear* (all handlers that are ready run; they change state and queue effects), then
// `on_turn` (*decide* and *act*), then sleep until something happens. Everything runs on the thread
// that calls Run().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "common/base/status.h"
#include "common/os/scoped_fd.h"
#include "common/os/wake_set.h"

namespace rayx {

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs turns until Stop(). `on_turn` is called after the handlers of each turn; it returns true
  // if it wants another turn at once (work is left over). The first turn does not sleep.
  void Run(const std::function<bool()>& on_turn);
  void Stop();

  // Monotonic milliseconds; taken once a turn.
  int64_t now_ms() const;
  // Number of the turn, for those who keep a budget a turn.
  uint64_t turn() const;

  // Calls `done` once, at or after `when_ms`. The handle cancels it when destroyed, and is
  // destroyed before the loop.
  class Timer;
  std::unique_ptr<Timer> CallAt(int64_t when_ms, std::function<void()> done);
  // Calls `done` once, in the next turn. The one method that other threads may call.
  void Post(std::function<void()> done);
  // Calls `arrived` for each delivery of `signal_number`, as an event of the loop, for the life of
  // the loop.
  void OnSignal(int signal_number, std::function<void()> arrived);

  // Watches a descriptor it does not own, and makes it non-blocking. Handlers are called once a
  // turn while it is readable / writable (level) and that is wanted; they stop at once when the
  // watcher is destroyed, even from inside a handler. Destroy the watcher before the descriptor is
  // closed, and before the loop.
  class Watcher;
  std::unique_ptr<Watcher> Watch(int fd, std::function<void()> readable,
                                 std::function<void()> writable = {});

  // All that is watched is in it, unless it is taken out. For on_turn, which may sleep on it before
  // the loop goes on: timers wait meanwhile; signals, and what is posted, end the sleep.
  WakeSet& wake_set();

 private:
  struct Impl;
  class ScopedWatcher;
  std::unique_ptr<Impl> impl_;
};

class EventLoop::Timer {
 public:
  virtual ~Timer() = default;
};

class EventLoop::Watcher {
 public:
  virtual ~Watcher() = default;
  // Reading is wanted from the start, writing is not.
  virtual void WantRead(bool want) = 0;
  virtual void WantWrite(bool want) = 0;
};

}  // namespace rayx
