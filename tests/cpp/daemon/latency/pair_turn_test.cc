#include "daemon/latency/pair_turn.h"

#include <gtest/gtest.h>

namespace rayx::daemon {
namespace {

TEST(PairHeardTest, APairIsAloneInATurnThatHearsItAndNoOther) {
  PairHeard heard;
  heard.OnPair();
  heard.OnPair();
  EXPECT_EQ(heard.End(false), PairTurn::kAlone);
}

TEST(PairHeardTest, AnotherPeerOrNoneIsMixed) {
  PairHeard heard;
  EXPECT_EQ(heard.End(false), PairTurn::kMixed);
  heard.OnPair();
  heard.OnOther();
  EXPECT_EQ(heard.End(false), PairTurn::kMixed);
}

TEST(PairHeardTest, ATurnIsForgottenInTheNext) {
  PairHeard heard;
  heard.OnOther();
  EXPECT_EQ(heard.End(false), PairTurn::kMixed);
  heard.OnPair();
  EXPECT_EQ(heard.End(false), PairTurn::kAlone);
  EXPECT_EQ(heard.End(false), PairTurn::kMixed) << "nothing was heard any more";
  heard.OnPair();
  heard.Forget();
  EXPECT_EQ(heard.End(false), PairTurn::kMixed);
}

// In a burst of calls nearly every turn leaves some work to the next, which hears nothing. When the
// node slept after neither, each message of the pair woke it.
TEST(PairHeardTest, AnUnfinishedTurnAndTheNextCountAsOne) {
  PairHeard heard;
  heard.OnPair();
  EXPECT_EQ(heard.End(true), PairTurn::kMixed) << "what is left over must not wait for a sleep";
  EXPECT_EQ(heard.End(true), PairTurn::kMixed);
  EXPECT_EQ(heard.End(false), PairTurn::kAlone);
  heard.OnPair();
  heard.OnOther();
  EXPECT_EQ(heard.End(true), PairTurn::kMixed);
  heard.OnPair();
  EXPECT_EQ(heard.End(false), PairTurn::kMixed) << "the other peer came in the turn before";
}

}  // namespace
}  // namespace rayx::daemon
