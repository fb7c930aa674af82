#include "daemon/function_service.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {

FunctionService::FunctionService(SessionTable* sessions, MessageWriter* writer,
                                 plasma::ObjectStore* store, control::Tables* tables)
    : sessions_(sessions), writer_(writer), store_(store), tables_(tables) {}

Status FunctionService::OnExport(Session& session, const protocol::ExportFunction& message) {
  if (session.driver.IsNil()) {
    return Status::ProtocolError("ExportFunction of a worker without a task");
  }
  const auto pickled = BytesOf(message.pickled());
  if (pickled.size() > limits::kFunctionBytesMax ||
      message.name()->size() > limits::kNameBytesMax) {
    return Status::ProtocolError("ExportFunction beyond a limit");
  }
  const auto id = FromWire<FunctionId>(*message.function_id());
  const ObjectId object = ObjectId::ForFunction(id);
  store_->AddClientReference(session.id, object);
  // Known, unless the news that it is gone is on its way to OnDeleted.
  if (functions_.contains(id) && store_->IsSealed(object)) return Status::Ok();
  const std::vector<ObjectId> contained = FromWire(message.contained());
  const Status put = store_->PutInline(0, object, {}, contained);
  if (!put.ok() && put.code() != StatusCode::kAlreadyExists) return put;
  if (std::find(contained.begin(), contained.end(), object) != contained.end()) {
    recursive_.insert(id);
  }
  Function& function = functions_[id];
  function.driver = session.driver;
  function.pickled.assign(pickled.begin(), pickled.end());
  tables_->functions().Put(session.driver,
                           {.id = id, .name = message.name()->str(), .pickled = function.pickled});
  return Status::Ok();
}

Status FunctionService::OnFetch(Session& session, const protocol::FetchFunction& message) {
  const auto id = FromWire<FunctionId>(*message.function_id());
  if (const auto it = functions_.find(id); it != functions_.end()) {
    std::vector<ClientId>& loaded_by = it->second.loaded_by;
    // A driver keeps what it loads in the remote function for which it did.
    if (session.worker != 0 &&
        std::find(loaded_by.begin(), loaded_by.end(), session.id) == loaded_by.end()) {
      loaded_by.push_back(session.id);
    }
    Answer(session, id, &it->second.pickled);
    return Status::Ok();
  }
  tables_->functions().Get(id, [this, id, client = session.id](auto found) {
    Session* asker = sessions_->Find(client);
    if (asker == nullptr) return;
    const bool known = found.ok() && found->has_value();
    Answer(*asker, id, known ? &found.value()->pickled : nullptr);
  });
  return Status::Ok();
}

void FunctionService::Answer(Session& session, const FunctionId& id, const std::string* pickled) {
  writer_->Send(*session.connection, protocol::MessageType::FunctionContent,
                [&](flatbuffers::FlatBufferBuilder& builder) {
                  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> data;
                  if (pickled != nullptr) {
                    const auto bytes = BytesOf(*pickled);
                    data = builder.CreateVector(bytes.data(), bytes.size());
                  }
                  return protocol::CreateFunctionContent(builder, ToWire(id), data);
                });
}

void FunctionService::OnDeleted(const FunctionId& id) {
  const auto it = functions_.find(id);
  // Sealed: exported anew meanwhile.
  if (it == functions_.end() || store_->IsSealed(ObjectId::ForFunction(id))) return;
  TellToForget(id, it->second);
  tables_->functions().Remove(it->second.driver, id);
  functions_.erase(it);
  recursive_.erase(id);
}

void FunctionService::OnHeartbeat() {
  for (const FunctionId& id : recursive_) {
    const auto it = functions_.find(id);
    if (it == functions_.end() || it->second.loaded_by.empty()) continue;
    if (!store_->IsHeldOnlyBy(ObjectId::ForFunction(id), it->second.loaded_by)) continue;
    TellToForget(id, it->second);
  }
}

void FunctionService::TellToForget(const FunctionId& id, Function& function) {
  for (const ClientId worker : std::exchange(function.loaded_by, {})) {
    Session* session = sessions_->Find(worker);
    if (session == nullptr) continue;
    writer_->Send(*session->connection, protocol::MessageType::ForgetFunction,
                  [&](flatbuffers::FlatBufferBuilder& builder) {
                    return protocol::CreateForgetFunction(builder, ToWire(id));
                  });
  }
}

void FunctionService::OnWorkerGone(ClientId worker) {
  for (auto& [id, function] : functions_) std::erase(function.loaded_by, worker);
}

void FunctionService::OnDriverGone(const DriverId& driver) {
  std::erase_if(functions_, [&](const auto& entry) { return entry.second.driver == driver; });
  std::erase_if(recursive_, [&](const FunctionId& id) { return !functions_.contains(id); });
}

}  // namespace rayx::daemon
