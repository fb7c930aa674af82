// What one thread puts in, another one takes out, in order.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace rayx::daemon {

template <typename Letter>
class Mailbox {
 public:
  // `wake`: the taker should look; called by who puts something in while nothing waits.
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void Put(Letter letter) {
    bool was_empty = false;
    {
      const std::lock_guard lock(mutex_);
      was_empty = letters_.empty();
      letters_.push_back(std::move(letter));
    }
    if (was_empty) wake_();
  }
  std::vector<Letter> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(letters_, {});
  }

 private:
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<Letter> letters_;
};

}  // namespace rayx::daemon
