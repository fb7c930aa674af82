#include "common/tls/psk_handshake.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include <cstddef>
#include <span>

#include "common/base/check.h"

namespace rayx {
namespace {

constexpr std::array<unsigned char, 2> kAes128GcmSha256{0x13, 0x01};

PskHandshake* HandshakeOf(const SSL* connection) {
  return static_cast<PskHandshake*>(SSL_get_app_data(connection));
}

// What OpenSSL takes for a session that could be resumed: the key, and what it is for.
SSL_SESSION* SessionOf(SSL* connection, const PskHandshake& handshake) {
  ConnectionKey key = DeriveConnectionKey(*handshake.key, handshake.identity);
  SSL_SESSION* session = SSL_SESSION_new();
  RAYX_CHECK(session != nullptr);
  const SSL_CIPHER* cipher = SSL_CIPHER_find(connection, kAes128GcmSha256.data());
  RAYX_CHECK(cipher != nullptr &&
             SSL_SESSION_set1_master_key(session, key.data(), key.size()) == 1 &&
             SSL_SESSION_set_cipher(session, cipher) == 1 &&
             SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1);
  OPENSSL_cleanse(key.data(), key.size());
  return session;
}

int OfferKey(SSL* connection, const EVP_MD* hash, const unsigned char** id, size_t* id_bytes,
             SSL_SESSION** session) {
  (void)hash;  // a second hello may ask for one hash only, and there is only one
  PskHandshake* handshake = HandshakeOf(connection);
  handshake->encoded = handshake->identity.Encoded();
  *id = handshake->encoded.data();
  *id_bytes = handshake->encoded.size();
  *session = SessionOf(connection, *handshake);
  return 1;
}

// Why a listener refuses this identity; null if it takes it.
const char* RefusalOf(const PskIdentity& offered, const PskHandshake& handshake) {
  if (offered.dialer == handshake.self) {
    return "the dial is this node's own, and somebody has sent it back";
  }
  if (!offered.listener.IsNil() && offered.listener != handshake.self) {
    return "the peer has dialed another node";
  }
  if (!offered.cluster.IsNil() && offered.cluster != handshake.cluster) {
    return "the peer belongs to another cluster";
  }
  return nullptr;
}

// Without a session the handshake goes on as one with certificates, and ends since there are none.
int FindKey(SSL* connection, const unsigned char* id, size_t id_bytes, SSL_SESSION** session) {
  PskHandshake* handshake = HandshakeOf(connection);
  *session = nullptr;
  const std::optional<PskIdentity> offered = PskIdentity::Decode(std::span(id, id_bytes));
  const char* refusal =
      offered ? RefusalOf(*offered, *handshake) : "the peer's key is of no version known here";
  if (refusal != nullptr) {
    handshake->refusal = refusal;
    return 1;
  }
  handshake->identity = *offered;
  *session = SessionOf(connection, *handshake);
  return 1;
}

}  // namespace

void UsePskHandshakes(SSL_CTX* settings) {
  SSL_CTX_set_psk_use_session_callback(settings, OfferKey);
  SSL_CTX_set_psk_find_session_callback(settings, FindKey);
}

void AttachHandshake(SSL* connection, PskHandshake* handshake) {
  RAYX_CHECK(SSL_set_app_data(connection, handshake) == 1);
}

}  // namespace rayx
