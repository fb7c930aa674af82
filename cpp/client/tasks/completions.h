// A queue of objects in the order in which they become available, for callers that wait for several
// and want each as it comes: event loops, as_completed, futures.
//
//   Add ──▶ pending ──(it becomes available)──▶ ready ──▶ Take
//             └────────────── Discard, Close ─────┘
//
// The queue refers to what is in it, once for each time it was added; Take hands the reference
// over. There is no thread of its own: the state moves when a thread reads the node's socket, as
// Take does. A caller that waits for fd() instead must also watch Client::fd(), and Poll when that
// can be read.
//
// Any thread may call it. When the connection is lost, what is ready can still be taken. In a
// forked child every call returns Forked and touches nothing. The queue lives on when the client is
// destroyed, but is told nothing more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "client/link/node_link.h"
#include "client/link/reference_queue.h"
#include "client/objects/object_access.h"
#include "client/objects/object_cache.h"
#include "client/tasks/worker_tasks.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/os/scoped_fd.h"

namespace rayx {

class Completions {
 public:
  // The parts of the client that are used, and what keeps them alive.
  struct Parts {
    std::shared_ptr<const void> owner;
    NodeLink* link = nullptr;
    ObjectAccess* objects = nullptr;
    const WorkerTasks* tasks = nullptr;
    std::shared_ptr<ReferenceQueue> references;
  };

  // IoError if there is no descriptor left.
  static Result<std::shared_ptr<Completions>> Create(Parts parts);
  // For Create alone.
  Completions(Parts parts, ScopedFd event);
  // Closes.
  ~Completions();
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  // Adds objects. Those that are known to be available are ready at once; the node is asked for the
  // others, unless it has been. InvalidArgument after Close.
  Status Add(std::span<const ObjectId> ids);
  // All that is ready, each with one local reference; waits for at least one. TimedOut if there is
  // none (negative: no end).
  Result<std::vector<ObjectId>> Take(int64_t timeout_ms);
  // Takes the object out of the queue, however often it was added.
  Status Discard(const ObjectId& id);
  // Gives up all that is in the queue, and the descriptor.
  void Close();

  // Can be read while something is ready. -1 after Close.
  int fd() const;

 private:
  struct ReadyObject {
    ObjectId id;
    bool watched = false;  // and the watch has not been ended
  };

  // All REQUIRE the state lock. The first is called by the cache.
  void OnArrival(const ObjectId& id);
  void AddReady(const ReadyObject& object);
  std::vector<ObjectId> TakeReady();
  // Gives up what is in the queue, or of it `only`. True if the node should be told soon.
  bool Drop(const ObjectId* only);
  // fd() can be read from now on, or not.
  void SetReadable(bool readable);

  const Parts parts_;

  // The link's state lock protects all below.
  ScopedFd event_;
  bool closed_ = false;
  ObjectCache::Watch watch_;
  std::unordered_map<ObjectId, size_t> pending_;  // how often each
  std::vector<ReadyObject> ready_;
};

}  // namespace rayx
