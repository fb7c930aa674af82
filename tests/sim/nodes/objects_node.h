// A node of ObjectsWorld, with what its core asks of it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/nodes/objects_world.h"
#include "testing/task_builder.h"

namespace rayx::sim {

// Each with a space before it.
inline std::string NamesOf(const std::vector<ObjectId>& ids) {
  std::string text;
  for (const ObjectId& id : ids) text += " " + NameOf(id);
  return text;
}
inline NodeId NodeNumber(size_t node) { return testing::NumberedId<NodeId>(node + 1); }

class ObjectsWorld::Node final : public node::Peers,
                                 public node::Workers,
                                 public node::Shortcuts,
                                 public node::Records,
                                 public node::Reservations,
                                 public node::OtherNodes {
 public:
  Node(ObjectsWorld* world, size_t number)
      : world_(world), number_(number), core_(ShellOf(this), {}, 1 << 16) {}

  node::NodeCore& core() { return core_; }
  bool is_alive = true;
  bool is_due = false;  // a turn is
  std::map<uint64_t, std::string> pool;

  node::Peer* FindPeer(ClientId id) override {
    Client* client = ClientOf(id);
    return client == nullptr ? nullptr : &client->peer;
  }
  uint64_t BacklogBytes(const node::Peer&) const override { return 0; }
  void Close(ClientId, Status) override {}
  void SendObjects(node::Peer& peer, std::span<const node::ObjectView> objects, uint64_t) override {
    Client& client = *ClientOf(peer.id);
    for (const node::ObjectView& object : objects) {
      std::span<const uint8_t> bytes = object.location.data;
      if (!object.location.is_inline) {
        if (!object.pinned) continue;
        const std::string& written = pool[object.location.offset];
        bytes = node::BytesOf(written);
        unpinned_.emplace_back(peer.id, object.id);
      }
      if (client.held.contains(object.id)) Read(client, object.id, bytes);
    }
  }
  void SendFunction(node::Peer&, const FunctionId&, const std::string*) override {}
  void SendForgetFunction(node::Peer&, const FunctionId&) override {}
  void SendLines(node::Peer&, const node::PrintedLines&) override {}
  void SendTaskFailed(node::Peer&, std::string_view) override {}
  void SendDrained(node::Peer&) override {}
  node::Worker* FindWorker(WorkerNumber) override { return nullptr; }
  void Start(WorkerNumber) override {}
  void Stop(node::Worker&, bool) override {}
  void HandOut(node::Worker&, node::Peer&, const node::GivenTask&) override {}
  uint32_t TakeBack(node::Worker&) override { return 0; }
  void Interrupt(node::Worker&, uint32_t, scheduler::InterruptReason) override {}
  bool HasExitWork(const node::Worker&) const override { return false; }
  void Reclaim(WorkerNumber) override {}
  void OnTaskSubmitted(const TaskId&) override {}
  void OnTaskAssigned(const TaskId&) override {}
  void OnTaskEnded(const TaskId&, bool) override {}
  void OnObjectSealed(const ObjectId&) override {}
  void OnObjectDeleted(const ObjectId&) override {}
  void OnActorChanged(const scheduler::ActorSummary&) override {}
  void OnActorForgotten(const TaskId&) override {}
  void OnFunction(const DriverId&, const FunctionId&, std::string_view,
                  const std::string&) override {}
  void OnFunctionGone(const DriverId&, const FunctionId&) override {}
  void AskForFunction(ClientId, const FunctionId&) override {}
  void OnDriver(const node::Peer&) override {}
  void OnDriverEnded(const DriverId&) override {}
  void OnError(node::TaskError) override {}
  NodeId self() const override { return NodeNumber(number_); }
  void Send(ClientId session, node::remote::Message message) override {
    for (auto& [ends, side] : world_->sides_) {
      if (ends.first != number_ || side.session != session || !side.is_open) continue;
      ++world_->messages_;
      side.frames.emplace_back(std::move(message));
      return;
    }
  }
  bool HasRoom(ClientId) const override { return true; }
  void SendOnStream(const NodeId& node, const transfer::OnStream& message) override {
    world_->bulk_.Send(number_, testing::NumberOf(node) - 1, message);
  }
  bool HasOthers() const override { return false; }
  bool ShouldOffer(const TaskSpec&) override { return false; }
  void Offer(const node::TaskOffer&) override {}
  void Withdraw(const TaskId&, uint32_t) override {}

  void Turn() {
    is_due = false;
    do {
      for (const auto& [client, id] : std::exchange(unpinned_, {})) {
        node::Peer* peer = FindPeer(client);
        if (peer != nullptr) (void)core_.objects().OnRelease(*peer, std::span(&id, 1), {});
      }
      while (core_.Turn(world_->now_ms_)) {
      }
    } while (!unpinned_.empty());
    core_.store().SanityCheck();
  }

 private:
  static node::Shell ShellOf(Node* node) {
    return {.peers = node,
            .workers = node,
            .shortcuts = node,
            .records = node,
            .reservations = node,
            .others = node};
  }
  Client* ClientOf(ClientId id) {
    for (Client& client : world_->clients_) {
      if (client.node == number_ && client.peer.id == id) return &client;
    }
    return nullptr;
  }
  void Read(Client& client, const ObjectId& id, std::span<const uint8_t> bytes) {
    Value value;
    const Fact& fact = world_->facts_.at(id);
    if (!Decode(bytes, &value)) return world_->Break("the value of " + NameOf(id) + " is none");
    if (value.IsError()) {
      if (!fact.is_hurt) world_->Break(NameOf(id) + " is lost, and nothing has happened to it");
    } else if (value.id != id || value.contained != fact.value.contained) {
      world_->Break("the value of " + NameOf(id) + " is that of " + NameOf(value.id));
    }
    ++world_->values_got_;
    client.got[id] = value;
  }

  ObjectsWorld* const world_;
  const size_t number_;
  std::vector<std::pair<ClientId, ObjectId>> unpinned_;
  node::NodeCore core_;
};

}  // namespace rayx::sim
