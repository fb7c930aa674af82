// A process's connection to its node: submits tasks, stores and gets objects, and, in a worker,
// takes tasks.
//
// All methods may be called from any thread. The client has no thread of its own: one of the
// threads that wait reads the socket for all of them (the others sleep until it has something for
// them or hands over). What the node pushes (results of our tasks) is kept until a caller asks for
// it, so that most calls of Wait and Get need no message.
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
  // Connects and shakes hands; waits at most limits::kHelloTimeoutMs. ProtocolError, with the
  // node's reason, if it refuses.
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
  // A descriptor for event loops, which can be read when there is something to Poll for, from the
  // node or another process. The caller must not read from it. -1 when closed.
  int fd() const;

  // --- tasks ---

  // Sends a function, once. `contained` are the ids inside it, with its own (ObjectId::ForFunction)
  // if it refers to itself. The node keeps the function for as long as a process refers to that id,
  // and the caller must do so from before this call on. InvalidArgument over
  // limits::kFunctionBytesMax.
  Status ExportFunction(const FunctionId& id, const std::string& name,
                        std::span<const uint8_t> pickled, std::span<const ObjectId> contained);
  // The pickled function, from the node. NotFound if it was never exported, or has been forgotten.
  // `looker` as in Wait.
  Result<std::string> FetchFunction(const FunctionId& id, Looker* looker = nullptr);
  // The functions that this worker has fetched and no other process needs any more, each once.
  // NextTask returns Interrupted when there are any, and once more when it has waited for a second
  // since they were taken, even if the client does not look for signals.
  std::vector<FunctionId> TakeForgottenFunctions();

  // Submits a task and returns the ids of its results, each with one local reference. `args` may be
  // null (a call without arguments). Arguments too large for a message are stored first (StoreFull
  // possible). Does not wait for the task. The ids of a stream are what ends it, and its first
  // items.
  Result<std::vector<ObjectId>> Submit(const TaskTemplate& task, const ObjectPieces* args,
                                       std::span<const ObjectId> dependencies);
  // The consumer of a stream, which is given by what ends it, has taken so many items that the next
  // `count` may be made, from item `first` on. Returns their ids, then that of `credit`, which
  // tells the task; each with one local reference. InvalidArgument beyond
  // ObjectId::kStreamItemsMax.
  Result<std::vector<ObjectId>> GrantCredit(const ObjectId& stream_end, uint32_t first,
                                            uint32_t count, uint32_t credit);
  // The results of the task that makes `id` are not wanted any more: it is taken back, or
  // interrupted, or its worker is ended, with `force` at once. A task that has ended stays as it
  // is. InvalidArgument if no task makes it.
  Status Cancel(const ObjectId& id, bool force);
  // The same for all tasks of this driver, whichever process submitted them, and all calls of its
  // actors.
  Status CancelAll(bool force);
  // Ends an actor, given as the result of its creation. Ignored if it has ended.
  Status KillActor(const ObjectId& actor);
  // Each worker runs this once, before its next task of this driver.
  Status AddWorkerSetup(std::span<const uint8_t> pickled);
  // The actor of that name, if there is one in this driver's session. `looker` as in Wait.
  Result<std::optional<NamedActor>> FindActor(const std::string& name, int64_t timeout_ms,
                                              Looker* looker = nullptr);

  // --- objects ---

  // Stores a value under a fresh id of the current task (in a driver, of the driver), which has one
  // local reference.
  Result<ObjectId> Put(const ObjectPieces& value);

  // Waits until `count` of `ids` are available or the time is over (timeout_ms < 0: without end),
  // and says for each whether it is; ids behind the one that completes the count may be told as not
  // available. It is no error if fewer are. Where Interrupted would be returned, `looker` is asked
  // instead whether to go on, if there is one.
  Result<std::vector<bool>> Wait(std::span<const ObjectId> ids, size_t count, int64_t timeout_ms,
                                 Looker* looker = nullptr);
  // The values of all `ids`, in order, waiting for those that are not available. TimedOut if some
  // still are not; the message says how many of how many. `looker` as in Wait.
  Result<std::vector<ObjectView>> Get(std::span<const ObjectId> ids, int64_t timeout_ms,
                                      Looker* looker = nullptr);
  // The bytes of a view, to be written without any other process seeing it
  // (PoolReader::MapCopyOnWrite). After any failure the caller has to copy them instead.
  Result<PrivateBytes> MapCopyOnWrite(std::span<const uint8_t> object);
  // Takes in what the node has pushed, without waiting. Afterwards small objects that were put are
  // on their way to the node, so that their ids may go elsewhere than through this client.
  Status Poll();
  // A queue for callers that wait for several objects and want each as it comes. It may outlive the
  // client.
  Result<std::shared_ptr<Completions>> NewCompletions();

  void AddLocalReference(const ObjectId& id);
  // Never fails, never waits for long: called from destructors, on any thread, at any time (also
  // after Close or fork).
  void RemoveLocalReference(const ObjectId& id) noexcept;
  // Whether this process has an ObjectID of the object, or waits for it.
  bool HasLocalReference(const ObjectId& id) const;

  // --- a worker's work ---

  // The next task that is ours to run. Disconnected when the node ends this worker. One thread at a
  // time may call it; tasks taken before may still be open, as many as their actor may run at once.
  Result<RunnableTask> NextTask();
  // Stores one result of an open task. A small one travels with FinishTask.
  Status PutResult(const RunnableTask& task, uint32_t index, const ObjectPieces& value);
  // The same for the results from `first` on, up to the first that cannot be stored; `*stored` says
  // how many were.
  Status PutResults(const RunnableTask& task, uint32_t first,
                    std::span<const ObjectPieces* const> values, size_t* stored);
  // Stores one item of the stream that an open task makes. It lives if the task's submitter still
  // wants it. StoreFull; InvalidArgument beyond ObjectId::kStreamItemsMax.
  Status PutItem(const RunnableTask& task, uint32_t item, const ObjectPieces& value);
  // An open task has ended. `error_text` is what the driver prints if it raised, empty otherwise;
  // `failed`: its results are errors. `state`, of an actor's call: an object that was put before,
  // which holds what the actor is after it; may be null.
  Status FinishTask(const RunnableTask& task, std::string_view error_text, bool wrote_output,
                    bool failed, const ObjectId* state = nullptr);
  // The worker's only open task begins to wait for objects otherwise than in Wait and Get: its CPUs
  // may be used by other tasks until the wait is over. Any thread; waits may overlap. 0, and
  // nothing happens, in a driver and while several tasks are open.
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
  // `looker` as in Wait.
  Result<Value> Ask(const std::string& question, const Value& fields, int64_t timeout_ms,
                    Looker* looker = nullptr);

  // Makes the ids of this client's tasks follow from `seed` (same seed and program, same ids). To
  // be called before the first task.
  void SeedIds(uint64_t seed);

  // Sends what is queued and closes. Views stay valid.
  void Close();

 private:
  struct Impl;

 public:
  // For ConnectDriver and AdoptWorker alone: no other code can name an Impl.
  explicit Client(std::shared_ptr<Impl> impl);

 private:
  // Takes the descriptors. `options` is null for a worker.
  static Result<std::unique_ptr<Client>> Open(int socket_fd, const DriverOptions* options,
                                              WorkerNumber worker,
                                              const std::string& python_version, int claim_fd,
                                              bool looks_for_signals);

  std::shared_ptr<Impl> impl_;
};

}  // namespace rayx
