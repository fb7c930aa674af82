// Questions to control servers that take more than one command.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/records.h"
#include "control/redis_link.h"
#include "control/tables.h"

namespace rayx::control {

struct KeyedFields {
  std::string key;
  Fields fields;
};

// The fields of one hash; empty if there is none.
void ReadHash(RedisLink* link, std::string_view key, Callback<Fields> done);

// The hashes of `keys`, in that order, without those that do not exist. One failed read fails all.
void ReadHashes(RedisLink* link, const std::vector<std::string>& keys,
                Callback<std::vector<KeyedFields>> done);

// All hashes whose key begins with `prefix`, on all `links`, sorted by key. Walks the servers' key
// spaces in steps and holds up nobody; meant for people who look. What comes or goes meanwhile may
// be missing. ProtocolError if there are more than limits::kControlListRecordsMax. The links must
// outlive the answer.
void ScanHashes(std::vector<RedisLink*> links, std::string_view prefix,
                Callback<std::vector<KeyedFields>> done);

// Makes records of hashes; `parse` is one of records.h. What makes no sense is logged and left out:
// one bad record must not hide the others. REQUIRES: all keys begin with `prefix`.
template <typename Record, typename IdType>
std::vector<Record> ParseRecords(const std::vector<KeyedFields>& hashes, std::string_view prefix,
                                 Result<Record> (*parse)(const IdType&, const Fields&));

// The records at `prefix` + id for each id of the set `index`, sorted by id.
template <typename Record, typename IdType>
void ReadIndexed(RedisLink* link, std::string_view index, std::string_view prefix,
                 Result<Record> (*parse)(const IdType&, const Fields&),
                 Callback<std::vector<Record>> done);

// The members of the set `key`, sorted.
void ReadSet(RedisLink* link, std::string_view key, Callback<std::vector<std::string>> done);

// The log line for a record that is left out.
void LogBadRecord(std::string_view key, const Status& why);

// --- templates ---

template <typename Record, typename IdType>
std::vector<Record> ParseRecords(const std::vector<KeyedFields>& hashes, std::string_view prefix,
                                 Result<Record> (*parse)(const IdType&, const Fields&)) {
  std::vector<Record> records;
  records.reserve(hashes.size());
  for (const KeyedFields& hash : hashes) {
    const auto id = IdType::FromHexString(std::string_view(hash.key).substr(prefix.size()));
    if (!id) {
      LogBadRecord(hash.key, Status::ProtocolError("its key has no id"));
      continue;
    }
    auto record = parse(*id, hash.fields);
    if (record.ok()) {
      records.push_back(std::move(*record));
    } else {
      LogBadRecord(hash.key, record.status());
    }
  }
  return records;
}

template <typename Record, typename IdType>
void ReadIndexed(RedisLink* link, std::string_view index, std::string_view prefix,
                 Result<Record> (*parse)(const IdType&, const Fields&),
                 Callback<std::vector<Record>> done) {
  ReadSet(link, index,
          [link, prefix, parse, done = std::move(done)](Result<std::vector<std::string>> ids) {
            if (!ids.ok()) return done(ids.status());
            for (std::string& id : *ids) id.insert(0, prefix);
            ReadHashes(link, *ids, [prefix, parse, done](Result<std::vector<KeyedFields>> hashes) {
              if (!hashes.ok()) return done(hashes.status());
              done(ParseRecords<Record, IdType>(*hashes, prefix, parse));
            });
          });
}

}  // namespace rayx::control
