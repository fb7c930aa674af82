#include "control/redis_node_table.h"

#include <optional>
#include <string>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "control/field_text.h"
#include "control/records.h"
#include "control/redis_reads.h"
#include "control/redis_writes.h"
#include "control/schema.h"

namespace rayx::control {

RedisNodeTable::RedisNodeTable(EventLoop* loop, RedisShards* shards, RedisEndpoint endpoint)
    : loop_(loop), shards_(shards), endpoint_(std::move(endpoint)) {}

// ---- writing ---------------------------------------------------------------------------------

void RedisNodeTable::Register(const NodeRecord& node) {
  NoteOwnChange(node.id);
  own_.insert_or_assign(node.id, node);
  std::erase_if(dead_, [&](const auto& dead) { return dead.first == node.id; });
  // A resource that the node had in another life must not stay.
  shards_->primary()->Write({"DEL", schema::Key(schema::kNode, node.id)});
  Write(node);
}

void RedisNodeTable::WriteAgain() {
  for (const auto& [id, node] : own_) Write(node);
  for (const auto& [id, when] : dead_) {
    // Of a server that does not know the node, nobody hears that it lived.
    shards_->primary()->Read({"EXISTS", schema::Key(schema::kNode, id)},
                             [this, id = id, when = when](Result<Reply> reply) {
                               const auto there = reply.ok() ? reply->AsInteger() : reply.status();
                               if (there.ok() && *there != 0 && !own_.contains(id)) {
                                 WriteDead(id, when);
                               }
                             });
  }
}

void RedisNodeTable::Write(const NodeRecord& node) {
  const std::string id = node.id.Hex();
  const std::string key = schema::Key(schema::kNode, node.id);
  RedisLink* primary = shards_->primary();
  WriteHash(primary, key, NodeFields(node), RedisLink::Loss::kMustArrive);
  primary->Write({"SADD", schema::kNodeIds, id});
  // The message goes last: those that hear it read the record.
  primary->Write({"PUBLISH", schema::kNodeChanged, id});
}

void RedisNodeTable::Heartbeat(const NodeId& node, double now) {
  heartbeats_[node] = now;
  if (const auto own = own_.find(node); own != own_.end()) own->second.heartbeat_at = now;
}

void RedisNodeTable::MarkDead(const NodeId& node, double now) {
  heartbeats_.erase(node);
  own_.erase(node);
  living_.erase(node);
  NoteOwnChange(node);
  dead_.emplace_back(node, now);
  if (dead_.size() > kDeadKept) dead_.pop_front();
  WriteDead(node, now);
}

void RedisNodeTable::WriteDead(const NodeId& node, double now) {
  const std::string key = schema::Key(schema::kNode, node);
  RedisLink* primary = shards_->primary();
  primary->Write({"HSET", key, schema::kAlive, "0", schema::kHeartbeatAt, TextOf(now)});
  primary->Write({"PUBLISH", schema::kNodeChanged, node.Hex()});
}

void RedisNodeTable::Flush() {
  RedisLink* primary = shards_->primary();
  // A heartbeat from before an outage is worth nothing; the next one is not far.
  if (!primary->connected()) return;
  for (const auto& [node, now] : heartbeats_) {
    const std::string key = schema::Key(schema::kNode, node);
    primary->Write({"HSET", key, schema::kHeartbeatAt, TextOf(now)},
                   RedisLink::Loss::kMayBeDropped);
  }
  heartbeats_.clear();
  if (read_all_again_) ReadAll();
}

// ---- reading ---------------------------------------------------------------------------------

void RedisNodeTable::List(Callback<std::vector<NodeRecord>> done) {
  Flush();
  Read({std::move(done), {}});
}

void RedisNodeTable::Read(Asked asked) {
  ReadIndexed<NodeRecord, NodeId>(
      shards_->primary(), schema::kNodeIds, schema::kNode, &ParseNode,
      [this, asked = std::move(asked)](Result<std::vector<NodeRecord>> nodes) {
        if (!nodes.ok()) return asked.done(nodes.status());
        OnRead(asked, *std::move(nodes));
      });
}

void RedisNodeTable::OnRead(Asked asked, std::vector<NodeRecord> nodes) {
  const size_t lost = CountLost(nodes);
  const int64_t now_ms = loop_->now_ms();
  if (!asked.until_ms) asked.until_ms = now_ms + limits::kControlToldAgainMs;
  if (lost > 0 && now_ms < *asked.until_ms) return ReadLater(std::move(asked));
  living_.clear();
  for (const NodeRecord& node : nodes) {
    if (node.alive) living_.insert(node.id);
  }
  if (lost == 0) return asked.done(std::move(nodes));
  asked.done(Status::Unavailable("the control server has lost " + std::to_string(lost) +
                                 " of the nodes that it knew, and they have not told it of "
                                 "themselves within " +
                                 std::to_string(limits::kControlToldAgainMs / 1000) + " s"));
}

void RedisNodeTable::ReadLater(Asked asked) {
  asking_later_.push_back(std::move(asked));
  if (later_ != nullptr) return;
  later_ = loop_->CallAt(loop_->now_ms() + limits::kControlReadAgainMs, [this] {
    later_.reset();
    for (Asked& one : std::exchange(asking_later_, {})) Read(std::move(one));
  });
}

// A node that has died keeps its record. One without a record is one that the server has lost.
size_t RedisNodeTable::CountLost(const std::vector<NodeRecord>& nodes) const {
  std::set<NodeId> lost = living_;
  for (const auto& [id, node] : own_) lost.insert(id);
  for (const NodeRecord& node : nodes) lost.erase(node.id);
  return lost.size();
}

// The state of all nodes is read at the first Subscribe, to know what is news afterwards. What
// happens later is heard as messages; what happens between, or while the connection is lost, is
// found by reading all once messages arrive (again). Reading takes a moment: what this process
// changes meanwhile is news although it is read too.
void RedisNodeTable::Subscribe(std::function<void(const NodeRecord&)> changed) {
  subscribers_.push_back(std::move(changed));
  if (subscription_ != nullptr) return;
  ReadAll();
  subscription_ = std::make_unique<RedisSubscription>(
      loop_, endpoint_, std::string(schema::kNodeChanged), [this] { ReadAll(); },
      [this](const std::string& text) { OnMessage(text); });
}

void RedisNodeTable::NoteOwnChange(const NodeId& node) {
  if (subscription_ != nullptr && !seen_all_) changed_early_.insert(node);
}

void RedisNodeTable::ReadAll() {
  read_all_again_ = false;
  List([this](const Result<std::vector<NodeRecord>>& nodes) {
    if (!nodes.ok()) {
      read_all_again_ = true;
      return;
    }
    OnAll(*nodes);
  });
}

void RedisNodeTable::OnAll(const std::vector<NodeRecord>& nodes) {
  if (seen_all_) {
    for (const NodeRecord& node : nodes) Observe(node);
    return;
  }
  for (const NodeRecord& node : nodes) {
    if (!changed_early_.contains(node.id)) seen_[node.id] = {node.alive, node.started_at};
  }
  seen_all_ = true;
  if (!changed_early_.empty()) read_all_again_ = true;
  changed_early_.clear();
}

void RedisNodeTable::OnMessage(const std::string& text) {
  const auto id = NodeId::FromHexString(text);
  if (!id) {
    return LogBadRecord(schema::kNodeChanged, Status::ProtocolError("a message names no node"));
  }
  if (!seen_all_) {
    // Maybe about a change from before, that was only announced now.
    read_all_again_ = true;
    return;
  }
  const std::string key = schema::Key(schema::kNode, *id);
  ReadHash(shards_->primary(), key, [this, id, key](const Result<Fields>& fields) {
    if (!fields.ok()) {
      read_all_again_ = true;
      return;
    }
    const auto node = ParseNode(*id, *fields);
    if (node.ok()) return Observe(*node);
    LogBadRecord(key, node.status());
  });
}

void RedisNodeTable::Observe(const NodeRecord& node) {
  const Seen now{node.alive, node.started_at};
  const auto [it, added] = seen_.try_emplace(node.id, now);
  if (!added && it->second == now) return;
  it->second = now;
  // An index and a copy, no iterator: a subscriber may subscribe.
  for (size_t i = 0; i < subscribers_.size(); ++i) {
    const auto changed = subscribers_[i];
    changed(node);
  }
}

}  // namespace rayx::control
