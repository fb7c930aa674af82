#include "control/redis_driver_tables.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
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
  const auto own = own_.find(driver);
  if (own != own_.end()) {
    if (own->second.ended_at == 0) ended_.push_back(driver);
    own->second.ended_at = now;
  }
  if (ended_.size() > kEndedKept) {
    own_.erase(ended_.front());
    ended_.pop_front();
  }
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
  own_[driver].insert(function.id);
  Write(driver, function);
}

void RedisFunctionTable::Write(const DriverId& driver, const FunctionRecord& function) {
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
  const auto own = own_.find(driver);
  if (own != own_.end()) own->second.erase(id);
  shards_->For(id)->Write({"DEL", schema::Key(schema::kFunction, id)});
  shards_->primary()->Write({"SREM", schema::Key(schema::kDriverFunctions, driver), id.Hex()});
}

void RedisFunctionTable::RemoveDriver(const DriverId& driver) {
  own_.erase(driver);
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

void RedisFunctionTable::WriteAgain(size_t shard) {
  if (shard == schema::kPrimary) ListAgain();
  auto search = std::make_shared<Search>();
  for (const auto& [driver, ids] : own_) {
    for (const FunctionId& id : ids) {
      if (schema::ShardOf(id, shards_->count()) == shard)
        search->functions.emplace_back(driver, id);
    }
  }
  searches_[shard] = search;
  SearchSome(shard, search);
}

// The lists are small, so that it is not asked what the server has of them.
void RedisFunctionTable::ListAgain() {
  constexpr size_t kPerCommand = 500;
  for (const auto& [driver, ids] : own_) {
    const std::string key = schema::Key(schema::kDriverFunctions, driver);
    for (auto id = ids.begin(); id != ids.end();) {
      std::vector<std::string> texts;
      for (; id != ids.end() && texts.size() < kPerCommand; ++id) texts.push_back(id->Hex());
      std::vector<std::string_view> words = {"SADD", key};
      words.insert(words.end(), texts.begin(), texts.end());
      shards_->primary()->Write(words);
    }
  }
}

// The next are asked for when these have been answered, so behind what was missing of these: what
// waits for the server is never more than they are.
void RedisFunctionTable::SearchSome(size_t shard, const std::shared_ptr<Search>& search) {
  constexpr size_t kAtATime = 64;
  const size_t end = std::min(search->next + kAtATime, search->functions.size());
  search->unanswered = end - search->next;
  for (; search->next < end; ++search->next) {
    const auto& [driver, id] = search->functions[search->next];
    const auto on_reply = [this, shard, search, driver = driver, id = id](Result<Reply> reply) {
      if (searches_[shard] != search) return;
      const Result<int64_t> there = reply.ok() ? reply->AsInteger() : reply.status();
      const auto own = own_.find(driver);
      const bool is_wanted = own != own_.end() && own->second.contains(id);
      if (there.ok() && *there == 0 && is_wanted && source_) {
        const std::optional<FunctionRecord> function = source_(id);
        if (function) Write(driver, *function);
      }
      if (--search->unanswered == 0) SearchSome(shard, search);
    };
    shards_->link(shard)->Read({"EXISTS", schema::Key(schema::kFunction, id)}, on_reply);
  }
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
  const std::string serial = writer_ + "-" + std::to_string(++appended_);
  kept_.push_back({error.driver, serial, ErrorLine(serial, error)});
  kept_bytes_ += kept_.back().line.size();
  Write(error.driver, kept_.back().line);
  while (kept_.size() > kKept || kept_bytes_ > kKeptBytes) {
    kept_bytes_ -= kept_.front().line.size();
    kept_.pop_front();
  }
}

void RedisErrorTable::Write(const DriverId& driver, const std::string& line) {
  const std::string key = schema::Key(schema::kErrors, driver);
  const std::string oldest = "-" + std::to_string(limits::kErrorsKept);
  RedisLink* primary = shards_->primary();
  // May be dropped in a flood: only the newest are kept anyway.
  primary->Write({"RPUSH", key, line}, RedisLink::Loss::kMayBeDropped);
  primary->Write({"LTRIM", key, oldest, "-1"}, RedisLink::Loss::kMayBeDropped);
}

void RedisErrorTable::WriteAgain() {
  // A reply has a limit, and lines may be long, so they are asked for in parts.
  constexpr size_t kLinesPerReply = 40;
  static_assert(limits::kErrorsKept % kLinesPerReply == 0);
  static_assert(kLinesPerReply * limits::kErrorBytesMax < limits::kControlReplyBytesMax);
  std::set<DriverId> drivers;
  for (const Appended& one : kept_) drivers.insert(one.driver);
  ++round_;
  for (const DriverId& driver : drivers) {
    auto there = std::make_shared<Listed>();
    for (size_t left = limits::kErrorsKept; left > 0; left -= kLinesPerReply) {
      const std::string first = "-" + std::to_string(left);
      const std::string last = "-" + std::to_string(left - kLinesPerReply + 1);
      const bool is_last = left == kLinesPerReply;
      shards_->primary()->Read({"LRANGE", schema::Key(schema::kErrors, driver), first, last},
                               [this, driver, there, is_last, round = round_](Result<Reply> reply) {
                                 if (round != round_)
                                   return;  // its parts are of before and after a reconnection
                                 const auto lines =
                                     reply.ok() ? std::move(*reply).TakeStrings() : reply.status();
                                 if (!lines.ok()) return;
                                 there->lines += lines->size();
                                 for (const std::string& line : *lines) {
                                   there->serials.insert(line.substr(0, line.find('\t')));
                                 }
                                 if (is_last) WriteMissing(driver, *there);
                               });
    }
  }
}

void RedisErrorTable::WriteMissing(const DriverId& driver, const Listed& there) {
  const auto is_there = [&](const Appended& one) { return there.serials.contains(one.serial); };
  auto one = kept_.begin();
  if (there.lines >= limits::kErrorsKept) {
    // What is older than the first that is there was not lost: newer ones have taken its place, of
    // which copies count, too.
    const auto oldest = std::find_if(kept_.begin(), kept_.end(), is_there);
    if (oldest != kept_.end()) one = oldest;
  }
  for (; one != kept_.end(); ++one) {
    if (one->driver == driver && !is_there(*one)) Write(driver, one->line);
  }
}

void RedisErrorTable::List(const DriverId& driver, Callback<std::vector<ErrorRecord>> done) {
  const std::string key = schema::Key(schema::kErrors, driver);
  shards_->primary()->Read(
      {"LRANGE", key, "0", "-1"}, [driver, key, done = std::move(done)](Result<Reply> reply) {
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
        // Those that were written again stand behind newer ones.
        std::stable_sort(errors.begin(), errors.end(),
                         [](const auto& a, const auto& b) { return a.time < b.time; });
        done(std::move(errors));
      });
}

}  // namespace rayx::control
