// Messages of peers, decoded and told to the core.
//
// Each message has one case. All of a message is checked against its schema before it is read. What
// the core is handed points into the message, or into lists that are used again for the next.
#pragma once

#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/frame.h"
#include "common/protocol/generated/messages_generated.h"
#include "daemon/latency/turn_pacer.h"
#include "daemon/messages/message_writer.h"
#include "daemon/peers/connected_peer.h"
#include "daemon/peers/pool_service.h"
#include "daemon/workers/worker_service.h"
#include "node/node_core.h"

namespace rayx::daemon {

// Calls `handle` with the verified message.
template <typename Message, typename Handle>
Status With(const Frame& frame, Handle&& handle) {
  const Message* message = VerifiedMessage<Message>(frame.payload);
  if (message == nullptr) {
    return Status::ProtocolError("malformed message of type " + std::to_string(frame.type));
  }
  return handle(*message);
}

class MessageReader {
 public:
  // All must outlive it.
  MessageReader(node::NodeCore* core, PoolService* pool, WorkerService* workers, TurnPacer* pacer)
      : core_(core), pool_(pool), workers_(workers), pacer_(pacer) {}

  // A message about an object, a task, an actor or a function. A failure is a breach of protocol.
  Status OnFrame(ConnectedPeer& peer, const Frame& frame);

 private:
  Status OnObjectMessage(ConnectedPeer& peer, const Frame& frame);
  Status OnTaskMessage(ConnectedPeer& peer, const Frame& frame);
  Status OnWorkerMessage(ConnectedPeer& peer, const Frame& frame);
  Status OnSubmit(ConnectedPeer& peer, std::span<const uint8_t> encoded);
  Status OnGiven(ConnectedPeer& peer, const protocol::RunTask& message);
  Status OnTaskDone(ConnectedPeer& peer, const protocol::TaskDone& message);
  // The field's ids; valid until the next call with the same list.
  using WireIds = flatbuffers::Vector<const protocol::Id20*>;
  static std::span<const ObjectId> Read(const WireIds* wire, std::vector<ObjectId>* ids);

  node::NodeCore* core_;
  PoolService* pool_;
  WorkerService* workers_;
  TurnPacer* pacer_;
  // Lists of the message that is being read. They are members so that they keep their memory.
  std::vector<ObjectId> ids_;
  std::vector<ObjectId> more_ids_;
  std::vector<node::TaskResult> results_;
};

}  // namespace rayx::daemon
