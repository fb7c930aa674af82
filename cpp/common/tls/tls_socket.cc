#include "common/tls/tls_socket.h"

#include <openssl/bio.h>

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/io/socket.h"

namespace rayx {

// What OpenSSL calls. The counts are as of read and write; -1 with a retry flag: would block.
struct TlsSocketBio {
  static TlsSocket* Of(BIO* bio) { return static_cast<TlsSocket*>(BIO_get_data(bio)); }

  static int Write(BIO* bio, const char* bytes, int count) {
    BIO_clear_retry_flags(bio);
    TlsSocket* socket = Of(bio);
    // As bytes: characters would be converted one by one, which costs as much as encrypting them.
    const std::span<const uint8_t> records(reinterpret_cast<const uint8_t*>(bytes),
                                           static_cast<size_t>(count));
    socket->unsent_.insert(socket->unsent_.end(), records.begin(), records.end());
    return count;
  }

  static int Read(BIO* bio, char* room, int count) {
    BIO_clear_retry_flags(bio);
    TlsSocket* socket = Of(bio);
    auto bytes = static_cast<size_t>(count);
    if (socket->limited_) {
      bytes = std::min(bytes, limits::kUnprovenBytesMax - socket->limited_bytes_);
      socket->over_limit_ = bytes == 0;
    }
    if (socket->over_limit_ || socket->ended_ || !socket->read_failure_.ok()) return -1;
    Result<ReadOutcome> outcome =
        ReadWithFds(socket->fd(), {reinterpret_cast<uint8_t*>(room), bytes});
    if (!outcome.ok()) {
      socket->read_failure_ = outcome.status();
      return -1;
    }
    if (outcome->would_block) {
      BIO_set_retry_read(bio);
      return -1;
    }
    socket->ended_ = outcome->bytes == 0;
    socket->limited_bytes_ += outcome->bytes;
    return static_cast<int>(outcome->bytes);
  }

  static long Control(BIO* bio, int command, long, void*) {
    switch (command) {
      case BIO_CTRL_FLUSH:  // the stream does it
        return 1;
      case BIO_CTRL_EOF:
        return Of(bio)->ended_ ? 1 : 0;
      default:
        return 0;
    }
  }

  static BIO_METHOD* Method() {
    // Lives as long as the process: connections may.
    static BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "rayx socket");
      RAYX_CHECK(made != nullptr && BIO_meth_set_write(made, Write) == 1 &&
                 BIO_meth_set_read(made, Read) == 1 && BIO_meth_set_ctrl(made, Control) == 1);
      return made;
    }();
    return method;
  }
};

TlsSocket::TlsSocket(ScopedFd socket) : socket_(std::move(socket)) {}

BIO* TlsSocket::NewBio() {
  BIO* bio = BIO_new(TlsSocketBio::Method());
  RAYX_CHECK(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

Status TlsSocket::Flush() {
  while (has_unsent()) {
    const std::span<const uint8_t> rest(unsent_.data() + begin_, unsent_.size() - begin_);
    const Result<size_t> written = WriteWithFds(socket_.get(), rest, {});
    if (!written.ok()) return written.status();
    begin_ += *written;
    if (*written < rest.size()) return Status::Ok();
  }
  unsent_.clear();
  begin_ = 0;
  return Status::Ok();
}

}  // namespace rayx
