// TCP: a port that is held, so that nobody else takes it, and on which nothing is served until it
// is listened on; connections that come to it, and those to the ports of others.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "common/os/scoped_fd.h"

namespace rayx {

struct HeldPort {
  // Bound, and close-on-exec. It does not listen: whoever connects is refused by the kernel.
  ScopedFd socket;
  uint16_t port = 0;
};

// Holds `port` of `address` until the socket is closed; 0: one that is free. `address` is an IPv4
// or IPv6 address of this machine, not a name (InvalidArgument). AlreadyExists if somebody has the
// port, IoError for anything else, such as an address of another machine. The texts are for people.
Result<HeldPort> HoldPort(const std::string& address, uint16_t port);

// From now on others can connect; at most `queue` of them (and what the system allows) wait to be
// accepted. The socket becomes non-blocking.
Status ListenOn(const HeldPort& port, int queue);

// As HoldPort, and others can connect at once: they wait to be accepted, as of ListenOn. A port on
// which connections of a process that has ended still linger can be had.
Result<HeldPort> HoldAndListen(const std::string& address, uint16_t port, int queue);

// Whoever connects is refused, and so is who waits to be accepted; the port stays held. ListenOn
// opens it again. REQUIRES: it was made by HoldAndListen.
void StopListening(const HeldPort& port);

struct TcpPeer {
  // Non-blocking, and without Nagle's delay. Invalid if nobody waits.
  ScopedFd socket;
  // Of IPv6, or IPv4 as IPv6 writes it (::ffff:a.b.c.d).
  std::array<uint8_t, 16> address{};
  // For people, with the port: "192.0.2.7:4711", "[2001:db8::7]:4711".
  std::string name;
};
Result<TcpPeer> AcceptTcp(int listener);

// A connection that has begun; not blocking. Whether it succeeds, the first read or write tells.
// Errors as of HoldPort; NotFound if no process listens there, which the first read or write may be
// the first to tell.
Result<ScopedFd> DialTcp(const std::string& address, uint16_t port);

}  // namespace rayx
