// A node's port for other machines: takes connections, and hands on those whose peers have proven
// that they have the cluster's key.
//
//   accepted ─(UnprovenGate admits it)──▶ unproven ─(TlsStream::Prove)──▶ handed on
//       └──(refused)──▶ closed               └──(wrong, gone, displaced, too late)──▶ closed
//
// No more than a handshake is read of an unproven peer, and nothing of it is parsed here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "common/io/tcp_port.h"
#include "common/tls/tls_context.h"
#include "common/tls/tls_stream.h"
#include "daemon/listening/acceptor.h"
#include "daemon/listening/refusal_log.h"
#include "daemon/listening/unproven_gate.h"

namespace rayx::daemon {

class NetworkListener {
 public:
  // The stream of a peer that has the key, and its address and port for people.
  using Proven = std::function<void(std::unique_ptr<ByteStream>, const std::string& name)>;

  // `loop` and `tls` must outlive it, and `tls` the streams that were handed on. Without `tls`
  // there is no key, and every connection is handed on at once.
  NetworkListener(EventLoop* loop, TlsContext* tls, Proven proven);
  ~NetworkListener();
  NetworkListener(const NetworkListener&) = delete;
  NetworkListener& operator=(const NetworkListener&) = delete;

  // From now on others can connect.
  Status Listen(HeldPort port);
  // Takes some of the connections that wait, and hands on those that are proven. To be called once
  // a turn, after all else has been sent.
  void OnTurn();
  // From now on nobody can connect; those that are not proven are closed.
  void Close();

  size_t unproven_count() const { return unproven_.size(); }
  std::string DebugText() const;

 private:
  struct Unproven {
    std::string name;
    std::unique_ptr<TlsStream> stream;
    // Declared after `stream`, so that it is destroyed first.
    std::unique_ptr<EventLoop::Watcher> watcher;
  };

  Result<bool> TakeOne(int socket);
  // Goes on with a handshake.
  void Shake(UnprovenGate::Place place);
  // What has become of it; nothing if more must arrive. `gate_` is told.
  void OnFailure(UnprovenGate::Place place, const Status& why);
  void HandOn(UnprovenGate::Place place);
  void Drop(UnprovenGate::Place place);
  void SetTimer();
  void Tell(const std::string& name, const std::string& why);

  EventLoop* loop_;
  TlsContext* tls_;
  Proven proven_;
  Acceptor acceptor_;
  UnprovenGate gate_;
  RefusalLog refusal_log_;
  std::map<UnprovenGate::Place, Unproven> unproven_;
  // Ends those whose time is over, if any are unproven; due at `timer_ms_`.
  std::unique_ptr<EventLoop::Timer> timer_;
  std::optional<int64_t> timer_ms_;
  // For DebugText.
  uint64_t proven_count_ = 0;
  uint64_t refused_count_ = 0;
};

}  // namespace rayx::daemon
