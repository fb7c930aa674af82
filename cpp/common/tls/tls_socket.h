// What OpenSSL reads records from and writes them to: a socket, with a buffer for those that leave.
//
// OpenSSL's own sockets would raise SIGPIPE, make a system call for each record, and read without a
// limit before the peer has proven anything.
#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/base/status.h"
#include "common/os/scoped_fd.h"

namespace rayx {

class TlsSocket {
 public:
  // A connected, non-blocking one.
  explicit TlsSocket(ScopedFd socket);
  TlsSocket(const TlsSocket&) = delete;
  TlsSocket& operator=(const TlsSocket&) = delete;

  // For the connection, which owns it; this socket must outlive it, and stay where it is.
  BIO* NewBio();
  int fd() const { return socket_.get(); }

  // From now on reading has no limit.
  void LiftLimit() { limited_ = false; }
  // The peer has sent more than limits::kUnprovenBytesMax before that.
  bool over_limit() const { return over_limit_; }
  // Why reading has failed; Ok if it has not, or the peer has ended.
  const Status& read_failure() const { return read_failure_; }

  // Hands records to the kernel, as far as it takes them.
  Status Flush();
  bool has_unsent() const { return begin_ != unsent_.size(); }

 private:
  friend struct TlsSocketBio;

  ScopedFd socket_;
  bool limited_ = true;
  bool over_limit_ = false;
  bool ended_ = false;
  size_t limited_bytes_ = 0;
  Status read_failure_;
  // Records that have not left, from `begin_`.
  std::vector<uint8_t> unsent_;
  size_t begin_ = 0;
};

}  // namespace rayx
