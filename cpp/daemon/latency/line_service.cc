#include "daemon/latency/line_service.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/io/socket.h"
#include "common/os/clock.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {
namespace {

// Some 150 calls; a socket holds 167, and who finds it full hurries us. A turn takes a processor
// from the driver or the worker, and keeps the call under way waiting: for 60 us after a few calls,
// and they need as long again until both are back in step; for 0.7 ms after so many. So turns are
// rare: less than one call of a hundred meets one, and the others have what is saved.
constexpr int kRestMs = 10;

// A task that a line would take (client/tasks/direct_calls.h). A call keeps its actor alive,
// nothing else.
bool Suits(const TaskSpec& spec) {
  if (spec.stream_window != 0 || spec.timeout_ms != 0) return false;
  const bool is_call = spec.kind == TaskKind::kActorCall;
  if (!spec.dependencies.empty() || spec.contained.size() > (is_call ? 1 : 0)) return false;
  if (is_call) return true;
  const auto& items = spec.resources.items();
  return spec.kind == TaskKind::kFunction && spec.priority == 0 && items.size() == 1 &&
         items[0].first == kCpu && items[0].second == ResourceAmount::Of(1);
}

}  // namespace

LineService::LineService(SessionTable* sessions, MessageWriter* writer, WorkerService* workers,
                         node::NodeCore* core, RestSet* rest_set, size_t busy_cpus)
    : sessions_(sessions),
      writer_(writer),
      workers_(workers),
      core_(core),
      rest_set_(rest_set),
      spare_cpus_(busy_cpus) {}

// --- watching ---

void LineService::OnSubmitted(node::Peer& client, const TaskSpec& spec) {
  ++static_cast<Session&>(client).submitted;
  // It has stopped using its line, too; all that it has given is known, since it came before.
  if (open_ && client.id == ends_.client) (void)TryClose();
  if (!line_pace_.together() || !client.worker.IsNil() || !Suits(spec)) return ForgetUse();
  if (candidate_.client != client.id) {
    ForgetUse();
    candidate_.client = client.id;
  }
  between_ = spec.id;
  actor_ = spec.actor;
}

void LineService::NotePace(bool from_task) {
  const scheduler::SchedulerStats stats = core_->scheduler().Stats();
  // An actor is an assigned task for life; who submits from a task is about to wait.
  const size_t idle = stats.workers_blocked + stats.actors + (from_task ? 1 : 0);
  const size_t known = stats.tasks_ready + stats.tasks_assigned;
  const size_t active = known - std::min(known, idle);
  const int64_t now_us = MonotonicUs();
  pace_.OnSubmit(active, now_us);
  line_pace_.OnSubmit(active, now_us);
}

void LineService::ForgetUse() {
  candidate_ = {};
  rounds_ = 0;
  between_ = TaskId();
}

void LineService::OnEnded(WorkerNumber worker, const TaskId& task) {
  if (task != between_ || candidate_.client.IsNil()) return;
  rounds_ = candidate_.worker == worker ? rounds_ + 1 : 0;
  candidate_.worker = worker;
  if (rounds_ < kRounds || open_) return;
  Session* client = sessions_->Find(candidate_.client);
  WorkerProcess* process = workers_->Find(worker);
  if (client != nullptr && process != nullptr) Open(*client, *process);
}

// --- opening and closing ---

void LineService::Open(Session& client, WorkerProcess& worker) {
  const bool lags = client.connection->backlog_bytes() > limits::kPeerBacklogBytesSoft;
  Session* worker_session = sessions_->Find(worker.client);
  if (lags || worker_session == nullptr || !core_->scheduler().OnLineOpened(worker.number)) return;
  std::vector<ScopedFd> client_fds;
  const bool connects = !connected_ || ends_ != candidate_;
  if (connects) {
    const Status sent = SendEnds(*worker_session, worker, &client_fds);
    if (!sent.ok()) {
      LogWarning("no direct line: " + sent.message());
      core_->scheduler().OnLineClosed(worker.number);
      return;
    }
    ends_ = candidate_;
    connected_ = true;
    delivered_.clear();
  }
  open_ = true;
  client.has_line = true;
  used_lately_ = true;
  ListenWhileResting(false);
  worker.claim.OpenLine();
  writer_->Send(
      *client.connection, protocol::MessageType::LineOpened,
      [&](flatbuffers::FlatBufferBuilder& builder) {
        return protocol::CreateLineOpened(builder, connects,
                                          actor_.IsNil() ? nullptr : ToWire(actor_),
                                          client.submitted, worker.setups_told);
      },
      std::move(client_fds));
  ForgetUse();
}

Status LineService::SendEnds(Session& worker_session, const WorkerProcess& worker,
                             std::vector<ScopedFd>* client_fds) {
  Result<std::pair<ScopedFd, ScopedFd>> sockets = SocketPair();
  if (!sockets.ok()) return sockets.status();
  Result<ScopedFd> memory = DuplicateFd(worker.claim.fd());
  if (!memory.ok()) return memory.status();
  Result<ScopedFd> bell = CreateRestBell();
  if (!bell.ok()) return bell.status();
  Result<ScopedFd> worker_bell = DuplicateFd(bell->get());
  if (!worker_bell.ok()) return worker_bell.status();
  Result<ScopedFd> client_bell = DuplicateFd(bell->get());
  if (!client_bell.ok()) return client_bell.status();
  // The peers may keep theirs, so the kernel would not forget it by itself.
  if (bell_.valid()) rest_set_->Remove(bell_.get());
  bell_ = std::move(*bell);
  rest_set_->Add(bell_.get());
  std::vector<ScopedFd> worker_fds;
  worker_fds.push_back(std::move(sockets->first));
  worker_fds.push_back(std::move(*worker_bell));
  writer_->Send(
      *worker_session.connection, protocol::MessageType::OpenLine,
      [](flatbuffers::FlatBufferBuilder& builder) { return protocol::CreateOpenLine(builder); },
      std::move(worker_fds));
  client_fds->push_back(std::move(sockets->second));
  client_fds->push_back(std::move(*memory));
  client_fds->push_back(std::move(*client_bell));
  return Status::Ok();
}

bool LineService::TryClose() {
  WorkerProcess* worker = workers_->Find(ends_.worker);
  if (worker != nullptr && !worker->claim.CloseLine()) return false;
  if (worker != nullptr) AllowSpinning(*worker, false);
  open_ = false;
  ListenWhileResting(true);
  if (Session* client = sessions_->Find(ends_.client)) client->has_line = false;
  core_->scheduler().OnLineClosed(ends_.worker);
  return true;
}

void LineService::ListenWhileResting(bool listen) {
  const WorkerProcess* worker = workers_->Find(ends_.worker);
  const ClientId sessions[] = {ends_.client, worker != nullptr ? worker->client : kNoClient};
  for (const ClientId id : sessions) {
    const Session* session = sessions_->Find(id);
    if (session == nullptr || session->connection->closed()) continue;
    const int fd = session->connection->fd();
    listen ? rest_set_->Add(fd) : rest_set_->Remove(fd);
  }
}

void LineService::Close(WorkerNumber worker) {
  CatchUp();
  if (!open_ || worker != ends_.worker) return core_->scheduler().OnLineClosed(worker);
  if (!TryClose()) core_->scheduler().OnLineInUse(worker);
}

void LineService::OnHeartbeat() {
  if (open_ && !std::exchange(used_lately_, false)) Close(ends_.worker);
}

void LineService::OnWorkerGone(WorkerNumber worker) {
  if (!connected_ || worker != ends_.worker) return;
  CatchUp();
  // It may have been killed before it sent what it said that it would.
  for (const ObjectId& id : delivered_) core_->store().DeliverAgain(ends_.client, id);
  delivered_.clear();
  connected_ = false;
  if (std::exchange(open_, false)) ListenWhileResting(true);
  spinning_ = false;
  if (Session* client = sessions_->Find(ends_.client)) client->has_line = false;
}

void LineService::OnPeerGone(const node::Peer& peer) {
  if (peer.id != ends_.client) return;
  connected_ = spinning_ = false;
  // What it has given goes with its driver, and so does the worker.
  if (!std::exchange(open_, false)) return;
  ListenWhileResting(true);
  core_->scheduler().OnLineClosed(ends_.worker);
}

// --- use ---

Status LineService::OnGiven(node::Peer& client, TaskSpec spec, uint32_t sequence) {
  if (client.id != ends_.client) {
    return Status::ProtocolError("SubmitDirect of a client without a line");
  }
  const std::string name = spec.name;
  RAYX_RETURN_IF_ERROR(core_->scheduler().OnTaskGivenDirectly(
      std::move(spec), ends_.worker, sequence, {.node = {}, .client = client.id}));
  WorkerProcess* worker = workers_->Find(ends_.worker);
  if (!open_ || worker == nullptr) return Status::Ok();
  worker->claim.OnHandedOut(sequence);
  worker->last_function = name;
  return Status::Ok();
}

void LineService::OnDelivered(WorkerNumber worker, const TaskSpec& spec) {
  if (worker != ends_.worker) return;
  delivered_.clear();
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    delivered_.push_back(spec.ReturnId(i));
    core_->store().OnTold(ends_.client, delivered_.back());
  }
}

void LineService::CatchUp() {
  if (!open_ || catching_up_) return;
  Session* client = sessions_->Find(ends_.client);
  if (client == nullptr) return;
  catching_up_ = true;
  client->connection->ReadNow();
  catching_up_ = false;
}

void LineService::HearWorker() {
  const WorkerProcess* worker = open_ ? workers_->Find(ends_.worker) : nullptr;
  Session* session = worker != nullptr ? sessions_->Find(worker->client) : nullptr;
  if (session != nullptr) session->connection->ReadNow();
}

void LineService::Listen(const Session& session) {
  if (!session.worker.IsNil() && session.worker == ends_.worker) {
    used_ = used_lately_ = true;
    CatchUp();
  } else if (session.id == ends_.client) {
    used_ = used_lately_ = true;
  } else {
    others_came_ = true;
  }
}

void LineService::Rest() {
  const bool idle = !std::exchange(used_, false);
  const bool others = std::exchange(others_came_, false);
  WorkerProcess* worker = open_ ? workers_->Find(ends_.worker) : nullptr;
  if (worker == nullptr) return;
  AllowSpinning(*worker, spare_cpus_.Look(MonotonicUs()));
  if (idle || others || ExpectMore(*worker)) return;
  worker->claim.rest().Rest(*rest_set_, kRestMs, &hurries_seen_);
}

// What is large comes in parts, of which a turn takes one: a rest behind each would take most of
// the time.
bool LineService::ExpectMore(const WorkerProcess& worker) const {
  for (const ClientId id : {ends_.client, worker.client}) {
    const Session* session = sessions_->Find(id);
    if (session != nullptr && session->connection->expects_more()) return true;
  }
  return false;
}

void LineService::AllowSpinning(WorkerProcess& worker, bool allowed) {
  if (allowed == spinning_) return;
  spinning_ = allowed;
  worker.claim.AllowSpinning(allowed);
}

std::string LineService::DebugText() const {
  if (!open_) return "direct line: none\n";
  return "direct line: from session " + ends_.client.ToString() + " to worker " +
         ends_.worker.ToString() + (spinning_ ? ", which may spin\n" : "\n");
}

}  // namespace rayx::daemon
