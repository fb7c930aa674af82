// Where a node can be reached: an address and a port, as people write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace rayx {

struct HostPort {
  std::string host;  // an IPv4 or IPv6 address, without brackets
  uint16_t port = 0;

  // "192.0.2.7:4711", "[2001:db8::7]:4711".
  std::string Text() const;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

// What Text makes. InvalidArgument if it is nothing like that; that the host is an address, DialTcp
// finds out.
Result<HostPort> ParseHostPort(std::string_view text);

}  // namespace rayx
