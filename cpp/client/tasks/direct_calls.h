// A client's lease on a worker: the client gives it tasks without the node in between, which hears
// of them meanwhile. What the node decides and why stands in daemon/latency/lease_service.h.
//
//             OnLeaseGranted                  Submit
//   no lease ───────────────▶ usable ────────────────────────▶ waiting for TaskDone
//      ▲                      │  ▲                                   │       │
//      │ OnLost               │  └───────────── OnFrame ─────────────┘       │
//      ├──────────────────────┼──────────────────────────────────────────────┘
//      │                      ▼
//      └─ a channel without a lease: until OnLeaseGranted says that there is one again
//
// One task is under way at a time. Whatever else is submitted goes to the node, and ends the lease
// at both ends: so the calls of an actor stay in order, and a second task finds another processor.
//
// Results come over the channel if they are small, else from the node as always. When the channel
// is lost, the node is asked for them; it gives the task to another worker or says what became of
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "client/link/node_link.h"
#include "client/objects/object_access.h"
#include "client/tasks/direct_channel.h"
#include "client/tasks/shortcut.h"
#include "client/tasks/task_encoder.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/shm/claim_word.h"

namespace rayx {

class DirectCalls final : public Shortcut {
 public:
  // Both must outlive it.
  DirectCalls(NodeLink* link, ObjectAccess* objects);

  Result<bool> Submit(const TaskCall& call, std::span<const uint8_t> spec) override;
  // The node has been told of one more function that workers run first; a channel to a worker that
  // has not been told of it is of no use.
  void OnWorkerSetup();
  void OnKill(const TaskId& actor) override;

  // --- under the link's state lock ---

  Status OnLeaseGranted(FrameStream* stream, std::span<const uint8_t> payload);

 private:
  // These two are called by the channel.
  Status OnFrame(const Frame& frame);
  void OnLost();
  // Asks the node for what a lost channel has not brought. REQUIRES: the state lock is not held.
  void Ask();

  // Whether this task may go over the channel, if that is free.
  bool Fits(const TaskCall& call) const;
  // A number for the task, if the channel is free; else the channel is not used any more.
  std::optional<uint32_t> Take(const TaskCall& call);

  NodeLink* const link_;
  ObjectAccess* const objects_;
  DirectChannel channel_;
  // Only the thread in Submit uses it.
  flatbuffers::FlatBufferBuilder builder_{1024};

  // The link's state lock protects all below.
  std::shared_ptr<ClaimWord> claims_;
  bool usable_ = false;
  TaskId actor_;  // nil: for functions
  // How many tasks and ends of actors were sent to the node; their order counts.
  uint64_t submitted_ = 0;
  uint64_t setups_ = 0;
  std::optional<TaskId> under_way_;
  uint32_t return_count_ = 0;  // of that
  std::vector<ObjectId> to_ask_;
};

}  // namespace rayx
