// A node that has nothing but its sessions: for tests between hosts, before the daemon listens.
//
//   wire_node --key-file KEY --number 1 --listen 10.77.0.1:7000
//             --peer 10.77.0.2:7000 --peer-number 2
//
// It reads lines: "open" begins the session, "send COUNT BYTES" sends so many messages of that
// size, "report" is answered by a line. It writes lines: "listening", "begun", "ended REASON",
// "dead", and the report: how many were sent, are acknowledged, and have come in the right order.
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/log.h"
#include "common/io/event_loop.h"
#include "common/io/tcp_port.h"
#include "common/tls/key_file.h"
#include "common/tls/tls_context.h"
#include "common/tls/tls_stream.h"
#include "daemon/listening/network_listener.h"
#include "wire/dialled_stream.h"
#include "wire/reception.h"
#include "wire/session_carrier.h"

namespace rayx {
namespace {

struct Address {
  std::string host;
  uint16_t port = 0;

  static Address Of(const std::string& text) {
    const size_t colon = text.rfind(':');
    return {text.substr(0, colon), static_cast<uint16_t>(std::stoi(text.substr(colon + 1)))};
  }
};

NodeId NodeOf(int number) {
  const uint8_t bytes[16] = {static_cast<uint8_t>(number)};
  return NodeId::FromBytes(bytes);
}

ClusterId TheCluster() {
  const uint8_t bytes[16] = {'c'};
  return ClusterId::FromBytes(bytes);
}

void Say(const std::string& line) { std::cout << line << std::endl; }

class WireNode {
 public:
  WireNode(EventLoop* loop, const ClusterKey& key, int number, int peer_number, Address peer)
      : loop_(loop),
        self_(NodeOf(number)),
        peer_(NodeOf(peer_number)),
        peer_address_(std::move(peer)),
        tls_(key, TheCluster(), self_),
        reception_(
            loop, "3.11",
            {.decide = [this](const wire::NodeGreeting& said) { return Decide(said); },
             .welcomed =
                 [this](const wire::NodeGreeting&, std::unique_ptr<ByteStream> stream) {
                   carrier_.Take(std::move(stream));
                 },
             .turned_away = [](const std::string& name,
                               const std::string& why) { Say("refused " + name + " " + why); }}),
        listener_(loop, &tls_,
                  [this](std::unique_ptr<ByteStream> stream, const std::string& name) {
                    reception_.Receive(std::move(stream), name);
                  }),
        carrier_(loop, self_,
                 [this](const NodeId&, wire::DialledStream::Events events) {
                   return Reach(std::move(events));
                 },
                 {.on_message = [this](const NodeId&, uint16_t,
                                       std::span<const uint8_t> payload) { OnMessage(payload); },
                  .on_begun = [](const NodeId&) { Say("begun"); },
                  .on_ended =
                      [](const cluster::SessionEnded& ended) {
                        Say("ended " + std::string(cluster::TextOf(ended.reason)));
                      },
                  .on_declared_dead = [] { Say("dead"); }}) {
    input_ = loop->Watch(STDIN_FILENO, [this] { OnInput(); });
  }

  Status Listen(const Address& address) {
    Result<HeldPort> port = HoldPort(address.host, address.port);
    if (!port.ok()) return port.status();
    return listener_.Listen(std::move(*port));
  }

  bool OnTurn() {
    SendWhatMay();
    carrier_.OnTurn();
    listener_.OnTurn();
    const auto next = carrier_.NextTickMs();
    tick_ = next ? loop_->CallAt(*next, [] {}) : nullptr;
    return false;
  }

 private:
  std::variant<wire::NodeAdmission, wire::NodeRefusal> Decide(const wire::NodeGreeting& said) {
    if (said.kind != protocol::ConnectionKind::Control) return wire::NodeRefusal{"no such service"};
    return wire::NodeAdmission{.node = self_, .cluster = TheCluster(), .servers = 0};
  }

  Result<std::unique_ptr<ByteStream>> Reach(wire::DialledStream::Events events) {
    Result<ScopedFd> socket = DialTcp(peer_address_.host, peer_address_.port);
    if (!socket.ok()) return socket.status();
    const wire::NodeGreeting greeting{.node = self_, .cluster = TheCluster()};
    std::unique_ptr<ByteStream> stream = std::make_unique<wire::DialledStream>(
        tls_.Dial(std::move(*socket), peer_), peer_, wire::EncodeGreeting(greeting, "3.11"),
        std::move(events));
    return stream;
  }

  void OnInput() {
    std::array<char, 4096> room;
    const ssize_t count = ::read(STDIN_FILENO, room.data(), room.size());
    if (count <= 0) return loop_->Stop();
    read_.append(room.data(), static_cast<size_t>(count));
    for (size_t end; (end = read_.find('\n')) != std::string::npos; read_.erase(0, end + 1)) {
      OnLine(std::istringstream(read_.substr(0, end)));
    }
  }

  void OnLine(std::istringstream line) {
    std::string word;
    line >> word;
    if (word == "open") {
      carrier_.Open(peer_);
    } else if (word == "send") {
      uint64_t count = 0;
      line >> count >> bytes_;
      to_send_ += count;
    } else if (word == "report") {
      const cluster::PeerSession* session = carrier_.Find(peer_);
      std::ostringstream text;
      text << "report " << sent_ << " "
           << (session == nullptr ? 0 : session->summary().acknowledged) << " " << heard_ << " "
           << (in_order_ ? "right" : "wrong");
      Say(text.str());
    }
  }

  void SendWhatMay() {
    const cluster::PeerSession* session = carrier_.Find(peer_);
    while (to_send_ > 0 && session != nullptr && !session->summary().is_ended &&
           session->room() > bytes_ + 4096) {
      std::vector<uint8_t> bytes(sizeof(sent_) + bytes_, static_cast<uint8_t>(sent_));
      std::memcpy(bytes.data(), &sent_, sizeof(sent_));
      carrier_.Send(peer_, {.type = 1, .payload = cluster::SharedBytes::Of(std::move(bytes))});
      ++sent_;
      --to_send_;
      session = carrier_.Find(peer_);
    }
  }

  void OnMessage(std::span<const uint8_t> payload) {
    uint64_t number = 0;
    std::memcpy(&number, payload.data(), sizeof(number));
    bool is_right = number == heard_;
    for (const uint8_t byte : payload.subspan(sizeof(number))) {
      is_right = is_right && byte == static_cast<uint8_t>(number);
    }
    in_order_ = in_order_ && is_right;
    ++heard_;
  }

  EventLoop* const loop_;
  const NodeId self_;
  const NodeId peer_;
  const Address peer_address_;
  TlsContext tls_;
  wire::Reception reception_;
  daemon::NetworkListener listener_;
  wire::SessionCarrier carrier_;
  std::unique_ptr<EventLoop::Watcher> input_;
  std::unique_ptr<EventLoop::Timer> tick_;
  std::string read_;
  uint64_t to_send_ = 0;
  size_t bytes_ = 0;
  uint64_t sent_ = 0;
  uint64_t heard_ = 0;
  bool in_order_ = true;
};

int Run(std::map<std::string, std::string> given) {
  std::signal(SIGPIPE, SIG_IGN);
  StartLog("wire", LogLevel::kInfo);
  const Result<ClusterKey> key = ReadKeyFile(given["--key-file"]);
  if (!key.ok()) {
    std::cerr << key.status().ToString() << "\n";
    return 1;
  }
  EventLoop loop;
  WireNode node(&loop, *key, std::stoi(given["--number"]), std::stoi(given["--peer-number"]),
                Address::Of(given["--peer"]));
  const Status listening = node.Listen(Address::Of(given["--listen"]));
  if (!listening.ok()) {
    std::cerr << listening.ToString() << "\n";
    return 1;
  }
  Say("listening");
  loop.Run([&node] { return node.OnTurn(); });
  return 0;
}

}  // namespace
}  // namespace rayx

int main(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  return rayx::Run(std::move(given));
}
