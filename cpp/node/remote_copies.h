// Copies of large values: this node makes them of what others have, and others of what this one has
// (cpp/transfer), in the pool of the store.
//
//   RemoteObjects ──Want──▶ pulls ──▶ the home: which source? ──▶ the source: chunks
//        ▲ OnCopied          ▲ chunks that come                        │ chunks that go
//        └───────────────────┴──────── the shell's streams ◀───────────┘
//
// For objects of which this node is the home it also knows who has copies (transfer::Directory), of
// values as other nodes make them, and of its own as soon as somebody asks for one.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/copy_pool.h"
#include "node/copy_streams.h"
#include "node/node_sessions.h"
#include "node/remote_messages.h"
#include "node/shell.h"
#include "plasma/shared_objects.h"
#include "transfer/directory.h"
#include "transfer/node_transfers.h"

namespace rayx::node {

class RemoteCopies {
 public:
  // Who wants the copies.
  class Owner {
   public:
    virtual ~Owner() = default;
    // All of it has been written to the room that SharedObjects::CreateCopy gave: it is to be
    // sealed, with this version. The reference of kCopier stays.
    virtual void OnCopied(const ObjectId& id, std::span<const ObjectId> contained,
                          transfer::Version version) = 0;
    // It could not be had, and nothing of it is left.
    virtual void OnCopyFailed(const ObjectId& id) = 0;
    // Lost if the session has ended.
    virtual void Send(ClientId session, remote::Message message) = 0;
  };

  // All must outlive it.
  RemoteCopies(const Shell& shell, plasma::ObjectStore* store, const NodeSessions* sessions,
               Owner* owner)
      : shell_(shell), store_(store), sessions_(sessions), owner_(owner), shared_(store) {}

  // --- what this node wants, and has ---
  // The value is at other nodes, which `home` (kNoClient: this one) knows. Answered once, however
  // often it is wanted.
  void Want(const ObjectId& id, uint64_t size_bytes, ClientId home);
  // Of a large value that was made here, whose home is that; the same for as long as it is here.
  transfer::Version VersionOf(const ObjectId& id, ClientId home);
  // At the home: the value that counts was made at the node.
  void OnMade(const ObjectId& id, transfer::Version version, uint64_t size_bytes,
              const NodeId& node);
  // At the home: the nodes that may have all of it; none if it is lost.
  std::vector<NodeId> PlacesOf(const ObjectId& id) const { return directory_.Places(id); }

  // --- what the store has decided ---
  void OnSealed(const ObjectId& id) {
    if (!copies_.empty()) SetIsHere(id);
  }
  // The object is gone, or its value is.
  void OnEnded(const ObjectId& id) {
    if (!copies_.empty()) Forget(id);
  }
  // Nobody here needs the copy any more that is being made.
  void OnUnneeded(const ObjectId& id);

  // --- what other nodes say, and their ends ---
  void On(ClientId from, const transfer::AskSource& message);
  void On(ClientId from, const transfer::CopyWhole& message);
  void On(ClientId from, const transfer::CopyDropped& message);
  void On(ClientId from, const remote::UseSource& message);
  void On(ClientId from, const transfer::LeaveSource& message);
  void On(ClientId from, const transfer::NoSource& message);
  void OnNodeGone(const NodeId& node) { directory_.OnNodeGone(node); }

  // What other nodes say on streams for bulk.
  CopyStreams& streams() { return streams_; }

  // --- the turn ---
  // True if anything has followed.
  bool Turn(int64_t now_ms);
  std::optional<int64_t> NextTickMs() const;

  // Nothing is pulled, sent or known of any value.
  bool empty() const { return copies_.empty() && transfers_.empty() && directory_.size() == 0; }
  std::string DebugText() const;

 private:
  // What there is to know of a large value beside what the store knows.
  struct Copy {
    ClientId home = kNoClient;
    // Of the value that is here, as the home knows; 0: it knows of none.
    transfer::Version told = 0;
    // In which it is wanted; 0: it is not.
    transfer::BundleId bundle = 0;
    // Ids inside the value that is being pulled.
    std::vector<ObjectId> contained;
  };

  // A copy has all of its value.
  void OnWhole(const ObjectId& id, transfer::Version version);
  // It has a value here, which was not copied.
  void SetIsHere(const ObjectId& id);
  // Its value is none to copy any more.
  void Forget(const ObjectId& id);
  void Leave(Copy& copy);
  // The home is told that what it knows to be here is not any more.
  void SayDropped(const ObjectId& id, Copy& copy);
  // At the home: lists a value of its own of which somebody asks for a copy.
  void ListOwn(const ObjectId& id);
  std::vector<ObjectId> ContainedIn(const ObjectId& id);
  // What the pulls and the directory have decided is said. True if there was anything.
  bool CarryOut();
  void Say(const transfer::AskSource& message);
  void Say(const transfer::CopyWhole& message);
  void Say(const transfer::CopyDropped& message);
  void Say(const transfer::PullQueue::ForSource& message);
  void Say(const transfer::PullQueue::Lost& message);
  // To the home of the id, which may be this node.
  template <typename ToHome>
  void SayToHome(const ToHome& message);
  void Answer(const NodeId& node, const transfer::FromHome& message);
  // True if there were any.
  bool TellFailures(int64_t now_ms);

  const Shell shell_;
  plasma::ObjectStore* const store_;
  const NodeSessions* const sessions_;
  Owner* const owner_;
  plasma::SharedObjects shared_;
  CopyPool pool_{shell_.reservations, store_,
                 [this](const ObjectId& id, transfer::Version version) { OnWhole(id, version); }};
  transfer::NodeTransfers transfers_{&pool_};
  CopyStreams streams_{&transfers_, &pool_};
  transfer::Directory directory_;
  std::unordered_map<ObjectId, Copy> copies_;
  transfer::BundleId last_bundle_ = 0;
  // What is whole, and the bundle that wanted it.
  std::vector<std::pair<ObjectId, transfer::BundleId>> done_;
  // What could not be had, which is told a moment later: whoever is told at once may say at once
  // that it is wanted again.
  std::set<ObjectId> failed_;
  int64_t retry_ms_ = 0;
  // When what found no room looks for some again.
  int64_t room_ms_ = 0;
  uint64_t last_version_ = 0;
};

}  // namespace rayx::node
