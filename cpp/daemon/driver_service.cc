#include "daemon/driver_service.h"

#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/io/clock.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {

DriverService::DriverService(SessionTable* sessions, MessageWriter* writer, control::Tables* tables,
                             NodeId node)
    : sessions_(sessions), writer_(writer), tables_(tables), node_(node) {}

Status DriverService::OnHello(Session& session, const protocol::Hello& hello) {
  if (hello.driver_id() == nullptr) return Status::ProtocolError("hello of a driver without an id");
  session.driver = FromWire<DriverId>(*hello.driver_id());
  if (session.driver.IsNil()) return Status::ProtocolError("hello of a driver with the nil id");
  if (session.role == protocol::Role::Output) {
    const auto it = drivers_.find(session.driver);
    if (it == drivers_.end()) return Status::ProtocolError("output of a driver that is not here");
    it->second.output = session.id;
    return Status::Ok();
  }
  if (drivers_.count(session.driver) != 0) return Status::ProtocolError("driver id in use");
  const auto config = BytesOf(hello.driver_config());
  drivers_[session.driver] = {.session = session.id,
                              .output = 0,
                              .config = std::string(config.begin(), config.end()),
                              .setups = {},
                              .lines_dropped = 0};
  tables_->drivers().Register({.id = session.driver,
                               .node = node_,
                               .pid = session.pid,
                               .started_at = WallSeconds(),
                               .ended_at = 0});
  LogInfo("driver " + session.driver.Hex() + " pid " + std::to_string(session.pid) + " connected");
  return Status::Ok();
}

bool DriverService::OnSessionClosed(Session& session) {
  const auto it = drivers_.find(session.driver);
  if (it == drivers_.end()) return false;
  if (it->second.output == session.id) {
    it->second.output = 0;
    return false;
  }
  if (it->second.session != session.id) return false;
  if (it->second.output != 0) {
    sessions_->Close(it->second.output, Status::Disconnected("the driver has ended"));
  }
  tables_->drivers().MarkEnded(session.driver, WallSeconds());
  tables_->functions().RemoveDriver(session.driver);
  drivers_.erase(it);
  LogInfo("driver " + session.driver.Hex() + " has ended");
  return true;
}

Status DriverService::OnAddSetup(Session& session, const protocol::AddWorkerSetup& message) {
  const auto it = drivers_.find(session.driver);
  if (it == drivers_.end()) return Status::ProtocolError("AddWorkerSetup without a driver");
  const auto pickled = BytesOf(message.setup()->pickled());
  if (pickled.size() > limits::kFunctionBytesMax ||
      it->second.setups.size() >= limits::kWorkerSetupsMax) {
    return Status::ProtocolError("AddWorkerSetup beyond a limit");
  }
  it->second.setups.emplace_back(pickled.begin(), pickled.end());
  return Status::Ok();
}

Session* DriverService::OutputOf(const DriverId& driver) {
  const auto it = drivers_.find(driver);
  if (it == drivers_.end()) return nullptr;
  Session* session = sessions_->Find(it->second.output);
  if (session == nullptr) return nullptr;
  if (session->connection->backlog_bytes() > limits::kPeerBacklogBytesSoft) {
    ++it->second.lines_dropped;
    return nullptr;
  }
  return session;
}

void DriverService::SendLines(const DriverId& driver, pid_t pid, const std::string& function,
                              bool is_stderr, const std::string& lines) {
  Session* session = OutputOf(driver);
  if (session == nullptr) return;
  Driver& entry = drivers_.at(driver);
  std::string text = lines;
  if (entry.lines_dropped > 0) {
    text = "[rayx: " + std::to_string(std::exchange(entry.lines_dropped, 0)) +
           " blocks of output were dropped, the driver did not read them]\n" + text;
  }
  writer_->Send(*session->connection, protocol::MessageType::OutputLines,
                [&](flatbuffers::FlatBufferBuilder& builder) {
                  const auto name = builder.CreateString(function);
                  const auto bytes = BytesOf(text);
                  const auto data = builder.CreateVector(bytes.data(), bytes.size());
                  return protocol::CreateOutputLines(builder, pid, name, is_stderr, data);
                });
}

void DriverService::ReportError(control::ErrorRecord error) {
  if (error.text.size() > limits::kErrorBytesMax) error.text.resize(limits::kErrorBytesMax);
  if (Session* session = OutputOf(error.driver)) {
    writer_->Send(*session->connection, protocol::MessageType::TaskFailed,
                  [&](flatbuffers::FlatBufferBuilder& builder) {
                    return protocol::CreateTaskFailed(builder, builder.CreateString(error.text));
                  });
  }
  error.time = WallSeconds();
  tables_->errors().Append(error);
}

void DriverService::SendDrained(ClientId output) {
  Session* session = sessions_->Find(output);
  if (session == nullptr) return;
  writer_->Send(
      *session->connection, protocol::MessageType::Drained,
      [](flatbuffers::FlatBufferBuilder& builder) { return protocol::CreateDrained(builder); });
}

}  // namespace rayx::daemon
