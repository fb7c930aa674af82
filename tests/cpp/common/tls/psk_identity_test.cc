#include "common/tls/psk_identity.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "common/tls/tls_ends.h"

namespace rayx {
namespace {

const PskIdentity kIdentity{kCluster, kDialer, kListener};

TEST(PskIdentityTest, IsReadAsItWasWritten) {
  const auto bytes = kIdentity.Encoded();
  const std::optional<PskIdentity> read = PskIdentity::Decode(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->cluster, kCluster);
  EXPECT_EQ(read->dialer, kDialer);
  EXPECT_EQ(read->listener, kListener);
}

TEST(PskIdentityTest, OtherBytesAreNone) {
  const auto good = kIdentity.Encoded();
  const Bytes bytes(good.begin(), good.end());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(PskIdentity::Decode(std::span(bytes).first(size)));
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(PskIdentity::Decode(longer));
  Bytes other_version = bytes;
  other_version[5] = '2';
  EXPECT_FALSE(PskIdentity::Decode(other_version));
  EXPECT_FALSE(PskIdentity::Decode(PskIdentity{kCluster, NodeId(), kListener}.Encoded()));
}

// So that nobody changes the derivation without a new label, and another implementation can be
// compared. Reckoned with Python: hmac and hashlib, RFC 5869.
TEST(PskIdentityTest, TheKeyOfAConnectionIsAsItAlwaysWas) {
  const ConnectionKey key = DeriveConnectionKey(KeyOf(7), kIdentity);
  EXPECT_EQ(ToHex(key.data(), key.size()),
            "72649546046ca0ade83801e23259aeb76bbc3288a72a159ccfe699be950dff35");
}

TEST(PskIdentityTest, EachConnectionHasAKeyOfItsOwn) {
  std::set<ConnectionKey> keys;
  const std::vector<PskIdentity> identities{
      kIdentity,
      {ClusterId(), kDialer, kListener},
      {kCluster, kDialer, NodeId()},
      {kCluster, kListener, kDialer},
      {kCluster, IdOf<NodeId>(1), kListener},
  };
  for (const PskIdentity& identity : identities) {
    keys.insert(DeriveConnectionKey(KeyOf(7), identity));
  }
  keys.insert(DeriveConnectionKey(KeyOf(8), kIdentity));
  EXPECT_EQ(keys.size(), identities.size() + 1);
  EXPECT_TRUE(keys.contains(DeriveConnectionKey(KeyOf(7), kIdentity)));
}

}  // namespace
}  // namespace rayx
