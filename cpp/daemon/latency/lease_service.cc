#include "daemon/latency/lease_service.h"

#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/io/socket.h"
#include "common/protocol/direct_call.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {

LeaseService::LeaseService(PeerTable* peers, MessageWriter* writer, WorkerService* workers,
                           node::NodeCore* core, TurnPacer* pacer)
    : peers_(peers), writer_(writer), workers_(workers), core_(core), pacer_(pacer) {}

// --- watching ---

void LeaseService::OnSubmitted(node::Peer& client, const TaskSpec& spec) {
  DriverPeer* driver = AsDriver(client);
  if (driver != nullptr) ++driver->submitted;
  // The client has stopped using its lease, too. The node knows all tasks that it has given, since
  // their messages came before this one.
  if (open_ && client.id == ends_.client) (void)TryClose();
  if (!pacer_->pair_pays() || driver == nullptr || !IsDirect(spec)) return ForgetUse();
  if (candidate_.client != client.id) {
    ForgetUse();
    candidate_.client = client.id;
  }
  between_ = spec.id;
  actor_ = spec.actor;
}

void LeaseService::ForgetUse() {
  candidate_ = {};
  rounds_ = 0;
  between_ = TaskId();
}

void LeaseService::OnEnded(WorkerNumber worker, const TaskId& task) {
  if (task != between_ || candidate_.client.IsNil()) return;
  rounds_ = candidate_.worker == worker ? rounds_ + 1 : 0;
  candidate_.worker = worker;
  if (rounds_ < kRounds || open_) return;
  ConnectedPeer* client = peers_->Find(candidate_.client);
  WorkerProcess* process = workers_->Find(worker);
  if (client != nullptr && process != nullptr) Open(*client, *process);
}

// --- opening and closing ---

void LeaseService::Open(ConnectedPeer& client, WorkerProcess& worker) {
  const bool lags = client.connection->backlog_bytes() > limits::kPeerBacklogBytesSoft;
  ConnectedPeer* worker_peer = peers_->Find(worker.client);
  DriverPeer* driver = AsDriver(client);
  if (driver == nullptr || lags || worker_peer == nullptr ||
      !core_->scheduler().OnLeaseOpened(worker.number))
    return;
  std::vector<ScopedFd> client_fds;
  const bool connects = !connected_ || ends_ != candidate_;
  if (connects) {
    const Status sent = SendEnds(*worker_peer, worker, &client_fds);
    if (!sent.ok()) {
      LogWarning("no worker lease: " + sent.message());
      core_->scheduler().OnLeaseClosed(worker.number);
      return;
    }
    ends_ = candidate_;
    connected_ = true;
    delivered_.clear();
  }
  open_ = true;
  driver->runs_ahead = true;
  used_lately_ = true;
  SetEndsWake(false);
  worker.claim.Lend();
  writer_->Send(
      *client.connection, protocol::MessageType::LeaseGranted,
      [&](flatbuffers::FlatBufferBuilder& builder) {
        return protocol::CreateLeaseGranted(builder, connects,
                                            actor_.IsNil() ? nullptr : ToWire(actor_),
                                            driver->submitted, worker.setups_told);
      },
      std::move(client_fds));
  ForgetUse();
}

Status LeaseService::SendEnds(ConnectedPeer& worker_peer, const WorkerProcess& worker,
                              std::vector<ScopedFd>* client_fds) {
  Result<std::pair<ScopedFd, ScopedFd>> sockets = SocketPair();
  if (!sockets.ok()) return sockets.status();
  Result<ScopedFd> memory = DuplicateFd(worker.claim.fd());
  if (!memory.ok()) return memory.status();
  Result<TurnPacer::DoorbellEnds> doorbell = pacer_->MakeDoorbell();
  if (!doorbell.ok()) return doorbell.status();
  std::vector<ScopedFd> worker_fds;
  worker_fds.push_back(std::move(sockets->first));
  worker_fds.push_back(std::move(doorbell->worker));
  writer_->Send(
      *worker_peer.connection, protocol::MessageType::OpenChannel,
      [](flatbuffers::FlatBufferBuilder& builder) { return protocol::CreateOpenChannel(builder); },
      std::move(worker_fds));
  client_fds->push_back(std::move(sockets->second));
  client_fds->push_back(std::move(*memory));
  client_fds->push_back(std::move(doorbell->client));
  return Status::Ok();
}

bool LeaseService::TryClose() {
  WorkerProcess* worker = workers_->Find(ends_.worker);
  if (worker != nullptr && !worker->claim.Reclaim()) return false;
  if (worker != nullptr) worker->claim.AllowSpinning(false);
  open_ = false;
  SetEndsWake(true);
  NoteClosed();
  core_->scheduler().OnLeaseClosed(ends_.worker);
  return true;
}

void LeaseService::NoteClosed() {
  ConnectedPeer* client = peers_->Find(ends_.client);
  DriverPeer* driver = client != nullptr ? AsDriver(*client) : nullptr;
  if (driver != nullptr) driver->runs_ahead = false;
}

void LeaseService::SetEndsWake(bool wake) {
  const WorkerProcess* worker = workers_->Find(ends_.worker);
  const ClientId ends[] = {ends_.client, worker != nullptr ? worker->client : kNoClient};
  for (const ClientId id : ends) {
    const ConnectedPeer* peer = peers_->Find(id);
    if (peer == nullptr || peer->connection->closed()) continue;
    pacer_->SetWakes(peer->connection->fd(), wake);
  }
}

void LeaseService::Reclaim(WorkerNumber worker) {
  CatchUp();
  if (!open_ || worker != ends_.worker) return core_->scheduler().OnLeaseClosed(worker);
  if (!TryClose()) core_->scheduler().OnLeaseInUse(worker);
}

void LeaseService::OnHeartbeat() {
  if (open_ && !std::exchange(used_lately_, false)) Reclaim(ends_.worker);
}

void LeaseService::OnWorkerGone(WorkerNumber worker) {
  if (!connected_ || worker != ends_.worker) return;
  CatchUp();
  // The worker may have been killed before it sent the results that it said it would send.
  for (const ObjectId& id : delivered_)
    core_->store().Settle(ends_.client, id, plasma::Settlement::kLost);
  delivered_.clear();
  connected_ = false;
  if (std::exchange(open_, false)) SetEndsWake(true);
  NoteClosed();
}

void LeaseService::OnPeerGone(const node::Peer& peer) {
  if (peer.id != ends_.client) return;
  connected_ = false;
  // The tasks that it has given end with their driver, and so does the worker.
  if (!std::exchange(open_, false)) return;
  SetEndsWake(true);
  core_->scheduler().OnLeaseClosed(ends_.worker);
}

// --- use ---

Status LeaseService::OnGiven(node::Peer& client, TaskSpec spec, uint32_t sequence) {
  if (client.id != ends_.client) {
    return Status::ProtocolError("TaskGiven of a client without a lease");
  }
  const std::string name = spec.name;
  const CallerId caller{.node = {}, .client = client.id, .run = spec.run};
  RAYX_RETURN_IF_ERROR(
      core_->scheduler().OnTaskGivenDirectly(std::move(spec), ends_.worker, sequence, caller));
  WorkerProcess* worker = workers_->Find(ends_.worker);
  if (!open_ || worker == nullptr) return Status::Ok();
  worker->claim.OnHandedOut(sequence);
  worker->last_function = name;
  return Status::Ok();
}

void LeaseService::OnDelivered(WorkerNumber worker, const TaskSpec& spec) {
  if (worker != ends_.worker) return;
  delivered_.clear();
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    delivered_.push_back(spec.ReturnId(i));
    core_->store().Settle(ends_.client, delivered_.back(), plasma::Settlement::kDelivered);
  }
}

void LeaseService::CatchUp() {
  if (!open_ || catching_up_) return;
  ConnectedPeer* client = peers_->Find(ends_.client);
  if (client == nullptr) return;
  catching_up_ = true;
  client->connection->ReadNow();
  catching_up_ = false;
}

void LeaseService::HearWorker() {
  const WorkerProcess* worker = open_ ? workers_->Find(ends_.worker) : nullptr;
  ConnectedPeer* peer = worker != nullptr ? peers_->Find(worker->client) : nullptr;
  if (peer != nullptr) peer->connection->ReadNow();
}

void LeaseService::Listen(const ConnectedPeer& peer) {
  if (!peer.worker.IsNil() && peer.worker == ends_.worker) {
    heard_.OnPair();
    used_lately_ = true;
    CatchUp();
  } else if (peer.id == ends_.client) {
    heard_.OnPair();
    used_lately_ = true;
  } else {
    heard_.OnOther();
  }
}

PairOfTurn LeaseService::TakeTurn(bool is_unfinished) {
  WorkerProcess* worker = open_ ? workers_->Find(ends_.worker) : nullptr;
  if (worker == nullptr) {
    heard_.Forget();
    return {};
  }
  PairTurn heard = heard_.End(is_unfinished);
  if (heard == PairTurn::kAlone && ExpectMore(*worker)) heard = PairTurn::kMixed;
  return {.heard = heard, .memory = &worker->claim};
}

// A large message comes in parts, of which a turn takes one; a sleep behind each would take most of
// the time.
bool LeaseService::ExpectMore(const WorkerProcess& worker) const {
  for (const ClientId id : {ends_.client, worker.client}) {
    const ConnectedPeer* peer = peers_->Find(id);
    if (peer != nullptr && peer->connection->expects_more()) return true;
  }
  return false;
}

std::string LeaseService::DebugText() const {
  if (!open_) return "worker lease: none\n";
  const WorkerProcess* worker = workers_->Find(ends_.worker);
  const bool spins = worker != nullptr && worker->claim.may_spin();
  return "worker lease: from peer " + ends_.client.ToString() + " to worker " +
         ends_.worker.ToString() + (spins ? ", which may spin\n" : "\n");
}

}  // namespace rayx::daemon
