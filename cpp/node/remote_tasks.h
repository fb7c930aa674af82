// What this node and others say to each other: hands messages to who acts on them, and sees to what
// follows from the end of a session, in order.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/actor_book.h"
#include "node/driver_book.h"
#include "node/given_actors.h"
#include "node/given_tasks.h"
#include "node/guest_actors.h"
#include "node/guest_tasks.h"
#include "node/name_questions.h"
#include "node/node_drain.h"
#include "node/node_sessions.h"
#include "node/remote_objects.h"
#include "node/task_spread.h"
#include "node/told_drivers.h"

namespace rayx::node {

class RemoteTasks {
 public:
  struct Parts {
    DriverBook* drivers = nullptr;
    ActorBook* actors = nullptr;
    const NodeSessions* sessions = nullptr;
    RemoteObjects* objects = nullptr;
    ToldDrivers* told = nullptr;
    GivenTasks* given = nullptr;
    GivenActors* given_actors = nullptr;
    GuestTasks* guest = nullptr;
    GuestActors* guest_actors = nullptr;
    TaskSpread* spread = nullptr;
    NameQuestions* names = nullptr;
    NodeDrain* drain = nullptr;
  };
  // All must outlive it.
  explicit RemoteTasks(const Parts& parts) : parts_(parts) {}
  // What guests submit and cancel of drivers of this node, and homes want of theirs.
  struct OwnTasks {
    std::function<Status(Peer& peer, TaskSpec spec, const CallerId& caller)> submit;
    std::function<void(const Peer& peer, const TaskId& task, bool force)> cancel;
    // Of a driver of the node of `session`: what has something to finish for it shall.
    std::function<void(ClientId session, const DriverId& driver)> drain;
    // Nobody takes items of streams at the node of this session any more, which has ended.
    std::function<void(const Peer& peer)> consumer_gone;
  };
  // Before anything is heard.
  void Join(OwnTasks own) { own_ = std::move(own); }

  // --- events of sessions, as RemoteObjects has them ---
  void OnSessionBegun(ClientId session, const NodeId& node) {
    parts_.objects->OnSessionBegun(session, node);
    parts_.drain->OnSessionBegun(session);
  }
  void OnSessionEnded(ClientId session, const SessionEnd& end);
  // Not OK: a breach of protocol.
  Status OnMessage(ClientId session, remote::Message message);

  // Who places tasks and actors has decided; see GivenTasks.
  void OnPlace(const TaskId& task, uint32_t attempt, const NodeId& node) {
    parts_.given->OnPlace(task, attempt, node);
    parts_.given_actors->OnPlace(task, attempt, node);
  }
  void OnUnplaceable(const TaskId& task, uint32_t attempt, const std::string& reason,
                     bool for_ever) {
    parts_.given->OnUnplaceable(task, attempt, reason, for_ever);
    parts_.given_actors->OnUnplaceable(task, attempt, reason, for_ever);
  }

  // A client, or another node, takes nothing of its streams any more that run elsewhere.
  void OnConsumerGone(const Peer& consumer);
  // A task, a call or an actor of another home is over.
  void OnGuestEnded(const TaskSpec& spec, bool failed);
  // The number of its first attempt here; 0 if attempts of it count as they do on one node.
  uint32_t FirstAttemptOf(const TaskId& task) const;

  GivenTasks& given() { return *parts_.given; }
  GivenActors& given_actors() const { return *parts_.given_actors; }
  GuestTasks& guest() { return *parts_.guest; }
  GuestActors& guest_actors() const { return *parts_.guest_actors; }
  NameQuestions& names() { return *parts_.names; }
  TaskSpread& spread() { return *parts_.spread; }

 private:
  Status On(ClientId from, remote::DriverInfo& message) {
    return parts_.guest->OnDriver(from, message);
  }
  Status On(ClientId from, remote::RunTask& message) {
    return parts_.guest->OnRun(from, std::move(message));
  }
  Status On(ClientId from, remote::TaskEnded& message) {
    return parts_.given->OnEnded(from, message);
  }
  Status On(ClientId from, remote::MakeActor& message) {
    return parts_.guest_actors->OnMake(from, std::move(message));
  }
  Status On(ClientId from, remote::CallActor& message) {
    return parts_.guest_actors->OnCall(from, std::move(message));
  }
  Status On(ClientId from, remote::StopActor& message) {
    parts_.guest_actors->OnStop(from, message);
    return Status::Ok();
  }
  Status On(ClientId from, remote::ActorMade& message) {
    return parts_.given_actors->OnMade(from, message);
  }
  Status On(ClientId from, remote::ActorEnded& message) {
    return parts_.given_actors->OnEnded(from, message);
  }
  Status On(ClientId from, remote::CallEnded& message) {
    return parts_.given_actors->OnCallEnded(from, message);
  }
  Status On(ClientId from, remote::ActorSaved& message) {
    return parts_.given_actors->OnSaved(from, message);
  }
  Status On(ClientId from, remote::FindActor& message) {
    return parts_.names->OnFind(from, message);
  }
  Status On(ClientId from, remote::ActorFound& message) {
    return parts_.names->OnFound(from, message);
  }
  Status On(ClientId from, remote::DrainDriver& message);
  Status On(ClientId from, remote::DriverDrained& message) {
    return parts_.told->OnDrained(from, message.driver);
  }
  Status On(ClientId from, remote::DriverGone& message);
  Status On(ClientId from, remote::SubmitTask& message);
  Status On(ClientId from, remote::CancelTask& message);
  Status On(ClientId from, remote::KillActor& message);
  Status On(ClientId from, remote::Printed& message);
  Status On(ClientId from, remote::TaskFailed& message);
  template <typename OfDrain>
  requires requires(NodeDrain drain, const OfDrain& message) { drain.On(kNoClient, message); }
  Status On(ClientId from, OfDrain& message) { return parts_.drain->On(from, message); }
  // All others are about objects.
  template <typename OfObjects>
  Status On(ClientId from, OfObjects& message) {
    return parts_.objects->OnMessage(from, std::move(message));
  }
  // Whether it is a driver of this node.
  bool IsHomeOf(const DriverId& driver) const {
    return parts_.drivers->IsKnown(driver) && parts_.drivers->HomeOf(driver).IsNil();
  }
  // The other node, as who speaks for the driver.
  static Peer PeerOf(ClientId session, const DriverId& driver);

  const Parts parts_;
  OwnTasks own_;
};

}  // namespace rayx::node
