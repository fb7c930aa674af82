#include "control/redis_reads.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"

namespace rayx::control {

void LogBadRecord(std::string_view key, const Status& why) {
  LogWarning("the control server's record '" + std::string(key) +
             "' is left out: " + why.message());
}

void ReadHash(RedisLink* link, std::string_view key, Callback<Fields> done) {
  link->Read({"HGETALL", key}, [done = std::move(done)](Result<Reply> reply) {
    if (!reply.ok()) return done(reply.status());
    done(std::move(*reply).TakePairs());
  });
}

void ReadSet(RedisLink* link, std::string_view key, Callback<std::vector<std::string>> done) {
  link->Read({"SMEMBERS", key}, [done = std::move(done)](Result<Reply> reply) {
    if (!reply.ok()) return done(reply.status());
    auto members = std::move(*reply).TakeStrings();
    if (members.ok()) std::sort(members->begin(), members->end());
    done(std::move(members));
  });
}

namespace {

// Collects the answers to one HGETALL for each key.
struct HashesRead {
  Callback<std::vector<KeyedFields>> done;
  std::vector<KeyedFields> hashes;
  size_t missing = 0;
  Status failure;

  void Finish() {
    if (!failure.ok()) return done(failure);
    std::erase_if(hashes, [](const KeyedFields& hash) { return hash.fields.empty(); });
    done(std::move(hashes));
  }
};

}  // namespace

void ReadHashes(RedisLink* link, const std::vector<std::string>& keys,
                Callback<std::vector<KeyedFields>> done) {
  if (keys.empty()) return done(std::vector<KeyedFields>());
  auto read = std::make_shared<HashesRead>();
  read->done = std::move(done);
  read->missing = keys.size();
  read->hashes.resize(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    read->hashes[i].key = keys[i];
    ReadHash(link, keys[i], [read, i](Result<Fields> fields) {
      if (fields.ok()) {
        read->hashes[i].fields = std::move(*fields);
      } else if (read->failure.ok()) {
        read->failure = fields.status();
      }
      if (--read->missing == 0) read->Finish();
    });
  }
}

namespace {

// A walk over the key spaces, one server after the other: SCAN for a page of keys, HGETALL for
// each, next page.
class Scan : public std::enable_shared_from_this<Scan> {
 public:
  Scan(std::vector<RedisLink*> links, std::string_view prefix,
       Callback<std::vector<KeyedFields>> done)
      : links_(std::move(links)), prefix_(prefix), done_(std::move(done)) {}

  void Step() {
    if (link_ == links_.size()) return Finish();
    // A server that never ends its walk, or is full of other people's keys.
    if (++steps_ > limits::kControlListRecordsMax) return TooMuch();
    const std::string pattern = prefix_ + "*";
    const std::string count = std::to_string(limits::kControlScanCount);
    links_[link_]->Read(
        {"SCAN", cursor_, "MATCH", pattern, "COUNT", count},
        [self = shared_from_this()](Result<Reply> reply) { self->OnPage(std::move(reply)); });
  }

 private:
  void OnPage(Result<Reply> reply) {
    if (!reply.ok()) return done_(reply.status());
    // [next cursor, [key, …]]
    if (!reply->Is(Reply::Type::kArray) || reply->elements.size() != 2) {
      return done_(
          Status::ProtocolError("the control server answered SCAN with " + reply->Describe()));
    }
    auto cursor = std::move(reply->elements[0]).TakeString();
    auto keys = std::move(reply->elements[1]).TakeStrings();
    if (!cursor.ok()) return done_(cursor.status());
    if (!keys.ok()) return done_(keys.status());
    cursor_ = std::move(*cursor);
    // A key may come twice.
    std::erase_if(*keys, [this](const std::string& key) {
      return !key.starts_with(prefix_) || found_.contains(key);
    });
    ReadHashes(links_[link_], *keys,
               [self = shared_from_this()](Result<std::vector<KeyedFields>> hashes) {
                 self->OnHashes(std::move(hashes));
               });
  }

  void OnHashes(Result<std::vector<KeyedFields>> hashes) {
    if (!hashes.ok()) return done_(hashes.status());
    for (KeyedFields& hash : *hashes) found_[std::move(hash.key)] = std::move(hash.fields);
    if (found_.size() > limits::kControlListRecordsMax) return TooMuch();
    if (cursor_ == "0") ++link_;
    Step();
  }

  void Finish() {
    std::vector<KeyedFields> hashes;
    hashes.reserve(found_.size());
    for (auto& [key, fields] : found_) hashes.push_back({key, std::move(fields)});
    done_(std::move(hashes));
  }

  void TooMuch() {
    done_(Status::ProtocolError("the control server holds too many records '" + prefix_ +
                                "*' to list"));
  }

  const std::vector<RedisLink*> links_;
  const std::string prefix_;
  const Callback<std::vector<KeyedFields>> done_;
  size_t link_ = 0;
  size_t steps_ = 0;
  std::string cursor_ = "0";
  std::map<std::string, Fields> found_;
};

}  // namespace

void ScanHashes(std::vector<RedisLink*> links, std::string_view prefix,
                Callback<std::vector<KeyedFields>> done) {
  std::make_shared<Scan>(std::move(links), prefix, std::move(done))->Step();
}

}  // namespace rayx::control
