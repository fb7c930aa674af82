#include "daemon/message_reader.h"

#include <cstring>
#include <string>
#include <utility>

#include "common/base/limits.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {

using protocol::MessageType;

std::span<const ObjectId> MessageReader::Read(const WireIds* wire, std::vector<ObjectId>* ids) {
  ids->clear();
  if (wire == nullptr || wire->size() == 0) return {};
  ids->resize(wire->size());
  std::memcpy(ids->data(), wire->Data(), ids->size() * sizeof(ObjectId));
  return *ids;
}

Status MessageReader::OnFrame(ConnectedPeer& peer, const Frame& frame) {
  const auto type = static_cast<MessageType>(frame.type);
  if (type >= MessageType::PutObject && type <= MessageType::PutReserved) {
    return OnObjectMessage(peer, frame);
  }
  return OnTaskMessage(peer, frame);
}

// --- objects ---

Status MessageReader::OnObjectMessage(ConnectedPeer& peer, const Frame& frame) {
  node::ObjectBook& objects = core_->objects();
  switch (static_cast<MessageType>(frame.type)) {
    case MessageType::PutObject:
      return With<protocol::PutObject>(frame, [&](const auto& m) {
        return objects.OnPut(peer, FromWire(*m.id()), BytesOf(m.data()),
                             Read(m.contained(), &ids_));
      });
    case MessageType::CreateObject:
      return With<protocol::CreateObject>(frame,
                                          [&](const auto& m) { return pool_->OnCreate(peer, m); });
    case MessageType::PutReserved:
      return With<protocol::PutReserved>(frame, [&](const auto& m) {
        const Status put = objects.OnPutReserved(peer, FromWire(*m.id()), {m.offset(), m.size()},
                                                 Read(m.contained(), &ids_), m.keeps_reference());
        pool_->OnPutReserved(peer, m.offset());
        return put;
      });
    case MessageType::SealObject:
      return With<protocol::SealObject>(frame, [&](const auto& m) {
        return objects.OnSeal(peer, FromWire(*m.id()), Read(m.contained(), &ids_));
      });
    case MessageType::AbortObject:
      return With<protocol::AbortObject>(
          frame, [&](const auto& m) { return objects.OnAbort(peer, FromWire(*m.id())); });
    case MessageType::GetObjects:
      return With<protocol::GetObjects>(frame, [&](const auto& m) {
        objects.OnGet(peer, Read(m.ids(), &ids_), m.pin(), m.fence());
        return Status::Ok();
      });
    case MessageType::ReleaseObjects:
      return With<protocol::ReleaseObjects>(frame, [&](const auto& m) {
        return objects.OnRelease(peer, Read(m.unpinned(), &ids_),
                                 Read(m.unreferenced(), &more_ids_));
      });
    case MessageType::AddReferences:
      return With<protocol::AddReferences>(frame, [&](const auto& m) {
        objects.OnAddReferences(peer, Read(m.ids(), &ids_));
        return Status::Ok();
      });
    default:
      return Status::ProtocolError("unexpected message of type " + std::to_string(frame.type));
  }
}

// --- tasks, actors, functions ---

Status MessageReader::OnTaskMessage(ConnectedPeer& peer, const Frame& frame) {
  switch (static_cast<MessageType>(frame.type)) {
    case MessageType::SubmitTask:
      return OnSubmit(peer, frame.payload);
    case MessageType::TaskGiven:
      return With<protocol::RunTask>(frame, [&](const auto& m) { return OnGiven(peer, m); });
    case MessageType::ExportFunction:
      return With<protocol::ExportFunction>(frame, [&](const auto& m) {
        return core_->functions().OnExport(peer, FromWire<FunctionId>(*m.function_id()),
                                           m.name()->string_view(), BytesOf(m.pickled()),
                                           Read(m.contained(), &ids_));
      });
    case MessageType::FetchFunction:
      return With<protocol::FetchFunction>(frame, [&](const auto& m) {
        core_->functions().OnFetch(peer, FromWire<FunctionId>(*m.function_id()));
        return Status::Ok();
      });
    case MessageType::CancelTask:
      return With<protocol::CancelTask>(frame, [&](const auto& m) {
        core_->tasks().OnCancel(peer, FromWire<TaskId>(*m.task_id()), m.force());
        return Status::Ok();
      });
    case MessageType::KillActor:
      return With<protocol::KillActor>(frame, [&](const auto& m) {
        if (DriverPeer* driver = AsDriver(peer)) ++driver->submitted;
        core_->actors().OnKill(peer, FromWire<TaskId>(*m.actor_id()));
        return Status::Ok();
      });
    case MessageType::AddWorkerSetup:
      return With<protocol::AddWorkerSetup>(frame, [&](const auto& m) {
        return core_->drivers().OnSetup(peer, BytesOf(m.setup()->pickled()));
      });
    default:
      return OnWorkerMessage(peer, frame);
  }
}

// Messages that only workers may send.
Status MessageReader::OnWorkerMessage(ConnectedPeer& peer, const Frame& frame) {
  const auto type = static_cast<MessageType>(frame.type);
  if (TakesTasks(peer)) {
    if (type == MessageType::TaskDone) {
      return With<protocol::TaskDone>(frame, [&](const auto& m) { return OnTaskDone(peer, m); });
    }
    if (type == MessageType::Blocked) return core_->tasks().OnBlocked(peer);
    if (type == MessageType::Unblocked) return core_->tasks().OnUnblocked(peer);
  }
  return Status::ProtocolError("unexpected message of type " + std::to_string(frame.type));
}

Status MessageReader::OnSubmit(ConnectedPeer& peer, std::span<const uint8_t> encoded) {
  if (encoded.size() > limits::kTaskSpecBytesMax) {
    return Status::ProtocolError("SubmitTask of " + std::to_string(encoded.size()) + " bytes");
  }
  Result<TaskSpec> spec = ParseTaskSpec(encoded);
  if (!spec.ok()) return spec.status();
  RAYX_RETURN_IF_ERROR(core_->tasks().OnSubmit(peer, std::move(*spec)));
  pacer_->OnSubmitted(!peer.worker.IsNil());
  return Status::Ok();
}

Status MessageReader::OnGiven(ConnectedPeer& peer, const protocol::RunTask& message) {
  const std::span<const uint8_t> encoded = BytesOf(message.spec());
  if (reinterpret_cast<uintptr_t>(encoded.data()) % sizeof(uint64_t) != 0) {
    return Status::ProtocolError("TaskGiven of a task that is not aligned");
  }
  if (encoded.size() > limits::kTaskSpecBytesMax) {
    return Status::ProtocolError("SubmitTask of " + std::to_string(encoded.size()) + " bytes");
  }
  Result<TaskSpec> spec = ParseTaskSpec(encoded);
  if (!spec.ok()) return spec.status();
  return core_->tasks().OnGiven(peer, std::move(*spec), message.sequence());
}

Status MessageReader::OnTaskDone(ConnectedPeer& peer, const protocol::TaskDone& message) {
  if (message.wrote_output()) workers_->ReadOutput(peer.worker);
  node::TaskDone done;
  done.task = FromWire<TaskId>(*message.task_id());
  done.sequence = message.sequence();
  done.failed = message.failed();
  done.delivered = message.delivered();
  if (message.error_text() != nullptr) done.error_text = message.error_text()->string_view();
  if (message.state() != nullptr) done.state = FromWire(*message.state());
  results_.clear();
  ids_.clear();
  if (const auto* results = message.results()) {
    size_t id_count = 0;
    for (const protocol::ResultValue* result : *results) {
      if (result->contained() != nullptr) id_count += result->contained()->size();
    }
    // All at once, since spans point into the list.
    ids_.resize(id_count);
    ObjectId* ids = ids_.data();
    for (const protocol::ResultValue* result : *results) {
      const size_t count = result->contained() == nullptr ? 0 : result->contained()->size();
      if (count > 0) std::memcpy(ids, result->contained()->Data(), count * sizeof(ObjectId));
      results_.push_back({result->index(), BytesOf(result->data()), {ids, count}});
      ids += count;
    }
  }
  done.results = results_;
  return core_->tasks().OnTaskDone(peer, done);
}

}  // namespace rayx::daemon
