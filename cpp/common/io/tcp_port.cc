#include "common/io/tcp_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>

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

}  // namespace

Result<HeldPort> HoldPort(const std::string& address, uint16_t port) {
  Result<InternetAddress> place = ParseAddress(address);
  if (!place.ok()) return place.status();
  place->port() = htons(port);
  HeldPort held;
  held.socket = ScopedFd(::socket(place->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!held.socket.valid()) return Status::FromErrno("socket", errno);
  // Without SO_REUSEADDR: two that both ask for it may have a port on which nobody listens yet.
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

}  // namespace rayx
