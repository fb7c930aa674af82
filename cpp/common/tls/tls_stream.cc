#include "common/tls/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/tls/tls_failure.h"
#include "common/tls/tls_socket.h"

namespace rayx {
namespace {

// What TLS encrypts at once at most.
constexpr size_t kRecordBytes = 16u << 10;
// What is encrypted before it is handed to the socket, by one system call.
constexpr size_t kBatchBytes = 4 * kRecordBytes;

constexpr std::string_view kProtocol = "rayx/1";

}  // namespace

struct TlsStream::Impl {
  Impl(ScopedFd the_socket, SSL_CTX* settings, const PskHandshake& the_handshake,
       uint64_t the_records_per_key);

  PskHandshake handshake;
  const uint64_t records_per_key;
  TlsSocket socket;
  // Writes to `socket` until its end.
  std::unique_ptr<SSL, decltype(&SSL_free)> connection;

  bool proven = false;
  bool wrong_key = false;
  // The peer has said goodbye.
  bool ended = false;
  // Whatever OpenSSL still holds is a part of a record.
  bool drained = false;
  // Nothing can be read or written any more, and why.
  Status failure;
  // Nothing can be written any more; what the peer has sent can still be read.
  Status write_failure;
  // Messages of the handshake are still to be sent, for which nobody else may call.
  bool greets = false;
  // Bytes whose records wait in `socket`, and which Write has not taken yet: if it had, its owner
  // might have nothing left to call it for.
  size_t held_back = 0;
  uint64_t records_of_key = 0;

  Status Shake();
  Status CheckPeer() const;
  // What an operation that gave `result` means: Ok if it waits for the socket, or the peer's end.
  Status Failed(int result);
  size_t ReadRecords(std::span<uint8_t> room);
  Status Encrypt(std::span<const uint8_t> bytes);
};

TlsStream::Impl::Impl(ScopedFd the_socket, SSL_CTX* settings, const PskHandshake& the_handshake,
                      uint64_t the_records_per_key)
    : handshake(the_handshake),
      records_per_key(the_records_per_key),
      socket(std::move(the_socket)),
      connection(SSL_new(settings), SSL_free) {
  RAYX_CHECK(connection != nullptr);
  BIO* bio = socket.NewBio();
  SSL_set_bio(connection.get(), bio, bio);
  AttachHandshake(connection.get(), &handshake);
  if (handshake.dials) {
    // There are no roots, so a listener that comes with a certificate instead of the key is
    // refused.
    SSL_set_verify(connection.get(), SSL_VERIFY_PEER, nullptr);
    SSL_set_connect_state(connection.get());
  } else {
    SSL_set_accept_state(connection.get());
  }
}

// ---- the handshake
// --------------------------------------------------------------------------------

Status TlsStream::Impl::Shake() {
  if (!failure.ok()) return failure;
  ERR_clear_error();
  const int result = SSL_do_handshake(connection.get());
  greets = true;
  Status status = result == 1 ? CheckPeer() : Failed(result);
  // An alert is sent as well, if the socket takes it.
  const Status sent = socket.Flush();
  greets = socket.has_unsent();
  if (status.ok() && ended) status = Status::Disconnected("the peer ended the handshake");
  if (status.ok()) status = sent;
  if (status.ok() && result == 1) {
    proven = true;
    socket.LiftLimit();
  }
  return failure = status;
}

// A handshake without the key cannot come so far; but this is where it would matter.
Status TlsStream::Impl::CheckPeer() const {
  const SSL* ssl = connection.get();
  if (SSL_session_reused(ssl) != 1 || SSL_version(ssl) != TLS1_3_VERSION) {
    return Status::ProtocolError("the peer has not proven that it has the key");
  }
  const unsigned char* chosen = nullptr;
  unsigned int bytes = 0;
  SSL_get0_alpn_selected(ssl, &chosen, &bytes);
  if (std::string_view(reinterpret_cast<const char*>(chosen), bytes) != kProtocol) {
    return Status::ProtocolError("the peer does not speak " + std::string(kProtocol));
  }
  return Status::Ok();
}

Status TlsStream::Impl::Failed(int result) {
  switch (SSL_get_error(connection.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Status::Ok();
    case SSL_ERROR_ZERO_RETURN:
      ended = true;
      return Status::Ok();
    default:
      break;
  }
  const TlsFailure why = TakeTlsFailure(handshake.dials);
  if (!socket.read_failure().ok()) return socket.read_failure();
  if (socket.over_limit()) {
    return Status::ProtocolError("the peer sent " + std::to_string(limits::kUnprovenBytesMax) +
                                 " bytes without proving that it has the key");
  }
  if (!handshake.refusal.empty()) return Status::ProtocolError(handshake.refusal);
  wrong_key = why.wrong_key;
  return why.status;
}

// ---- reading
// --------------------------------------------------------------------------------------

// As many as there are, or an end: `ended` or `failure`.
size_t TlsStream::Impl::ReadRecords(std::span<uint8_t> room) {
  size_t filled = 0;
  while (filled < room.size()) {
    ERR_clear_error();
    size_t bytes = 0;
    const int result =
        SSL_read_ex(connection.get(), room.data() + filled, room.size() - filled, &bytes);
    drained = result != 1;
    if (drained) {
      failure = Failed(result);
      break;
    }
    filled += bytes;
    // Another record may lie in the buffer; the socket is left for the next call.
    if (SSL_has_pending(connection.get()) != 1) break;
  }
  return filled;
}

Result<bool> TlsStream::Prove() {
  if (!impl_->proven || impl_->greets) {
    if (const Status status = impl_->Shake(); !status.ok()) return status;
  }
  return impl_->proven && !impl_->greets;
}

Result<ReadOutcome> TlsStream::Read(std::span<uint8_t> room) {
  RAYX_CHECK(!room.empty());
  ReadOutcome outcome;
  if (const Result<bool> proven = Prove(); !proven.ok()) return proven.status();
  if (impl_->proven && impl_->failure.ok() && !impl_->ended) {
    outcome.bytes = impl_->ReadRecords(room);
  }
  // What came before an end is handed over first; holds_bytes() tells that the end is there.
  if (outcome.bytes != 0) return outcome;
  if (!impl_->failure.ok()) return impl_->failure;
  outcome.would_block = !impl_->ended;
  return outcome;
}

bool TlsStream::holds_bytes() const {
  if (!impl_->proven) return false;
  if (impl_->ended || !impl_->failure.ok()) return true;
  return !impl_->drained && SSL_has_pending(impl_->connection.get()) == 1;
}

// ---- writing
// --------------------------------------------------------------------------------------

Status TlsStream::Impl::Encrypt(std::span<const uint8_t> bytes) {
  ERR_clear_error();
  if (records_of_key >= records_per_key) {
    if (SSL_key_update(connection.get(), SSL_KEY_UPDATE_NOT_REQUESTED) != 1) return Failed(0);
    records_of_key = 0;
  }
  records_of_key += (bytes.size() + kRecordBytes - 1) / kRecordBytes;
  size_t encrypted = 0;
  const int result = SSL_write_ex(connection.get(), bytes.data(), bytes.size(), &encrypted);
  if (result != 1) {
    const Status status = Failed(result);
    return status.ok() ? Status::Disconnected("the peer has ended the connection") : status;
  }
  // The socket's buffer takes everything.
  RAYX_CHECK(encrypted == bytes.size());
  return Status::Ok();
}

Result<size_t> TlsStream::Write(std::span<const uint8_t> bytes, std::span<const int> fds) {
  RAYX_CHECK(fds.empty());
  if (!impl_->failure.ok()) return impl_->failure;
  if (!impl_->write_failure.ok()) return impl_->write_failure;
  if (!impl_->proven) {
    if (const Status status = impl_->Shake(); !status.ok()) return status;
    if (!impl_->proven) return size_t{0};
  }
  RAYX_CHECK(bytes.size() >= impl_->held_back);
  size_t taken = 0;
  while (true) {
    if (Status status = impl_->socket.Flush(); !status.ok()) return impl_->write_failure = status;
    if (impl_->socket.has_unsent()) return taken;
    impl_->greets = false;
    taken += std::exchange(impl_->held_back, 0);
    if (taken == bytes.size()) return taken;
    const auto batch = bytes.subspan(taken, std::min(kBatchBytes, bytes.size() - taken));
    if (Status status = impl_->Encrypt(batch); !status.ok()) {
      return impl_->write_failure = status;
    }
    impl_->held_back = batch.size();
  }
}

bool TlsStream::read_wants_write() const { return impl_->greets; }

bool TlsStream::write_wants_read() const { return !impl_->proven && !impl_->greets; }

// ---- all else
// -------------------------------------------------------------------------------------

TlsStream::TlsStream(ScopedFd socket, SSL_CTX* settings, const PskHandshake& handshake,
                     uint64_t records_per_key)
    : impl_(std::make_unique<Impl>(std::move(socket), settings, handshake, records_per_key)) {}

TlsStream::~TlsStream() {
  if (!impl_->proven || !impl_->failure.ok()) return;
  ERR_clear_error();
  SSL_shutdown(impl_->connection.get());
  (void)impl_->socket.Flush();
  ERR_clear_error();
}

int TlsStream::fd() const { return impl_->socket.fd(); }
bool TlsStream::proven() const { return impl_->proven; }
bool TlsStream::has_wrong_key() const { return impl_->wrong_key; }

const PskIdentity& TlsStream::identity() const {
  RAYX_CHECK(impl_->proven);
  return impl_->handshake.identity;
}

}  // namespace rayx
