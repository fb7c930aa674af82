#include "client/tasks/completions.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <iterator>
#include <utility>

#include "client/connection/deadline.h"
#include "common/base/check.h"
#include "common/base/sparse_table.h"
#include "common/os/fork_guard.h"

namespace rayx {
namespace {

Status QueueClosed() { return Status::InvalidArgument("the queue of completions is closed"); }

}  // namespace

Result<std::shared_ptr<Completions>> Completions::Create(Parts parts) {
  ScopedFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.valid()) return Status::FromErrno("eventfd", errno);
  return std::make_shared<Completions>(std::move(parts), std::move(event));
}

Completions::Completions(Parts parts, ScopedFd event)
    : parts_(std::move(parts)), event_(std::move(event)) {
  watch_.on_arrival = [this](const ObjectId& id) { OnArrival(id); };
}

Completions::~Completions() { Close(); }

// --- in ---

Status Completions::Add(std::span<const ObjectId> ids) {
  if (parts_.references->InForkedChild()) return ForkGuard::ForkedStatus();
  std::vector<ObjectId> ask;
  {
    const NodeLink::Lock lock = parts_.link->LockState();
    if (closed_) return QueueClosed();
    for (const ObjectId& id : ids) {
      parts_.objects->AddReferenceLocked(id);
      if (parts_.objects->IsAvailable(id)) {
        AddReady({id, /*watched=*/false});
      } else {
        ++pending_[id];
        if (parts_.objects->StartWatch(id, &watch_)) ask.push_back(id);
      }
    }
    // A thread in Take may sleep on the socket.
    if (!ready_.empty()) parts_.link->Wake();
  }
  return ask.empty() ? Status::Ok() : parts_.objects->AskFor(ask, /*pin=*/false);
}

void Completions::OnArrival(const ObjectId& id) {
  const auto found = pending_.find(id);
  RAYX_CHECK(found != pending_.end());
  if (--found->second == 0) {
    pending_.erase(found);
    ShrinkIfSparse(pending_);
  }
  // The cache is in the middle of its work: the watch is ended later.
  AddReady({id, /*watched=*/true});
}

void Completions::AddReady(const ReadyObject& object) {
  if (ready_.empty()) SetReadable(true);
  ready_.push_back(object);
}

void Completions::SetReadable(bool readable) {
  // Neither can fail: no other code has the descriptor, and it counts to 1.
  uint64_t count = 1;
  const ssize_t done = readable ? ::write(event_.get(), &count, sizeof(count))
                                : ::read(event_.get(), &count, sizeof(count));
  RAYX_CHECK(done == static_cast<ssize_t>(sizeof(count)));
}

// --- out ---

Result<std::vector<ObjectId>> Completions::Take(int64_t timeout_ms) {
  if (parts_.references->InForkedChild()) return ForkGuard::ForkedStatus();
  NodeLink::Lock lock = parts_.link->LockState();
  const auto is_over = [this] { return closed_ || !ready_.empty(); };
  const Deadline deadline = Deadline::After(timeout_ms);
  // Another thread may take what has come while this one tells the node that its wait is over.
  while (!is_over()) {
    RAYX_RETURN_IF_ERROR(
        parts_.objects->Sleep(&lock, deadline, parts_.tasks->InOnlyTask(), {}, is_over));
  }
  if (closed_) return QueueClosed();
  return TakeReady();
}

std::vector<ObjectId> Completions::TakeReady() {
  std::vector<ObjectId> taken;
  taken.reserve(ready_.size());
  for (const ReadyObject& object : ready_) {
    if (object.watched) parts_.objects->EndWatch(object.id, &watch_);
    taken.push_back(object.id);
  }
  ready_.clear();
  SetReadable(false);
  return taken;
}

bool Completions::Drop(const ObjectId* only) {
  bool urgent = false;
  const auto drop = [&](const ObjectId& id, bool watched) {
    if (watched) parts_.objects->EndWatch(id, &watch_);
    urgent |= parts_.objects->RemoveReferenceLocked(id);
  };
  const auto first = only != nullptr ? pending_.find(*only) : pending_.begin();
  const auto last = first != pending_.end() && only != nullptr ? std::next(first) : pending_.end();
  for (auto found = first; found != last; ++found) {
    for (size_t i = 0; i < found->second; ++i) drop(found->first, /*watched=*/true);
  }
  pending_.erase(first, last);
  const size_t dropped = std::erase_if(ready_, [&](const ReadyObject& object) {
    if (only != nullptr && object.id != *only) return false;
    drop(object.id, object.watched);
    return true;
  });
  if (dropped > 0 && ready_.empty()) SetReadable(false);
  return urgent;
}

Status Completions::Discard(const ObjectId& id) {
  if (parts_.references->InForkedChild()) return ForkGuard::ForkedStatus();
  bool urgent = false;
  {
    const NodeLink::Lock lock = parts_.link->LockState();
    urgent = Drop(&id);
  }
  parts_.references->Nudge(urgent);
  return Status::Ok();
}

void Completions::Close() {
  // A child's descriptor is a copy; all else is the parent's.
  if (parts_.references->InForkedChild()) return event_.Reset();
  bool urgent = false;
  {
    const NodeLink::Lock lock = parts_.link->LockState();
    if (std::exchange(closed_, true)) return;
    urgent = Drop(nullptr);
    event_.Reset();
    parts_.link->Wake();
  }
  parts_.references->Nudge(urgent);
}

int Completions::fd() const {
  if (parts_.references->InForkedChild()) return -1;
  const NodeLink::Lock lock = parts_.link->LockState();
  return event_.get();
}

}  // namespace rayx
