// What can be negotiated, seen by a peer that has the key and asks for something else.
#include "common/tls/tls_context.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "common/tls/raw_tls_peer.h"
#include "common/tls/tls_ends.h"

namespace rayx {
namespace {

class TlsContextTest : public testing::Test {
 protected:
  // Lets the raw peer dial; whether the listener took it.
  bool IsTaken(RawTlsPeer* peer) {
    auto sockets = SocketPair();
    TlsEnd listener;
    listener.stream = listens_.Accept(std::move(sockets->first));
    peer->Attach(std::move(sockets->second));
    for (int i = 0; i < 4; ++i) {
      peer->Shake();
      listener.Read();
    }
    why_ = listener.failure.message();
    return listener.stream && listener.stream->proven();
  }

  TlsContext listens_{KeyOf(1), kCluster, kListener};
  const PskIdentity good_{kCluster, kDialer, kListener};
  std::string why_;
};

TEST_F(TlsContextTest, AGoodPeerIsTaken) {
  RawTlsPeer peer(KeyOf(1), good_);
  EXPECT_TRUE(IsTaken(&peer)) << why_;
  EXPECT_EQ(peer.Described(), "TLSv1.3 TLS_AES_128_GCM_SHA256 x25519 rayx/1 tickets:0 early:0");
}

TEST_F(TlsContextTest, OlderVersionsAreRefused) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION}) {
    RawTlsPeer peer(KeyOf(1), good_);
    peer.OnlyVersion(version);
    EXPECT_FALSE(IsTaken(&peer)) << version;
    EXPECT_NE(why_.find("older version of TLS"), std::string::npos) << why_;
  }
}

TEST_F(TlsContextTest, OtherProtocolsAreRefused) {
  for (const char* list : {"\x06rayx/2", "\x02h2\x08http/1.1", "\x05rayx/", "\x07rayx/11", ""}) {
    RawTlsPeer peer(KeyOf(1), good_);
    peer.OfferProtocols(list);
    EXPECT_FALSE(IsTaken(&peer)) << list;
  }
  RawTlsPeer peer(KeyOf(1), good_);
  peer.OfferProtocols("\x02h2\x06rayx/1");
  EXPECT_TRUE(IsTaken(&peer)) << why_;
}

TEST_F(TlsContextTest, OtherCiphersAreRefused) {
  RawTlsPeer peer(KeyOf(1), good_);
  peer.OnlyCipher("TLS_CHACHA20_POLY1305_SHA256");
  EXPECT_FALSE(IsTaken(&peer));
}

// It would do without a Diffie-Hellman exchange, so that who steals the key reads old traffic.
TEST_F(TlsContextTest, TheExchangeIsNeverLeftOut) {
  RawTlsPeer peer(KeyOf(1), good_);
  peer.AllowNoExchange();
  EXPECT_TRUE(IsTaken(&peer)) << why_;
  EXPECT_NE(peer.Described().find("x25519"), std::string::npos) << peer.Described();
}

TEST_F(TlsContextTest, APeerWithoutAKeyIsRefused) {
  RawTlsPeer peer(KeyOf(1), good_);
  peer.OfferNoKey();
  EXPECT_FALSE(IsTaken(&peer));
  EXPECT_NE(why_.find("offers no key"), std::string::npos) << why_;
}

// The file would end every use of the library, if it were read: in a process of its own, which has
// not used it yet.
TEST(TlsConfigurationTest, NoFileChangesAnything) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const std::string path = testing::TempDir() + "rayx_openssl.cnf";
  std::ofstream(path) << "openssl_conf = all\nconfig_diagnostics = 1\n[all]\nssl_conf = ssl\n"
                         "providers = none\n[none]\nnull = on\n[on]\nactivate = 1\n"
                         "[ssl]\nsystem_default = old\n[old]\nMaxProtocol = TLSv1.2\n";
  EXPECT_EXIT(
      {
        ::setenv("OPENSSL_CONF", path.c_str(), 1);
        TlsContext dials(KeyOf(1), kCluster, kDialer);
        TlsContext listens(KeyOf(1), kCluster, kListener);
        TlsEnds ends(&dials, &listens);
        ends.Run();
        std::exit(ends.proven() ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

// A listener that has a certificate and not the key.
TEST_F(TlsContextTest, AListenerWithACertificateIsNoListener) {
  TlsContext dials(KeyOf(1), kCluster, kDialer);
  auto sockets = SocketPair();
  TlsEnd dialer;
  dialer.stream = dials.Dial(std::move(sockets->first), kListener);
  RawTlsPeer peer(KeyOf(2), good_);
  peer.ListenWithCertificate();
  peer.Attach(std::move(sockets->second));
  for (int i = 0; i < 4; ++i) {
    dialer.Read();
    peer.Shake();
  }
  EXPECT_FALSE(dialer.stream);
  EXPECT_FALSE(dialer.failure.ok());
}

}  // namespace
}  // namespace rayx
