// Records as the control server keeps them: lists of text fields, and back.
//
// What comes back from the server is not trusted: every Parse function accepts any bytes and
// answers with a record or with a ProtocolError that names the field. Unknown fields are ignored,
// so that a newer rayx may add some. A record that was parsed is written as it was read:
// Parse(Fields(r)) == r.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "control/tables.h"

namespace rayx::control {

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields NodeFields(const NodeRecord& node);
Result<NodeRecord> ParseNode(const NodeId& id, const Fields& fields);

Fields DriverFields(const DriverRecord& driver);
Result<DriverRecord> ParseDriver(const DriverId& id, const Fields& fields);

// `driver` is kept for people who look at the server; it is not part of the record.
Fields FunctionFields(const DriverId& driver, const FunctionRecord& function);
Result<FunctionRecord> ParseFunction(const FunctionId& id, const Fields& fields);

// Leaves out what an update leaves as it was: nil ids, an empty name, an empty spec.
Fields TaskFields(const TaskRecord& task);
Result<TaskRecord> ParseTask(const TaskId& id, const Fields& fields);
// Applies an update: what TaskFields(update) holds replaces what is in `task`.
void MergeTask(const TaskRecord& update, TaskRecord* task);

Fields ActorFields(const ActorRecord& actor);
Result<ActorRecord> ParseActor(const TaskId& id, const Fields& fields);

// One field for each location. The size is the largest told: a function that is not deterministic
// may have made a different value when the object was rebuilt elsewhere.
std::pair<std::string, std::string> LocationField(const NodeId& node, uint64_t size);
Result<ObjectRecord> ParseObject(const ObjectId& id, const Fields& fields);

// One line: fields separated by tabs; tabs, line ends and backslashes inside are escaped. `serial`
// is different for each error and the same when the error is sent again, so that readers can drop
// copies.
std::string ErrorLine(std::string_view serial, const ErrorRecord& error);
struct NumberedError {
  std::string serial;
  ErrorRecord error;
};
Result<NumberedError> ParseErrorLine(const DriverId& driver, std::string_view line);

// What one writer has counted. Absolute, so that a write can be repeated.
std::pair<std::string, std::string> CounterField(std::string_view writer, std::string_view name,
                                                 int64_t total);
// The sum over all writers, by name.
Result<std::map<std::string, int64_t>> ParseCounters(const Fields& fields);

}  // namespace rayx::control
