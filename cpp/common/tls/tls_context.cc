#include "common/tls/tls_context.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/base/check.h"
#include "common/io/socket.h"
#include "common/tls/crypto_library.h"
#include "common/tls/psk_handshake.h"
#include "common/tls/tls_stream.h"

namespace rayx {
namespace {

// Four full records, so that a bulk of them comes with one system call.
constexpr size_t kReadBufferBytes = 66u << 10;

// As it is listed in a hello: with its length.
constexpr std::string_view kProtocolList = "\x06rayx/1";

// A peer that names other protocols only is refused; one that names none, when it has proven the
// key.
int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                   const unsigned char* offered, unsigned int offered_bytes, void*) {
  const std::string_view list(reinterpret_cast<const char*>(offered), offered_bytes);
  for (size_t at = 0; at < list.size();) {
    const size_t bytes = 1 + static_cast<unsigned char>(list[at]);
    if (list.substr(at, bytes) == kProtocolList) {
      *chosen = offered + at + 1;
      *chosen_bytes = static_cast<unsigned char>(bytes - 1);
      return SSL_TLSEXT_ERR_OK;
    }
    at += bytes;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

SSL_CTX* MakeSettings() {
  SSL_CTX* made = SSL_CTX_new_ex(CryptoLibrary(), nullptr, TLS_method());
  RAYX_CHECK(made != nullptr);
  bool set = SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION) == 1;
  set &= SSL_CTX_set_max_proto_version(made, TLS1_3_VERSION) == 1;
  set &= SSL_CTX_set_ciphersuites(made, "TLS_AES_128_GCM_SHA256") == 1;
  set &= SSL_CTX_set1_groups_list(made, "X25519") == 1;
  set &= SSL_CTX_set_num_tickets(made, 0) == 1;
  set &= SSL_CTX_set_max_early_data(made, 0) == 1;
  // This one returns 0 if all is well.
  set &= SSL_CTX_set_alpn_protos(made, reinterpret_cast<const unsigned char*>(kProtocolList.data()),
                                 static_cast<unsigned int>(kProtocolList.size())) == 0;
  RAYX_CHECK(set);
  SSL_CTX_set_alpn_select_cb(made, ChooseProtocol, nullptr);
  // psk_ke, without a Diffie-Hellman exchange, is neither offered nor taken: that is the default of
  // SSL_OP_ALLOW_NO_DHE_KEX, which stays unset.
  SSL_CTX_set_options(made, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(made, 1);
  SSL_CTX_set_default_read_buffer_len(made, kReadBufferBytes);
  UsePskHandshakes(made);
  return made;
}

}  // namespace

struct TlsContext::Impl {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> settings{MakeSettings(), SSL_CTX_free};
  ClusterKey key;
  ClusterId cluster;
  NodeId self;
  uint64_t records_per_key;

  std::unique_ptr<TlsStream> Make(ScopedFd socket, bool dials, const NodeId& listener) {
    const Status status = SetNonBlocking(socket.get(), true);
    RAYX_CHECK_MSG(status.ok(), status.message());
    PskHandshake handshake;
    handshake.dials = dials;
    handshake.key = &key;
    handshake.cluster = cluster;
    handshake.self = self;
    if (dials) handshake.identity = {cluster, self, listener};
    return std::make_unique<TlsStream>(std::move(socket), settings.get(), handshake,
                                       records_per_key);
  }
};

TlsContext::TlsContext(const ClusterKey& key, const ClusterId& cluster, const NodeId& self,
                       uint64_t records_per_key)
    : impl_(std::make_unique<Impl>(
          Impl{.key = key, .cluster = cluster, .self = self, .records_per_key = records_per_key})) {
  RAYX_CHECK(!self.IsNil());
}

TlsContext::~TlsContext() = default;

std::unique_ptr<TlsStream> TlsContext::Dial(ScopedFd socket, const NodeId& listener) {
  return impl_->Make(std::move(socket), true, listener);
}

std::unique_ptr<TlsStream> TlsContext::Accept(ScopedFd socket) {
  return impl_->Make(std::move(socket), false, NodeId());
}

}  // namespace rayx
