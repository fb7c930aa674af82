#include "daemon/raw_peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/io/socket.h"
#include "common/os/random_bytes.h"
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
  // Not WriteWithFds: it would refuse to send as many descriptors as some tests want to.
  std::vector<char> control(fds.empty() ? 0 : CMSG_SPACE(fds.size_bytes()));
  while (!bytes.empty()) {
    iovec part = {const_cast<uint8_t*>(bytes.data()), bytes.size()};  // sendmsg does not write
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!control.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* const header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(fds.size_bytes());
      std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
    }
    const ssize_t written = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    control.clear();
    bytes = bytes.subspan(static_cast<size_t>(written));
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
    auto read = ReadWithFds(socket_.get(), reader_.PrepareRead(64u << 10));
    if (!read.ok() || read->bytes == 0) return std::nullopt;
    for (ScopedFd& fd : read->fds) fds_.push_back(std::move(fd));
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
