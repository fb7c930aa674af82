// A process's connection to its node: submits tasks, stores and gets objects, and, in a worker,
// takes tasks.
//
// All methods may be called from any thread. There is no thread of our own: whoever waits reads the
// socket for everybody (the others sleep until it has something for them or hands over). What the
// node pushes (results of our tasks) is kept until it is asked for, so that most calls of Wait and
// Get need no message.
//
// Calls that wait go on when a signal arrives, unless the client was told to look for signals, as
// Python's is: then they return Interrupted, and now and then without a signal; nothing is lost,
// the caller looks for signals and calls again. When the connection is lost every call, waiting or
// later, returns Disconnected with the reason. In a forked child every call returns Forked and
// touches nothing; the parent's connection stays whole.
//
// Ids: the client counts the ObjectIDs of this process (AddLocalReference, RemoveLocalReference)
// and tells the node of the first and the last one only. The telling is batched with the next
// message, or sent at once when it frees something large.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/memory/pool_reader.h"
#include "client/values/driver_options.h"
#include "client/values/looker.h"
#include "client/values/named_actor.h"
#include "client/values/object_pieces.h"
#include "client/values/object_view.h"
#include "client/values/runnable_task.h"
#include "client/values/task_template.h"
#include "client/values/value.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/protocol/interrupt_reason.h"
#include "common/shm/claim_word.h"

namespace rayx {

class Completions;

class Client {
 public:
  // Connects and shakes hands; waits at most limits::kHelloTimeoutMs. Refused: ProtocolError with
  // the node's reason.
  static Result<std::unique_ptr<Client>> ConnectDriver(const DriverOptions& options);
  // A worker's end of the connection that came with its fork. Takes both descriptors.
  static Result<std::unique_ptr<Client>> AdoptWorker(int socket_fd, int claim_fd,
                                                     WorkerNumber number,
                                                     const std::string& python_version,
                                                     bool looks_for_signals = false);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  NodeId node_id() const;
  uint64_t pool_bytes() const;
  // Can be read when there is something to Poll for, from the node or another process; for
  // event loops. Nothing is to be read from it itself. -1 when closed.
  int fd() const;

  // --- tasks ---

  // Sends a function, once. `contained` are ids inside it; its own (ObjectId::ForFunction), if it
  // refers to itself. The node keeps it for as long as somebody refers to that, which the caller
  // must do from before this call on. InvalidArgument over limits::kFunctionBytesMax.
  Status ExportFunction(const FunctionId& id, const std::string& name,
                        std::span<const uint8_t> pickled, std::span<const ObjectId> contained);
  // The pickled function, from the node. NotFound if nobody exported it, or it has been forgotten.
  Result<std::string> FetchFunction(const FunctionId& id);
  // Of those that this worker has fetched: the functions that nobody else needs any more, each
  // once. NextTask returns Interrupted when there are any, and once more when it has waited for a
  // second since they were taken, also for who does not look for signals.
  std::vector<FunctionId> TakeForgottenFunctions();

  // Submits a task and returns the ids of its results, each with one local reference. `args` may be
  // null (a call without arguments). Arguments too large for a message are stored first (StoreFull
  // possible). Does not wait for the task. Of a stream: what ends it, and its first items.
  Result<std::vector<ObjectId>> Submit(const TaskTemplate& task, const ObjectPieces* args,
                                       std::span<const ObjectId> dependencies);
  // The consumer of a stream, given by what ends it, has taken so many items that the next `count`
  // may be made, from item `first` on: their ids, then that of `credit`, which tells the task; each
  // with one local reference. InvalidArgument beyond ObjectId::kStreamItemsMax.
  Result<std::vector<ObjectId>> GrantCredit(const ObjectId& stream_end, uint32_t first,
                                            uint32_t count, uint32_t credit);
  // Nobody wants the results of the task that makes `id` any more: it is taken back, or
  // interrupted, or its worker is ended, with `force` at once. One that has ended stays as it is.
  // InvalidArgument if no task makes it.
  Status Cancel(const ObjectId& id, bool force);
  // The same for all tasks of this driver, whoever submitted them, and all calls of its actors.
  Status CancelAll(bool force);
  // Ends an actor, given as the result of its creation. Ignored if it has ended.
  Status KillActor(const ObjectId& actor);
  // All workers run this before their next task of this driver. Once each.
  Status AddWorkerSetup(std::span<const uint8_t> pickled);
  // The actor of that name, if there is one in this driver's session.
  Result<std::optional<NamedActor>> FindActor(const std::string& name, int64_t timeout_ms);

  // --- objects ---

  // Stores a value under a fresh id of the current task (in a driver, of the driver), which has one
  // local reference.
  Result<ObjectId> Put(const ObjectPieces& value);

  // Waits until `count` of `ids` are available or the time is over (timeout_ms < 0: without end),
  // and says for each whether it is; those behind the one that completes the count may be left out.
  // Not an error if fewer are. `looker` is asked whether to go on, where Interrupted would be
  // returned without one.
  Result<std::vector<bool>> Wait(std::span<const ObjectId> ids, size_t count, int64_t timeout_ms,
                                 Looker* looker = nullptr);
  // The values of all `ids`, in order, waiting for those that are not available. TimedOut if some
  // still are not; the message says how many of how many. `looker` as in Wait.
  Result<std::vector<ObjectView>> Get(std::span<const ObjectId> ids, int64_t timeout_ms,
                                      Looker* looker = nullptr);
  // The bytes of a view, to be written without anybody else seeing it (PoolReader::MapCopyOnWrite).
  // Any failure means that a copy is to be made instead.
  Result<PrivateBytes> MapCopyOnWrite(std::span<const uint8_t> object);
  // Takes in what the node has pushed, without waiting. Small objects that were put are on their
  // way to the node then, if they were not: their ids may go elsewhere than through this client.
  Status Poll();
  // A queue for those who wait for several objects and want each as it comes. May outlive the
  // client.
  Result<std::shared_ptr<Completions>> NewCompletions();

  void AddLocalReference(const ObjectId& id);
  // Never fails, never waits for long: called from destructors, on any thread, at any time (also
  // after Close or fork).
  void RemoveLocalReference(const ObjectId& id) noexcept;
  // Whether there is an ObjectID of the object here, or somebody here waits for it.
  bool HasLocalReference(const ObjectId& id) const;

  // --- a worker's work ---

  // The next task that is ours to run. Disconnected when the node ends this worker. One thread at a
  // time; tasks taken before may still be open, as many as their actor may run at once.
  Result<RunnableTask> NextTask();
  // Stores one result of an open task. A small one travels with FinishTask.
  Status PutResult(const RunnableTask& task, uint32_t index, const ObjectPieces& value);
  // The same for the results from `first` on, up to the first that cannot be stored; `*stored` says
  // how many were.
  Status PutResults(const RunnableTask& task, uint32_t first,
                    std::span<const ObjectPieces* const> values, size_t* stored);
  // Stores one item of the stream that an open task makes. It lives if who submitted the task wants
  // it still. StoreFull; InvalidArgument beyond ObjectId::kStreamItemsMax.
  Status PutItem(const RunnableTask& task, uint32_t item, const ObjectPieces& value);
  // An open task has ended. `error_text` is what the driver prints if it raised, empty otherwise;
  // `failed`: its results are errors. `state`, of an actor's call: an object that was put before,
  // which holds what the actor is after it; may be null.
  Status FinishTask(const RunnableTask& task, std::string_view error_text, bool wrote_output,
                    bool failed, const ObjectId* state = nullptr);
  // The worker's only open task begins to wait for objects otherwise than in Wait and Get: its CPUs
  // may be used by others until the wait is over. Any thread; waits may overlap. 0, and nothing
  // happens, in a driver and while several tasks are open.
  Result<uint64_t> LendCpus();
  // The wait that LendCpus named is over. Nothing happens if its task is over, too.
  Status ReturnCpus(uint64_t wait);
  // The task that the node has interrupted last, by its number, and why: the scheduler's
  // InterruptReason; 0 if there is none.
  ClaimWord::Interrupted Interrupt() const;
  // Something is to be run when this worker ends: the end of its driver waits for it. Does nothing
  // in a driver, or in a fork of the worker.
  void NoteExitWork() const;

  // --- questions ---

  // Asks the node a question of common/protocol/questions.fbs, by its name and with the fields of
  // its table; gives the fields of the reply. InvalidArgument if there is no such question.
  Result<Value> Ask(const std::string& question, const Value& fields, int64_t timeout_ms);

  // Makes the ids of this client's tasks follow from `seed` (same seed and program, same ids).
  // Before the first task.
  void SeedIds(uint64_t seed);

  // Sends what is queued and closes. Views stay valid.
  void Close();

 private:
  struct Impl;

 public:
  // For ConnectDriver and AdoptWorker alone: nobody else can name an Impl.
  explicit Client(std::shared_ptr<Impl> impl);

 private:
  // Takes the descriptors. Without `options`: a worker.
  static Result<std::unique_ptr<Client>> Open(int socket_fd, const DriverOptions* options,
                                              WorkerNumber worker,
                                              const std::string& python_version, int claim_fd,
                                              bool looks_for_signals);

  std::shared_ptr<Impl> impl_;
};

}  // namespace rayx
