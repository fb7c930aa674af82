#include "common/io/tcp_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "common/io/socket.h"

namespace rayx {
namespace {

// An address of either family, as the kernel takes it.
struct InternetAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  // The two families have it at the same place.
  in_port_t& port() { return reinterpret_cast<sockaddr_in*>(&storage)->sin_port; }
};
static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));

Result<InternetAddress> ParseAddress(const std::string& text) {
  InternetAddress made;
  auto* four = reinterpret_cast<sockaddr_in*>(&made.storage);
  auto* six = reinterpret_cast<sockaddr_in6*>(&made.storage);
  if (::inet_pton(AF_INET, text.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    made.size = sizeof(*four);
  } else if (::inet_pton(AF_INET6, text.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    made.size = sizeof(*six);
  } else {
    return Status::InvalidArgument("'" + text + "' is not the address of a machine");
  }
  return made;
}

// Small messages are not held back for larger ones.
void SendAtOnce(int socket) {
  const int on = 1;
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void Describe(InternetAddress* place, TcpPeer* peer) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool is_four = place->storage.ss_family == AF_INET;
  if (is_four) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(&place->storage);
    peer->address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::copy_n(reinterpret_cast<const uint8_t*>(&four->sin_addr), 4, peer->address.begin() + 12);
    (void)::inet_ntop(AF_INET, &four->sin_addr, text.data(), text.size());
  } else {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(&place->storage);
    std::copy_n(six->sin6_addr.s6_addr, 16, peer->address.begin());
    (void)::inet_ntop(AF_INET6, &six->sin6_addr, text.data(), text.size());
  }
  const std::string host = text.data();
  peer->name = (is_four ? host : "[" + host + "]") + ":" + std::to_string(ntohs(place->port()));
}

}  // namespace

Status ListenOn(const HeldPort& port, int queue) {
  const int socket = port.socket.get();
  if (const Status status = SetNonBlocking(socket, true); !status.ok()) return status;
  if (::listen(socket, queue) != 0) {
    return Status::FromErrno("listening on port " + std::to_string(port.port), errno);
  }
  return Status::Ok();
}

Result<TcpPeer> AcceptTcp(int listener) {
  while (true) {
    InternetAddress place;
    place.size = sizeof(place.storage);
    TcpPeer peer;
    peer.socket =
        ScopedFd(::accept4(listener, place.get(), &place.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (peer.socket.valid()) {
      SendAtOnce(peer.socket.get());
      Describe(&place, &peer);
      return peer;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return peer;
    // Errors of the peer's connection, which is gone, are nobody else's (accept(2)).
    constexpr std::array kOfThePeer{EINTR,  ECONNABORTED, ENETDOWN,     EPROTO,     ENOPROTOOPT,
                                    ENONET, EHOSTDOWN,    EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH};
    if (std::find(kOfThePeer.begin(), kOfThePeer.end(), errno) == kOfThePeer.end()) {
      return Status::FromErrno("accept", errno);
    }
  }
}

Result<ScopedFd> DialTcp(const std::string& address, uint16_t port) {
  Result<InternetAddress> place = ParseAddress(address);
  if (!place.ok()) return place.status();
  place->port() = htons(port);
  ScopedFd socket(
      ::socket(place->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return Status::FromErrno("socket", errno);
  SendAtOnce(socket.get());
  if (::connect(socket.get(), place->get(), place->size) != 0 && errno != EINPROGRESS) {
    return ConnectionFailure("connecting to port " + std::to_string(port) + " of " + address,
                             errno);
  }
  return socket;
}

namespace {

Result<HeldPort> Bind(const std::string& address, uint16_t port, bool shares) {
  Result<InternetAddress> place = ParseAddress(address);
  if (!place.ok()) return place.status();
  place->port() = htons(port);
  HeldPort held;
  held.socket = ScopedFd(::socket(place->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!held.socket.valid()) return Status::FromErrno("socket", errno);
  const int share = shares ? 1 : 0;
  (void)::setsockopt(held.socket.get(), SOL_SOCKET, SO_REUSEADDR, &share, sizeof(share));
  if (::bind(held.socket.get(), place->get(), place->size) != 0) {
    const std::string what = "port " + std::to_string(port) + " of " + address;
    if (errno == EADDRINUSE) return Status::AlreadyExists(what + " is in use");
    return Status::FromErrno("taking " + what, errno);
  }
  if (::getsockname(held.socket.get(), place->get(), &place->size) != 0) {
    return Status::FromErrno("getsockname", errno);
  }
  held.port = ntohs(place->port());
  return held;
}

}  // namespace

Result<HeldPort> HoldPort(const std::string& address, uint16_t port) {
  // Without SO_REUSEADDR: two that both ask for it may have a port on which nobody listens yet.
  return Bind(address, port, /*shares=*/false);
}

Result<HeldPort> HoldAndListen(const std::string& address, uint16_t port, int queue) {
  if (port == 0) {
    // The kernel gives a port that it has chosen itself away when the socket does not listen any
    // more, so it has to be asked for by its number.
    const Result<HeldPort> free = HoldPort(address, 0);
    if (!free.ok()) return free.status();
    port = free->port;
  }
  Result<HeldPort> held = Bind(address, port, /*shares=*/true);
  if (!held.ok()) return held;
  if (::listen(held->socket.get(), queue) == 0) return held;
  const std::string what = "port " + std::to_string(port) + " of " + address;
  if (errno == EADDRINUSE) return Status::AlreadyExists(what + " is in use");
  return Status::FromErrno("listening on " + what, errno);
}

void StopListening(const HeldPort& port) { (void)::shutdown(port.socket.get(), SHUT_RD); }

}  // namespace rayx
