// What all connections of a node with other machines have in common: TLS 1.3 with a pre-shared key
// and nothing else.
//
//   TlsContext tls(key, cluster, self);
//   auto dialed = tls.Dial(std::move(socket), NodeId());
//   auto accepted = tls.Accept(std::move(other_socket));
//
// Fixed, so that nothing can be negotiated down: TLS 1.3, psk_dhe_ke with X25519 (old traffic stays
// secret if the key is lost), TLS_AES_128_GCM_SHA256, ALPN rayx/1; no certificates, no tickets and
// no resumption, no early data. Neither configuration files nor environment variables of OpenSSL
// are read.
#pragma once

#include <cstdint>
#include <memory>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/os/scoped_fd.h"
#include "common/tls/key_text.h"
#include "common/tls/psk_identity.h"

namespace rayx {

class TlsStream;

class TlsContext {
 public:
  // `cluster` is nil as long as it is not known, by a node that joins. A new key for writing is
  // made after `records_per_key` records.
  TlsContext(const ClusterKey& key, const ClusterId& cluster, const NodeId& self,
             uint64_t records_per_key = limits::kTlsRecordsPerKeyMax);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // The stream over a connected socket, which becomes non-blocking. The context must outlive it.
  // `listener` is nil if it is not known who listens at the address that was dialed.
  std::unique_ptr<TlsStream> Dial(ScopedFd socket, const NodeId& listener);
  std::unique_ptr<TlsStream> Accept(ScopedFd socket);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rayx
