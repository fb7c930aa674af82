#include "daemon/listening/unproven_gate.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

namespace rayx::daemon {
namespace {

PeerAddress Four(uint32_t number) {
  PeerAddress address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  for (size_t i = 0; i < 4; ++i) address[12 + i] = static_cast<uint8_t>(number >> (8 * (3 - i)));
  return address;
}

PeerAddress Six(uint8_t network, uint8_t host) {
  PeerAddress address{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, network};
  address[15] = host;
  return address;
}

// Admits one that must be taken.
UnprovenGate::Place Take(UnprovenGate* gate, const PeerAddress& address, int64_t now_ms) {
  const UnprovenGate::Admission admission = gate->Admit(address, now_ms);
  EXPECT_TRUE(admission.place) << admission.refusal;
  return admission.place.value_or(0);
}

TEST(UnprovenGateTest, AnHonestPeerPassesAndIsForgotten) {
  UnprovenGate gate;
  EXPECT_FALSE(gate.next_expiry_ms());
  const auto place = Take(&gate, Four(1), 100);
  EXPECT_EQ(gate.unproven_count(), 1u);
  EXPECT_EQ(gate.next_expiry_ms(), 100 + limits::kHelloTimeoutMs);
  gate.OnProven(place);
  EXPECT_EQ(gate.unproven_count(), 0u);
  EXPECT_TRUE(gate.TakeExpired(1'000'000).empty());
  // What comes late does nothing.
  gate.OnProven(place);
  gate.OnGone(place);
  gate.OnWrongKey(place, 100);
  EXPECT_EQ(gate.guesser_count(), 0u);
}

TEST(UnprovenGateTest, AnAddressHasEightAndOthersAreNotKeptOut) {
  UnprovenGate gate;
  std::deque<UnprovenGate::Place> places;
  for (size_t i = 0; i < limits::kUnprovenPerAddressMax; ++i) {
    places.push_back(Take(&gate, Four(1), 0));
  }
  const auto refused = gate.Admit(Four(1), 10'000'000);
  EXPECT_FALSE(refused.place || refused.displaced);
  EXPECT_EQ(refused.refusal, "8 connections of its address have not proven the key yet");
  Take(&gate, Four(2), 0);
  gate.OnGone(places.front());
  Take(&gate, Four(1), 0);
  EXPECT_FALSE(gate.Admit(Four(1), 0).place);
}

TEST(UnprovenGateTest, ANetworkOfIPv6IsOneAddress) {
  UnprovenGate gate;
  for (size_t i = 0; i < limits::kUnprovenPerAddressMax; ++i) {
    Take(&gate, Six(1, static_cast<uint8_t>(i)), 0);
  }
  EXPECT_FALSE(gate.Admit(Six(1, 200), 0).place);
  Take(&gate, Six(2, 200), 0);
  for (uint32_t i = 0; i < 20; ++i) Take(&gate, Four(i), 0);
}

TEST(UnprovenGateTest, EachEndsAfterItsTime) {
  UnprovenGate gate;
  const auto first = Take(&gate, Four(1), 0);
  const auto second = Take(&gate, Four(2), 10);
  const auto third = Take(&gate, Four(3), 20);
  gate.OnProven(second);
  EXPECT_TRUE(gate.TakeExpired(limits::kHelloTimeoutMs - 1).empty());
  EXPECT_EQ(gate.TakeExpired(limits::kHelloTimeoutMs), std::vector{first});
  EXPECT_EQ(gate.next_expiry_ms(), 20 + limits::kHelloTimeoutMs);
  EXPECT_EQ(gate.TakeExpired(1'000'000), std::vector{third});
}

TEST(UnprovenGateTest, AFullHouseMakesRoomForWhoeverComes) {
  UnprovenGate gate;
  std::deque<UnprovenGate::Place> places;
  for (uint32_t i = 0; i < limits::kUnprovenMax; ++i) places.push_back(Take(&gate, Four(i), i));
  EXPECT_EQ(gate.Admit(Four(1000), limits::kUnprovenGraceMs - 1).refusal,
            "64 connections have not proven the key yet");
  const auto admission = gate.Admit(Four(1000), limits::kUnprovenGraceMs);
  ASSERT_TRUE(admission.place);
  EXPECT_EQ(admission.displaced, places.front());
  EXPECT_EQ(gate.unproven_count(), limits::kUnprovenMax);
  gate.OnWrongKey(places.front(), 1);
  EXPECT_EQ(gate.guesser_count(), 0u) << "it is not known any more";
}

TEST(UnprovenGateTest, AWrongKeyMakesItsAddressWaitAndNoOther) {
  UnprovenGate gate;
  int64_t now_ms = 0;
  int64_t delay_ms = limits::kWrongKeyDelayMsMin;
  for (int i = 0; i < 12; ++i) {
    gate.OnWrongKey(Take(&gate, Four(1), now_ms), now_ms);
    EXPECT_NE(gate.Admit(Four(1), now_ms + delay_ms - 1).refusal.find("wrong key"),
              std::string::npos);
    gate.OnProven(Take(&gate, Four(2), now_ms));
    now_ms += delay_ms;
    delay_ms = std::min(2 * delay_ms, limits::kWrongKeyDelayMsMax);
  }
  EXPECT_EQ(delay_ms, limits::kWrongKeyDelayMsMax);
  // The right one ends it, and so does time.
  gate.OnProven(Take(&gate, Four(1), now_ms));
  EXPECT_EQ(gate.guesser_count(), 0u);
  gate.OnWrongKey(Take(&gate, Four(1), now_ms), now_ms);
  Take(&gate, Four(1), now_ms + limits::kWrongKeyDelayMsMin);
}

TEST(UnprovenGateTest, APauseMakesAGuesserNewAgain) {
  UnprovenGate gate;
  for (int i = 0; i < 3; ++i) {
    const int64_t now_ms = i * 3 * limits::kWrongKeyDelayMsMax;
    gate.OnWrongKey(Take(&gate, Four(1), now_ms), now_ms);
    EXPECT_TRUE(gate.Admit(Four(1), now_ms + limits::kWrongKeyDelayMsMin).place);
  }
}

// S21: 10,000 wrong keys from as many addresses.
TEST(UnprovenGateTest, GuessersTakeBoundedMemory) {
  UnprovenGate gate;
  for (uint32_t i = 0; i < 10'000; ++i) gate.OnWrongKey(Take(&gate, Four(i), i), i);
  EXPECT_EQ(gate.guesser_count(), limits::kGuessersMax);
  EXPECT_FALSE(gate.Admit(Four(9'999), 10'000).place) << "the newest is remembered";
  // Those whose time is over go first.
  const int64_t later_ms = 1'000'000;
  gate.OnWrongKey(Take(&gate, Four(1 << 20), later_ms), later_ms);
  EXPECT_EQ(gate.guesser_count(), 1u);
}

TEST(UnprovenGateTest, FewAddressesDoNotPushOutOthers) {
  UnprovenGate gate;
  const auto honest = Take(&gate, Four(1), 0);
  // Seven addresses with eight places, and another with seven.
  for (uint32_t i = 0; i + 1 < limits::kUnprovenMax; ++i) Take(&gate, Four(10 + i % 8), 1);
  for (int64_t now_ms = 1000; now_ms < 2000; ++now_ms) {
    const auto admission = gate.Admit(Four(10 + static_cast<uint32_t>(now_ms % 8)), now_ms);
    EXPECT_NE(admission.displaced, honest);
  }
  gate.OnProven(honest);
  EXPECT_LT(gate.unproven_count(), limits::kUnprovenMax);
}

// S20: a flood of connections that say nothing, as many as are accepted, from one address or from
// many; an honest peer that needs 20 ms for its handshake and tries again every 200 ms is in within
// two seconds.
TEST(UnprovenGateTest, AnHonestPeerGetsInThroughAFlood) {
  for (const uint32_t addresses : {1u, 60u, 100'000u}) {
    std::mt19937 random(1);
    UnprovenGate gate;
    // Places are counted from 1.
    UnprovenGate::Place honest = 0;
    int64_t honest_since_ms = 0;
    int64_t begun_ms = 3000;
    int joined = 0;
    size_t most = 0;
    for (int64_t now_ms = 0; now_ms < 30'000; ++now_ms) {
      std::set<UnprovenGate::Place> closed;
      for (const auto place : gate.TakeExpired(now_ms)) closed.insert(place);
      for (int i = 0; i < 2; ++i) {
        const auto admission =
            gate.Admit(Four(100 + static_cast<uint32_t>(random() % addresses)), now_ms);
        if (admission.displaced) closed.insert(*admission.displaced);
      }
      if (closed.contains(honest)) honest = 0;
      if (honest == 0 && now_ms >= begun_ms && now_ms % 200 == 0) {
        honest = gate.Admit(Four(1), now_ms).place.value_or(0);
        honest_since_ms = now_ms;
      }
      if (honest != 0 && now_ms >= honest_since_ms + 20) {
        gate.OnProven(honest);
        honest = 0;
        EXPECT_LE(now_ms - begun_ms, 2000) << addresses;
        ++joined;
        begun_ms = now_ms;
      }
      most = std::max(most, gate.unproven_count());
    }
    EXPECT_LE(most, limits::kUnprovenMax);
    EXPECT_GE(joined, 10) << addresses;
  }
}

}  // namespace
}  // namespace rayx::daemon
