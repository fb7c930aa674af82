#include "control/redis_local_tables.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/sparse_table.h"
#include "control/records.h"
#include "control/redis_reads.h"
#include "control/redis_writes.h"
#include "control/schema.h"

namespace rayx::control {
namespace {

template <typename Record>
Callback<Fields> ParseThen(Result<Record> parsed_by(const decltype(Record::id)&, const Fields&),
                           const decltype(Record::id)& id, Callback<std::optional<Record>> done) {
  return [parsed_by, id, done = std::move(done)](Result<Fields> fields) {
    if (!fields.ok()) return done(fields.status());
    if (fields->empty()) return done(std::optional<Record>());
    auto record = parsed_by(id, *fields);
    if (!record.ok()) return done(record.status());
    done(std::optional<Record>(std::move(*record)));
  };
}

template <typename Record>
Callback<std::vector<KeyedFields>> ParseAllThen(
    Result<Record> parsed_by(const decltype(Record::id)&, const Fields&), std::string_view prefix,
    Callback<std::vector<Record>> done) {
  return [parsed_by, prefix, done = std::move(done)](Result<std::vector<KeyedFields>> hashes) {
    if (!hashes.ok()) return done(hashes.status());
    done(ParseRecords<Record, decltype(Record::id)>(*hashes, prefix, parsed_by));
  };
}

}  // namespace

// ---- tasks -----------------------------------------------------------------------------------

RedisTaskTable::RedisTaskTable(RedisShards* shards)
    : shards_(shards),
      late_(shards, "task", [this](const TaskId& id, const Change& change, RedisLink::Loss loss) {
        Write(id, change, loss);
      }) {}

void RedisTaskTable::Put(const TaskRecord& task) {
  Change& change = late_.At(task.id);
  change.put = true;
  change.record.id = task.id;
  MergeTask(task, &change.record);
}

void RedisTaskTable::Remove(const TaskId& id) {
  const Change* waiting = late_.Find(id);
  const bool unknown_to_server = waiting != nullptr && !waiting->remove && !written_.contains(id);
  if (unknown_to_server) {
    late_.Forget(id);
  } else {
    late_.At(id) = {.remove = true, .put = false, .record = {}};
  }
}

void RedisTaskTable::Write(const TaskId& id, const Change& change, RedisLink::Loss loss) {
  RedisLink* link = shards_->For(id);
  const std::string key = schema::Key(schema::kTask, id);
  if (change.remove) link->Write({"DEL", key}, loss);
  if (change.put) {
    WriteHash(link, key, TaskFields(change.record), loss);
    written_.insert(id);
  } else {
    written_.erase(id);
    ShrinkIfSparse(written_);
  }
}

void RedisTaskTable::Get(const TaskId& id, Callback<std::optional<TaskRecord>> done) {
  late_.WriteNow(id);
  ReadHash(shards_->For(id), schema::Key(schema::kTask, id),
           ParseThen(&ParseTask, id, std::move(done)));
}

void RedisTaskTable::List(Callback<std::vector<TaskRecord>> done) {
  late_.WriteOutAll();
  ScanHashes(shards_->All(), schema::kTask,
             ParseAllThen(&ParseTask, schema::kTask, std::move(done)));
}

// ---- objects ---------------------------------------------------------------------------------

RedisObjectTable::RedisObjectTable(RedisShards* shards)
    : shards_(shards),
      late_(shards, "object",
            [this](const ObjectId& id, const Changes& changes, RedisLink::Loss loss) {
              Write(id, changes, loss);
            }) {}

void RedisObjectTable::Change(const ObjectId& id, const NodeId& node,
                              std::optional<uint64_t> size) {
  Changes& changes = late_.At(id);
  const auto same_node = [&node](const auto& change) { return change.first == node; };
  const auto it = std::find_if(changes.begin(), changes.end(), same_node);
  if (it == changes.end()) {
    changes.emplace_back(node, size);
  } else if (!size && it->second && !written_.contains({id, node})) {
    changes.erase(it);
    if (changes.empty()) late_.Forget(id);
  } else {
    it->second = size;
  }
}

void RedisObjectTable::AddLocation(const ObjectId& id, const NodeId& node, uint64_t size) {
  Change(id, node, size);
}

void RedisObjectTable::RemoveLocation(const ObjectId& id, const NodeId& node) {
  Change(id, node, std::nullopt);
}

void RedisObjectTable::Write(const ObjectId& id, const Changes& changes, RedisLink::Loss loss) {
  RedisLink* link = shards_->For(id);
  const std::string key = schema::Key(schema::kObject, id);
  for (const auto& [node, size] : changes) {
    const auto [field, text] = LocationField(node, size.value_or(0));
    if (size) {
      link->Write({"HSET", key, field, text}, loss);
      written_.insert({id, node});
    } else {
      // The server removes a hash with its last field.
      link->Write({"HDEL", key, field}, loss);
      written_.erase({id, node});
      ShrinkIfSparse(written_);
    }
  }
}

void RedisObjectTable::Get(const ObjectId& id, Callback<std::optional<ObjectRecord>> done) {
  late_.WriteNow(id);
  ReadHash(shards_->For(id), schema::Key(schema::kObject, id),
           ParseThen(&ParseObject, id, std::move(done)));
}

void RedisObjectTable::List(Callback<std::vector<ObjectRecord>> done) {
  late_.WriteOutAll();
  ScanHashes(shards_->All(), schema::kObject,
             ParseAllThen(&ParseObject, schema::kObject, std::move(done)));
}

// ---- counters --------------------------------------------------------------------------------

void RedisCounterTable::Add(std::string_view name, int64_t amount) {
  auto it = totals_.find(name);
  if (it == totals_.end()) it = totals_.emplace(name, Total()).first;
  it->second.value += amount;
  it->second.changed = true;
  pending_ = true;
}

size_t RedisCounterTable::WriteOut() {
  if (!pending_) return 0;
  Fields fields;
  for (auto& [name, total] : totals_) {
    if (std::exchange(total.changed, false)) {
      fields.push_back(CounterField(writer_, name, total.value));
    }
  }
  // A total is never dropped: the next one may be far away.
  WriteHash(shards_->primary(), schema::kCounters, fields, RedisLink::Loss::kMustArrive);
  pending_ = false;
  return fields.size();
}

void RedisCounterTable::List(Callback<std::vector<std::pair<std::string, int64_t>>> done) {
  WriteOut();
  ReadHash(shards_->primary(), schema::kCounters, [done = std::move(done)](Result<Fields> fields) {
    if (!fields.ok()) return done(fields.status());
    const auto totals = ParseCounters(*fields);
    if (!totals.ok()) return done(totals.status());
    done(std::vector<std::pair<std::string, int64_t>>(totals->begin(), totals->end()));
  });
}

}  // namespace rayx::control
