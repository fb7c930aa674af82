// What this node and others say to each other: hands messages to who acts on them, and sees to what
// follows from the end of a session, in order.
#pragma once

#include <string>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/actor_book.h"
#include "node/given_tasks.h"
#include "node/guest_tasks.h"
#include "node/remote_objects.h"

namespace rayx::node {

class TaskBook;

class RemoteTasks {
 public:
  // All must outlive it.
  RemoteTasks(const Shell& shell, plasma::ObjectStore* store, scheduler::LocalScheduler* scheduler,
              DriverBook* drivers, RemoteObjects* objects)
      : drivers_(drivers),
        objects_(objects),
        given_(shell, store, scheduler, drivers, objects),
        guest_(shell, store, scheduler, drivers, objects) {}
  void Join(TaskBook* tasks, FunctionBook* functions, ActorBook* actors);

  // --- events of sessions, as RemoteObjects has them ---
  void OnSessionBegun(ClientId session, const NodeId& node) {
    objects_->OnSessionBegun(session, node);
  }
  void OnSessionEnded(ClientId session, const std::string& reason);
  // Not OK: a breach of protocol.
  Status OnMessage(ClientId session, remote::Message message);

  GivenTasks& given() { return given_; }
  GuestTasks& guest() { return guest_; }

 private:
  Status On(ClientId from, remote::DriverInfo& message) { return guest_.OnDriver(from, message); }
  Status On(ClientId from, remote::RunTask& message) {
    return guest_.OnRun(from, std::move(message));
  }
  Status On(ClientId from, remote::TaskEnded& message) { return given_.OnEnded(from, message); }
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
  RemoteObjects* const objects_;
  GivenTasks given_;
  GuestTasks guest_;
  TaskBook* tasks_ = nullptr;
  ActorBook* actors_ = nullptr;
};

}  // namespace rayx::node
