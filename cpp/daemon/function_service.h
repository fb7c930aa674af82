// Pickled functions: kept here for the workers of this node, and in the function table for the
// cluster.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "control/tables.h"
#include "daemon/message_writer.h"
#include "daemon/session_table.h"

namespace rayx::daemon {

class FunctionService {
 public:
  FunctionService(SessionTable* sessions, MessageWriter* writer, control::Tables* tables);

  Status OnExport(Session& session, const protocol::ExportFunction& message);
  // Answers from memory, else asks the table.
  Status OnFetch(Session& session, const protocol::FetchFunction& message);
  // The driver's functions are forgotten.
  void OnDriverGone(const DriverId& driver);

 private:
  struct Function {
    DriverId driver;
    std::string pickled;
  };
  // `pickled` null: not known.
  void Answer(Session& session, const FunctionId& id, const std::string* pickled);

  SessionTable* sessions_;
  MessageWriter* writer_;
  control::Tables* tables_;
  std::unordered_map<FunctionId, Function> functions_;
};

}  // namespace rayx::daemon
