// The tables of what mostly stays on its node: tasks, objects and counters. Changes wait a few tens
// of milliseconds and are merged meanwhile: several updates of a task become one command, and what
// comes and goes between two write-outs is never written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "control/late_writes.h"
#include "control/redis_shards.h"
#include "control/tables.h"

namespace rayx::control {

class RedisTaskTable : public TaskTable {
 public:
  explicit RedisTaskTable(RedisShards* shards);
  void Put(const TaskRecord& task) override;
  void Remove(const TaskId& id) override;
  void Get(const TaskId& id, Callback<std::optional<TaskRecord>> done) override;
  void List(Callback<std::vector<TaskRecord>> done) override;

  struct Change {
    bool remove = false;  // first
    bool put = false;
    TaskRecord record;
  };
  LateWrites<TaskId, Change>& late() { return late_; }
  const LateWrites<TaskId, Change>& late() const { return late_; }
  // Records that the servers have of this process.
  size_t written() const { return written_.size(); }

 private:
  void Write(const TaskId& id, const Change& change, RedisLink::Loss loss);

  RedisShards* const shards_;
  LateWrites<TaskId, Change> late_;
  // What this process has written and not removed: only those need removing.
  std::unordered_set<TaskId> written_;
};

class RedisObjectTable : public ObjectTable {
 public:
  explicit RedisObjectTable(RedisShards* shards);
  void AddLocation(const ObjectId& id, const NodeId& node, uint64_t size) override;
  void RemoveLocation(const ObjectId& id, const NodeId& node) override;
  void Get(const ObjectId& id, Callback<std::optional<ObjectRecord>> done) override;
  void List(Callback<std::vector<ObjectRecord>> done) override;

  // By node, nearly always one: this one. The size, or nothing for a location that is gone.
  using Changes = std::vector<std::pair<NodeId, std::optional<uint64_t>>>;
  LateWrites<ObjectId, Changes>& late() { return late_; }
  const LateWrites<ObjectId, Changes>& late() const { return late_; }
  // Locations that the servers have of this process.
  size_t written() const { return written_.size(); }

 private:
  using Location = std::pair<ObjectId, NodeId>;
  struct LocationHash {
    size_t operator()(const Location& location) const {
      return location.first.Hash() ^ (location.second.Hash() * 31);
    }
  };

  void Change(const ObjectId& id, const NodeId& node, std::optional<uint64_t> size);
  void Write(const ObjectId& id, const Changes& changes, RedisLink::Loss loss);

  RedisShards* const shards_;
  LateWrites<ObjectId, Changes> late_;
  // What this process has written and not removed: only those need removing.
  std::unordered_set<Location, LocationHash> written_;
};

class RedisCounterTable : public CounterTable {
 public:
  // `writer` is different for each process that writes.
  RedisCounterTable(RedisShards* shards, std::string writer)
      : shards_(shards), writer_(std::move(writer)) {}
  void Add(std::string_view name, int64_t amount) override;
  void List(Callback<std::vector<std::pair<std::string, int64_t>>> done) override;

  // All at once: counters are few.
  size_t WriteOut();
  bool pending() const { return pending_; }

 private:
  struct Total {
    int64_t value = 0;
    bool changed = false;
  };

  RedisShards* const shards_;
  const std::string writer_;
  std::map<std::string, Total, std::less<>> totals_;
  bool pending_ = false;
};

}  // namespace rayx::control
