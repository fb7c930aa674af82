#include "daemon/node_daemon.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "common/base/flight_log.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/overload.h"
#include "common/os/clock.h"
#include "common/process/child_process.h"
#include "common/process/shared_leftovers.h"
#include "common/protocol/wire_ids.h"
#include "common/shm/affinity_hint.h"
#include "common/shm/shared_memory.h"
#include "daemon/records/predecessors.h"
#include "daemon/supervision/session_files.h"

namespace rayx::daemon {
namespace {

constexpr int64_t kHeartbeatMs = 1000;
scheduler::SchedulerOptions SchedulingOf(const NodeOptions& options, const NodeId& id) {
  scheduler::SchedulerOptions scheduling;
  scheduling.total = options.total;
  scheduling.prestart_workers = options.prestart_workers;
  scheduling.workers_max = limits::kWorkersMax;
  scheduling.node_name = "localhost (node " + id.Hex().substr(0, 8) + ")";
  return scheduling;
}

}  // namespace

NodeDaemon::NodeDaemon(EventLoop* loop, NodeOptions options, NodeId id,
                       std::unique_ptr<control::Tables> tables,
                       std::unique_ptr<NodeNetwork> network)
    : loop_(loop),
      options_(std::move(options)),
      id_(id),
      network_(std::move(network)),
      tables_(std::move(tables)),
      peers_(loop, {.on_read = [this](const ConnectedPeer& peer) { shortcuts_.OnRead(peer); },
                    .on_frame = [this](ConnectedPeer& peer,
                                       const Frame& frame) { return OnFrame(peer, frame); },
                    .on_closed = [this](ConnectedPeer& peer,
                                        const Status& why) { OnPeerClosed(peer, why); }}),
      workers_(
          loop, &peers_, &writer_, options_.template_command,
          {.on_started = [this](auto worker, pid_t pid) { core_.OnWorkerStarted(worker, pid); },
           .on_gone = [this](auto worker, const auto& end) { core_.OnWorkerGone(worker, end); },
           .on_output = [this](
                            const WorkerProcess& worker, bool is_stderr,
                            const std::string& lines) { OnWorkerOutput(worker, is_stderr, lines); },
           .on_output_ended =
               [this](const WorkerProcess& worker) {
                 if (output_files_) output_files_->Forget(worker.pid);
               }}),
      peer_messages_(&peers_, &writer_),
      pacer_(&loop_->wake_set(), &core_, options_.busy_cpus),
      shortcuts_(&peers_, &writer_, &workers_, &core_, &pacer_),
      records_(tables_.get(), id, &core_),
      pool_(&peers_, &writer_, &core_),
      others_(network_ == nullptr
                  ? nullptr
                  : std::make_unique<OtherNodes>(OtherNodes::Parts{
                        .loop = loop,
                        .network = network_.get(),
                        .peers = &peers_,
                        .pool = &pool_,
                        .core = &core_,
                        .self = id,
                        .total = options_.total,
                        .answers = {
                            .on_answer =
                                [this](ClientId asker, const Frame& answer) {
                                  questions_.OnOthersAnswer(asker, answer);
                                },
                            .on_failed =
                                [this](ClientId asker, uint64_t request, const std::string& why) {
                                  questions_.OnOtherFailed(asker, request, why);
                                }}})),
      core_({.peers = &peer_messages_,
             .workers = &workers_,
             .shortcuts = &shortcuts_,
             .records = &records_,
             .reservations = &pool_,
             .others = others_.get()},
            SchedulingOf(options_, id), options_.pool_bytes),
      drain_(loop, {.grace_ms = options_.drain_grace_ms, .leave_at_ms = options_.leave_at_ms},
             &core_, others_.get(), [this] { TellSupervisorOf("draining"); }),
      reader_(&core_, &pool_, &workers_, &pacer_),
      questions_(&core_, tables_.get(), id, &peers_, &writer_, ToldBySelf()),
      reaper_(loop, ::getpid()),
      listener_(loop, [this](ScopedFd socket, pid_t pid) {
        peers_.Add(std::move(socket), kNoWorker).pid = pid;
      }) {}

NodeDaemon::~NodeDaemon() = default;

Questions::Self NodeDaemon::ToldBySelf() {
  return {
      .dump = [this] { return DebugText(); },
      .record = [this]() -> const control::NodeRecord& { return self_; },
      .ask_other =
          [this](const NodeId& node, ClientId asker, uint64_t request,
                 std::span<const uint8_t> query) {
            if (others_) return others_->Ask(node, asker, request, query);
            questions_.OnOtherFailed(asker, request, "there is no other node");
          },
      .drain =
          [this](std::optional<int64_t> grace_ms) { return Drain(grace_ms, "it was asked to"); },
      .is_in_cluster = others_ != nullptr,
      .draining = &drain_};
}

Status NodeDaemon::Start(const std::vector<control::RedisEndpoint>& servers) {
  supervisor_pid_ = ::getppid();
  // What workers leave behind becomes ours, so that it can be ended with the session.
  RAYX_RETURN_IF_ERROR(BecomeSubreaper());
  RAYX_RETURN_IF_ERROR(MakePool());
  loop_->OnSignal(SIGTERM, [this] { Stop("SIGTERM"); });
  loop_->OnSignal(SIGINT, [this] { Stop("SIGINT"); });
  loop_->OnSignal(SIGUSR1, [this] { LogInfo("state on SIGUSR1:\n" + DebugText()); });
  loop_->OnSignal(SIGCHLD, [this] { ReapChildren(); });
  RAYX_RETURN_IF_ERROR(WatchLifeline());
  RAYX_RETURN_IF_ERROR(listener_.Listen(options_.session_dir + "/node.sock"));
  RAYX_RETURN_IF_ERROR(workers_.StartTemplate());
  const double now = WallSeconds();
  self_ = {.id = id_,
           .host = options_.host,
           .port = options_.network.address.port,
           .pid = ::getpid(),
           .total = options_.total,
           .pool_bytes = options_.pool_bytes,
           .started_at = now,
           .heartbeat_at = now,
           .alive = true};
  tables_->nodes().Register(self_);
  const auto is_alive = [](pid_t pid) { return ::kill(pid, 0) == 0 || errno != ESRCH; };
  EndPredecessors(tables_.get(), self_, is_alive, now);
  RAYX_RETURN_IF_ERROR(JoinCluster(servers));
  return TellSupervisor(options_, "ready");
}

Status NodeDaemon::JoinCluster(const std::vector<control::RedisEndpoint>& servers) {
  if (!network_) return Status::Ok();
  const Status started = network_->Start(
      tables_.get(),
      {.control_servers = servers, .scheduler_socket = options_.session_dir + "/scheduler.sock"},
      [this](Expulsion why, const std::string& text) { OnExpelled(why, text); });
  if (started.ok()) drain_.Start();
  return started;
}

void NodeDaemon::OnExpelled(Expulsion why, const std::string& text) {
  LogError(text);
  const bool is_over = why == Expulsion::kClusterOver;
  TellSupervisorOf((is_over ? "over " : "ends ") + text);
  Stop(text);
}

void NodeDaemon::TellSupervisorOf(const std::string& line) {
  const Status told = TellSupervisor(options_, line);
  if (!told.ok()) LogWarning(told.message());
}

Status NodeDaemon::MakePool() {
  Result<ScopedFd> pool =
      CreateSharedMemory("rayx-pool", options_.pool_bytes + limits::kAffinityHintBytes);
  if (!pool.ok()) return pool.status();
  Result<AffinityHint> hint =
      AffinityHint::Map(pool->get(), options_.pool_bytes, /*writable=*/true);
  if (!hint.ok()) return hint.status();
  pacer_.set_affinity_hint(std::move(*hint));
  Result<ScopedFd> read_only = ReopenReadOnly(pool->get());
  if (!read_only.ok()) return read_only.status();
  pool_.Serve(std::move(*pool), std::move(*read_only));
  if (options_.redirect_output) {
    output_files_ = std::make_unique<OutputFiles>(options_.session_dir + "/logs");
  }
  return Status::Ok();
}

Status NodeDaemon::WatchLifeline() {
  if (options_.lifeline_fd < 0) return Status::Ok();
  lifeline_watch_ = loop_->Watch(options_.lifeline_fd, [this] { OnLifeline(); });
  return Status::Ok();
}

// Its supervisor says one thing only.
void NodeDaemon::OnLifeline() {
  std::array<char, 64> said;
  if (::read(options_.lifeline_fd, said.data(), said.size()) > 0) {
    const Status drained = Drain(std::nullopt, "SIGTERM");
    if (!drained.ok()) Stop("SIGTERM");
    return;
  }
  supervisor_gone_ = true;
  Stop("the supervisor is gone");
}

Status NodeDaemon::Drain(std::optional<int64_t> grace_ms, const std::string& why) {
  if (others_ == nullptr) {
    return Status::Unavailable("it is the only node of its session, which `rayx stop` ends");
  }
  if (!options_.network.joins()) {
    return Status::Unavailable(
        "it is the head, without which there is no cluster; `rayx stop` there ends it");
  }
  drain_.Begin(grace_ms, why);
  return Status::Ok();
}

void NodeDaemon::EndDrain() {
  const std::optional<std::string> text = drain_.OnTurn();
  if (!text || stopping_) return;
  TellSupervisorOf("drained " + *text);
  Stop(*text);
}

void NodeDaemon::OnPeerClosed(ConnectedPeer& peer, const Status& reason) {
  const auto forget = [&] {
    FlightLog::Note("peer " + peer.id.ToString() + " closed: " + reason.message());
    if (reason.code() == StatusCode::kProtocolError || reason.code() == StatusCode::kTimedOut) {
      LogWarning("peer " + peer.id.ToString() + " (pid " + std::to_string(peer.pid) +
                 ") closed: " + reason.message());
    }
    pool_.OnPeerClosed(peer);
    return core_.OnPeerGone(peer);
  };
  const auto forget_worker = [&] {
    (void)forget();
    workers_.OnPeerClosed(peer, reason);
  };
  std::visit(Overload{
                 // No other part knows of a stranger, and a flood of them must fill neither the log
                 // nor the last events.
                 [&](const Stranger&) { listener_.OnRefused(peer.pid, reason); },
                 [&](const StartingWorker&) { forget_worker(); },
                 [&](const DriverPeer& driver) {
                   const bool driver_gone = forget();
                   // A driver that has submitted nothing has had no worker, and a search looks at
                   // all processes.
                   if (driver_gone && driver.submitted > 0) reaper_.OnDriverGone(peer.driver);
                 },
                 [&](const OutputPeer&) { (void)forget(); },
                 [&](const ObserverPeer&) { (void)forget(); },
                 [&](const WorkerPeer&) { forget_worker(); },
             },
             peer.kind);
}

void NodeDaemon::OnWorkerOutput(const WorkerProcess& worker, bool is_stderr,
                                const std::string& lines) {
  if (output_files_) {
    output_files_->Append(worker.pid, is_stderr, lines);
  } else {
    core_.tasks().OnWorkerOutput(worker, worker.pid, is_stderr, lines);
  }
}

void NodeDaemon::WatchProcess(const ConnectedPeer& peer, DriverPeer* driver) {
  Result<ScopedFd> pid_fd = OpenPidFd(peer.pid);
  // Old kernels have none; then the end of its socket has to do.
  if (!pid_fd.ok()) return;
  driver->pid_fd = std::move(*pid_fd);
  driver->pid_watch = loop_->Watch(driver->pid_fd.get(), [this, id = peer.id] {
    peers_.Close(id, Status::Disconnected("the driver's process has ended"));
  });
}

void NodeDaemon::ReapChildren() {
  int wait_status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    workers_.OnChildExited(pid, wait_status);
  }
}

// The beat of the node, once for all that the loop has delivered. The order is that of the words:
// hear, decide, write, wait.
bool NodeDaemon::OnTurn() {
  if (stopping_) return false;
  const int64_t now_ms = loop_->now_ms();
  // Both may hear more, which the core then takes into this turn. If they came after it, that would
  // lie there until something else happens.
  AnswerLateQueries();
  BeatHeart(now_ms);
  if (others_) others_->BeforeTurn();
  bool acted = core_.Turn(now_ms);
  const Audience audience =
      others_ && others_->IsTalking() ? Audience::kOtherNodes : Audience::kThisMachine;
  // Before anything is written, since a process that is woken by it reads where to sleep next.
  pacer_.ChooseCpu(shortcuts_.open(), audience);
  FlushAll(now_ms);
  if (others_) acted = others_->AfterTurn() || acted;
  EndDrain();
  if (stopping_) return false;
  // Strangers come after the peers that wait for an answer.
  listener_.OnTurn();
  if (network_) network_->Accept();
  // No handler of a closed peer runs any more, and nothing above looks for one again.
  peers_.DestroyClosed();
  // All parts have said by now when they want their next turn.
  SetTimer();
  // This comes last, since anything left to do would wait until the sleep is over.
  pacer_.OnTurnEnd(shortcuts_.TakeTurn(/*is_unfinished=*/acted), audience);
  return acted;
}

void NodeDaemon::BeatHeart(int64_t now_ms) {
  if (now_ms < heartbeat_at_ms_) return;
  heartbeat_at_ms_ = now_ms + kHeartbeatMs;
  tables_->nodes().Heartbeat(id_, WallSeconds());
  core_.OnHeartbeat();
  shortcuts_.OnHeartbeat();
}

void NodeDaemon::FlushAll(int64_t now_ms) {
  // Requests for forks go first: of all that is asked for here, a fork takes longest.
  workers_.Flush();
  peers_.FlushAll();
  // No peer waits for the tables. The keeper fills their queue, so it goes first.
  records_.counts().Flush(now_ms);
  tables_->Flush();
}

// One timer serves all parts: it makes a turn happen when the first of them wants one.
void NodeDaemon::SetTimer() {
  int64_t next_ms = heartbeat_at_ms_;
  for (const std::optional<int64_t> wish :
       {core_.NextTickMs(), records_.counts().NextFlushMs(), tables_->NextFlushMs(),
        network_ ? network_->NextTickMs() : std::nullopt,
        others_ ? others_->NextTickMs() : std::nullopt, drain_.NextTickMs()}) {
    if (wish) next_ms = std::min(next_ms, *wish);
  }
  if (timer_ && timer_at_ms_ == next_ms) return;
  timer_at_ms_ = next_ms;
  timer_ = loop_->CallAt(next_ms, [this] { timer_at_ms_ = -1; });
}

void NodeDaemon::Stop(const std::string& reason) {
  if (std::exchange(stopping_, true)) return;
  LogInfo("the node stops: " + reason);
  listener_.Close();
  ::unlink((options_.session_dir + "/node.sock").c_str());
  tables_->nodes().MarkDead(id_, WallSeconds());
  tables_->Flush();
  if (network_) network_->Leave();
  SharedLeftovers shared;
  shared.NoteTree(::getpid());
  const size_t left = KillDescendants(::getpid(), {}, limits::kShutdownGraceMs, limits::kTrackerMs);
  if (left > 0) LogWarning(std::to_string(left) + " processes could not be ended");
  shared.Remove();
  // Otherwise the supervisor removes them, after us. A signal or the lifeline tells of its death,
  // whichever comes first.
  if (options_.lifeline_fd >= 0 && (supervisor_gone_ || ::getppid() != supervisor_pid_)) {
    RemoveSessionFiles(options_.session_dir, options_.redirect_output);
  }
  loop_->Stop();
}

std::string NodeDaemon::DebugText() {
  constexpr size_t kMost = 20;
  std::string text = "node " + id_.Hex() + "\n";
  text += core_.scheduler().reports().DebugText(kMost);
  text += plasma::StoreText(core_.store().Stats(), core_.store().Summaries(), kMost);
  text += workers_.DebugText();
  size_t backlog_bytes = 0;
  for (const auto& [id, peer] : peers_.all()) {
    backlog_bytes = std::max(backlog_bytes, peer->connection->backlog_bytes());
  }
  text += "peers: " + std::to_string(peers_.all().size()) +
          ", the largest backlog: " + std::to_string(backlog_bytes) + " bytes\n";
  text += listener_.DebugText();
  if (network_) text += network_->DebugText();
  if (others_) text += others_->DebugText();
  text += reaper_.DebugText();
  text += shortcuts_.DebugText();
  text += pacer_.DebugText();
  text += std::string("control tables: ") + (tables_->connected() ? "connected" : "not connected");
  return text + "\nlast events:\n" + FlightLog::Text();
}

}  // namespace rayx::daemon
