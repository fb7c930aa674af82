#include "common/io/byte_stream.h"

#include <utility>

#include "common/base/check.h"

namespace rayx {

UnixStream::UnixStream(ScopedFd socket) : socket_(std::move(socket)) {}

int UnixStream::fd() const { return socket_.get(); }

Result<ReadOutcome> UnixStream::Read(std::span<uint8_t> room) {
  return ReadWithFds(socket_.get(), room);
}

Result<size_t> UnixStream::Write(std::span<const uint8_t> bytes, std::span<const int> fds) {
  return WriteWithFds(socket_.get(), bytes, fds);
}

bool UnixStream::passes_fds() const { return true; }

TcpStream::TcpStream(ScopedFd socket) : socket_(std::move(socket)) {}

int TcpStream::fd() const { return socket_.get(); }

Result<ReadOutcome> TcpStream::Read(std::span<uint8_t> room) {
  return ReadWithFds(socket_.get(), room);
}

Result<size_t> TcpStream::Write(std::span<const uint8_t> bytes, std::span<const int> fds) {
  RAYX_CHECK(fds.empty());
  // A socket that is still connecting takes nothing yet.
  return WriteWithFds(socket_.get(), bytes, {});
}

bool TcpStream::passes_fds() const { return false; }

}  // namespace rayx
