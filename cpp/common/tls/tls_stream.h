// Bytes to and from another machine, encrypted, once the peer has proven that it has the key.
//
//   Shaking ──(both have proven the key)──▶ Open ──(goodbye, or the socket ends)──▶ ended
//      └──(anything else, or over 4 KiB)──▶ refused
//
// Read and Write shake hands by themselves. Before the peer's proof Read returns no bytes and Write
// takes none, and at most limits::kUnprovenBytesMax are read from the socket. Both ends must have
// been made with the same cluster key, and identities that fit (psk_identity.h).
//
// A Write takes its bytes only when their records have left for the socket: after one that has
// taken fewer than it was given, the next one must begin with those that were not taken, and at
// least as many.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <span>

#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "common/os/scoped_fd.h"
#include "common/tls/psk_handshake.h"
#include "common/tls/psk_identity.h"

namespace rayx {

class TlsStream final : public ByteStream {
 public:
  // TlsContext makes them. `settings` must outlive it, as must what `handshake` points at.
  TlsStream(ScopedFd socket, SSL_CTX* settings, const PskHandshake& handshake,
            uint64_t records_per_key);
  // Says goodbye if that is possible at once, so that the peer can tell an end from a cut.
  ~TlsStream() override;

  int fd() const override;
  // Errors: ProtocolError for a peer that has not proven the key, or whose bytes were changed on
  // the way; Disconnected if the connection ended without a goodbye. The texts are for people.
  Result<ReadOutcome> Read(std::span<uint8_t> room) override;
  // As Read; REQUIRES: no descriptors.
  Result<size_t> Write(std::span<const uint8_t> bytes, std::span<const int> fds) override;
  bool passes_fds() const override { return false; }
  bool read_wants_write() const override;
  bool write_wants_read() const override;
  bool holds_bytes() const override;

  // Shakes hands, as Read does, and takes nothing of what follows. True if the peer has proven the
  // key; false if more must arrive or leave. Errors as of Read.
  Result<bool> Prove();
  // The peer has proven that it has the key.
  bool proven() const;
  // The peer was refused because it has another key than ours; for who counts guesses.
  bool has_wrong_key() const;
  // What the dialer has said. REQUIRES: proven().
  const PskIdentity& identity() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rayx
