// Objects that cross the borders of nodes: who is told what, and in which order.
//
// A session with another node is one more client of the store, with a ClientId of its own. The
// rules that keep every object alive for exactly as long as somebody needs it:
//
//   - A message to the home that ends what covers an id there (the end of a task, a reference that
//     is taken away) is preceded by AddReferences of what is still referred to here: Send sees to
//     that. What only adds references waits for such a message, and is often taken back before.
//   - Who sends an id to its home that the home may not know calls Cross first. So the home knows
//     the reference, and the value or where it is made, before it knows the id.
//   - What came from the home is named to Named as soon as something here refers to it.
//   - A large value that was announced is kept until the home drops it.
//
// The home of an id never changes. Ids of another home than the receiver are not carried yet.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/function_book.h"
#include "node/node_sessions.h"
#include "node/remote_copies.h"
#include "node/remote_messages.h"
#include "node/remote_streams.h"
#include "node/shell.h"
#include "plasma/shared_objects.h"

namespace rayx::node {

class RemoteObjects final : private RemoteCopies::Owner {
 public:
  // All must outlive it.
  RemoteObjects(const Shell& shell, plasma::ObjectStore* store, FunctionBook* functions,
                NodeSessions* sessions)
      : shell_(shell),
        store_(store),
        functions_(functions),
        sessions_(sessions),
        shared_(store),
        copies_(shell, store, sessions, this) {}

  // --- events ---
  // `session` is a client id that no other client has had.
  void OnSessionBegun(ClientId session, const NodeId& node) {
    sessions_->Begin(session, node);
    queues_[session];
  }
  // Once; messages of the session are refused from now on. `reason` for people: "it was silent".
  // References of the node and what it kept are gone afterwards; values that only it had are lost.
  void OnSessionEnded(ClientId session, const std::string& reason);
  // Not OK: a breach of protocol, or the session is not known.
  Status OnMessage(ClientId session, remote::Message message);

  // --- for those who send ids ---
  // Before a message with these ids goes to `home`. REQUIRES: something here refers to each.
  void Cross(ClientId home, std::span<const ObjectId> ids);
  // These ids came from `home`, and something here refers to them.
  void Named(ClientId home, std::span<const ObjectId> ids);
  // The value will be made here for `home`, which knows that: the result of a task that it gave
  // away. It is kept for the home, and not announced.
  void ExpectResult(ClientId home, const ObjectId& id);
  // For the message that says so: the value of such a result, or where it is. REQUIRES: it has one.
  remote::Value TakeResult(ClientId home, const ObjectId& id);
  // That was sent, and the home has what was in it; or there is no value, and there will be none:
  // who waits for it here waits for the home.
  void OnResultSent(ClientId home, const ObjectId& id);
  // At the home: the value of an object that it has known or has waited for. What it does not need,
  // `from` need not keep. Not OK: a breach of protocol.
  Status Accept(ClientId from, const remote::Value& value);
  // Lost if the session has ended.
  void Send(ClientId session, remote::Message message) override;

  // --- effects of the store; see plasma/effects.h ---
  void Act(const plasma::FetchObject& effect);
  void Act(const plasma::SharedObjectSealed& effect);
  void Act(const plasma::DeliverObject& effect);
  void Act(const plasma::CopyIsUnneeded& effect) { copies_.OnUnneeded(effect.id); }
  void Act(const plasma::ElsewhereEnded& effect) { copies_.OnEnded(effect.id); }
  void Act(const plasma::ObjectSealed& effect) { copies_.OnSealed(effect.id); }
  void Act(const plasma::ObjectDeleted& effect) { copies_.OnEnded(effect.id); }
  // What has gathered is sent. At the end of a turn.
  void Flush();
  // What is to be told before the next message to this node. Send does it first.
  void Flush(ClientId session);

  RemoteStreams& streams() { return streams_; }
  plasma::SharedObjects& shared() { return shared_; }
  RemoteCopies& copies() { return copies_; }
  const RemoteCopies& copies() const { return copies_; }

 private:
  // What waits to be sent in a session.
  struct Queue {
    std::deque<ObjectId> deliveries;
    std::vector<ObjectId> questions;
  };

  Status On(ClientId from, const remote::AddReferences& message);
  Status On(ClientId from, const remote::RemoveReferences& message);
  Status On(ClientId from, const remote::Announce& message);
  Status On(ClientId from, const remote::DropCopies& message);
  Status On(ClientId from, const remote::GetObjects& message);
  Status On(ClientId from, const remote::ObjectsReady& message);
  template <typename AboutCopies>
  requires requires(RemoteCopies copies, const AboutCopies& message) {
    copies.On(kNoClient, message);
  }
  Status On(ClientId from, const AboutCopies& message) {
    copies_.On(from, message);
    return Status::Ok();
  }
  // Others are not about objects.
  template <typename Other>
  Status On(ClientId, const Other&) {
    return Status::ProtocolError("a message that is not about objects");
  }
  void SendNews(ClientId home);
  void SendQuestions(ClientId home, Queue& queue);
  void SendDeliveries(ClientId to, Queue& queue);
  // Tells the home of values of ids that have just been shared with it, or that they will be made.
  void Introduce(ClientId home, std::vector<ObjectId> crossing);
  // Announces the value of a shared object, if it has one that the home does not know, and keeps
  // what has to be kept. Ids inside that were not shared are, and are appended to `crossing`.
  void AnnounceValue(ClientId home, const ObjectId& id, std::vector<ObjectId>* crossing);
  void Keep(const ObjectId& id);
  // --- RemoteCopies::Owner ---
  void OnCopied(const ObjectId& id, std::span<const ObjectId> contained,
                transfer::Version version) override;
  void OnCopyFailed(const ObjectId& id) override;

  // Nothing if it has no value.
  std::optional<remote::Value> ValueOf(const ObjectId& id);
  void Ask(const ObjectId& id, plasma::Sharing& sharing);
  void Lose(std::span<const ObjectId> ids, const std::string& why);
  // At the home: values of which the last place that it knew is gone, but for copies.
  void FindAgain(std::vector<ObjectId>* lost);

  const Shell shell_;
  plasma::ObjectStore* const store_;
  FunctionBook* const functions_;
  NodeSessions* const sessions_;
  plasma::SharedObjects shared_;
  RemoteCopies copies_;
  RemoteStreams streams_;
  // Of each session.
  std::map<ClientId, Queue> queues_;
  // Small values that have just been announced and need not be kept; empty between events.
  std::vector<ObjectId> announced_;
};

}  // namespace rayx::node
