// Two ends of a TCP connection over the loopback interface.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

#include "common/base/check.h"
#include "common/io/socket.h"
#include "common/os/scoped_fd.h"

namespace rayx {

// Non-blocking, and without Nagle's delay, as connections between nodes are.
inline std::pair<ScopedFd, ScopedFd> TcpPair() {
  const ScopedFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* place = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  RAYX_CHECK(::bind(listener.get(), place, size) == 0 && ::listen(listener.get(), 1) == 0 &&
             ::getsockname(listener.get(), place, &size) == 0);
  ScopedFd dialer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  RAYX_CHECK(::connect(dialer.get(), place, size) == 0);
  ScopedFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  for (const ScopedFd* end : {&dialer, &accepted}) {
    const int on = 1;
    RAYX_CHECK(::setsockopt(end->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
    RAYX_CHECK(SetNonBlocking(end->get(), true).ok());
  }
  return {std::move(dialer), std::move(accepted)};
}

}  // namespace rayx
