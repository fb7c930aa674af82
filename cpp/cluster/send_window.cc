#include "cluster/send_window.h"

#include <algorithm>
#include <utility>

#include "cluster/mutation.h"

namespace rayx::cluster {

void SendWindow::Add(Message message) {
  bytes_ += message.payload.size() + kFrameBytes;
  kept_.push_back(std::move(message));
}

const Message* SendWindow::Next() {
  if (!has_unsent()) return nullptr;
  const Message& message = kept_[next_ - first_];
  ++next_;
  sent_max_ = std::max(sent_max_, sent());
  return &message;
}

bool SendWindow::Acknowledge(uint64_t number) {
  if (number > sent_max_ || number < acknowledged()) return false;
  while (first_ <= number) {
    bytes_ -= kept_.front().payload.size() + kFrameBytes;
    kept_.pop_front();
    ++first_;
  }
  next_ = std::max(next_, first_);
  return true;
}

void SendWindow::Rewind() {
  if (RAYX_CLUSTER_MUTATION(kDropWhenSent)) Acknowledge(sent_max_);
  next_ = first_;
  if (RAYX_CLUSTER_MUTATION(kResendTooLate) && has_unsent()) ++next_;
}

void SendWindow::Clear() {
  kept_.clear();
  bytes_ = 0;
  next_ = first_;
}

}  // namespace rayx::cluster
