// Unix stream sockets and the passing of file descriptors. Every descriptor made here is
// close-on-exec.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/os/scoped_fd.h"

namespace rayx {

// Listens at `path`, mode 0600, non-blocking. InvalidArgument if the path does not fit into
// sockaddr_un (107 bytes). Paths longer than that are reached through /proc/self/fd of their
// directory, so that deep directories work. At most `queue` peers (and what the system allows) wait
// to be accepted; further ones wait in their connect.
Result<ScopedFd> ListenUnix(const std::string& path, int queue);
// A blocking connection to `path`.
Result<ScopedFd> ConnectUnix(const std::string& path);
// Accepts one connection, non-blocking; an invalid ScopedFd if none waits.
Result<ScopedFd> AcceptUnix(int listener);
// Two connected sockets, blocking.
Result<std::pair<ScopedFd, ScopedFd>> SocketPair();
Status SetNonBlocking(int fd, bool non_blocking);
// Ends the connection in both directions, for every process that has it; a thread that waits on it
// is woken. Does not close.
void ShutdownSocket(int socket);

struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
};
Result<PeerCredentials> GetPeerCredentials(int socket);

// At most this many descriptors come with one read; more are closed by the kernel and reported as
// ProtocolError.
inline constexpr size_t kFdsPerReadMax = 8;

// Why a connection could not be made, or cannot go on, for people: NotFound if nobody listens where
// it was to lead, Unavailable if the network does not reach the other machine. The text does not
// say which one that is; who dialled it knows.
Status ConnectionFailure(std::string_view call, int error_number);

struct ReadOutcome {
  size_t bytes = 0;  // 0 and not would_block: the peer closed
  bool would_block = false;
  std::vector<ScopedFd> fds;
  // The peer sent some, and this process has no descriptors left for them: all that came with this
  // read are gone, the bytes are not.
  bool lost_fds = false;
};
// One recvmsg; errors as of ConnectionFailure. Retries EINTR unless `interruptible`, in which case
// it returns Interrupted.
Result<ReadOutcome> ReadWithFds(int socket, std::span<uint8_t> room, bool interruptible = false);

struct PeekOutcome {
  size_t bytes = 0;   // that have arrived, as far as there was room; they can be read again
  bool gone = false;  // the peer has closed, and hears nothing any more
  bool ends = false;  // the peer sends nothing any more
};
// Looks at what a connected peer has sent, without waiting for it and without taking it;
// descriptors stay where they are. An error is as if nothing had come: the next read will tell.
PeekOutcome PeekAt(int socket, std::span<uint8_t> room);

// One sendmsg (MSG_NOSIGNAL); `fds` go with the first byte. Returns the bytes written, 0 if it
// would block.
Result<size_t> WriteWithFds(int socket, std::span<const uint8_t> bytes, std::span<const int> fds);

}  // namespace rayx
