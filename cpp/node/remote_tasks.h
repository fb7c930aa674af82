// What this node and others say to each other: hands messages to who acts on them, and sees to what
// follows from the end of a session, in order.
#pragma once

#include <string>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/actor_book.h"
#include "node/driver_book.h"
#include "node/given_tasks.h"
#include "node/guest_tasks.h"
#include "node/node_sessions.h"
#include "node/remote_objects.h"

namespace rayx::node {

class TaskBook;

class RemoteTasks {
 public:
  // All must outlive it.
  RemoteTasks(DriverBook* drivers, ActorBook* actors, const NodeSessions* sessions,
              RemoteObjects* objects, GivenTasks* given, GuestTasks* guest)
      : drivers_(drivers),
        actors_(actors),
        sessions_(sessions),
        objects_(objects),
        given_(given),
        guest_(guest) {}
  // Before anything is heard: the book, which is made later, has what guests submit and cancel.
  void Join(TaskBook* tasks) { tasks_ = tasks; }

  // --- events of sessions, as RemoteObjects has them ---
  void OnSessionBegun(ClientId session, const NodeId& node) {
    objects_->OnSessionBegun(session, node);
  }
  void OnSessionEnded(ClientId session, const std::string& reason);
  // Not OK: a breach of protocol.
  Status OnMessage(ClientId session, remote::Message message);

  GivenTasks& given() { return *given_; }
  GuestTasks& guest() { return *guest_; }

 private:
  Status On(ClientId from, remote::DriverInfo& message) { return guest_->OnDriver(from, message); }
  Status On(ClientId from, remote::RunTask& message) {
    return guest_->OnRun(from, std::move(message));
  }
  Status On(ClientId from, remote::TaskEnded& message) { return given_->OnEnded(from, message); }
  Status On(ClientId from, remote::DriverGone& message);
  Status On(ClientId from, remote::SubmitTask& message);
  Status On(ClientId from, remote::CancelTask& message);
  Status On(ClientId from, remote::KillActor& message);
  Status On(ClientId from, remote::Printed& message);
  Status On(ClientId from, remote::TaskFailed& message);
  // All others are about objects.
  template <typename OfObjects>
  Status On(ClientId from, OfObjects& message) {
    return objects_->OnMessage(from, std::move(message));
  }
  // Whether it is a driver of this node.
  bool IsHomeOf(const DriverId& driver) const {
    return drivers_->IsKnown(driver) && drivers_->HomeOf(driver).IsNil();
  }
  // The other node, as who speaks for the driver.
  static Peer PeerOf(ClientId session, const DriverId& driver);

  DriverBook* const drivers_;
  ActorBook* const actors_;
  const NodeSessions* const sessions_;
  RemoteObjects* const objects_;
  GivenTasks* const given_;
  GuestTasks* const guest_;
  TaskBook* tasks_ = nullptr;
};

}  // namespace rayx::node
