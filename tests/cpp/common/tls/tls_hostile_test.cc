// What peers without the key, and those between two that have it, can do: nothing but end the
// connection.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "common/base/limits.h"
#include "common/io/frame.h"
#include "common/tls/raw_tls_peer.h"
#include "common/tls/tls_ends.h"

namespace rayx {
namespace {

class TlsHostileTest : public testing::Test {
 protected:
  // What a listener answers these bytes, after which the peer sends no more.
  Bytes AnswerTo(std::span<const uint8_t> bytes, bool then_ends = false) {
    auto sockets = SocketPair();
    TlsEnd listener;
    listener.stream = listens_.Accept(std::move(sockets->first));
    const ScopedFd peer = std::move(sockets->second);
    EXPECT_EQ(WriteRaw(peer.get(), bytes), bytes.size());
    if (then_ends) ::shutdown(peer.get(), SHUT_WR);
    listener.Read();
    EXPECT_TRUE(listener.received.empty());
    EXPECT_FALSE(listener.stream && listener.stream->proven());
    why_ = listener.failure.message();
    is_open_ = listener.stream != nullptr;
    EXPECT_EQ(is_open_, why_.empty());
    return ReadRaw(peer.get());
  }
  // One alert at most: a record of two bytes.
  static void ExpectAtMostAnAlert(const Bytes& answer) {
    if (answer.empty()) return;
    EXPECT_EQ(answer.size(), 7u);
    EXPECT_EQ(answer[0], 21);
  }

  TlsContext dials_{KeyOf(1), kCluster, kDialer};
  TlsContext listens_{KeyOf(1), kCluster, kListener};
  TlsContext other_key_{KeyOf(2), kCluster, kDialer};
  std::string why_;
  bool is_open_ = false;
};

// ---- S13: no key
// ----------------------------------------------------------------------------------

TEST_F(TlsHostileTest, AnotherKeyIsRefusedAndBothLearnWhy) {
  TlsEnds ends(&other_key_, &listens_);
  ends.dialer.Write(BytesOf("secret"));
  TlsStream* listener = ends.listener.stream.get();
  ends.dialer.Read();
  WriteRaw(ends.beside_listener.get(), ReadRaw(ends.beside_dialer.get()));
  Bytes room(100);
  const Result<ReadOutcome> outcome = listener->Read(room);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.status().message(), "the peer has another key");
  EXPECT_TRUE(listener->has_wrong_key());
  EXPECT_FALSE(listener->Read(room).ok()) << "it stays refused";
  EXPECT_FALSE(listener->Write(room, {}).ok());
  ends.Run();
  EXPECT_NE(ends.dialer.failure.message().find("it has another key"), std::string::npos)
      << ends.dialer.failure.message();
  ExpectAtMostAnAlert(ends.from_listener);
}

TEST_F(TlsHostileTest, AListenerWithAnotherKeyLearnsNothing) {
  TlsContext listens(KeyOf(2), kCluster, kListener);
  TlsEnds ends(&dials_, &listens);
  ends.Send(&ends.dialer, {});
  EXPECT_EQ(ends.dialer.Write(BytesOf("secret")), 0u);
  EXPECT_FALSE(ends.dialer.stream || ends.listener.stream);
}

TEST_F(TlsHostileTest, BytesOfOtherProtocolsAreRefused) {
  Bytes frame;
  AppendFrame(1, Bytes(100, 7), &frame);
  Bytes large_frame;
  AppendFrame(1, Bytes(100'000, 7), &large_frame);
  const std::string http = " / HTTP/1.1\r\nHost: attacker.example\r\n\r\n";
  const std::vector<std::pair<const char*, Bytes>> hellos{
      {"a frame of rayx", frame},
      {"a large frame", large_frame},
      {"GET", BytesOf("GET" + http)},
      {"POST", BytesOf("POST" + http)},
      {"DELETE", BytesOf("DELETE" + http)},
      {"RESP", BytesOf("*1\r\n$4\r\nPING\r\n")},
      {"zeros", Bytes(5000, 0)},
      {"SSH", BytesOf("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")},
      {"an alert", Bytes{21, 3, 3, 0, 2, 2, 40}},
      {"a record of application data", Bytes{23, 3, 3, 0, 5, 1, 2, 3, 4, 5}},
      {"SSL 2", Bytes{0x80, 0x0f, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10, 1, 0, 0x80, 2, 0, 0x80}},
  };
  for (const auto& [name, bytes] : hellos) {
    ExpectAtMostAnAlert(AnswerTo(bytes));
    EXPECT_FALSE(is_open_) << name;
  }
}

TEST_F(TlsHostileTest, SilenceIsAnsweredBySilence) {
  EXPECT_TRUE(AnswerTo({}).empty());
  EXPECT_TRUE(is_open_) << "who takes connections ends those that say nothing";
  AnswerTo({}, true);
  EXPECT_FALSE(is_open_);
}

TEST_F(TlsHostileTest, NoMoreThanALimitIsReadBeforeTheProof) {
  // A hello that claims to be long, and comes in many records.
  Bytes hello;
  for (int i = 0; i < 400; ++i) {
    const Bytes record{22, 3, 1, 0, 100};
    hello.insert(hello.end(), record.begin(), record.end());
    Bytes body(100, 0);
    if (i == 0) body = Bytes{1, 0, 0xff, 0, 3, 3};
    body.resize(100);
    hello.insert(hello.end(), body.begin(), body.end());
  }
  auto sockets = SocketPair();
  TlsEnd listener;
  listener.stream = listens_.Accept(std::move(sockets->first));
  const int fd = listener.stream->fd();
  const ScopedFd kept(::dup(fd));
  ASSERT_EQ(WriteRaw(sockets->second.get(), hello), hello.size());
  listener.Read();
  EXPECT_FALSE(listener.stream);
  EXPECT_NE(listener.failure.message().find("4096 bytes without proving"), std::string::npos)
      << listener.failure.message();
  EXPECT_EQ(ReadRaw(kept.get()).size(), hello.size() - limits::kUnprovenBytesMax);
}

TEST_F(TlsHostileTest, AHandshakeThatIsCutAtAnyByteProvesNothing) {
  TlsEnds whole(&dials_, &listens_);
  whole.Run();
  ASSERT_TRUE(whole.proven());
  const size_t forth = whole.from_dialer.size();
  const size_t back = whole.from_listener.size();
  const auto cut_at = [&](bool cut_forth, size_t limit) {
    TlsEnds ends(&dials_, &listens_);
    size_t passed = 0;
    ends.change = [&](bool from_dialer, size_t at, Bytes* bytes) {
      if (from_dialer == cut_forth) {
        bytes->resize(at >= limit ? 0 : std::min(bytes->size(), limit - at));
        passed += bytes->size();
      }
    };
    ends.Run();
    EXPECT_EQ(passed, limit);
    EXPECT_FALSE(ends.proven()) << limit;
    EXPECT_TRUE(ends.dialer.received.empty() && ends.listener.received.empty());
    // Then it ends there.
    (cut_forth ? ends.beside_listener : ends.beside_dialer).Reset();
    ends.Run();
    const TlsEnd& cut = cut_forth ? ends.listener : ends.dialer;
    EXPECT_FALSE(cut.stream) << limit;
    EXPECT_FALSE(cut.failure.ok() && !cut.ended) << limit;
  };
  for (size_t limit = 0; limit < forth; ++limit) cut_at(true, limit);
  for (size_t limit = 0; limit < back; ++limit) cut_at(false, limit);
}

// ---- S15: replay
// ----------------------------------------------------------------------------------

TEST_F(TlsHostileTest, ARecordedSessionProvesNothingASecondTime) {
  TlsEnds ends(&dials_, &listens_);
  ends.Send(&ends.dialer, BytesOf("do it"));
  ASSERT_EQ(ends.listener.received, BytesOf("do it"));
  for (int i = 0; i < 100; ++i) {
    AnswerTo(ends.from_dialer);
    EXPECT_FALSE(is_open_);
  }
  // Nor do a listener's bytes to a dialer.
  auto sockets = SocketPair();
  TlsEnd dialer;
  dialer.stream = dials_.Dial(std::move(sockets->first), kListener);
  WriteRaw(sockets->second.get(), ends.from_listener);
  dialer.Read();
  EXPECT_FALSE(dialer.stream && dialer.stream->proven());
  EXPECT_FALSE(dialer.failure.ok());
}

TEST_F(TlsHostileTest, ARecordThatComesTwiceEndsTheConnection) {
  TlsEnds ends(&dials_, &listens_);
  ends.Run();
  ends.change = [](bool from_dialer, size_t, Bytes* bytes) {
    if (from_dialer) bytes->insert(bytes->end(), bytes->begin(), bytes->end());
  };
  ends.Send(&ends.dialer, BytesOf("once"));
  EXPECT_EQ(ends.listener.received, BytesOf("once"));
  EXPECT_FALSE(ends.listener.stream);
}

// ---- S16: reflection
// ------------------------------------------------------------------------------

TEST_F(TlsHostileTest, ANodesOwnDialThatIsSentBackIsRefused) {
  TlsContext node(KeyOf(1), kCluster, kDialer);
  for (const NodeId& wanted : {NodeId(), kListener}) {
    TlsEnds ends(&node, &node, wanted);
    ends.Run();
    EXPECT_FALSE(ends.dialer.stream || ends.listener.stream);
    EXPECT_NE(ends.listener.failure.message().find("this node's own"), std::string::npos)
        << ends.listener.failure.message();
  }
}

TEST_F(TlsHostileTest, AHandshakesBytesThatComeBackAreRefused) {
  auto sockets = SocketPair();
  TlsEnd dialer;
  dialer.stream = dials_.Dial(std::move(sockets->first), kListener);
  dialer.Read();
  WriteRaw(sockets->second.get(), ReadRaw(sockets->second.get()));
  dialer.Read();
  EXPECT_FALSE(dialer.stream);
}

TEST_F(TlsHostileTest, ADialThatIsLedElsewhereIsRefused) {
  TlsContext third(KeyOf(1), kCluster, IdOf<NodeId>(0x33));
  TlsEnds to_third(&dials_, &third, kListener);
  to_third.Run();
  EXPECT_FALSE(to_third.dialer.stream || to_third.listener.stream);
  EXPECT_EQ(to_third.listener.failure.message(), "the peer has dialed another node");

  TlsContext other_cluster(KeyOf(1), IdOf<ClusterId>(0xC2), kListener);
  TlsEnds to_other(&dials_, &other_cluster);
  to_other.Run();
  EXPECT_FALSE(to_other.dialer.stream || to_other.listener.stream);
  EXPECT_EQ(to_other.listener.failure.message(), "the peer belongs to another cluster");
}

TEST_F(TlsHostileTest, AnIdentityThatWasChangedOnTheWayIsRefused) {
  const auto identity = PskIdentity{kCluster, kDialer, kListener}.Encoded();
  for (size_t at = 0; at < identity.size(); ++at) {
    TlsEnds ends(&dials_, &listens_, kListener);
    bool changed = false;
    ends.change = [&](bool, size_t, Bytes* bytes) {
      const auto found =
          std::search(bytes->begin(), bytes->end(), identity.begin(), identity.end());
      if (found == bytes->end()) return;
      found[static_cast<std::ptrdiff_t>(at)] ^= 1;
      changed = true;
    };
    ends.Run();
    EXPECT_TRUE(changed);
    EXPECT_FALSE(ends.dialer.stream || ends.listener.stream) << at;
  }
}

// ---- S17: changes on the way
// ----------------------------------------------------------------------

TEST_F(TlsHostileTest, AFlippedBitOfTheHandshakeEndsIt) {
  TlsEnds whole(&dials_, &listens_);
  whole.Run();
  ASSERT_TRUE(whole.proven());
  const auto flip = [&](bool forth, size_t target) {
    TlsEnds ends(&dials_, &listens_);
    ends.change = [&](bool from_dialer, size_t at, Bytes* bytes) {
      if (from_dialer != forth || target < at || target >= at + bytes->size()) return;
      (*bytes)[target - at] ^= static_cast<uint8_t>(1u << (target % 8));
    };
    ends.Run();
    ends.dialer.Write(BytesOf("x"));
    ends.Run();
    // A bit that nobody reads (a record's old version) may change; then nothing else has.
    EXPECT_TRUE(!ends.proven() || ends.listener.received == BytesOf("x")) << target;
    return ends.proven();
  };
  int harmless = 0;
  for (size_t at = 0; at < whole.from_dialer.size(); ++at) harmless += flip(true, at) ? 1 : 0;
  for (size_t at = 0; at < whole.from_listener.size(); ++at) harmless += flip(false, at) ? 1 : 0;
  EXPECT_LE(harmless, 12);
}

TEST_F(TlsHostileTest, AFlippedBitOfTheBytesEndsTheConnectionAndGivesNoWrongByte) {
  const Bytes sent(300'000, 'a');
  for (const size_t target : {0u, 4u, 5u, 100u, 16'000u, 17'000u, 100'000u, 299'999u}) {
    TlsEnds ends(&dials_, &listens_);
    ends.Run();
    const size_t begin = ends.from_dialer.size();
    ends.change = [&](bool from_dialer, size_t at, Bytes* bytes) {
      if (!from_dialer || begin + target < at || begin + target >= at + bytes->size()) return;
      (*bytes)[begin + target - at] ^= 4;
    };
    size_t taken = 0;
    while (ends.dialer.stream && taken < sent.size()) {
      const size_t more = ends.dialer.Write(std::span(sent).subspan(taken));
      taken += more;
      ends.Run();
    }
    EXPECT_FALSE(ends.listener.stream) << target;
    EXPECT_EQ(ends.listener.failure.code(), StatusCode::kProtocolError) << target;
    EXPECT_LT(ends.listener.received.size(), sent.size());
    EXPECT_TRUE(std::all_of(ends.listener.received.begin(), ends.listener.received.end(),
                            [](uint8_t byte) { return byte == 'a'; }));
  }
}

TEST_F(TlsHostileTest, RecordsInAnotherOrderEndTheConnection) {
  TlsEnds ends(&dials_, &listens_);
  ends.Run();
  Bytes first;
  ends.change = [&](bool from_dialer, size_t, Bytes* bytes) {
    if (!from_dialer) return;
    if (first.empty()) {
      first = std::exchange(*bytes, {});
    } else {
      bytes->insert(bytes->end(), first.begin(), first.end());
    }
  };
  ends.Send(&ends.dialer, BytesOf("first"));
  ends.Send(&ends.dialer, BytesOf("second"));
  EXPECT_FALSE(ends.listener.stream);
  EXPECT_TRUE(ends.listener.received.empty());
}

// ---- S18: listening in
// ----------------------------------------------------------------------------

TEST_F(TlsHostileTest, WhatIsSentIsNotSeenOnTheWay) {
  const std::string marker = "the marker that must not be seen";
  Bytes sent;
  while (sent.size() < 1 << 20) sent.insert(sent.end(), marker.begin(), marker.end());
  TlsEnds ends(&dials_, &listens_);
  ends.Send(&ends.dialer, sent);
  ends.Send(&ends.listener, sent);
  EXPECT_TRUE(ends.listener.received == sent && ends.dialer.received == sent);
  const ClusterKey key = KeyOf(1);
  for (const Bytes* seen : {&ends.from_dialer, &ends.from_listener}) {
    EXPECT_GT(seen->size(), sent.size());
    for (size_t length : {marker.size(), size_t{8}}) {
      EXPECT_EQ(std::search(seen->begin(), seen->end(), marker.begin(),
                            marker.begin() + static_cast<std::ptrdiff_t>(length)),
                seen->end());
    }
    EXPECT_EQ(std::search(seen->begin(), seen->end(), key.bytes().begin(), key.bytes().end()),
              seen->end());
  }
  // Twice the same gives other bytes.
  TlsEnds again(&dials_, &listens_);
  again.Send(&again.dialer, sent);
  EXPECT_FALSE(again.from_dialer == ends.from_dialer);
}

}  // namespace
}  // namespace rayx
