#include "control/memory_tables.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "common/base/limits.h"
#include "control/records.h"

namespace rayx::control {
namespace {

template <typename Key, typename Record>
std::vector<Record> Values(const std::map<Key, Record>& records) {
  std::vector<Record> values;
  values.reserve(records.size());
  for (const auto& [key, record] : records) values.push_back(record);
  return values;
}

template <typename Key, typename Record>
std::optional<Record> Find(const std::map<Key, Record>& records, const Key& key) {
  const auto it = records.find(key);
  if (it == records.end()) return std::nullopt;
  return it->second;
}

class MemoryNodeTable : public NodeTable {
 public:
  void Register(const NodeRecord& node) override {
    nodes_[node.id] = node;
    Announce(node);
  }
  void Heartbeat(const NodeId& node, double now) override {
    const auto it = nodes_.find(node);
    if (it != nodes_.end()) it->second.heartbeat_at = now;
  }
  void MarkDead(const NodeId& node, double now) override {
    const auto it = nodes_.find(node);
    if (it == nodes_.end()) return;
    it->second.alive = false;
    it->second.heartbeat_at = now;
    Announce(it->second);
  }
  void List(Callback<std::vector<NodeRecord>> done) override { done(Values(nodes_)); }
  void Subscribe(std::function<void(const NodeRecord&)> changed) override {
    subscribers_.push_back(std::move(changed));
  }

 private:
  void Announce(NodeRecord node) {
    // An index, no iterator: a subscriber may subscribe.
    for (size_t i = 0; i < subscribers_.size(); ++i) subscribers_[i](node);
  }

  std::map<NodeId, NodeRecord> nodes_;
  std::deque<std::function<void(const NodeRecord&)>> subscribers_;
};

class MemoryDriverTable : public DriverTable {
 public:
  void Register(const DriverRecord& driver) override { drivers_[driver.id] = driver; }
  void MarkEnded(const DriverId& driver, double now) override {
    const auto it = drivers_.find(driver);
    if (it != drivers_.end()) it->second.ended_at = now;
  }
  void List(Callback<std::vector<DriverRecord>> done) override { done(Values(drivers_)); }

 private:
  std::map<DriverId, DriverRecord> drivers_;
};

class MemoryFunctionTable : public FunctionTable {
 public:
  void Put(const DriverId& driver, const FunctionRecord& function) override {
    functions_[function.id] = function;
    by_driver_[driver].insert(function.id);
  }
  void Get(const FunctionId& id, Callback<std::optional<FunctionRecord>> done) override {
    done(Find(functions_, id));
  }
  void Remove(const DriverId& driver, const FunctionId& id) override {
    const auto it = by_driver_.find(driver);
    if (it == by_driver_.end() || it->second.erase(id) == 0) return;
    functions_.erase(id);
    if (it->second.empty()) by_driver_.erase(it);
  }
  void RemoveDriver(const DriverId& driver) override {
    const auto it = by_driver_.find(driver);
    if (it == by_driver_.end()) return;
    for (const FunctionId& id : it->second) functions_.erase(id);
    by_driver_.erase(it);
  }
  void SetSource(Source) override {}  // memory loses nothing

 private:
  std::map<FunctionId, FunctionRecord> functions_;
  std::map<DriverId, std::set<FunctionId>> by_driver_;
};

class MemoryTaskTable : public TaskTable {
 public:
  void Put(const TaskRecord& task) override {
    TaskRecord& stored = tasks_[task.id];
    stored.id = task.id;
    MergeTask(task, &stored);
  }
  void Remove(const TaskId& id) override { tasks_.erase(id); }
  void Get(const TaskId& id, Callback<std::optional<TaskRecord>> done) override {
    done(Find(tasks_, id));
  }
  void List(Callback<std::vector<TaskRecord>> done) override { done(Values(tasks_)); }

 private:
  std::map<TaskId, TaskRecord> tasks_;
};

class MemoryActorTable : public ActorTable {
 public:
  void Put(const ActorRecord& actor) override { actors_[actor.id] = actor; }
  void Remove(const TaskId& id) override { actors_.erase(id); }
  void List(Callback<std::vector<ActorRecord>> done) override { done(Values(actors_)); }

 private:
  std::map<TaskId, ActorRecord> actors_;
};

class MemoryObjectTable : public ObjectTable {
 public:
  void AddLocation(const ObjectId& id, const NodeId& node, uint64_t size) override {
    objects_[id][node] = size;
  }
  void RemoveLocation(const ObjectId& id, const NodeId& node) override {
    const auto it = objects_.find(id);
    if (it == objects_.end()) return;
    it->second.erase(node);
    if (it->second.empty()) objects_.erase(it);
  }
  void Get(const ObjectId& id, Callback<std::optional<ObjectRecord>> done) override {
    const auto it = objects_.find(id);
    if (it == objects_.end()) return done(std::optional<ObjectRecord>());
    done(std::optional<ObjectRecord>(Record(id, it->second)));
  }
  void List(Callback<std::vector<ObjectRecord>> done) override {
    std::vector<ObjectRecord> records;
    for (const auto& [id, sizes] : objects_) records.push_back(Record(id, sizes));
    done(std::move(records));
  }

 private:
  static ObjectRecord Record(const ObjectId& id, const std::map<NodeId, uint64_t>& sizes) {
    ObjectRecord record;
    record.id = id;
    for (const auto& [node, size] : sizes) {
      record.size = std::max(record.size, size);
      record.locations.push_back(node);
    }
    return record;
  }

  std::map<ObjectId, std::map<NodeId, uint64_t>> objects_;
};

class MemoryErrorTable : public ErrorTable {
 public:
  void Append(const ErrorRecord& error) override {
    std::deque<ErrorRecord>& errors = errors_[error.driver];
    errors.push_back(error);
    if (errors.size() > limits::kErrorsKept) errors.pop_front();
  }
  void List(const DriverId& driver, Callback<std::vector<ErrorRecord>> done) override {
    const auto it = errors_.find(driver);
    if (it == errors_.end()) return done(std::vector<ErrorRecord>());
    done(std::vector<ErrorRecord>(it->second.begin(), it->second.end()));
  }

 private:
  std::map<DriverId, std::deque<ErrorRecord>> errors_;
};

class MemoryCounterTable : public CounterTable {
 public:
  void Add(std::string_view name, int64_t amount) override { totals_[std::string(name)] += amount; }
  void List(Callback<std::vector<std::pair<std::string, int64_t>>> done) override {
    done(std::vector<std::pair<std::string, int64_t>>(totals_.begin(), totals_.end()));
  }

 private:
  std::map<std::string, int64_t> totals_;
};

class MemoryTables : public Tables {
 public:
  NodeTable& nodes() override { return nodes_; }
  DriverTable& drivers() override { return drivers_; }
  FunctionTable& functions() override { return functions_; }
  TaskTable& tasks() override { return tasks_; }
  ActorTable& actors() override { return actors_; }
  ObjectTable& objects() override { return objects_; }
  ErrorTable& errors() override { return errors_; }
  CounterTable& counters() override { return counters_; }
  void Flush() override {}
  std::optional<int64_t> NextFlushMs() const override { return std::nullopt; }
  void Drain(int64_t, std::function<void(Status)> done) override { done(Status::Ok()); }
  bool behind() const override { return false; }
  bool connected() const override { return true; }
  Status health() const override { return Status::Ok(); }

 private:
  MemoryNodeTable nodes_;
  MemoryDriverTable drivers_;
  MemoryFunctionTable functions_;
  MemoryTaskTable tasks_;
  MemoryActorTable actors_;
  MemoryObjectTable objects_;
  MemoryErrorTable errors_;
  MemoryCounterTable counters_;
};

}  // namespace

std::unique_ptr<Tables> MakeMemoryTables() { return std::make_unique<MemoryTables>(); }

}  // namespace rayx::control
