#include "daemon/raw_peer.h"

#include <poll.h>

#include <algorithm>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/io/random_bytes.h"
#include "common/io/socket.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using Clock = std::chrono::steady_clock;

// True if the socket is readable (or closed) before `deadline`.
bool AwaitReadable(int fd, Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  pollfd poll_fd = {fd, POLLIN, 0};
  return ::poll(&poll_fd, 1, static_cast<int>(std::max<int64_t>(0, left.count()))) == 1;
}

}  // namespace

RawPeer::RawPeer(const std::string& socket_path) : reader_(limits::kFrameBytesMax) {
  Result<ScopedFd> socket = ConnectUnix(socket_path);
  RAYX_CHECK_MSG(socket.ok(), socket.status().ToString());
  socket_ = std::move(*socket);
}

bool RawPeer::Send(std::span<const uint8_t> bytes, std::span<const int> fds) {
  while (!bytes.empty()) {
    const Result<size_t> written = WriteWithFds(socket_.get(), bytes, fds);
    if (!written.ok()) return false;
    fds = {};
    bytes = bytes.subspan(*written);
  }
  return true;
}

bool RawPeer::SendFrame(protocol::MessageType type, std::span<const uint8_t> payload) {
  std::vector<uint8_t> frame;
  AppendFrame(static_cast<uint16_t>(type), payload, &frame);
  return Send(frame);
}

bool RawPeer::SendHello(protocol::Role role, const DriverId& driver, uint32_t version) {
  return SendMessage(protocol::MessageType::Hello, [&](flatbuffers::FlatBufferBuilder& builder) {
    protocol::HelloBuilder hello(builder);
    hello.add_protocol_version(version);
    hello.add_role(role);
    hello.add_driver_id(ToWire(driver));
    return hello.Finish();
  });
}

DriverId RawPeer::BecomeDriver() {
  RandomIdSource ids;
  const auto driver = ids.Next<DriverId>();
  SendHello(protocol::Role::Driver, driver, limits::kProtocolVersion);
  const auto welcome = Receive();
  RAYX_CHECK(welcome && welcome->type == protocol::MessageType::Welcome);
  return driver;
}

std::optional<RawPeer::Received> RawPeer::Receive(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (true) {
    const auto frame = reader_.Next();
    if (frame.ok() && *frame) {
      return Received{static_cast<protocol::MessageType>((*frame)->type),
                      {(*frame)->payload.begin(), (*frame)->payload.end()}};
    }
    if (!AwaitReadable(socket_.get(), deadline)) return std::nullopt;
    const auto read = ReadWithFds(socket_.get(), reader_.PrepareRead(64u << 10));
    if (!read.ok() || read->bytes == 0) return std::nullopt;
    reader_.Commit(read->bytes);
  }
}

bool RawPeer::IsClosedWithin(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  std::vector<uint8_t> ignored(64u << 10);
  while (AwaitReadable(socket_.get(), deadline)) {
    const auto read = ReadWithFds(socket_.get(), ignored);
    if (!read.ok() || read->bytes == 0) return true;
  }
  return false;
}

}  // namespace rayx
