// A worker's side of its tasks: takes the next one, stores its results, reports its end.
//
//          NextTask                PutResult*, FinishTask
//   idle ────────────▶ fetching ──▶ running ─────────────▶ idle
//                         (values that did not fit into the message)
//
// NextTask, PutResult and FinishTask are for one thread; the questions for any.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "client/client.h"
#include "client/id_source.h"
#include "client/node_link.h"
#include "client/object_access.h"
#include "client/worker_queue.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/claim_word.h"

namespace rayx {

class WorkerTasks {
 public:
  // All must outlive it. `claims`: none in a driver, which has no tasks.
  WorkerTasks(NodeLink* link, ObjectAccess* objects, IdSource* ids,
              std::optional<ClaimWord> claims);

  // As Client says.
  Result<RunnableTask> NextTask();
  Status PutResult(uint32_t index, const ObjectPieces& value);
  Status FinishTask(std::string_view error_text, bool wrote_output);

  // This thread runs a task.
  bool InTask() const {
    return running_.load(std::memory_order_acquire) &&
           thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  // The driver whose task was taken last; nil before.
  DriverId driver() const;

  // --- messages, under the link's state lock ---

  Status OnRunTask(std::span<const uint8_t> payload);
  Status OnExitWorker();

 private:
  struct Current {
    TaskId id;
    uint32_t sequence = 0;
    uint32_t return_count = 0;
    // What this process refers to for the sake of the task.
    std::vector<ObjectId> references;
  };
  // A result that travels with TaskDone.
  struct SmallResult {
    uint32_t index = 0;
    std::vector<uint8_t> bytes;
    std::vector<ObjectId> contained;
  };

  Status TakeTask();
  // Gets the values that did not fit into the message.
  Status FetchValues();
  RunnableTask Begin();

  NodeLink* const link_;
  ObjectAccess* const objects_;
  IdSource* const ids_;
  std::optional<ClaimWord> claims_;

  WorkerQueue queue_;  // protected by the link's state lock

  // Of the one thread that runs tasks.
  std::optional<RunnableTask> fetching_;
  Current current_;
  std::vector<SmallResult> small_results_;
  size_t small_result_bytes_ = 0;

  std::atomic<bool> running_{false};
  std::atomic<std::thread::id> thread_;
  mutable std::mutex driver_mutex_;
  DriverId driver_;  // protected by driver_mutex_
};

}  // namespace rayx
