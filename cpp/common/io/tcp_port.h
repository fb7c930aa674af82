// A TCP port that is held, so that nobody else takes it, and on which nothing is served.
#pragma once

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

}  // namespace rayx
