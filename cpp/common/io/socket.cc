#include "common/io/socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "common/base/check.h"

namespace rayx {
namespace {

// Room for the descriptors of one message, aligned as the kernel writes it.
struct FdControl {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kFdsPerReadMax * sizeof(int))> bytes;
};

struct UnixAddress {
  sockaddr_un address{};
  socklen_t size = 0;
  // Keeps the directory that `address` goes through open, if it does.
  ScopedFd directory;
};

// Addresses have 108 bytes; a path that does not fit is reached through a descriptor of its
// directory.
Result<UnixAddress> MakeUnixAddress(const std::string& path) {
  UnixAddress made;
  std::string reached = path;
  if (path.find('\0') != std::string::npos || path.empty()) {
    return Status::InvalidArgument("a socket path must be a file name");
  }
  if (reached.size() >= sizeof(made.address.sun_path)) {
    const size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    made.directory = ScopedFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!made.directory.valid()) return Status::FromErrno("open " + directory, errno);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    reached = "/proc/self/fd/" + std::to_string(made.directory.get()) + "/" + name;
  }
  if (reached.size() >= sizeof(made.address.sun_path)) {
    return Status::InvalidArgument("too long for a socket path: " + path);
  }
  made.address.sun_family = AF_UNIX;
  std::memcpy(made.address.sun_path, reached.c_str(), reached.size() + 1);
  made.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + reached.size() + 1);
  return made;
}

Result<ScopedFd> NewSocket(int flags) {
  ScopedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!socket.valid()) return Status::FromErrno("socket", errno);
  return socket;
}

const sockaddr* AsSockaddr(const UnixAddress& address) {
  return reinterpret_cast<const sockaddr*>(&address.address);
}

void TakeControlFds(msghdr* message, std::vector<ScopedFd>* fds) {
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
      fds->emplace_back(fd);
    }
  }
}

}  // namespace

Status ConnectionFailure(std::string_view call, int error_number) {
  const auto lost = [&](const char* words) {
    return Status::Unavailable(std::string(words) + " (" + std::strerror(error_number) + ")");
  };
  switch (error_number) {
    case ECONNREFUSED:
      return Status::NotFound("no process listens at the address");
    case EHOSTUNREACH:
    case EHOSTDOWN:
      return lost("no machine answers at the address; is it right, and is the machine on?");
    case ENETUNREACH:
    case ENETDOWN:
      return lost("this machine has no way to the address; is its network up?");
    case ETIMEDOUT:
      return lost("nothing answers; is the machine on, and does a firewall drop what comes to it?");
    default:
      return Status::FromErrno(call, error_number);
  }
}

Result<ScopedFd> ListenUnix(const std::string& path, int queue) {
  Result<UnixAddress> address = MakeUnixAddress(path);
  if (!address.ok()) return address.status();
  Result<ScopedFd> socket = NewSocket(SOCK_NONBLOCK);
  if (!socket.ok()) return socket;
  // The file gets the socket's mode less the umask: so it is never more open than 0600, not even
  // for a moment, and chmod gives back what a strict umask took.
  const int fd = socket->get();
  if (::fchmod(fd, 0600) != 0) return Status::FromErrno("fchmod", errno);
  if (::bind(fd, AsSockaddr(*address), address->size) != 0) {
    return Status::FromErrno("bind " + path, errno);
  }
  if (::chmod(address->address.sun_path, 0600) != 0 || ::listen(fd, queue) != 0) {
    const Status status = Status::FromErrno("listen " + path, errno);
    ::unlink(address->address.sun_path);
    return status;
  }
  return socket;
}

Result<ScopedFd> ConnectUnix(const std::string& path) {
  Result<UnixAddress> address = MakeUnixAddress(path);
  if (!address.ok()) return address.status();
  Result<ScopedFd> socket = NewSocket(0);
  if (!socket.ok()) return socket;
  int result = 0;
  do {
    result = ::connect(socket->get(), AsSockaddr(*address), address->size);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return Status::FromErrno("connect " + path, errno);
  return socket;
}

Result<ScopedFd> AcceptUnix(int listener) {
  while (true) {
    ScopedFd socket(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.valid()) return socket;
    // A peer that went away while it waited is nobody's error.
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return ScopedFd();
    return Status::FromErrno("accept", errno);
  }
}

Result<std::pair<ScopedFd, ScopedFd>> SocketPair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return Status::FromErrno("socketpair", errno);
  }
  return std::make_pair(ScopedFd(fds[0]), ScopedFd(fds[1]));
}

Status SetNonBlocking(int fd, bool non_blocking) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return Status::FromErrno("fcntl", errno);
  const int wanted = non_blocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (wanted != flags && ::fcntl(fd, F_SETFL, wanted) != 0)
    return Status::FromErrno("fcntl", errno);
  return Status::Ok();
}

void ShutdownSocket(int socket) { ::shutdown(socket, SHUT_RDWR); }

Result<PeerCredentials> GetPeerCredentials(int socket) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return Status::FromErrno("SO_PEERCRED", errno);
  }
  return PeerCredentials{credentials.pid, credentials.uid};
}

Result<ReadOutcome> ReadWithFds(int socket, std::span<uint8_t> room, bool interruptible) {
  RAYX_CHECK(!room.empty());
  FdControl control;
  iovec part{room.data(), room.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t bytes = 0;
  do {
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    bytes = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (bytes < 0 && errno == EINTR && interruptible) {
      return Status::Interrupted("a signal arrived while reading");
    }
  } while (bytes < 0 && errno == EINTR);
  ReadOutcome outcome;
  if (bytes < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      outcome.would_block = true;
      return outcome;
    }
    if (errno == ECONNRESET) return Status::Disconnected("the peer reset the connection");
    return ConnectionFailure("recvmsg", errno);
  }
  if (message.msg_controllen != 0) TakeControlFds(&message, &outcome.fds);
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    if (outcome.fds.size() >= kFdsPerReadMax) {
      return Status::ProtocolError("the peer sent more descriptors than one message may carry");
    }
    // Some of them are of no use.
    outcome.fds.clear();
    outcome.lost_fds = true;
  }
  outcome.bytes = static_cast<size_t>(bytes);
  return outcome;
}

PeekOutcome PeekAt(int socket, std::span<uint8_t> room) {
  PeekOutcome outcome;
  pollfd state{socket, POLLIN | POLLRDHUP, 0};
  if (::poll(&state, 1, 0) <= 0) return outcome;
  outcome.gone = (state.revents & (POLLHUP | POLLERR)) != 0;
  outcome.ends = outcome.gone || (state.revents & POLLRDHUP) != 0;
  // The kernel hands out no descriptors, since there is no room for them.
  const ssize_t bytes = ::recv(socket, room.data(), room.size(), MSG_PEEK | MSG_DONTWAIT);
  if (bytes > 0) outcome.bytes = static_cast<size_t>(bytes);
  return outcome;
}

Result<size_t> WriteWithFds(int socket, std::span<const uint8_t> bytes, std::span<const int> fds) {
  RAYX_CHECK(!bytes.empty());
  RAYX_CHECK(fds.size() <= kFdsPerReadMax);
  FdControl control{};
  iovec part{const_cast<uint8_t*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  ssize_t written = 0;
  do {
    written = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (written < 0 && errno == EINTR);
  if (written >= 0) return static_cast<size_t>(written);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return size_t{0};
  if (errno == EPIPE || errno == ECONNRESET) return Status::Disconnected("the peer is gone");
  return ConnectionFailure("sendmsg", errno);
}

}  // namespace rayx
