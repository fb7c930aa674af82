// Every bound and waiting time of rayx, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rayx::limits {

// --- messages ---------------------------------------------------------------------------------

// The version of the messages between processes. A peer with another version is refused in the
// hello.
inline constexpr uint32_t kProtocolVersion = 3;

// A frame is a header and one message. Large values never travel in frames (they go through the
// pool), so only functions and long lists of small values come near this.
inline constexpr size_t kFrameBytesMax = 64u << 20;

// Until a peer has said hello we read no more than this from it.
inline constexpr size_t kHelloBytesMax = 64u << 10;

// Values up to this size travel inside messages and live on the heap of the daemon; larger ones
// live in the pool. Two copies through a socket of 64 KiB cost about as much as one round trip to
// create an object.
inline constexpr size_t kInlineObjectBytesMax = 64u << 10;

// Behind the pool's bytes, in the same memory: a page for AffinityHint
// (common/shm/affinity_hint.h).
inline constexpr size_t kAffinityHintBytes = 4096;

// Inline values that one message may carry in sum (arguments of a task, results, a batch of ready
// objects). What does not fit goes in further messages.
inline constexpr size_t kInlineBatchBytesMax = 1u << 20;

// A pickled function or class. Data that large belongs into the object store.
inline constexpr size_t kFunctionBytesMax = 32u << 20;

// A TaskSpec message: small arguments, and lists of ids.
inline constexpr size_t kTaskSpecBytesMax = 48u << 20;

// Names shown to people (functions, resources); longer ones are an error of the caller.
inline constexpr size_t kNameBytesMax = 1024;

// Ids in one message: a list of 100,000 is split.
inline constexpr size_t kIdsPerMessageMax = 1u << 20;

// Resources that one task may name. A set of resources is a sorted vector, made for a few.
inline constexpr size_t kResourceNamesMax = 64;

// Return values of one task.
inline constexpr uint32_t kReturnsMax = 1u << 20;

// Items of a stream that may wait to be taken: the node knows each of them from the start.
inline constexpr uint32_t kStreamWindowMax = 1u << 16;

// What may wait to be written to one peer before the daemon stops making more for it (pushed
// results wait in the store instead) ...
inline constexpr size_t kPeerBacklogBytesSoft = 4u << 20;
// ... before the daemon stops reading what a driver asks next (a driver waits for room by reading,
// so this ends) ...
inline constexpr size_t kPeerBacklogBytesPause = 16u << 20;
// ... and before it is given up as a peer that never reads.
inline constexpr size_t kPeerBacklogBytesMax = 256u << 20;

// Bytes read from one peer in one turn of the loop, so that no peer starves the others. Some sixty
// submissions, so that the turn is over before the workers have run what they have prefetched.
inline constexpr size_t kPeerReadBytesPerTurn = 16u << 10;
// The same of a control server, which answers with whole tables.
inline constexpr size_t kReadBytesPerTurn = 1u << 20;

// Peers that may wait to be taken by a node; others wait in connect, which has no time limit, while
// a hello has one. So an honest peer behind a flood does not wait long for its answer.
inline constexpr int kListenQueue = 256;

// Connections that a node takes in kAcceptPauseMs, in one turn or in several. Afterwards it takes
// none for as long; also when it has refused one.
inline constexpr int kAcceptsPerPause = 10;
inline constexpr int64_t kAcceptPauseMs = 5;

// How often the log says who was refused.
inline constexpr int64_t kRefusalsLoggedMs = 1000;

// A peer that has connected must say hello within this time.
inline constexpr int64_t kHelloTimeoutMs = 5000;

// --- connections between machines ---------------------------------------------------------------

// Until a peer has proven that it has the cluster's key no more than this is read from it. A
// handshake has some 400 bytes.
inline constexpr size_t kUnprovenBytesMax = 4096;

// Connections whose peers have not proven that they have the key: in all, and of one address. If
// there are as many, a newcomer takes the place of one that has had kUnprovenGraceMs; a handshake
// takes a round trip and a millisecond of computing. All end after kHelloTimeoutMs.
inline constexpr size_t kUnprovenMax = 64;
inline constexpr size_t kUnprovenPerAddressMax = 8;
inline constexpr int64_t kUnprovenGraceMs = 25;

// An address that has come with a wrong key is not heard for this time, doubled with each further
// one. It is not against guessing, which is hopeless, but keeps its cost for others small.
inline constexpr int64_t kWrongKeyDelayMsMin = 100;
inline constexpr int64_t kWrongKeyDelayMsMax = 10'000;

// Addresses of which that is remembered.
inline constexpr size_t kGuessersMax = 1024;

// How often the log says who of other machines was refused: whoever reaches the port can cause it.
inline constexpr int64_t kNetworkRefusalsLoggedMs = 10'000;

// Records that are encrypted with one key; AES-GCM bears 2^24.5 (RFC 8446, 5.5). 64 GiB in full
// ones.
inline constexpr uint64_t kTlsRecordsPerKeyMax = 1u << 22;

// --- object store -----------------------------------------------------------------------------

// Arrow asks for buffers aligned to 64 bytes; so do cache lines.
inline constexpr size_t kObjectAlignment = 64;

// A client that stores one large value after the other finds memory reserved for it
// (daemon/peers/client_reservations.h): for larger values the answer of the node is nothing beside
// the copy.
inline constexpr uint64_t kReservationBytesMax = 4u << 20;
// In sum for one client, and a share of the pool: what is not used can be given to others, but lies
// between their objects until then.
inline constexpr uint64_t kReadyBytesMax = 8u << 20;
inline constexpr uint64_t kReadyPoolShare = 16;

// Holders that an ObjectStoreFull message lists.
inline constexpr size_t kHoldersListed = 5;

// --- tasks and workers ------------------------------------------------------------------------

// Retries after the death of a worker (not after exceptions), unless the task says otherwise.
inline constexpr int32_t kTaskRetriesDefault = 3;

// Tasks that a worker prefetches behind the one it runs. Enough to cover one trip through the
// daemon for tasks of a few microseconds; they are taken back when another worker could run them.
inline constexpr size_t kPipelineDepth = 32;

// An actor's worker prefetches kPipelineDepth calls. If more calls than a few end between two looks
// at it, it prefetches kCallsPrefetchedFactor times as many as ended, so that its worker works on
// while the node has no processor; never more than kCallsPrefetchedMax, since callers take turns
// only in what is not handed out yet.
inline constexpr size_t kCallsPrefetchedFactor = 8;
inline constexpr size_t kCallsPrefetchedMax = 128;

// Calls of one actor that may run at the same time; a thread each, if they are not coroutines.
inline constexpr uint32_t kActorConcurrencyMax = 10000;

// A task that is cancelled, or has run for too long, must have ended this long after it was
// interrupted. Then its worker is ended.
inline constexpr int64_t kInterruptGraceMs = 2000;

// Functions that a driver has all its workers run.
inline constexpr size_t kWorkerSetupsMax = 1000;

// Workers of one node, whatever is asked; each costs a process and three file descriptors.
inline constexpr size_t kWorkersMax = 4096;

// Workers being forked at the same time: the template forks one after the other, more only queue
// there.
inline constexpr size_t kWorkerStartsMax = 8;

// While so many workers wait in get or wait, further ones are started one at a time, and while
// another one runs only kNestedStartMs after the last start. In a tree of tasks that wait for their
// children the running one soon ends, and its worker is used again, or blocks, and then one is
// started at once. So the number of processes stays near the depth of one branch.
inline constexpr size_t kBlockedWorkersFree = 4;
inline constexpr int64_t kNestedStartMs = 10;

// An idle worker beyond the CPU count ends after this time; forking another takes milliseconds.
inline constexpr int64_t kIdleWorkerMs = 5000;

// A worker that was told to end must have done so within this time; it runs what it registered for
// its exit.
inline constexpr int64_t kWorkerExitMs = 5000;

// So long a driver that ends waits for its workers that have something to finish: actors, and what
// was registered for their exit. A process that has nothing registered is not waited for.
inline constexpr int64_t kDriverEndMs = 1000;

// What the resource trackers of Python's libraries have to remove shared memory and temporary
// folders, once the processes that used these have ended.
inline constexpr int64_t kTrackerMs = 1000;

// A forked worker must have connected within this time.
inline constexpr int64_t kWorkerStartTimeoutMs = 30000;

// Lines of output kept of each worker, shown when it dies.
inline constexpr size_t kWorkerTailLines = 20;
inline constexpr size_t kWorkerTailLineBytes = 500;

// Time that daemons have to end by themselves before they are killed.
inline constexpr int64_t kShutdownGraceMs = 1000;

// --- control tables ---------------------------------------------------------------------------

// Counters, and records of tasks and objects that another node has to do with, are written at most
// this late.
inline constexpr int64_t kControlFlushMs = 50;

// Records written by one flush: a burst of tasks must not turn into a burst of writes.
inline constexpr size_t kControlRecordsPerFlush = 500;

// So many records of tasks and objects are a burst: when most of them have gone, the servers give
// their memory back. 10 MB, which is not worth it for fewer.
inline constexpr size_t kControlBurstRecords = 20000;

// What a bridge to a control server holds for either end; it reads no more from the other end then.
inline constexpr size_t kStreamBridgeBytesMax = 1u << 20;

// Errors kept in the error table; older ones go.
inline constexpr size_t kErrorsKept = 1000;

// Records that may wait for their flush. Beyond, the oldest is written at once, or dropped with a
// warning if the server is away: no work needs it, memory does.
inline constexpr size_t kControlPendingRecordsMax = 1u << 18;

// Commands and bytes that may wait for one server's acknowledgement before those that may be lost
// are.
inline constexpr size_t kControlQueueCommandsMax = 1u << 16;
inline constexpr size_t kControlQueueBytesMax = 64u << 20;

// Bytes handed to one server's socket ahead of what it takes; the rest waits where it can still be
// dropped.
inline constexpr size_t kControlBacklogBytes = 1u << 20;

// Waiting time between two attempts to reach a server, doubled from the first value to the second.
inline constexpr int64_t kControlReconnectMsMin = 5;
inline constexpr int64_t kControlReconnectMsMax = 1000;

// A server that has accepted the connection must have let us in within this time.
inline constexpr int64_t kControlGreetingMs = 5000;

// A read that has no answer by then fails; long enough to outlive a restart of the server.
inline constexpr int64_t kControlReadTimeoutMs = 10000;

// A server that has lost its data is told again which nodes there are, by each as soon as that is
// connected again. Who reads the nodes meanwhile waits for those that it has known, so long.
inline constexpr int64_t kControlToldAgainMs = 5000;
inline constexpr int64_t kControlReadAgainMs = 50;

// One reply: a function with its name is the largest thing in the tables.
inline constexpr size_t kControlReplyBytesMax = 64u << 20;
inline constexpr size_t kControlReplyElementsMax = 1u << 20;

// Keys asked for by one step of a listing, and records that a listing returns at most.
inline constexpr size_t kControlScanCount = 1000;
inline constexpr size_t kControlListRecordsMax = 1u << 20;

// The text of one error; the rest of a longer one is cut off.
inline constexpr size_t kErrorBytesMax = 1u << 20;

// Errors in one answer, in sum; the oldest of more are left out.
inline constexpr size_t kErrorsAnswerBytesMax = 16u << 20;

// Records in one list for people, in sum; what is beyond is counted only.
inline constexpr size_t kRecordsAnswerBytesMax = 16u << 20;

// --- between nodes ----------------------------------------------------------------------------

// A node that has said nothing to a peer for this long tells it that it lives. A sign is some 40
// bytes; two a second find a dead peer in time and cost nothing.
inline constexpr int64_t kPeerSignMs = 500;

// A connection on which nothing was heard for this long is given up for a new one: after a cut TCP
// tries again later and later, up to as long after the cut as the cut has lasted. ...
inline constexpr int64_t kPeerSuspectMs = 2000;
// ... A peer of which nothing was heard for this long is given up itself.
inline constexpr int64_t kPeerSilenceMs = 5000;

// A turn of the loop that comes this late has missed a sign of life of its own: the node was
// stopped or starved, and silence counts from here.
inline constexpr int64_t kLoopStallMs = 1000;

// A node that has ended its session with the head must have registered again by then.
inline constexpr int64_t kMemberReturnMs = 5000;

// How long a node that is told to end may take: it ends its workers, and tells the others.
inline constexpr int64_t kLeaveMs = 2000;

// For so long a node looks for a head that is gone: its process is started again in a second or
// two, and a switch in a minute or two. Then there is no cluster any more.
inline constexpr int64_t kHeadReturnMs = 600'000;
// How long an answer of the head is waited for, and the longest pause between two attempts.
inline constexpr int64_t kHeadAnswerMs = 5000;
inline constexpr int64_t kHeadRedialMsMax = 1000;

// From one dial of a peer to the next one, if the first has failed.
inline constexpr int64_t kPeerRedialMs = 100;
// A dial that was not answered by a welcome is given up after the first time, its successors after
// twice as long each, up to the last: three round trips, and a peer that has no processor.
inline constexpr int64_t kPeerDialMsMin = 700;
inline constexpr int64_t kPeerDialMsMax = 2000;

// When both sides have dialled, the preferred dial has this long from the other's hello on: time
// for its welcome to come back. The other side, which may be the only one that can dial, still
// waits.
inline constexpr int64_t kPeerHoldMs = 400;

// What a peer has sent is acknowledged at most this late, or when it is this much. Only the memory
// of the sender waits for it.
inline constexpr int64_t kPeerAcknowledgeMs = 20;
inline constexpr size_t kPeerAcknowledgeBytes = 1u << 20;

// Frames to one peer that it has not acknowledged, in sum; who sends more than there is room for
// ends the session. For a second of a fast network.
inline constexpr size_t kPeerUnacknowledgedBytesMax = 64u << 20;

// --- the global scheduler -----------------------------------------------------------------------

// What may wait at a node beyond what it has room for is as much as has ended there in this time:
// enough for the way from the end of a task to the begin of the next one by way of its home and the
// scheduler, though each of them is a few turns late.
inline constexpr int64_t kPlacedAheadMs = 50;

// Tasks placed on a node that may be there at a time, whatever they ask for.
inline constexpr int64_t kPlacedTasksMax = 4096;

// Tasks that a node has of other homes. With a global scheduler that keeps to the line above there
// are never so many, though it is started again at the wrong moment; what a home sends beyond is
// given back to it as not run, so a node that floods others costs them no more than this.
inline constexpr size_t kGuestTasksMax = 4 * kPlacedTasksMax;

// An offer behind which so many others were placed is placed on a node that has no room for it yet,
// so that it waits where room becomes free.
inline constexpr uint64_t kPlacedPastMax = 100;

// Inputs that an offer names, the largest ones, and places of each.
inline constexpr size_t kOfferInputsMax = 8;
inline constexpr size_t kInputPlacesMax = 8;

// What is taken for the speed at which an input comes from another node: 1 GB/s.
inline constexpr uint64_t kInputBytesPerMs = 1'000'000;

// A resource that at most so many nodes have is looked for on these alone.
inline constexpr size_t kRareResourceNodesMax = 16;

// A node tells of its load at most this often.
inline constexpr int64_t kLoadPauseMs = 100;
// A node among others looks so often at tasks that wait, and keeps what it will begin within so
// long (node/task_spread.h). The first is a moment to a person, the second some round trips to
// another node.
inline constexpr int64_t kSpreadLookMs = 20;
inline constexpr uint64_t kSpreadKeepMs = 100;

// A node that is drained looks so often for what others have not been asked to take of what it
// keeps for them (node/node_drain.h), and asks again for all: a copy may have failed.
inline constexpr int64_t kDrainOfferMs = 200;
inline constexpr int64_t kDrainRepeatMs = 2000;
// A drain lasts for no longer, whoever asks for it: a week.
inline constexpr uint64_t kDrainGraceMsMax = 7ull * 24 * 3600 * 1000;

// Values that go to another node: bytes of one frame, what a stream holds that is not sent yet, and
// when one that found no room, or could not be had, is tried again.
inline constexpr uint64_t kValueChunkBytes = 256u << 10;
inline constexpr size_t kValueBacklogBytes = 1u << 20;
inline constexpr int64_t kCopyRetryMs = 50;

// Questions of clients that other nodes have not answered: how many there may be, and how long one
// is waited for.
inline constexpr size_t kRemoteQuestionsMax = 64;
inline constexpr int64_t kRemoteAnswerMs = 5000;

// Nodes need this long to come back to a scheduler that was started again; until then it does not
// say that no node can run a task.
inline constexpr int64_t kSchedulerSettleMs = 2000;

// --- how these relate -------------------------------------------------------------------------

static_assert(kListenQueue / kAcceptsPerPause * 4 * kAcceptPauseMs < kHelloTimeoutMs / 2,
              "a peer at the end of the queue is heard in time, though turns may come late");
static_assert(kUnprovenMax / kAcceptsPerPause * kAcceptPauseMs >= kUnprovenGraceMs,
              "whoever is accepted while strangers keep all places finds one that may be taken");
static_assert(kUnprovenBytesMax < kHelloBytesMax);
static_assert(kInlineObjectBytesMax < kInlineBatchBytesMax);
static_assert(kInlineBatchBytesMax + kInlineObjectBytesMax < kFrameBytesMax);
static_assert(kFunctionBytesMax < kFrameBytesMax);
static_assert(kPeerBacklogBytesSoft + 2 * kInlineBatchBytesMax < kPeerBacklogBytesPause,
              "a peer that is only slow to read results is still heard");
static_assert(kPeerBacklogBytesPause + kFrameBytesMax < kPeerBacklogBytesMax);
static_assert(kTaskSpecBytesMax + 2 * kInlineBatchBytesMax + kHelloBytesMax < kFrameBytesMax,
              "a task travels to its worker with values and the driver's settings");
static_assert(kErrorsAnswerBytesMax + kErrorBytesMax + 4 * kNameBytesMax < kFrameBytesMax);
static_assert(2 * kRecordsAnswerBytesMax < kFrameBytesMax);
static_assert(kFrameBytesMax < kPeerBacklogBytesMax, "one frame must be sendable");
static_assert(kIdsPerMessageMax * 20 < kFrameBytesMax);
static_assert(kFunctionBytesMax + 2 * kNameBytesMax < kControlReplyBytesMax);
static_assert(kControlReconnectMsMax < kControlToldAgainMs);
static_assert(kControlRecordsPerFlush < kControlQueueCommandsMax);
static_assert(kErrorsKept * 2 < kControlReplyElementsMax);
static_assert(2 * kPeerSignMs <= kLoopStallMs && 2 * kLoopStallMs <= kPeerSuspectMs,
              "a peer whose loop is a bit late is not suspected");
static_assert(kPeerSuspectMs + kPeerDialMsMin + 2 * kPeerDialMsMin + 2 * kPeerRedialMs <
                  kPeerSilenceMs * 9 / 10,
              "after a cut of 3 s there is time for a dial, with a clock that is 10% fast, too");
static_assert(kPeerHoldMs + kPeerRedialMs < kPeerDialMsMin * 9 / 10,
              "a hello that has to wait is answered while it is waited for");
static_assert(2 * kPeerAcknowledgeBytes < kPeerUnacknowledgedBytesMax);

}  // namespace rayx::limits
