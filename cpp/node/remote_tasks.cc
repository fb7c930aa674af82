#include "node/remote_tasks.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace rayx::node {

void RemoteTasks::OnSessionEnded(ClientId session, const SessionEnd& end) {
  if (!parts_.sessions->Contains(session)) return;
  parts_.given->OnSessionEnded(session, end);
  parts_.given_actors->OnSessionEnded(session, end);
  parts_.objects->OnSessionEnded(session, end.reason);
  parts_.guest_actors->OnSessionEnded(session);
  parts_.names->OnSessionEnded(session);
  own_.consumer_gone(PeerOf(session, DriverId()));
  parts_.guest->OnSessionEnded(session);
  parts_.drain->OnSessionEnded(session);
}

Status RemoteTasks::OnMessage(ClientId session, remote::Message message) {
  if (!parts_.sessions->Contains(session)) {
    return Status::ProtocolError("a message of session " + session.ToString() +
                                 ", which has ended");
  }
  return std::visit([&](auto& said) { return On(session, said); }, message);
}

void RemoteTasks::OnConsumerGone(const Peer& consumer) {
  parts_.given->OnConsumerGone(consumer.id);
  parts_.guest_actors->OnPeerGone(consumer);
  const ClientId home = parts_.drivers->HomeOf(consumer.driver);
  if (home.IsNil()) return;
  for (const TaskId& task : parts_.objects->streams().Of(consumer.id)) {
    parts_.objects->Send(home, remote::CancelTask{consumer.driver, task, /*force=*/false});
  }
}

void RemoteTasks::OnGuestEnded(const TaskSpec& spec, bool failed) {
  if (spec.kind == TaskKind::kFunction) return parts_.guest->OnEnded(spec, failed);
  parts_.guest_actors->OnEnded(spec, failed);
}

uint32_t RemoteTasks::FirstAttemptOf(const TaskId& task) const {
  if (const auto first = parts_.guest->AttemptOf(task)) return *first;
  if (const auto first = parts_.guest_actors->AttemptOf(task)) return *first;
  return std::max(parts_.given->AttemptOf(task), parts_.given_actors->PlaceOf(task).first_attempt);
}

Peer RemoteTasks::PeerOf(ClientId session, const DriverId& driver) {
  Peer peer;
  peer.id = session;
  peer.driver = driver;
  return peer;
}

Status RemoteTasks::On(ClientId from, remote::DrainDriver& message) {
  if (parts_.drivers->HomeOf(message.driver) != from) {
    return Status::ProtocolError("DrainDriver of a driver that was not told");
  }
  own_.drain(from, message.driver);
  return Status::Ok();
}

Status RemoteTasks::On(ClientId from, remote::DriverGone& message) {
  parts_.guest->OnDriverGone(from, message.driver);
  return Status::Ok();
}

Status RemoteTasks::On(ClientId from, remote::SubmitTask& message) {
  // Its driver has ended, and the news is on its way.
  if (!IsHomeOf(message.spec.driver)) return Status::Ok();
  // Their node may have said that it will make them.
  for (uint32_t i = 0; i < message.spec.return_count; ++i) {
    plasma::Sharing* sharing = parts_.objects->shared().Find(message.spec.ReturnId(i));
    if (sharing != nullptr && sharing->maker == parts_.sessions->NodeOf(from)) sharing->maker = {};
  }
  Peer peer = PeerOf(from, message.spec.driver);
  const CallerId caller{
      .node = parts_.sessions->NodeOf(from), .client = message.client, .run = message.spec.run};
  return own_.submit(peer, std::move(message.spec), caller);
}

Status RemoteTasks::On(ClientId from, remote::CancelTask& message) {
  if (IsHomeOf(message.driver)) {
    own_.cancel(PeerOf(from, message.driver), message.task, message.force);
  } else {
    parts_.guest->OnCancel(from, message);
  }
  return Status::Ok();
}

Status RemoteTasks::On(ClientId from, remote::KillActor& message) {
  if (IsHomeOf(message.driver)) parts_.actors->OnKill(PeerOf(from, message.driver), message.actor);
  return Status::Ok();
}

Status RemoteTasks::On(ClientId from, remote::Printed& message) {
  if (!IsHomeOf(message.driver)) return Status::Ok();
  parts_.drivers->SendLines(message.driver, {.pid = message.pid,
                                             .function = message.function,
                                             .is_stderr = message.is_stderr,
                                             .text = message.text,
                                             .node = parts_.sessions->NodeOf(from)});
  return Status::Ok();
}

Status RemoteTasks::On(ClientId, remote::TaskFailed& message) {
  if (!IsHomeOf(message.driver)) return Status::Ok();
  parts_.drivers->ReportError({.driver = message.driver,
                               .task = message.task,
                               .name = std::move(message.name),
                               .kind = std::move(message.kind),
                               .text = std::move(message.text)});
  return Status::Ok();
}

}  // namespace rayx::node
