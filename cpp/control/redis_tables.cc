#include "control/redis_tables.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/limits.h"
#include "common/os/random_bytes.h"
#include "control/redis_driver_tables.h"
#include "control/redis_local_tables.h"
#include "control/redis_node_table.h"
#include "control/redis_shards.h"
#include "control/schema.h"

namespace rayx::control {
namespace {

// Names this process among all that write, also after a restart with the same node id.
std::string RandomWriter() {
  std::array<uint8_t, 8> bytes;
  FillRandom(bytes);
  return ToHex(bytes.data(), bytes.size());
}

class RedisTables : public Tables {
 public:
  RedisTables(EventLoop* loop, const std::vector<RedisEndpoint>& endpoints,
              const std::string& writer)
      : loop_(loop),
        shards_(loop, endpoints),
        nodes_(loop, &shards_, endpoints[schema::kPrimary]),
        drivers_(&shards_),
        functions_(&shards_),
        tasks_(&shards_),
        actors_(&shards_),
        objects_(&shards_),
        errors_(&shards_, writer),
        counters_(&shards_, writer) {
    for (size_t shard = 0; shard < shards_.count(); ++shard) {
      shards_.link(shard)->set_on_again([this, shard] { WriteAgain(shard); });
    }
  }

  NodeTable& nodes() override { return nodes_; }
  DriverTable& drivers() override { return drivers_; }
  FunctionTable& functions() override { return functions_; }
  TaskTable& tasks() override { return tasks_; }
  ActorTable& actors() override { return actors_; }
  ObjectTable& objects() override { return objects_; }
  ErrorTable& errors() override { return errors_; }
  CounterTable& counters() override { return counters_; }

  void Flush() override;
  std::optional<int64_t> NextFlushMs() const override { return write_out_at_ms_; }
  void Drain(int64_t timeout_ms, std::function<void(Status)> done) override;
  bool behind() const override;
  bool connected() const override { return shards_.health().ok(); }
  Status health() const override { return shards_.health(); }

 private:
  bool CanTake(size_t shard) const;
  // Updates of tasks and objects that have not been handed to a link.
  size_t waiting() const;
  bool AnythingToWriteOut() const;
  void WriteOutSome();
  void WriteOutAll();
  // To a server that is there again, and may have lost what it had acknowledged.
  void WriteAgain(size_t shard);
  void GiveBackMemory();

  EventLoop* const loop_;
  RedisShards shards_;
  RedisNodeTable nodes_;
  RedisDriverTable drivers_;
  RedisFunctionTable functions_;
  RedisTaskTable tasks_;
  RedisActorTable actors_;
  RedisObjectTable objects_;
  RedisErrorTable errors_;
  RedisCounterTable counters_;
  // When coalesced changes are due; nothing while there are none that a server would take.
  std::optional<int64_t> write_out_at_ms_;
  // The most records that the servers have had since they were told to give memory back.
  size_t records_most_ = 0;
};

void RedisTables::WriteAgain(size_t shard) {
  if (shard == schema::kPrimary) {
    nodes_.WriteAgain();
    drivers_.WriteAgain();
    actors_.WriteAgain();
    errors_.WriteAgain();
  }
  functions_.WriteAgain(shard);
}

// A server that is away or behind gets no coalesced changes: they merge further while they wait
// here.
bool RedisTables::CanTake(size_t shard) const {
  const RedisLink* link = shards_.link(shard);
  return link->connected() && link->unacknowledged() < 2 * limits::kControlRecordsPerFlush;
}

size_t RedisTables::waiting() const {
  size_t waiting = 0;
  for (size_t shard = 0; shard < shards_.count(); ++shard) {
    waiting += tasks_.late().count(shard) + objects_.late().count(shard);
  }
  return waiting;
}

bool RedisTables::behind() const {
  return waiting() > limits::kControlRecordsPerFlush && connected();
}

bool RedisTables::AnythingToWriteOut() const {
  if (counters_.pending() && CanTake(schema::kPrimary)) return true;
  for (size_t shard = 0; shard < shards_.count(); ++shard) {
    if (CanTake(shard) && tasks_.late().count(shard) + objects_.late().count(shard) > 0)
      return true;
  }
  return false;
}

void RedisTables::Flush() {
  nodes_.Flush();
  functions_.Flush();
  const int64_t now_ms = loop_->now_ms();
  if (!AnythingToWriteOut()) {
    write_out_at_ms_.reset();
  } else if (!write_out_at_ms_) {
    write_out_at_ms_ = now_ms + limits::kControlFlushMs;
  } else if (*write_out_at_ms_ <= now_ms) {
    WriteOutSome();
    write_out_at_ms_.reset();
    if (AnythingToWriteOut()) write_out_at_ms_ = now_ms + limits::kControlFlushMs;
  }
  GiveBackMemory();
  shards_.Flush();
}

void RedisTables::WriteOutSome() {
  if (CanTake(schema::kPrimary)) counters_.WriteOut();
  // What a burst has left to be removed, more than a flush's worth many times over, goes within
  // seconds, as its memory here and on the servers goes with it.
  constexpr size_t kFlushesToWait = 16;
  size_t budget = std::max(limits::kControlRecordsPerFlush, waiting() / kFlushesToWait);
  // Objects first: other nodes may look for them.
  for (size_t shard = 0; shard < shards_.count(); ++shard) {
    if (!CanTake(shard)) continue;
    const size_t share = std::max<size_t>(1, budget / (shards_.count() - shard));
    size_t written = objects_.late().WriteOut(shard, share);
    written += tasks_.late().WriteOut(shard, share - written);
    budget -= std::min(budget, written);
  }
}

// A server on the heap of the C library keeps all that a burst's records have taken: freeing gives
// back only what lies at the end, and something always lies there. Of the commands, this one calls
// malloc_trim. There are no scripts, so it does nothing else, and servers with a heap of their own
// need no such help. 13 ms of the server for 70 MB.
void RedisTables::GiveBackMemory() {
  const size_t records = tasks_.written() + objects_.written();
  records_most_ = std::max(records_most_, records);
  if (records_most_ < limits::kControlBurstRecords || records * 4 > records_most_) return;
  records_most_ = records;
  for (RedisLink* link : shards_.All()) link->Write({"SCRIPT", "FLUSH", "SYNC"});
}

void RedisTables::WriteOutAll() {
  counters_.WriteOut();
  objects_.late().WriteOutAll();
  tasks_.late().WriteOutAll();
}

// A question behind all writes: its answer comes when they have theirs.
void RedisTables::Drain(int64_t timeout_ms, std::function<void(Status)> done) {
  struct Answers {
    std::function<void(Status)> done;
    size_t missing = 0;
    Status failure;
  };
  nodes_.Flush();
  WriteOutAll();
  auto answers = std::make_shared<Answers>();
  answers->done = std::move(done);
  answers->missing = shards_.count();
  for (RedisLink* link : shards_.All()) {
    link->Read(
        {"EXISTS", schema::kNodeIds},
        [answers](const Result<Reply>& reply) {
          if (answers->failure.ok()) answers->failure = reply.status();
          if (--answers->missing == 0) answers->done(answers->failure);
        },
        timeout_ms);
  }
  shards_.Flush();
}

}  // namespace

std::vector<RedisEndpoint> EndpointsOf(const RedisOptions& options) {
  std::vector<RedisEndpoint> endpoints;
  for (const RedisAddress& address : options.shards) {
    endpoints.push_back({.path = address.unix_path,
                         .user = std::string(schema::kUser),
                         .password = options.password,
                         .dial = address.dial});
  }
  return endpoints;
}

std::unique_ptr<Tables> MakeRedisTables(EventLoop* loop, const RedisOptions& options) {
  return std::make_unique<RedisTables>(loop, EndpointsOf(options), RandomWriter());
}

}  // namespace rayx::control
