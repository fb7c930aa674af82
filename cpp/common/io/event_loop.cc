#include "common/io/event_loop.h"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/os/clock.h"

namespace rayx {
namespace {

// Handlers of one turn. Watchers fire at most once a turn, so this only bounds what is woken by
// itself again and again.
constexpr size_t kHandlersPerTurn = 4096;

// Shared by a watcher and by the handlers that asio still holds for it: what they find after the
// watcher's death is `alive == false`, whichever comes first.
struct WatcherState {
  WatcherState(asio::io_context& context, std::function<void()> on_readable,
               std::function<void()> on_writable)
      : descriptor(context), readable(std::move(on_readable)), writable(std::move(on_writable)) {}

  asio::posix::stream_descriptor descriptor;
  std::function<void()> readable;
  std::function<void()> writable;
  bool alive = true;
  bool want_read = false;
  bool want_write = false;
  // asio holds a wait for it, or (between a handler and the end of its turn) will.
  bool read_armed = false;
  bool write_armed = false;
  // On the list of those to arm before the loop sleeps.
  bool listed = false;
};
using WatcherStatePtr = std::shared_ptr<WatcherState>;

}  // namespace

struct EventLoop::Impl {
  // One thread runs it; Post may be called from others.
  asio::io_context context{1};
  WakeSet wake_set;
  bool running = false;
  bool stopped = false;
  uint64_t turn = 0;
  // By the last handler that asio ran.
  bool ran_cancelled_timer = false;
  // Taken when first asked for in a turn: not before the sleep at the turn's start.
  int64_t now_ms = -1;
  // Watchers that may want to be armed before the next sleep.
  std::vector<WatcherStatePtr> to_arm;
  std::vector<WatcherStatePtr> arming;
  std::vector<std::unique_ptr<asio::signal_set>> signals;

  std::mutex posted_mutex;
  std::vector<std::function<void()>> posted;
  std::vector<std::function<void()>> running_posted;

  void Hear(bool at_once);
  bool HasPosted();
  void RunPosted();
  void List(const WatcherStatePtr& state);
  void ArmListed();
  void WaitForSignal(asio::signal_set* set, std::function<void()> arrived);
};

// ---- turns --------------------------------------------------------------------------------------

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::Run(const std::function<bool()>& on_turn) {
  RAYX_CHECK(!impl_->running);
  impl_->running = true;
  const auto work = asio::make_work_guard(impl_->context);
  impl_->context.restart();
  // What was done before may have left work for on_turn, so the first turn does not sleep.
  bool again = true;
  while (!impl_->stopped) {
    impl_->Hear(again);
    again = on_turn();
  }
  impl_->stopped = false;
  impl_->running = false;
}

void EventLoop::Stop() { impl_->stopped = true; }

void EventLoop::Impl::Hear(bool at_once) {
  ++turn;
  ArmListed();
  now_ms = -1;
  size_t handled = 0;
  if (!at_once && !HasPosted()) {
    // A cancelled timer is no event: whoever sets one anew in each turn would never rest.
    do {
      ran_cancelled_timer = false;
      handled = context.run_one();
    } while (ran_cancelled_timer);
  }
  RunPosted();
  while (handled < kHandlersPerTurn && context.poll_one() != 0) ++handled;
}

bool EventLoop::Impl::HasPosted() {
  const std::lock_guard lock(posted_mutex);
  return !posted.empty();
}

void EventLoop::Impl::RunPosted() {
  // First, so that what is posted after the list has been taken is not forgotten.
  wake_set.ForgetWake();
  {
    const std::lock_guard lock(posted_mutex);
    running_posted.swap(posted);
  }
  for (const std::function<void()>& done : running_posted) done();
  running_posted.clear();
}

int64_t EventLoop::now_ms() const {
  if (!impl_->running) return MonotonicMs();
  if (impl_->now_ms < 0) impl_->now_ms = MonotonicMs();
  return impl_->now_ms;
}

uint64_t EventLoop::turn() const { return impl_->turn; }

void EventLoop::Post(std::function<void()> done) {
  bool first = false;
  {
    const std::lock_guard lock(impl_->posted_mutex);
    first = impl_->posted.empty();
    impl_->posted.push_back(std::move(done));
  }
  // Wakes a loop that sleeps, or whose on_turn does. One that does not looks at the list before it
  // sleeps.
  if (!first) return;
  impl_->wake_set.Wake();
  asio::post(impl_->context, [] {});
}

WakeSet& EventLoop::wake_set() { return impl_->wake_set; }

// ---- timers -------------------------------------------------------------------------------------

namespace {

struct TimerState {
  explicit TimerState(asio::io_context& context) : timer(context) {}
  asio::steady_timer timer;
  // Empty once it has run or been cancelled.
  std::function<void()> done;
};

class ScopedTimer : public EventLoop::Timer {
 public:
  explicit ScopedTimer(std::shared_ptr<TimerState> state) : state_(std::move(state)) {}
  ~ScopedTimer() override {
    state_->done = nullptr;
    state_->timer.cancel();
  }

 private:
  std::shared_ptr<TimerState> state_;
};

}  // namespace

std::unique_ptr<EventLoop::Timer> EventLoop::CallAt(int64_t when_ms, std::function<void()> done) {
  auto state = std::make_shared<TimerState>(impl_->context);
  state->done = std::move(done);
  state->timer.expires_at(
      std::chrono::steady_clock::time_point(std::chrono::milliseconds(when_ms)));
  state->timer.async_wait([impl = impl_.get(), state, when_ms](const asio::error_code&) {
    impl->ran_cancelled_timer = !state->done;
    if (!state->done) return;
    // The time may have been taken earlier in this turn; what is due must not find itself early.
    if (impl->now_ms >= 0 && impl->now_ms < when_ms) impl->now_ms = when_ms;
    const std::function<void()> run = std::exchange(state->done, nullptr);
    run();
  });
  return std::make_unique<ScopedTimer>(std::move(state));
}

// ---- signals ------------------------------------------------------------------------------------

void EventLoop::OnSignal(int signal_number, std::function<void()> arrived) {
  impl_->signals.push_back(std::make_unique<asio::signal_set>(impl_->context, signal_number));
  impl_->WaitForSignal(impl_->signals.back().get(), std::move(arrived));
}

void EventLoop::Impl::WaitForSignal(asio::signal_set* set, std::function<void()> arrived) {
  set->async_wait([this, set, arrived = std::move(arrived)](const asio::error_code& error, int) {
    if (error) return;
    arrived();
    WaitForSignal(set, arrived);
  });
}

// ---- watchers -----------------------------------------------------------------------------------

// A watcher is heard at most once a turn: what it waits for next is armed just before the loop
// sleeps. So no busy peer keeps a turn from ending, and one epoll_ctl a turn and descriptor is all
// that is paid.
void EventLoop::Impl::List(const WatcherStatePtr& state) {
  if (state->listed) return;
  state->listed = true;
  to_arm.push_back(state);
}

void EventLoop::Impl::ArmListed() {
  arming.swap(to_arm);
  for (const WatcherStatePtr& state : arming) {
    state->listed = false;
    if (!state->alive) continue;
    if (state->want_read && !state->read_armed) {
      state->read_armed = true;
      state->descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                   [this, state](const asio::error_code&) {
                                     state->read_armed = false;
                                     if (!state->alive || !state->want_read) return;
                                     List(state);
                                     state->readable();
                                   });
    }
    if (state->want_write && !state->write_armed) {
      state->write_armed = true;
      state->descriptor.async_wait(asio::posix::descriptor_base::wait_write,
                                   [this, state](const asio::error_code&) {
                                     state->write_armed = false;
                                     if (!state->alive || !state->want_write) return;
                                     List(state);
                                     state->writable();
                                   });
    }
  }
  arming.clear();
}

class EventLoop::ScopedWatcher : public EventLoop::Watcher {
 public:
  ScopedWatcher(Impl* impl, WatcherStatePtr state) : impl_(impl), state_(std::move(state)) {
    impl_->wake_set.Add(state_->descriptor.native_handle());
    WantRead(state_->readable != nullptr);
  }
  ~ScopedWatcher() override {
    state_->alive = false;
    impl_->wake_set.Remove(state_->descriptor.native_handle());
    // Forgets the descriptor without closing it; waits that asio holds end and find nobody alive.
    state_->descriptor.release();
  }

  void WantRead(bool want) override {
    state_->want_read = want;
    if (want && !state_->read_armed) impl_->List(state_);
  }
  void WantWrite(bool want) override {
    state_->want_write = want;
    if (want && !state_->write_armed) impl_->List(state_);
  }

 private:
  Impl* impl_;
  WatcherStatePtr state_;
};

std::unique_ptr<EventLoop::Watcher> EventLoop::Watch(int fd, std::function<void()> readable,
                                                     std::function<void()> writable) {
  auto state =
      std::make_shared<WatcherState>(impl_->context, std::move(readable), std::move(writable));
  asio::error_code error;
  state->descriptor.assign(fd, error);
  RAYX_CHECK_MSG(!error, error.message());
  return std::make_unique<ScopedWatcher>(impl_.get(), std::move(state));
}

}  // namespace rayx
