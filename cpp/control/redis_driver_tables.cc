#include "control/redis_driver_tables.h"

#include <set>
#include <utility>

#include "common/base/limits.h"
#include "control/field_text.h"
#include "control/records.h"
#include "control/redis_reads.h"
#include "control/redis_writes.h"
#include "control/schema.h"

namespace rayx::control {

// ---- drivers ---------------------------------------------------------------------------------

void RedisDriverTable::Register(const DriverRecord& driver) {
  own_.insert_or_assign(driver.id, driver);
  Write(driver);
}

void RedisDriverTable::WriteAgain() {
  for (const auto& [id, driver] : own_) Write(driver);
}

void RedisDriverTable::Write(const DriverRecord& driver) {
  RedisLink* primary = shards_->primary();
  WriteHash(primary, schema::Key(schema::kDriver, driver.id), DriverFields(driver),
            RedisLink::Loss::kMustArrive);
  primary->Write({"SADD", schema::kDriverIds, driver.id.Hex()});
}

void RedisDriverTable::MarkEnded(const DriverId& driver, double now) {
  own_.erase(driver);
  const std::string key = schema::Key(schema::kDriver, driver);
  shards_->primary()->Write({"HSET", key, schema::kEndedAt, TextOf(now)});
}

void RedisDriverTable::List(Callback<std::vector<DriverRecord>> done) {
  ReadIndexed<DriverRecord, DriverId>(shards_->primary(), schema::kDriverIds, schema::kDriver,
                                      &ParseDriver, std::move(done));
}

// ---- functions -------------------------------------------------------------------------------

void RedisFunctionTable::Put(const DriverId& driver, const FunctionRecord& function) {
  // The list first: a function that is listed and missing does no harm, one that is not listed
  // stays for ever.
  shards_->primary()->Write(
      {"SADD", schema::Key(schema::kDriverFunctions, driver), function.id.Hex()});
  WriteHash(shards_->For(function.id), schema::Key(schema::kFunction, function.id),
            FunctionFields(driver, function), RedisLink::Loss::kMustArrive);
}

void RedisFunctionTable::Get(const FunctionId& id, Callback<std::optional<FunctionRecord>> done) {
  ReadHash(shards_->For(id), schema::Key(schema::kFunction, id),
           [id, done = std::move(done)](Result<Fields> fields) {
             if (!fields.ok()) return done(fields.status());
             if (fields->empty()) return done(std::optional<FunctionRecord>());
             auto function = ParseFunction(id, *fields);
             if (!function.ok()) return done(function.status());
             done(std::optional<FunctionRecord>(std::move(*function)));
           });
}

void RedisFunctionTable::Remove(const DriverId& driver, const FunctionId& id) {
  shards_->For(id)->Write({"DEL", schema::Key(schema::kFunction, id)});
  shards_->primary()->Write({"SREM", schema::Key(schema::kDriverFunctions, driver), id.Hex()});
}

void RedisFunctionTable::RemoveDriver(const DriverId& driver) {
  ReadSet(shards_->primary(), schema::Key(schema::kDriverFunctions, driver),
          [this, driver](Result<std::vector<std::string>> ids) {
            if (!ids.ok()) return to_remove_.push_back(driver);
            OnFunctionsOf(driver, *ids);
          });
}

void RedisFunctionTable::OnFunctionsOf(const DriverId& driver,
                                       const std::vector<std::string>& ids) {
  for (const std::string& text : ids) {
    const auto id = FunctionId::FromHexString(text);
    if (id) shards_->For(*id)->Write({"DEL", schema::Key(schema::kFunction, *id)});
  }
  shards_->primary()->Write({"DEL", schema::Key(schema::kDriverFunctions, driver)});
}

void RedisFunctionTable::Flush() {
  if (to_remove_.empty() || !shards_->primary()->connected()) return;
  for (const DriverId& driver : std::exchange(to_remove_, {})) RemoveDriver(driver);
}

// ---- actors ----------------------------------------------------------------------------------

void RedisActorTable::Put(const ActorRecord& actor) {
  own_.insert_or_assign(actor.id, actor);
  Write(actor);
}

void RedisActorTable::WriteAgain() {
  for (const auto& [id, actor] : own_) Write(actor);
}

void RedisActorTable::Write(const ActorRecord& actor) {
  RedisLink* primary = shards_->primary();
  WriteHash(primary, schema::Key(schema::kActor, actor.id), ActorFields(actor),
            RedisLink::Loss::kMustArrive);
  primary->Write({"SADD", schema::kActorIds, actor.id.Hex()});
}

void RedisActorTable::Remove(const TaskId& id) {
  own_.erase(id);
  RedisLink* primary = shards_->primary();
  primary->Write({"DEL", schema::Key(schema::kActor, id)});
  primary->Write({"SREM", schema::kActorIds, id.Hex()});
}

void RedisActorTable::List(Callback<std::vector<ActorRecord>> done) {
  ReadIndexed<ActorRecord, TaskId>(shards_->primary(), schema::kActorIds, schema::kActor,
                                   &ParseActor, std::move(done));
}

// ---- errors ----------------------------------------------------------------------------------

void RedisErrorTable::Append(const ErrorRecord& error) {
  const std::string key = schema::Key(schema::kErrors, error.driver);
  const std::string serial = writer_ + "-" + std::to_string(++appended_);
  const std::string oldest = "-" + std::to_string(limits::kErrorsKept);
  RedisLink* primary = shards_->primary();
  // May be dropped in a flood: only the newest are kept anyway.
  primary->Write({"RPUSH", key, ErrorLine(serial, error)}, RedisLink::Loss::kMayBeDropped);
  primary->Write({"LTRIM", key, oldest, "-1"}, RedisLink::Loss::kMayBeDropped);
}

void RedisErrorTable::List(const DriverId& driver, Callback<std::vector<ErrorRecord>> done) {
  const std::string key = schema::Key(schema::kErrors, driver);
  shards_->primary()->Read({"LRANGE", key, "0", "-1"},
                           [driver, key, done = std::move(done)](Result<Reply> reply) {
                             if (!reply.ok()) return done(reply.status());
                             const auto lines = std::move(*reply).TakeStrings();
                             if (!lines.ok()) return done(lines.status());
                             std::vector<ErrorRecord> errors;
                             std::set<std::string> serials;
                             for (const std::string& line : *lines) {
                               auto numbered = ParseErrorLine(driver, line);
                               if (!numbered.ok()) {
                                 LogBadRecord(key, numbered.status());
                               } else if (serials.insert(std::move(numbered->serial)).second) {
                                 // A second copy was sent again after a lost connection.
                                 errors.push_back(std::move(numbered->error));
                               }
                             }
                             done(std::move(errors));
                           });
}

}  // namespace rayx::control
