// The tables of drivers, and of what belongs to one: functions, actors and errors. Written at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/redis_shards.h"
#include "control/tables.h"

namespace rayx::control {

class RedisDriverTable : public DriverTable {
 public:
  // Drivers that have ended of which a server that has lost them is told again.
  static constexpr size_t kEndedKept = 100;

  explicit RedisDriverTable(RedisShards* shards) : shards_(shards) {}
  void Register(const DriverRecord& driver) override;
  void MarkEnded(const DriverId& driver, double now) override;
  void List(Callback<std::vector<DriverRecord>> done) override;
  // Queues the drivers that this process has registered, but for those that have ended long ago: a
  // server that came back may have lost them, or their end.
  void WriteAgain();

 private:
  void Write(const DriverRecord& driver);

  RedisShards* const shards_;
  std::map<DriverId, DriverRecord> own_;
  std::deque<DriverId> ended_;  // of own_, in the order of their ends
};

class RedisActorTable : public ActorTable {
 public:
  explicit RedisActorTable(RedisShards* shards) : shards_(shards) {}
  void Put(const ActorRecord& actor) override;
  void Remove(const TaskId& id) override;
  void List(Callback<std::vector<ActorRecord>> done) override;
  // As that of the drivers: what this process has put and not removed.
  void WriteAgain();

 private:
  void Write(const ActorRecord& actor);

  RedisShards* const shards_;
  std::map<TaskId, ActorRecord> own_;
};

class RedisFunctionTable : public FunctionTable {
 public:
  explicit RedisFunctionTable(RedisShards* shards) : shards_(shards) {}
  void Put(const DriverId& driver, const FunctionRecord& function) override;
  void Get(const FunctionId& id, Callback<std::optional<FunctionRecord>> done) override;
  void Remove(const DriverId& driver, const FunctionId& id) override;
  void RemoveDriver(const DriverId& driver) override;
  void SetSource(Source source) override { source_ = std::move(source); }

  // Finds out which of the functions that this process has put server `shard` does not have, some
  // at a time, and puts those again.
  void WriteAgain(size_t shard);
  // Goes on with removals whose list of functions could not be read. Call once a turn.
  void Flush();

 private:
  // What is looked for on a server that is there again.
  struct Search {
    std::vector<std::pair<DriverId, FunctionId>> functions;
    size_t next = 0;
    size_t unanswered = 0;
  };

  void OnFunctionsOf(const DriverId& driver, const std::vector<std::string>& ids);
  void ListAgain();
  void Write(const DriverId& driver, const FunctionRecord& function);
  void SearchSome(size_t shard, const std::shared_ptr<Search>& search);

  RedisShards* const shards_;
  Source source_;
  std::map<DriverId, std::set<FunctionId>> own_;
  // By server; one that is replaced comes to nothing.
  std::map<size_t, std::shared_ptr<Search>> searches_;
  std::vector<DriverId> to_remove_;
};

class RedisErrorTable : public ErrorTable {
 public:
  // What this process keeps of what it has appended, for a server that has lost it: the newest, of
  // all drivers together.
  static constexpr size_t kKept = 1000;
  static constexpr size_t kKeptBytes = 1u << 20;

  // `writer` is different for each process that writes.
  RedisErrorTable(RedisShards* shards, std::string writer)
      : shards_(shards), writer_(std::move(writer)) {}
  void Append(const ErrorRecord& error) override;
  void List(const DriverId& driver, Callback<std::vector<ErrorRecord>> done) override;
  // Finds out which of the errors that are kept the server does not have, and appends those again.
  void WriteAgain();

 private:
  struct Appended {
    DriverId driver;
    std::string serial;
    std::string line;
  };
  // What a server has of a driver.
  struct Listed {
    size_t lines = 0;  // with copies
    std::set<std::string> serials;
  };

  void Write(const DriverId& driver, const std::string& line);
  void WriteMissing(const DriverId& driver, const Listed& there);

  RedisShards* const shards_;
  const std::string writer_;
  uint64_t appended_ = 0;
  std::deque<Appended> kept_;  // oldest first
  size_t kept_bytes_ = 0;
  uint64_t round_ = 0;  // of WriteAgain
};

}  // namespace rayx::control
