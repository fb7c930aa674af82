#include "node/remote_tasks.h"

#include <utility>
#include <variant>

#include "node/task_book.h"

namespace rayx::node {

void RemoteTasks::OnSessionEnded(ClientId session, const std::string& reason) {
  if (!sessions_->Contains(session)) return;
  given_->OnSessionEnded(session, reason);
  objects_->OnSessionEnded(session, reason);
  guest_->OnSessionEnded(session);
}

Status RemoteTasks::OnMessage(ClientId session, remote::Message message) {
  if (!sessions_->Contains(session)) {
    return Status::ProtocolError("a message of session " + session.ToString() +
                                 ", which has ended");
  }
  return std::visit([&](auto& said) { return On(session, said); }, message);
}

Peer RemoteTasks::PeerOf(ClientId session, const DriverId& driver) {
  Peer peer;
  peer.id = session;
  peer.driver = driver;
  return peer;
}

Status RemoteTasks::On(ClientId from, remote::DriverGone& message) {
  guest_->OnDriverGone(from, message.driver);
  return Status::Ok();
}

Status RemoteTasks::On(ClientId from, remote::SubmitTask& message) {
  // Its driver has ended, and the news is on its way.
  if (!IsHomeOf(message.spec.driver)) return Status::Ok();
  Peer peer = PeerOf(from, message.spec.driver);
  const CallerId caller{.node = sessions_->NodeOf(from), .client = message.client};
  return tasks_->OnSubmit(peer, std::move(message.spec), &caller);
}

Status RemoteTasks::On(ClientId from, remote::CancelTask& message) {
  if (IsHomeOf(message.driver)) {
    tasks_->OnCancel(PeerOf(from, message.driver), message.task, message.force);
  } else {
    guest_->OnCancel(from, message);
  }
  return Status::Ok();
}

Status RemoteTasks::On(ClientId from, remote::KillActor& message) {
  if (IsHomeOf(message.driver)) actors_->OnKill(PeerOf(from, message.driver), message.actor);
  return Status::Ok();
}

Status RemoteTasks::On(ClientId, remote::Printed& message) {
  if (!IsHomeOf(message.driver)) return Status::Ok();
  drivers_->SendLines(message.driver, {.pid = message.pid,
                                       .function = message.function,
                                       .is_stderr = message.is_stderr,
                                       .text = message.text});
  return Status::Ok();
}

Status RemoteTasks::On(ClientId, remote::TaskFailed& message) {
  if (!IsHomeOf(message.driver)) return Status::Ok();
  drivers_->ReportError({.driver = message.driver,
                         .task = message.task,
                         .name = std::move(message.name),
                         .kind = std::move(message.kind),
                         .text = std::move(message.text)});
  return Status::Ok();
}

}  // namespace rayx::node
