// Lists of what is known of a kind of things, for people: the records of the control tables as
// text.
//
// Drivers and errors come from the tables, which know of those that are gone. Tasks, actors,
// objects and functions change all the time, and the tables learn of them late or not at all; these
// come from the parts of this node.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "control/records.h"
#include "control/tables.h"
#include "node/node_core.h"

namespace rayx::daemon {

struct ListedRecord {
  // Of the thing: its bytes. Of an error, the task.
  std::string id;
  control::Fields fields;
};

struct RecordList {
  std::vector<ListedRecord> records;
  // How many there are beside.
  uint64_t left_out = 0;
};

class RecordLists {
 public:
  using Done = std::function<void(Result<RecordList>)>;

  // All must outlive it.
  RecordLists(control::Tables* tables, node::NodeCore* core, const NodeId& node)
      : tables_(tables), core_(core), node_(node) {}

  // At most `most` records, and no more than limits::kRecordsAnswerBytesMax bytes of them. `kind`
  // is "drivers", "functions", "tasks", "actors", "objects" or "errors"; InvalidArgument
  // if it is another. Calls `done` once, now or when the tables have told it; not at all if the
  // tables are destroyed before.
  void List(std::string_view kind, uint64_t most, Done done) const;

  // Takes records for as long as they fit; of the implementation.
  class Collector;

 private:
  void ListTasks(Collector* here) const;
  void ListErrors(uint64_t most, Done done) const;

  control::Tables* tables_;
  node::NodeCore* core_;
  const NodeId node_;
};

}  // namespace rayx::daemon
