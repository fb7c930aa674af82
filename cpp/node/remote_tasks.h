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
#include "node/given_tasks.h"
#include "node/guest_tasks.h"
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
    GuestTasks* guest = nullptr;
    TaskSpread* spread = nullptr;
  };
  // All must outlive it.
  explicit RemoteTasks(const Parts& parts) : parts_(parts) {}
  // What guests submit and cancel of drivers of this node, and homes want of theirs.
  struct OwnTasks {
    std::function<Status(Peer& peer, TaskSpec spec, const CallerId& caller)> submit;
    std::function<void(const Peer& peer, const TaskId& task, bool force)> cancel;
    // Of a driver of the node of `session`: what has something to finish for it shall.
    std::function<void(ClientId session, const DriverId& driver)> drain;
  };
  // Before anything is heard.
  void Join(OwnTasks own) { own_ = std::move(own); }

  // --- events of sessions, as RemoteObjects has them ---
  void OnSessionBegun(ClientId session, const NodeId& node) {
    parts_.objects->OnSessionBegun(session, node);
  }
  void OnSessionEnded(ClientId session, const SessionEnd& end);
  // Not OK: a breach of protocol.
  Status OnMessage(ClientId session, remote::Message message);

  GivenTasks& given() { return *parts_.given; }
  GuestTasks& guest() { return *parts_.guest; }
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
