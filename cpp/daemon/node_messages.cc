// The daemon's switchboard: which part handles which message. One case a message.
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/protocol/wire_ids.h"
#include "daemon/node_daemon.h"

namespace rayx::daemon {
namespace {

// Calls `handle` with the verified message.
template <typename Message, typename Handle>
Status With(const Frame& frame, Handle&& handle) {
  const Message* message = Verified<Message>(frame.payload);
  if (message == nullptr) {
    return Status::ProtocolError("malformed message of type " + std::to_string(frame.type));
  }
  return handle(*message);
}

std::span<const control::ErrorRecord> NewestThatFit(std::span<const control::ErrorRecord> errors) {
  size_t bytes = 0;
  size_t first = errors.size();
  while (first > 0 && bytes < limits::kErrorsAnswerBytesMax) {
    --first;
    bytes += errors[first].text.size() + errors[first].name.size() + errors[first].kind.size();
  }
  return errors.subspan(first);
}

flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<protocol::ResourceItem>>>
WriteResources(flatbuffers::FlatBufferBuilder& builder, const ResourceSet& resources) {
  std::vector<flatbuffers::Offset<protocol::ResourceItem>> items;
  for (const auto& [name, amount] : resources.items()) {
    items.push_back(
        protocol::CreateResourceItem(builder, builder.CreateString(name), amount.units()));
  }
  return builder.CreateVector(items);
}

}  // namespace

Status NodeDaemon::OnFrame(Session& session, const Frame& frame) {
  if (session.state == SessionState::kHandshake) return OnHello(session, frame);
  const auto type = static_cast<protocol::MessageType>(frame.type);
  if (session.role == protocol::Role::Output) {
    if (type != protocol::MessageType::Drain) {
      return Status::ProtocolError("message " + std::to_string(frame.type) +
                                   " on a connection for output");
    }
    endings_.OnDrain(session.id, session.driver);
    return Status::Ok();
  }
  if (type >= protocol::MessageType::PutObject && type <= protocol::MessageType::PutInRoom) {
    return OnObjectMessage(session, frame);
  }
  if (type == protocol::MessageType::Query && tasks_->lines().IsClient(session)) {
    late_queries_.push_back({session.id, {frame.payload.begin(), frame.payload.end()}});
    return Status::Ok();
  }
  if (type == protocol::MessageType::Query) {
    return With<protocol::Query>(frame, [&](const auto& m) { return OnQuery(session, m); });
  }
  return OnTaskMessage(session, frame);
}

Status NodeDaemon::OnHello(Session& session, const Frame& frame) {
  if (frame.type != static_cast<uint16_t>(protocol::MessageType::Hello)) {
    return Status::ProtocolError("the first message is not a hello");
  }
  const auto* hello = Verified<protocol::Hello>(frame.payload);
  if (hello == nullptr) return Status::ProtocolError("malformed hello");
  if (hello->protocol_version() != limits::kProtocolVersion) {
    return Refuse(session, "this node speaks version " + std::to_string(limits::kProtocolVersion) +
                               " of rayx's protocol, the peer version " +
                               std::to_string(hello->protocol_version()) +
                               "; install the same rayx on both");
  }
  session.role = hello->role();
  const bool made_by_us = session.worker != 0;
  if (made_by_us != (session.role == protocol::Role::Worker)) {
    return Refuse(session, "a worker's connection is made by its node, any other by connecting");
  }
  if (made_by_us) {
    session.pid = hello->pid();
    RAYX_RETURN_IF_ERROR(workers_.OnHello(session));
  } else if (session.role == protocol::Role::Driver || session.role == protocol::Role::Output) {
    const Status known = drivers_.OnHello(session, *hello);
    if (!known.ok()) return Refuse(session, known.message());
    if (session.role == protocol::Role::Driver) WatchDriverProcess(session);
  } else {
    return Refuse(session, "unknown role");
  }
  session.state = SessionState::kOpen;
  session.welcomed = true;
  session.hello_timer.reset();
  session.connection->set_payload_bytes_max(limits::kFrameBytesMax);
  return Welcome(session);
}

Status NodeDaemon::Refuse(Session& session, const std::string& reason) {
  writer_.Send(*session.connection, protocol::MessageType::Refused,
               [&](flatbuffers::FlatBufferBuilder& builder) {
                 return protocol::CreateRefused(builder, builder.CreateString(reason));
               });
  session.connection->Flush();
  return Status::ProtocolError("refused: " + reason);
}

Status NodeDaemon::Welcome(Session& session) {
  std::vector<ScopedFd> fds;
  if (session.role != protocol::Role::Output) {
    Result<ScopedFd> pool = objects_->DuplicateReadOnlyPool();
    if (!pool.ok()) return pool.status();
    fds.push_back(std::move(*pool));
  }
  writer_.Send(
      *session.connection, protocol::MessageType::Welcome,
      [&](flatbuffers::FlatBufferBuilder& builder) {
        const auto directory = builder.CreateString(options_.session_dir);
        return protocol::CreateWelcome(builder, limits::kProtocolVersion, ToWire(id_),
                                       options_.pool_bytes, directory);
      },
      std::move(fds));
  return Status::Ok();
}

Status NodeDaemon::OnObjectMessage(Session& session, const Frame& frame) {
  ObjectService& objects = *objects_;
  switch (static_cast<protocol::MessageType>(frame.type)) {
    case protocol::MessageType::PutObject:
      return With<protocol::PutObject>(frame, [&](const auto& m) {
        tasks_->OnObjectMade(session, FromWire(*m.id()));
        return objects.OnPut(session, m);
      });
    case protocol::MessageType::CreateObject:
      return With<protocol::CreateObject>(
          frame, [&](const auto& m) { return objects.OnCreate(session, m); });
    case protocol::MessageType::PutInRoom:
      return With<protocol::PutInRoom>(frame, [&](const auto& m) {
        tasks_->OnObjectMade(session, FromWire(*m.id()));
        return objects.OnPutInRoom(session, m);
      });
    case protocol::MessageType::SealObject:
      return With<protocol::SealObject>(frame, [&](const auto& m) {
        tasks_->OnObjectMade(session, FromWire(*m.id()));
        return objects.OnSeal(session, m);
      });
    case protocol::MessageType::AbortObject:
      return With<protocol::AbortObject>(
          frame, [&](const auto& m) { return objects.OnAbort(session, m); });
    case protocol::MessageType::GetObjects:
      return With<protocol::GetObjects>(frame,
                                        [&](const auto& m) { return objects.OnGet(session, m); });
    case protocol::MessageType::ReleaseObjects:
      return With<protocol::ReleaseObjects>(
          frame, [&](const auto& m) { return objects.OnRelease(session, m); });
    case protocol::MessageType::AddReferences:
      return With<protocol::AddReferences>(
          frame, [&](const auto& m) { return objects.OnAddReferences(session, m); });
    default:
      return Status::ProtocolError("unexpected message of type " + std::to_string(frame.type));
  }
}

Status NodeDaemon::OnTaskMessage(Session& session, const Frame& frame) {
  const auto type = static_cast<protocol::MessageType>(frame.type);
  const bool is_worker = session.role == protocol::Role::Worker;
  switch (type) {
    case protocol::MessageType::SubmitTask:
      return tasks_->OnSubmit(session, frame.payload);
    case protocol::MessageType::SubmitDirect:
      return With<protocol::RunTask>(
          frame, [&](const auto& m) { return tasks_->OnSubmitDirect(session, m); });
    case protocol::MessageType::ExportFunction:
      return With<protocol::ExportFunction>(
          frame, [&](const auto& m) { return functions_->OnExport(session, m); });
    case protocol::MessageType::FetchFunction:
      return With<protocol::FetchFunction>(
          frame, [&](const auto& m) { return functions_->OnFetch(session, m); });
    case protocol::MessageType::TaskDone:
      if (!is_worker) break;
      return With<protocol::TaskDone>(
          frame, [&](const auto& m) { return tasks_->OnTaskDone(session, m); });
    case protocol::MessageType::Blocked:
      if (!is_worker) break;
      return tasks_->OnBlocked(session);
    case protocol::MessageType::Unblocked:
      if (!is_worker) break;
      return tasks_->OnUnblocked(session);
    case protocol::MessageType::CancelTask:
      return With<protocol::CancelTask>(
          frame, [&](const auto& m) { return tasks_->OnCancel(session, m); });
    case protocol::MessageType::KillActor:
      return With<protocol::KillActor>(
          frame, [&](const auto& m) { return tasks_->actors().OnKill(session, m); });
    case protocol::MessageType::AddWorkerSetup:
      return With<protocol::AddWorkerSetup>(
          frame, [&](const auto& m) { return drivers_.OnAddSetup(session, m); });
    default:
      break;
  }
  return Status::ProtocolError("unexpected message of type " + std::to_string(frame.type));
}

// Whoever asks has seen the end of tasks of which its worker has told us, but we have not read it.
void NodeDaemon::AnswerLateQueries() {
  if (late_queries_.empty()) return;
  tasks_->lines().HearWorker();
  for (const LateQuery& query : std::exchange(late_queries_, {})) {
    Session* session = sessions_.Find(query.client);
    if (session == nullptr) continue;
    const Frame frame{static_cast<uint16_t>(protocol::MessageType::Query), query.payload};
    const Status status =
        With<protocol::Query>(frame, [&](const auto& m) { return OnQuery(*session, m); });
    if (!status.ok()) sessions_.Close(query.client, Status::ProtocolError(status.message()));
  }
}

Status NodeDaemon::OnQuery(Session& session, const protocol::Query& query) {
  const uint64_t request = query.request();
  if (query.kind() == protocol::QueryKind::Resources) {
    writer_.Send(*session.connection, protocol::MessageType::Answer,
                 [&](flatbuffers::FlatBufferBuilder& builder) {
                   const auto total = WriteResources(builder, tasks_->scheduler().total());
                   const auto available = WriteResources(builder, tasks_->scheduler().available());
                   protocol::AnswerBuilder answer(builder);
                   answer.add_request(request);
                   answer.add_total(total);
                   answer.add_available(available);
                   return answer.Finish();
                 });
    return Status::Ok();
  }
  if (query.kind() == protocol::QueryKind::Dump) {
    AnswerText(session, request, DebugText());
    return Status::Ok();
  }
  if (query.kind() == protocol::QueryKind::Explain || query.kind() == protocol::QueryKind::HoldUp) {
    return OnQueryOfTask(session, query);
  }
  if (query.kind() == protocol::QueryKind::Unfinished) {
    const uint64_t count = tasks_->scheduler().CountUnfinished(session.driver);
    writer_.Send(*session.connection, protocol::MessageType::Answer,
                 [&](flatbuffers::FlatBufferBuilder& builder) {
                   protocol::AnswerBuilder answer(builder);
                   answer.add_request(request);
                   answer.add_count(count);
                   return answer.Finish();
                 });
    return Status::Ok();
  }
  if (query.kind() == protocol::QueryKind::NamedActor) {
    return tasks_->actors().OnFindNamed(session, query);
  }
  if (query.kind() != protocol::QueryKind::Errors) {
    return Status::ProtocolError("unknown query");
  }
  // What was reported in this turn must be in the answer.
  tables_->Flush();
  tables_->errors().List(session.driver, [this, request, client = session.id](auto found) {
    Session* asker = sessions_.Find(client);
    if (asker == nullptr) return;
    AnswerErrors(*asker, request, found);
  });
  return Status::Ok();
}

Status NodeDaemon::OnQueryOfTask(Session& session, const protocol::Query& query) {
  const auto task = TaskId::FromHexString(query.name() == nullptr ? "" : query.name()->str());
  if (!task) return Status::ProtocolError("a question about what is no task");
  const scheduler::LocalScheduler& scheduler = tasks_->scheduler();
  const TaskSpec* spec = scheduler.FindTask(*task);
  const bool is_theirs = spec != nullptr && spec->driver == session.driver;
  if (query.kind() == protocol::QueryKind::Explain) {
    AnswerText(session, query.request(), is_theirs ? scheduler.Explain(*task) : "");
    return Status::Ok();
  }
  const auto found = is_theirs ? scheduler.FindHoldUp(*task) : std::nullopt;
  AnswerText(session, query.request(), found ? found->text : "", found ? found->cause : "");
  return Status::Ok();
}

void NodeDaemon::AnswerText(Session& session, uint64_t request, const std::string& text,
                            const std::string& message) {
  writer_.Send(*session.connection, protocol::MessageType::Answer,
               [&](flatbuffers::FlatBufferBuilder& builder) {
                 const auto dump = builder.CreateString(text);
                 const auto encoded_message = builder.CreateString(message);
                 protocol::AnswerBuilder answer(builder);
                 answer.add_request(request);
                 answer.add_message(encoded_message);
                 answer.add_dump(dump);
                 return answer.Finish();
               });
}

void NodeDaemon::AnswerErrors(Session& session, uint64_t request,
                              const Result<std::vector<control::ErrorRecord>>& found) {
  writer_.Send(
      *session.connection, protocol::MessageType::Answer,
      [&](flatbuffers::FlatBufferBuilder& builder) {
        std::vector<flatbuffers::Offset<protocol::ErrorRecord>> errors;
        const auto records = found.ok() ? std::span<const control::ErrorRecord>(found.value())
                                        : std::span<const control::ErrorRecord>();
        for (const auto& error : NewestThatFit(records)) {
          const auto name = builder.CreateString(error.name);
          const auto kind = builder.CreateString(error.kind);
          const auto text = builder.CreateString(error.text);
          errors.push_back(protocol::CreateErrorRecord(
              builder, ToWire(error.driver), ToWire(error.task), name, kind, text, error.time));
        }
        const auto vector = builder.CreateVector(errors);
        const auto message = builder.CreateString(found.status().message());
        protocol::AnswerBuilder answer(builder);
        answer.add_request(request);
        answer.add_outcome(found.ok() ? protocol::Outcome::Ok : protocol::Outcome::Unavailable);
        answer.add_message(message);
        answer.add_errors(vector);
        return answer.Finish();
      });
}

}  // namespace rayx::daemon
