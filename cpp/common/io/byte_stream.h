// The bytes under a connection: a Unix socket on this machine, TLS over TCP between machines.
//
// A stream does not block and knows nothing of frames. Over TLS, reading may wait until the socket
// can be written and writing until it can be read (a handshake, new keys), and bytes that have left
// the socket may lie in the stream: the three last methods tell of that.
#pragma once

#include <memory>
#include <span>

#include "common/base/status.h"
#include "common/io/socket.h"
#include "common/os/scoped_fd.h"

namespace rayx {

class ByteStream {
 public:
  virtual ~ByteStream() = default;

  // Is watched for readiness, and valid for the life of the stream.
  virtual int fd() const = 0;

  // Reads once. `would_block` if nothing has arrived; no bytes otherwise mean that the peer has
  // ended. An outcome with fewer bytes than there was room for, and without descriptors, leaves
  // no more than holds_bytes() tells of.
  virtual Result<ReadOutcome> Read(std::span<uint8_t> room) = 0;
  // Returns how many bytes it has taken. If they are fewer than given, it takes no more for now.
  // REQUIRES: no `fds` unless passes_fds(); they go with the first byte.
  virtual Result<size_t> Write(std::span<const uint8_t> bytes, std::span<const int> fds) = 0;
  // Whether descriptors can be given to the peer.
  virtual bool passes_fds() const = 0;

  // The last Read would block until the socket can be written.
  virtual bool read_wants_write() const { return false; }
  // The last Write would block until the socket can be read.
  virtual bool write_wants_read() const { return false; }
  // It has bytes for Read of which the socket's readiness does not tell; a Write that shakes hands
  // may have brought them.
  virtual bool holds_bytes() const { return false; }
};

// A connected TCP socket, without TLS.
class TcpStream final : public ByteStream {
 public:
  explicit TcpStream(ScopedFd socket);

  int fd() const override;
  // NotFound if no process listens at the address that was dialled.
  Result<ReadOutcome> Read(std::span<uint8_t> room) override;
  Result<size_t> Write(std::span<const uint8_t> bytes, std::span<const int> fds) override;
  bool passes_fds() const override;

 private:
  ScopedFd socket_;
};

// A connected Unix socket.
class UnixStream final : public ByteStream {
 public:
  explicit UnixStream(ScopedFd socket);

  int fd() const override;
  Result<ReadOutcome> Read(std::span<uint8_t> room) override;
  Result<size_t> Write(std::span<const uint8_t> bytes, std::span<const int> fds) override;
  bool passes_fds() const override;

 private:
  ScopedFd socket_;
};

}  // namespace rayx
