// Places where a fault can be planted, for the tests that the simulator finds it
// (tests/sim/transfer/transfer_mutation_test.cc). In the product they are nothing.
//
//   if (RAYX_TRANSFER_MUTATION(kMixVersions)) return;
#pragma once

namespace rayx::transfer {

enum class Mutation {
  kNone,
  kMixVersions,        // chunks of another version are taken, too
  kServeAnyVersion,    // a source does not look at the version
  kServeUnwritten,     // a part gives chunks that it has not got yet
  kStartOver,          // a new source is asked for everything
  kForgetAsked,        // what was asked of a lost source counts on
  kTrustOldAnswer,     // the number of a question is not looked at
  kForgetSlot,         // a puller that has all keeps its place at the source
  kForgetSlotOfGone,   // so does one that is gone
  kNoChildrenMax,      // everybody pulls from the first
  kSourceWithoutRoot,  // a part that itself waits is a source
  kNeverLost,          // who waits for what nobody has waits on
  kLostTooEarly,       // a part that may be whole any moment counts as nothing
  kForgetRecall,       // who pulls from one that waits is left there
  kDropWhileWritten,   // a room goes while bytes are written into it
  kDropWhileSent,      // or while they are sent
  kForgetPin,          // what is sent is not pinned
  kKeepPin,            // it is pinned for ever
  kForgetLeave,        // the source is not told that nothing more is needed
  kNoPace,             // who has failed is asked again at once, and for ever
  kCount
};

#ifdef RAYX_TRANSFER_MUTATIONS
// Which one is planted, in a program that is compiled with all of them.
extern Mutation planted;
#define RAYX_TRANSFER_MUTATION(name) (::rayx::transfer::planted == ::rayx::transfer::Mutation::name)
#else
#define RAYX_TRANSFER_MUTATION(name) false
#endif

}  // namespace rayx::transfer
