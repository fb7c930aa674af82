// Places where a fault can be planted, for the test that the simulator finds it
// (tests/sim/mutation_test.cc). In the product they are nothing.
//
//   if (RAYX_MUTATION(kForgetDelivery)) return;
#pragma once

namespace rayx::node {

enum class Mutation {
  kNone,
  kKeepDependency,     // the reference of a task to its inputs is not released
  kReleaseTwice,       // what the arguments contain is released twice
  kStartTooEarly,      // a task is handed out before its inputs are there
  kForgetContained,    // what a result contains is not referred to
  kForgetArguments,    // nor what the arguments contain
  kForgetFunction,     // a task does not keep its function
  kFailWithoutResult,  // the last result of a failed task has no value
  kForgetDelivery,     // what a slow peer could not be sent is never sent
  kDeliverUnpinned,    // a pin that was counted is not told
  kKeepStreams,        // the streams of a consumer that is gone go on
  kKeepActor,          // an actor that nobody refers to goes on
  kKeepName,           // the name of a dead actor is kept
  kForgetName,         // an actor with a name is dropped with its last handle
  kKeepState,          // the state before the last one of an actor is kept
  kKeepReferences,     // what a client referred to stays when it is gone
  kForgetStop,         // a worker that was told to end is not known to be ending
  kTellSetupTwice,     // what a worker was told to run before its tasks, it is told again
  kCount,

  // Between nodes (tests/sim/nodes/nodes_mutation_test.cc).
  kFirstBetweenNodes = kCount,
  kForgetNewsFirst,           // references are not told before what ends their cover
  kForgetRemove,              // a node that refers to an object no more is not believed
  kForgetToCross,             // an id is sent to its home without a word about it before
  kForgetToKeep,              // a value that was announced is not kept for the home
  kCountKeptAsLocal,          // what is kept for the home counts as a reference of this node
  kForgetPending,             // that a value will be made here is not told
  kForgetToAskAgain,          // a copy that could not be had is not asked for again
  kForgetToDropCopies,        // what a node keeps is never said to be unneeded
  kForgetNamed,               // an id that came from its home is taken for one of this node
  kForgetInside,              // what is inside a value that is announced is not told before
  kForgetContainedElsewhere,  // what is inside a value is not told to who asks for it
  kForgetNodeGone,            // what only a node had that is gone is waited for
  kKeepNodeReferences,        // what a node referred to stays when it is gone
  kForgetLostTasks,           // what a node ran that is gone is waited for
  kForgetLostActors,          // an actor of a node that is gone is taken for alive
  kForgetStopActor,           // the node of an actor is not told that it shall end
  kEndActorWithValue,         // an actor ends at its node with the object that stands for it
  kForgetFunctionAskers,      // who waits for a function of another home waits for ever
  kForgetDriverGone,          // nobody is told that a driver has ended
  kForgetWanted,              // a task here waits for a value at another node that is not fetched
  kAcceptEndedSession,        // messages of a session that has ended are heard
  kForgetHere,                // a value that came in another way is still pulled
  kForgetEndOfCopy,           // who has copies of an object that is gone is kept
  kForgetLostCopy,            // that a value cannot be had is not told
  kForgetInsideCopy,          // what is inside a value is not told to who copies it
  kDropUncopied,              // the values of a node that is drained are dropped, not copied
  kForgetWithhold,            // an actor that is to move is sent calls
  kForgetToMove,              // an actor that may be made elsewhere stays at a node that is drained
  kEndBetweenNodes
};

#ifdef RAYX_MUTATIONS
// Which one is planted, in a program that is compiled with all of them.
extern Mutation planted;
#define RAYX_MUTATION(name) (::rayx::node::planted == ::rayx::node::Mutation::name)
#else
#define RAYX_MUTATION(name) false
#endif

}  // namespace rayx::node
