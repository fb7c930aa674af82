// A worker's side of its tasks: takes the next one, stores its results, reports its end.
//
//             NextTask               PutResult*, FinishTask
//   received ──────────▶ fetching ──▶ open ───────────────▶ gone
//                          (values that did not fit into the message)
//
// At most one is being fetched; several may be open, if they are calls of one actor. NextTask is
// for one thread at a time, all else for any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "client/link/node_link.h"
#include "client/objects/object_access.h"
#include "client/tasks/id_source.h"
#include "client/tasks/worker_queue.h"
#include "client/values/object_pieces.h"
#include "client/values/runnable_task.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/shm/claim_word.h"

namespace rayx {

class WorkerTasks {
 public:
  // How a task has ended, as Client says.
  struct TaskEnd {
    bool wrote_output = false;
    bool failed = false;
    const ObjectId* state = nullptr;
  };

  // Sends a message to the client that has given us a task; nothing happens if it is gone. Called
  // without the link's state lock.
  using TellClient = std::function<void(uint16_t type, std::span<const uint8_t> payload)>;

  // All must outlive it. `claims`: null in a driver, which has no tasks.
  WorkerTasks(NodeLink* link, ObjectAccess* objects, IdSource* ids,
              std::shared_ptr<ClaimWord> claims, TellClient tell_client);

  // These do what Client says.
  Result<RunnableTask> NextTask();
  Status PutResult(const RunnableTask& task, uint32_t index, const ObjectPieces& value);
  Status FinishTask(const RunnableTask& task, std::string_view error_text, const TaskEnd& end);
  ClaimWord::Interrupted Interrupt() const;
  void NoteExitWork() const;
  std::vector<FunctionId> TakeForgottenFunctions();

  // Whether this thread has taken the newest task, and that is open: what it makes is named after
  // the task. The release in Begin follows the store of the thread, so that a true flag comes with
  // its thread.
  bool InTask() const {
    return newest_open_.load(std::memory_order_acquire) &&
           thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  // Whether besides no other task is open: while this thread waits, the worker does nothing.
  bool InOnlyTask() const { return InTask() && HasOneTask(); }
  // Whether one task is open, whichever thread runs it.
  bool HasOneTask() const { return open_count_.load(std::memory_order_relaxed) == 1; }
  // How many functions this worker has begun to run. Calls of an actor that were submitted in one
  // run begin in their order (CallerId); an actor runs no functions, so that all of its calls do.
  uint32_t run() const { return run_.load(std::memory_order_relaxed); }
  // The driver whose task was taken last; nil before.
  DriverId driver() const;

  // --- messages, under the link's state lock ---

  // `from_client`: a client has given us the task, not the node.
  Status OnRunTask(std::span<const uint8_t> payload, bool from_client);
  Status OnExitWorker();
  Status OnForgetFunction(std::span<const uint8_t> payload);

 private:
  // A result that travels with TaskDone.
  struct SmallResult {
    uint32_t index = 0;
    std::vector<uint8_t> bytes;
    std::vector<ObjectId> contained;
  };
  struct OpenTask {
    TaskId id;
    uint32_t return_count = 0;
    bool from_client = false;
    // What this process refers to for the sake of the task.
    std::vector<ObjectId> references;
    std::vector<SmallResult> small_results;
    // The bytes of these, and of those that are being written.
    size_t small_result_bytes = 0;
  };

  Status TakeTask();
  // Gets the values that did not fit into the message.
  Status FetchValues();
  RunnableTask Begin();
  // All results are here, and can be told without the node.
  static bool AreWhole(const OpenTask& task);
  // The open task, or null. REQUIRES: tasks_mutex_ is held.
  OpenTask* Find(const RunnableTask& task);
  Status SendDone(uint32_t sequence, const OpenTask& task, std::string_view error_text,
                  const TaskEnd& end);
  // Sends it to the client that gave us the task, too.
  Status SendDoneToBoth(uint32_t sequence, const OpenTask& task, bool delivered,
                        std::span<const uint8_t> message);

  NodeLink* const link_;
  ObjectAccess* const objects_;
  IdSource* const ids_;
  const std::shared_ptr<ClaimWord> claims_;
  const TellClient tell_client_;

  // Protected by the link's state lock:
  WorkerQueue queue_;
  std::vector<FunctionId> forgotten_;
  // Some were taken, and NextTask has not waited for long since.
  bool tidies_ = false;

  // Only the thread in NextTask uses these.
  std::optional<RunnableTask> fetching_;
  std::vector<ObjectId> fetching_references_;

  mutable std::mutex tasks_mutex_;
  // All below is changed with tasks_mutex_ held.
  std::unordered_map<uint32_t, OpenTask> open_;  // by sequence
  std::optional<uint32_t> newest_;               // if it is open
  DriverId driver_;
  // Copies of these, which are read without the mutex.
  std::atomic<bool> newest_open_{false};
  std::atomic<size_t> open_count_{0};
  std::atomic<uint32_t> run_{0};
  std::atomic<std::thread::id> thread_;
};

}  // namespace rayx
