#include "daemon/function_service.h"

#include <utility>

#include "common/base/limits.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {

FunctionService::FunctionService(SessionTable* sessions, MessageWriter* writer,
                                 control::Tables* tables)
    : sessions_(sessions), writer_(writer), tables_(tables) {}

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
  const auto [it, is_new] = functions_.try_emplace(id);
  if (!is_new) return Status::Ok();
  it->second = {.driver = session.driver, .pickled = std::string(pickled.begin(), pickled.end())};
  tables_->functions().Put(
      session.driver, {.id = id, .name = message.name()->str(), .pickled = it->second.pickled});
  return Status::Ok();
}

Status FunctionService::OnFetch(Session& session, const protocol::FetchFunction& message) {
  const auto id = FromWire<FunctionId>(*message.function_id());
  if (const auto it = functions_.find(id); it != functions_.end()) {
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

void FunctionService::OnDriverGone(const DriverId& driver) {
  std::erase_if(functions_, [&](const auto& entry) { return entry.second.driver == driver; });
}

}  // namespace rayx::daemon
