// The tables of drivers, and of what belongs to one: functions, actors and errors. Written at once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "control/redis_shards.h"
#include "control/tables.h"

namespace rayx::control {

class RedisDriverTable : public DriverTable {
 public:
  explicit RedisDriverTable(RedisShards* shards) : shards_(shards) {}
  void Register(const DriverRecord& driver) override;
  void MarkEnded(const DriverId& driver, double now) override;
  void List(Callback<std::vector<DriverRecord>> done) override;
  // Queues the drivers that this process has registered and that have not ended: a server that came
  // back may have lost them.
  void WriteAgain();

 private:
  void Write(const DriverRecord& driver);

  RedisShards* const shards_;
  std::map<DriverId, DriverRecord> own_;
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

  // Goes on with removals whose list of functions could not be read. Call once a turn.
  void Flush();

 private:
  void OnFunctionsOf(const DriverId& driver, const std::vector<std::string>& ids);

  RedisShards* const shards_;
  std::vector<DriverId> to_remove_;
};

class RedisErrorTable : public ErrorTable {
 public:
  // `writer` is different for each process that writes.
  RedisErrorTable(RedisShards* shards, std::string writer)
      : shards_(shards), writer_(std::move(writer)) {}
  void Append(const ErrorRecord& error) override;
  void List(const DriverId& driver, Callback<std::vector<ErrorRecord>> done) override;

 private:
  RedisShards* const shards_;
  const std::string writer_;
  uint64_t appended_ = 0;
};

}  // namespace rayx::control
