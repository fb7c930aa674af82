#include "client/client.h"

#include <thread>
#include <utility>

#include "client/connection/frame_stream.h"
#include "client/connection/handshake.h"
#include "client/connection/message.h"
#include "client/link/node_link.h"
#include "client/link/reference_queue.h"
#include "client/memory/pool_reader.h"
#include "client/objects/object_access.h"
#include "client/objects/streams.h"
#include "client/tasks/completions.h"
#include "client/tasks/direct_calls.h"
#include "client/tasks/direct_channel.h"
#include "client/tasks/id_source.h"
#include "client/tasks/inquiry.h"
#include "client/tasks/task_submitter.h"
#include "client/tasks/worker_tasks.h"
#include "common/io/socket.h"
#include "common/os/fork_guard.h"
#include "common/shm/affinity_hint.h"
#include "common/shm/claim_word.h"
#include "common/shm/shared_memory.h"

namespace rayx {
// The parts of a client; what each knows stands in its header.
struct Client::Impl {
  Impl(std::unique_ptr<FrameStream> stream, NodeWelcome welcome, SharedMapping pool,
       DriverId own_driver, std::shared_ptr<ClaimWord> own_claims)
      : node(welcome.node),
        driver(own_driver),
        references(std::make_shared<ReferenceQueue>()),
        link(std::make_shared<NodeLink>(
            std::move(stream), references,
            [this](FrameStream* from, const Frame& frame) { return Handle(from, frame); })),
        objects(link.get(), references,
                PoolReader(std::move(pool), std::move(welcome.pool), references)),
        claims(std::move(own_claims)),
        given(link.get(), {.on_frame = [this](const Frame& frame) { return HandleGiven(frame); },
                           .on_lost = [] {}}),
        tasks(link.get(), &objects, &ids, claims,
              [this](uint16_t type, std::span<const uint8_t> payload) {
                (void)given.Send(type, payload);
              }),
        direct(link.get(), &objects),
        submitter(link.get(), &objects, &direct, &ids),
        streams(&objects),
        inquiry(link.get(), &objects) {
    references->set_flusher(link);
  }

  // One case for each message that a node sends to a driver or a worker.
  Status Handle(FrameStream* from, const Frame& frame) {
    using protocol::MessageType;
    switch (static_cast<MessageType>(frame.type)) {
      case MessageType::ObjectsReady:
        return objects.OnObjectsReady(frame.payload);
      case MessageType::ObjectCreated:
        return objects.OnObjectCreated(from, frame.payload);
      case MessageType::RunTask:
        return tasks.OnRunTask(frame.payload, /*from_client=*/false);
      case MessageType::ExitWorker:
        return tasks.OnExitWorker();
      case MessageType::ForgetFunction:
        return tasks.OnForgetFunction(frame.payload);
      case MessageType::OpenChannel:
        if (!is_worker()) return Status::ProtocolError("the node gave a driver a worker's channel");
        return given.OnOpenChannel(from, claims);
      case MessageType::LeaseGranted:
        return direct.OnLeaseGranted(from, frame.payload);
      case MessageType::FunctionContent:
        return inquiry.OnFunctionContent(frame.payload);
      case MessageType::Answer:
        return inquiry.OnAnswer(frame.payload);
      default:
        return Status::ProtocolError("the node sent a message of type " +
                                     std::to_string(frame.type));
    }
  }

  // What a client has sent to this worker.
  Status HandleGiven(const Frame& frame) {
    if (frame.type != static_cast<uint16_t>(protocol::MessageType::RunTask)) {
      return Status::ProtocolError("a client sent a message of type " + std::to_string(frame.type));
    }
    return tasks.OnRunTask(frame.payload, /*from_client=*/true);
  }

  bool is_worker() const { return driver.IsNil(); }
  // The driver for which this process submits tasks.
  DriverId CurrentDriver() const { return is_worker() ? tasks.driver() : driver; }

  const NodeId node;
  const DriverId driver;  // nil in a worker
  const std::shared_ptr<ReferenceQueue> references;
  const std::shared_ptr<NodeLink> link;
  IdSource ids;
  ObjectAccess objects;
  const std::shared_ptr<ClaimWord> claims;  // null in a driver
  DirectChannel given;                      // by which a client gives this worker tasks
  WorkerTasks tasks;
  DirectCalls direct;
  TaskSubmitter submitter;
  Streams streams;
  Inquiry inquiry;
  // Set in a forked child, where destroying locks that threads of the parent hold could hang:
  // nothing is destroyed then.
  std::shared_ptr<Impl> leaked;
};

Client::Client(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Client::~Client() {
  if (impl_->references->InForkedChild()) {
    impl_->link->CloseInChild();
    impl_->leaked = impl_;
    return;
  }
  Close();
}

// --- connecting ---

Result<std::unique_ptr<Client>> Client::Open(int socket_fd, const DriverOptions* options,
                                             WorkerNumber worker, const std::string& python_version,
                                             int claim_fd, bool looks_for_signals) {
  auto stream = std::make_unique<FrameStream>(ScopedFd(socket_fd));
  const ScopedFd claim_memory(claim_fd);
  Greeting greeting;
  greeting.python_version = python_version;
  std::shared_ptr<ClaimWord> claims;
  if (options != nullptr) {
    greeting.role = options->observes ? ClientRole::kObserver : ClientRole::kDriver;
    greeting.driver = options->driver;
    greeting.driver_config = options->driver_config;
  } else {
    greeting.role = ClientRole::kWorker;
    greeting.worker = worker;
    Result<ClaimWord> word = ClaimWord::Map(claim_memory.get());
    if (!word.ok()) return word.status();
    claims = std::make_shared<ClaimWord>(std::move(*word));
  }
  Result<NodeWelcome> welcome = ShakeHands(stream.get(), greeting);
  if (!welcome.ok()) return welcome.status();
  Result<SharedMapping> pool =
      SharedMapping::Map(welcome->pool.get(), welcome->pool_bytes, /*writable=*/false);
  if (!pool.ok()) return pool.status();
  Result<AffinityHint> hint =
      AffinityHint::Map(welcome->pool.get(), welcome->pool_bytes, /*writable=*/false);
  if (!hint.ok()) return hint.status();
  auto impl = std::make_shared<Impl>(std::move(stream), std::move(*welcome), std::move(*pool),
                                     greeting.driver, std::move(claims));
  impl->link->policy().set_affinity_hint(std::move(*hint));
  impl->link->waits().set_looks_for_signals(looks_for_signals);
  RAYX_RETURN_IF_ERROR(impl->link->Start());
  return std::make_unique<Client>(std::move(impl));
}

Result<std::unique_ptr<Client>> Client::ConnectDriver(const DriverOptions& options) {
  if (options.driver.IsNil()) return Status::InvalidArgument("a driver needs an id");
  Result<ScopedFd> socket = ConnectUnix(options.socket_path);
  if (!socket.ok()) return socket.status();
  return Open(socket->Release(), &options, kNoWorker, options.python_version, -1,
              options.looks_for_signals);
}

Result<std::unique_ptr<Client>> Client::AdoptWorker(int socket_fd, int claim_fd,
                                                    WorkerNumber number,
                                                    const std::string& python_version,
                                                    bool looks_for_signals) {
  return Open(socket_fd, nullptr, number, python_version, claim_fd, looks_for_signals);
}

void Client::Close() {
  if (impl_->references->InForkedChild()) {
    impl_->link->CloseInChild();
  } else {
    impl_->link->Close();
    impl_->objects.Close();
  }
}

NodeId Client::node_id() const { return impl_->node; }
uint64_t Client::pool_bytes() const { return impl_->objects.pool().pool_bytes(); }
int Client::fd() const { return impl_->link->fd(); }

void Client::SeedIds(uint64_t seed) { impl_->ids.Seed(seed, !impl_->is_worker()); }

// --- what the parts do ---

#define RAYX_REFUSE_IN_CHILD() \
  if (impl_->references->InForkedChild()) return ForkGuard::ForkedStatus()

Status Client::ExportFunction(const FunctionId& id, const std::string& name,
                              std::span<const uint8_t> pickled,
                              std::span<const ObjectId> contained) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->inquiry.ExportFunction(id, name, pickled, contained);
}

Result<std::string> Client::FetchFunction(const FunctionId& id, Looker* looker) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->inquiry.FetchFunction(id, looker);
}

std::vector<FunctionId> Client::TakeForgottenFunctions() {
  if (impl_->references->InForkedChild()) return {};
  return impl_->tasks.TakeForgottenFunctions();
}

Result<std::vector<ObjectId>> Client::Submit(const TaskTemplate& task, const ObjectPieces* args,
                                             std::span<const ObjectId> dependencies) {
  RAYX_REFUSE_IN_CHILD();
  const TaskSubmitter::Origin origin{.driver = impl_->CurrentDriver(),
                                     .in_task = impl_->tasks.InTask(),
                                     .run = impl_->tasks.run()};
  return impl_->submitter.Submit(task, origin, args, dependencies);
}

Result<std::vector<ObjectId>> Client::GrantCredit(const ObjectId& stream_end, uint32_t first,
                                                  uint32_t count, uint32_t credit) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->streams.GrantCredit(stream_end, first, count, credit);
}

Status Client::Cancel(const ObjectId& id, bool force) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->submitter.Cancel(id, force);
}

Status Client::CancelAll(bool force) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->submitter.CancelAll(force);
}

Status Client::KillActor(const ObjectId& actor) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->submitter.KillActor(actor);
}

Status Client::AddWorkerSetup(std::span<const uint8_t> pickled) {
  RAYX_REFUSE_IN_CHILD();
  impl_->direct.OnWorkerSetup();
  return impl_->inquiry.AddWorkerSetup(pickled);
}

Result<std::optional<NamedActor>> Client::FindActor(const std::string& name, int64_t timeout_ms,
                                                    Looker* looker) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->inquiry.FindActor(name, timeout_ms, looker);
}

Result<ObjectId> Client::Put(const ObjectPieces& value) {
  RAYX_REFUSE_IN_CHILD();
  const ObjectId id = impl_->ids.NextPut(impl_->tasks.InTask());
  RAYX_RETURN_IF_ERROR(impl_->objects.Put(id, value));
  return id;
}

Result<std::vector<bool>> Client::Wait(std::span<const ObjectId> ids, size_t count,
                                       int64_t timeout_ms, Looker* looker) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->objects.Wait(ids, count, timeout_ms, impl_->tasks.InOnlyTask(), looker);
}

Result<std::vector<ObjectView>> Client::Get(std::span<const ObjectId> ids, int64_t timeout_ms,
                                            Looker* looker) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->objects.Get(ids, timeout_ms, impl_->tasks.InOnlyTask(), looker);
}

Result<PrivateBytes> Client::MapCopyOnWrite(std::span<const uint8_t> object) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->objects.pool().MapCopyOnWrite(object);
}

Status Client::Poll() {
  RAYX_REFUSE_IN_CHILD();
  NodeLink::Lock lock = impl_->link->LockState();
  return impl_->link->Poll(&lock);
}

Result<std::shared_ptr<Completions>> Client::NewCompletions() {
  RAYX_REFUSE_IN_CHILD();
  return Completions::Create(
      {impl_, impl_->link.get(), &impl_->objects, &impl_->tasks, impl_->references});
}

void Client::AddLocalReference(const ObjectId& id) {
  if (!impl_->references->InForkedChild()) impl_->objects.AddReference(id);
}

void Client::RemoveLocalReference(const ObjectId& id) noexcept {
  if (!impl_->references->InForkedChild()) impl_->objects.RemoveReference(id);
}

bool Client::HasLocalReference(const ObjectId& id) const {
  return !impl_->references->InForkedChild() && impl_->objects.HasReference(id);
}

Result<RunnableTask> Client::NextTask() {
  RAYX_REFUSE_IN_CHILD();
  return impl_->tasks.NextTask();
}

Status Client::PutResult(const RunnableTask& task, uint32_t index, const ObjectPieces& value) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->tasks.PutResult(task, index, value);
}

Status Client::PutResults(const RunnableTask& task, uint32_t first,
                          std::span<const ObjectPieces* const> values, size_t* stored) {
  RAYX_REFUSE_IN_CHILD();
  for (*stored = 0; *stored < values.size(); ++*stored) {
    const auto index = first + static_cast<uint32_t>(*stored);
    RAYX_RETURN_IF_ERROR(impl_->tasks.PutResult(task, index, *values[*stored]));
  }
  return Status::Ok();
}

Status Client::PutItem(const RunnableTask& task, uint32_t item, const ObjectPieces& value) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->streams.PutItem(task.id, item, value);
}

Status Client::FinishTask(const RunnableTask& task, std::string_view error_text, bool wrote_output,
                          bool failed, const ObjectId* state) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->tasks.FinishTask(task, error_text, {wrote_output, failed, state});
}

Result<uint64_t> Client::LendCpus() {
  RAYX_REFUSE_IN_CHILD();
  if (!impl_->tasks.HasOneTask()) return uint64_t{0};
  return impl_->objects.loan().Lend();
}

Status Client::ReturnCpus(uint64_t wait) {
  RAYX_REFUSE_IN_CHILD();
  return wait == 0 ? Status::Ok() : impl_->objects.loan().Return(wait);
}

ClaimWord::Interrupted Client::Interrupt() const {
  // The memory is the parent's too: what is written there is not for a child.
  return impl_->references->InForkedChild() ? ClaimWord::Interrupted() : impl_->tasks.Interrupt();
}

void Client::NoteExitWork() const {
  if (!impl_->references->InForkedChild()) impl_->tasks.NoteExitWork();
}

Result<Value> Client::Ask(const std::string& question, const Value& fields, int64_t timeout_ms,
                          Looker* looker) {
  RAYX_REFUSE_IN_CHILD();
  return impl_->inquiry.Ask(question, fields, timeout_ms, looker);
}

#undef RAYX_REFUSE_IN_CHILD

}  // namespace rayx
