// The tasks that the node has handed to this worker ahead of time, and those that a client has
// given it. They run by their numbers.
//
//   received ──(Pop: the claim word lets us)──▶ ours to run
//       └──────(Pop: it was taken back)───────▶ dropped, with its pins
//
// What came for the worker with a task that is dropped (the driver's config, setups) goes to the
// next one: the node says it once.
//
// It is not synchronized: the state lock of the NodeLink protects it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/memory/pool_reader.h"
#include "client/values/runnable_task.h"
#include "common/base/status.h"
#include "common/shm/claim_word.h"

namespace rayx {

// Reads a RunTask message. The values that it carries are filled in, those that are missing are
// invalid views. What the task points into is copied. ProtocolError if the message is malformed.
Result<RunnableTask> DecodeRunTask(std::span<const uint8_t> payload, const PoolReader& pool);

class WorkerQueue {
 public:
  // Says whether the task of that number is ours to begin (ClaimWord::Begin).
  using Begin = std::function<ClaimWord::Claim(uint32_t sequence)>;

  // `task.from_client` says where it came from.
  void OnRunTask(RunnableTask task);
  // ExitWorker: what is queued will not be run.
  void OnExit() { ended_ = true; }

  // The next task that is ours; drops those that were taken back. Nothing if it is not here yet.
  std::optional<RunnableTask> Pop(const Begin& begin);
  bool ended() const { return ended_; }
  size_t size() const { return tasks_.size() + given_.size(); }

 private:
  // What a driver tells a worker along with a task.
  struct News {
    DriverId driver;
    std::optional<std::string> config;
    std::vector<std::string> setups;
  };

  // Both must be called in the order of the tasks.
  void KeepNews(RunnableTask* dropped);
  void HandOnNews(RunnableTask* task);

  std::deque<RunnableTask> tasks_;  // of the node
  std::deque<RunnableTask> given_;  // by a client: few, as a rule one
  std::optional<News> news_;        // of tasks that were dropped
  bool ended_ = false;
};

}  // namespace rayx
