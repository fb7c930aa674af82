#include "common/io/host_port.h"

#include <charconv>

namespace rayx {
namespace {

bool IsBracketed(std::string_view host) { return host.starts_with('[') && host.ends_with(']'); }

}  // namespace

std::string HostPort::Text() const {
  const bool is_six = host.find(':') != std::string::npos;
  return (is_six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<HostPort> ParseHostPort(std::string_view text) {
  const auto error = [text] {
    return Status::InvalidArgument("expected HOST:PORT, got '" + std::string(text) + "'");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return error();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (IsBracketed(host)) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    // An IPv6 address without brackets: its last part may be taken for a port.
    return error();
  }
  HostPort parsed{.host = std::string(host)};
  const auto [end, failure] =
      std::from_chars(digits.data(), digits.data() + digits.size(), parsed.port);
  const bool is_number = failure == std::errc() && end == digits.data() + digits.size();
  if (host.empty() || !is_number || parsed.port == 0) return error();
  return parsed;
}

}  // namespace rayx
