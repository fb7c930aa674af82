// A peer of TLS that is not ours: OpenSSL with whatever settings a test wants.
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/check.h"
#include "common/io/socket.h"
#include "common/os/scoped_fd.h"
#include "common/tls/psk_handshake.h"
#include "common/tls/psk_identity.h"

namespace rayx {

class RawTlsPeer {
 public:
  // Dials with this key and identity, and with the defaults of OpenSSL otherwise.
  RawTlsPeer(const ClusterKey& key, const PskIdentity& identity)
      : key_(key), settings_(SSL_CTX_new(TLS_method()), SSL_CTX_free) {
    handshake_.key = &key_;
    handshake_.dials = true;
    handshake_.identity = identity;
    // Old versions, too.
    SSL_CTX_set_security_level(settings_.get(), 0);
    UsePskHandshakes(settings_.get());
    OfferProtocols("\x06rayx/1");
  }

  void OnlyVersion(int version) {
    RAYX_CHECK(SSL_CTX_set_min_proto_version(settings_.get(), version) == 1 &&
               SSL_CTX_set_max_proto_version(settings_.get(), version) == 1);
  }
  // As in a hello, with their lengths.
  void OfferProtocols(std::string_view list) {
    SSL_CTX_set_alpn_protos(settings_.get(), reinterpret_cast<const unsigned char*>(list.data()),
                            static_cast<unsigned int>(list.size()));
  }
  void OnlyCipher(const char* name) {
    RAYX_CHECK(SSL_CTX_set_ciphersuites(settings_.get(), name) == 1);
    offers_key_ = false;  // it would not fit the key
  }
  void AllowNoExchange() { SSL_CTX_set_options(settings_.get(), SSL_OP_ALLOW_NO_DHE_KEX); }
  void OfferNoKey() { offers_key_ = false; }
  void ListenWithCertificate() {
    listens_ = true;
    offers_key_ = false;
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_set_pubkey(certificate, key);
    RAYX_CHECK(X509_sign(certificate, key, EVP_sha256()) > 0);
    RAYX_CHECK(SSL_CTX_use_certificate(settings_.get(), certificate) == 1 &&
               SSL_CTX_use_PrivateKey(settings_.get(), key) == 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    SSL_CTX_set_alpn_select_cb(
        settings_.get(),
        [](SSL*, const unsigned char** chosen, unsigned char* bytes, const unsigned char* offered,
           unsigned int, void*) {
          *chosen = offered + 1;
          *bytes = offered[0];
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
  }

  void Attach(ScopedFd socket) {
    if (!offers_key_) {
      SSL_CTX_set_psk_use_session_callback(settings_.get(), nullptr);
      SSL_CTX_set_psk_find_session_callback(settings_.get(), nullptr);
    }
    socket_ = std::move(socket);
    RAYX_CHECK(SetNonBlocking(socket_.get(), true).ok());
    connection_ = {SSL_new(settings_.get()), SSL_free};
    AttachHandshake(connection_.get(), &handshake_);
    RAYX_CHECK(SSL_set_fd(connection_.get(), socket_.get()) == 1);
    listens_ ? SSL_set_accept_state(connection_.get()) : SSL_set_connect_state(connection_.get());
  }
  // Goes on with the handshake, as far as what has arrived allows; reads what follows it.
  void Shake() {
    // OpenSSL's own sockets raise it if the other end has gone.
    const auto handler = std::signal(SIGPIPE, SIG_IGN);
    char byte = 0;
    if (SSL_do_handshake(connection_.get()) == 1) (void)SSL_read(connection_.get(), &byte, 1);
    std::signal(SIGPIPE, handler);
  }
  // What was agreed on.
  std::string Described() const {
    SSL* ssl = connection_.get();
    const unsigned char* protocol = nullptr;
    unsigned int bytes = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &bytes);
    const char* group = SSL_group_to_name(ssl, static_cast<int>(SSL_get_negotiated_group(ssl)));
    const SSL_SESSION* session = SSL_get0_session(ssl);
    return std::string(SSL_get_version(ssl)) + " " + SSL_get_cipher_name(ssl) + " " +
           (group != nullptr ? group : "no group") + " " +
           std::string(reinterpret_cast<const char*>(protocol), bytes) +
           " tickets:" + std::to_string(SSL_SESSION_has_ticket(session)) +
           " early:" + std::to_string(SSL_SESSION_get_max_early_data(session));
  }

 private:
  ClusterKey key_;
  PskHandshake handshake_;
  bool offers_key_ = true;
  bool listens_ = false;
  ScopedFd socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> settings_;
  std::unique_ptr<SSL, decltype(&SSL_free)> connection_{nullptr, SSL_free};
};

}  // namespace rayx
