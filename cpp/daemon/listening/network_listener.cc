#include "daemon/listening/network_listener.h"

#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/io/checked_stream.h"

namespace rayx::daemon {

NetworkListener::NetworkListener(EventLoop* loop, TlsContext* tls, Proven proven)
    : loop_(loop),
      tls_(tls),
      proven_(std::move(proven)),
      acceptor_(loop, [this](int socket) { return TakeOne(socket); }),
      refusal_log_(limits::kNetworkRefusalsLoggedMs) {}

NetworkListener::~NetworkListener() = default;

Status NetworkListener::Listen(HeldPort port) {
  if (const Status status = ListenOn(port, limits::kListenQueue); !status.ok()) return status;
  acceptor_.Open(std::move(port.socket));
  return Status::Ok();
}

void NetworkListener::OnTurn() { acceptor_.OnTurn(); }

void NetworkListener::Close() {
  acceptor_.Close();
  while (!unproven_.empty()) Drop(unproven_.begin()->first);
  timer_.reset();
  timer_ms_.reset();
}

Result<bool> NetworkListener::TakeOne(int listening) {
  Result<TcpPeer> peer = AcceptTcp(listening);
  if (!peer.ok()) return peer.status();
  if (!peer->socket.valid()) return false;
  if (tls_ == nullptr) {
    auto socket = std::make_unique<TcpStream>(std::move(peer->socket));
    proven_(std::make_unique<CheckedStream>(std::move(socket)), peer->name);
    return true;
  }
  const UnprovenGate::Admission admission = gate_.Admit(peer->address, loop_->now_ms());
  if (admission.displaced) {
    Tell(unproven_.at(*admission.displaced).name, "another one takes its place");
    Drop(*admission.displaced);
  }
  if (!admission.place) {
    acceptor_.OnRefused();
    Tell(peer->name, admission.refusal);
    return true;
  }
  const UnprovenGate::Place place = *admission.place;
  Unproven& taken = unproven_[place];
  taken.name = std::move(peer->name);
  taken.stream = tls_->Accept(std::move(peer->socket));
  const auto shake = [this, place] { Shake(place); };
  taken.watcher = loop_->Watch(taken.stream->fd(), shake, shake);
  SetTimer();
  return true;
}

void NetworkListener::Shake(UnprovenGate::Place place) {
  Unproven& peer = unproven_.at(place);
  const Result<bool> proven = peer.stream->Prove();
  if (!proven.ok()) return OnFailure(place, proven.status());
  if (*proven) return HandOn(place);
  peer.watcher->WantWrite(peer.stream->read_wants_write());
}

void NetworkListener::HandOn(UnprovenGate::Place place) {
  Unproven peer = std::move(unproven_.at(place));
  Drop(place);
  gate_.OnProven(place);
  ++proven_count_;
  peer.watcher.reset();
  proven_(std::move(peer.stream), peer.name);
}

void NetworkListener::OnFailure(UnprovenGate::Place place, const Status& why) {
  const Unproven peer = std::move(unproven_.at(place));
  if (peer.stream->has_wrong_key()) {
    gate_.OnWrongKey(place, loop_->now_ms());
  } else {
    gate_.OnGone(place);
  }
  Drop(place);
  acceptor_.OnRefusedLater();
  // One that has left by itself, as who looks for open ports does, is not worth a line.
  if (why.code() != StatusCode::kDisconnected) Tell(peer.name, why.message());
}

void NetworkListener::Drop(UnprovenGate::Place place) { unproven_.erase(place); }

void NetworkListener::SetTimer() {
  const std::optional<int64_t> next_ms = gate_.next_expiry_ms();
  // One that is due sooner finds nothing and sets the next.
  if (!next_ms || (timer_ms_ && *timer_ms_ <= *next_ms)) return;
  timer_ms_ = next_ms;
  timer_ = loop_->CallAt(*next_ms, [this] {
    timer_ms_.reset();
    for (const UnprovenGate::Place place : gate_.TakeExpired(loop_->now_ms())) {
      Tell(unproven_.at(place).name, "it has not proven in time that it has the key");
      Drop(place);
    }
    SetTimer();
  });
}

void NetworkListener::Tell(const std::string& name, const std::string& why) {
  ++refused_count_;
  const std::optional<std::string> line = refusal_log_.OnRefused(name, why, loop_->now_ms());
  if (line) LogWarning(*line);
}

std::string NetworkListener::DebugText() const {
  return "connections of other machines: " + std::to_string(proven_count_) +
         " have proven the key, " + std::to_string(unproven_.size()) + " have not yet, " +
         std::to_string(refused_count_) + " were refused\n";
}

}  // namespace rayx::daemon
