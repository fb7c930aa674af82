// Places where a fault can be planted, for the tests that the simulator finds it
// (tests/sim/cluster/mutation_test.cc). In the product they are nothing.
//
//   if (RAYX_CLUSTER_MUTATION(kForgetFarewell)) return;
#pragma once

namespace rayx::cluster {

enum class Mutation {
  kNone,
  kHearOldConnection,    // frames of a connection that was given up are handed up
  kAcknowledgeEarly,     // a frame is acknowledged before it was processed
  kResendTooLate,        // the first frame that the other side lacks is not sent again
  kResendTooEarly,       // a frame that the other side has is sent again
  kDropWhenSent,         // what was sent is not kept until it is acknowledged
  kNeverAcknowledge,     // nothing but a frame acknowledges
  kTrustLateHello,       // the attempt of a hello is not looked at
  kTrustOvertakenHello,  // nor which attempts it has seen
  kKeepBothDials,        // when both dial, each side keeps the connection of the other
  kForgetHeldHello,      // a hello that had to wait for this side's own dial is never answered
  kAcceptEndedSession,   // a session that has ended can be resumed
  kAcceptDeadNode,       // a node that was declared dead is welcomed
  kEndTwice,             // the end of a session is told twice
  kClaimUnheard,         // the end of a session says that nothing was heard, though it was sent
  kForgetEnd,            // the end of a session is not told if the other side ended it
  kIgnoreOwnStall,       // silence counts from when the peer was heard, whatever this loop did
  kNeverSuspect,         // a silent connection is waited for
  kNoSignOfLife,         // nothing is said when there is nothing to say
  kNoBound,              // anything may be kept
  kRefusedIsNothing,     // that the peer's process is gone is not believed
  kCount
};

#ifdef RAYX_CLUSTER_MUTATIONS
// Which one is planted, in a program that is compiled with all of them.
extern Mutation planted;
#define RAYX_CLUSTER_MUTATION(name) (::rayx::cluster::planted == ::rayx::cluster::Mutation::name)
#else
#define RAYX_CLUSTER_MUTATION(name) false
#endif

}  // namespace rayx::cluster
