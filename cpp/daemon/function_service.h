// Pickled functions: kept here for the workers of this node, and in the function table for the
// cluster.
//
// An object without data stands for each function (ObjectId::ForFunction). Whoever can call the
// function refers to that: processes that have a remote function, tasks that wait or run, values
// and other functions that contain it. So the object store counts all of them, and the value of the
// object contains the ids that the function has captured. When the object is gone, nobody can call
// the function any more, and it is forgotten: here, in the table, and in the workers that have
// loaded it.
//
// A function that refers to itself is referred to by each worker that has loaded it. If nobody else
// does, these are told to forget it, which lets it go, unless somebody in them has kept it.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "control/tables.h"
#include "daemon/message_writer.h"
#include "daemon/session_table.h"
#include "plasma/object_store.h"

namespace rayx::daemon {

class FunctionService {
 public:
  // All must outlive it.
  FunctionService(SessionTable* sessions, MessageWriter* writer, plasma::ObjectStore* store,
                  control::Tables* tables);

  Status OnExport(Session& session, const protocol::ExportFunction& message);
  // Answers from memory, else asks the table.
  Status OnFetch(Session& session, const protocol::FetchFunction& message);
  // The object that stands for the function is gone.
  void OnDeleted(const FunctionId& id);
  // Lets go of functions that only those workers refer to which have loaded them. Now and then.
  void OnHeartbeat();
  void OnWorkerGone(ClientId worker);
  // The driver's functions are forgotten.
  void OnDriverGone(const DriverId& driver);

 private:
  struct Function {
    DriverId driver;
    std::string pickled;
    // The workers that have fetched it, and have not been told to forget it since.
    std::vector<ClientId> loaded_by;
  };
  // `pickled` null: not known.
  void Answer(Session& session, const FunctionId& id, const std::string* pickled);
  void TellToForget(const FunctionId& id, Function& function);

  SessionTable* sessions_;
  MessageWriter* writer_;
  plasma::ObjectStore* store_;
  control::Tables* tables_;
  std::unordered_map<FunctionId, Function> functions_;
  // Those of them that refer to themselves.
  std::unordered_set<FunctionId> recursive_;
};

}  // namespace rayx::daemon
