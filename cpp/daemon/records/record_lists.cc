#include "daemon/records/record_lists.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/base/limits.h"
#include "control/schema.h"
#include "daemon/records/node_records.h"
#include "plasma/store_report.h"

namespace rayx::daemon {
namespace {

template <typename Id>
std::string BytesOfId(const Id& id) {
  return {reinterpret_cast<const char*>(id.data()), Id::kSize};
}

// What a field takes in a message beside its texts; about.
constexpr size_t kFieldBytes = 48;
// Of a kind that there is not, in the error.
constexpr size_t kKindShown = 40;

}  // namespace

// Takes records for as long as they fit. Those that do not are counted, and not made: there may be
// a million, and a turn of the node is spent on them.
class RecordLists::Collector {
 public:
  explicit Collector(uint64_t most) : most_(most) {}

  // `fields()` makes the record's fields. Raw bytes among them are left out, being of no use to
  // people.
  template <typename Id, typename MakeFields>
  void Add(const Id& id, MakeFields fields) {
    if (list_.records.size() >= most_ || bytes_ > limits::kRecordsAnswerBytesMax) {
      ++list_.left_out;
      return;
    }
    control::Fields made = fields();
    std::erase_if(made, [](const auto& field) {
      return field.first == control::schema::kSpec || field.first == control::schema::kPickled;
    });
    size_t bytes = 0;
    for (const auto& [name, value] : made) bytes += kFieldBytes + name.size() + value.size();
    bytes_ += bytes;
    if (bytes_ > limits::kRecordsAnswerBytesMax) {
      ++list_.left_out;
    } else {
      list_.records.push_back({BytesOfId(id), std::move(made)});
    }
  }
  void LeaveOut(uint64_t count) { list_.left_out += count; }
  RecordList Take() { return std::move(list_); }

 private:
  const uint64_t most_;
  size_t bytes_ = 0;
  RecordList list_;
};

namespace {

// A callback for a table that lists: hands on what `add` makes of each record.
template <typename Record, typename Add>
control::Callback<std::vector<Record>> Collect(uint64_t most, RecordLists::Done done, Add add) {
  return [most, done = std::move(done), add](Result<std::vector<Record>> found) {
    if (!found.ok()) return done(found.status());
    RecordLists::Collector collector(most);
    for (const Record& record : *found) add(&collector, record);
    done(collector.Take());
  };
}

control::Fields ErrorFields(const control::ErrorRecord& error) {
  return {{"driver", error.driver.Hex()},
          {"name", error.name},
          {"kind", error.kind},
          {"text", error.text},
          {"time", std::to_string(error.time)}};
}

}  // namespace

void RecordLists::List(std::string_view kind, uint64_t most, Done done) const {
  Collector here(most);
  if (kind == "drivers") {
    return tables_->drivers().List(Collect<control::DriverRecord>(
        most, std::move(done), [](Collector* collector, const control::DriverRecord& driver) {
          collector->Add(driver.id, [&] { return control::DriverFields(driver); });
        }));
  }
  if (kind == "errors") return ListErrors(most, std::move(done));
  if (kind == "functions") {
    for (const auto& function : core_->functions().List()) {
      here.Add(function.id, [&]() -> control::Fields {
        return {{"driver", function.driver.Hex()},
                {"name", function.name},
                {"pickled_bytes", std::to_string(function.pickled_bytes)}};
      });
    }
  } else if (kind == "tasks") {
    ListTasks(&here);
  } else if (kind == "actors") {
    for (const TaskId& id : core_->scheduler().reports().ActorIds()) {
      const node::RemoteTasks& remote = core_->tasks().remote();
      // Its home lists it.
      if (remote.guest_actors().AttemptOf(id)) continue;
      here.Add(id, [&] {
        const NodeId elsewhere = remote.given_actors().PlaceOf(id).node;
        return control::ActorFields(RecordOfActor(*core_->scheduler().FindActor(id),
                                                  elsewhere.IsNil() ? node_ : elsewhere));
      });
    }
  } else if (kind == "objects") {
    std::vector<plasma::ObjectSummary> objects = core_->store().Summaries();
    // There may be a million: only those that are listed are put in order.
    const auto all = std::count_if(objects.begin(), objects.end(), plasma::HasDataHere);
    const std::vector<plasma::ObjectSummary> largest =
        plasma::Largest(std::move(objects), most, /*in_pool_only=*/false);
    here.LeaveOut(static_cast<uint64_t>(all) - largest.size());
    for (const auto& object : largest) {
      here.Add(object.id, [&]() -> control::Fields {
        const uint64_t references = object.client_references + object.counted_references;
        return {{"node", node_.Hex()},
                {"size", std::to_string(object.size_bytes)},
                {"in_pool", object.is_inline ? "0" : "1"},
                {"references", std::to_string(references)}};
      });
    }
  } else {
    return done(Status::InvalidArgument("there are no records of " +
                                        std::string(kind.substr(0, kKindShown))));
  }
  done(here.Take());
}

void RecordLists::ListTasks(Collector* here) const {
  using State = node::GivenTasks::State;
  const scheduler::LocalScheduler& scheduler = core_->scheduler();
  for (const TaskId& id : scheduler.reports().TaskIds()) {
    here->Add(id, [&] {
      const auto state =
          scheduler.IsAssigned(id) ? control::TaskState::kRunning : control::TaskState::kWaiting;
      return control::TaskFields(RecordOfTask(*scheduler.FindTask(id), node_, state));
    });
  }
  // Where one runs, or is to run, that node lists it.
  for (const auto& [spec, state] : core_->tasks().remote().given().Summaries()) {
    if (state != State::kWaiting && state != State::kOffered) continue;
    here->Add(spec->id, [&, spec = spec] {
      return control::TaskFields(RecordOfTask(*spec, node_, control::TaskState::kWaiting));
    });
  }
}

// Errors are listed for each driver; the answer is complete when the last of them has come.
void RecordLists::ListErrors(uint64_t most, Done done) const {
  struct Asked {
    std::vector<control::ErrorRecord> errors;
    Status status;
    size_t open = 0;
    Done done;
  };
  tables_->drivers().List([this, most, done](Result<std::vector<control::DriverRecord>> drivers) {
    if (!drivers.ok()) return done(drivers.status());
    const auto asked = std::make_shared<Asked>();
    asked->done = done;
    // One more, so that it does not end before all are asked.
    asked->open = drivers->size() + 1;
    const auto end_one = [asked, most] {
      if (--asked->open > 0) return;
      if (!asked->status.ok()) return asked->done(asked->status);
      std::sort(asked->errors.begin(), asked->errors.end(),
                [](const auto& a, const auto& b) { return a.time > b.time; });
      Collector collector(most);
      for (const control::ErrorRecord& error : asked->errors) {
        collector.Add(error.task, [&] { return ErrorFields(error); });
      }
      asked->done(collector.Take());
    };
    for (const control::DriverRecord& driver : *drivers) {
      tables_->errors().List(driver.id, [asked, end_one](auto found) {
        if (!found.ok()) asked->status = found.status();
        if (found.ok()) {
          asked->errors.insert(asked->errors.end(), found->begin(), found->end());
        }
        end_one();
      });
    }
    end_one();
  });
}

}  // namespace rayx::daemon
