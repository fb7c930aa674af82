#include "daemon/questions.h"

#include <algorithm>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/protocol/generated/task_generated.h"
#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;
using protocol::Question;

std::span<const control::ErrorRecord> NewestThatFit(std::span<const control::ErrorRecord> errors) {
  size_t bytes = 0;
  size_t first = errors.size();
  while (first > 0 && bytes < limits::kErrorsAnswerBytesMax) {
    --first;
    bytes += errors[first].text.size() + errors[first].name.size() + errors[first].kind.size();
  }
  return errors.subspan(first);
}

flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<protocol::ResourceItem>>>
WriteResources(Builder& builder, const ResourceSet& resources) {
  std::vector<flatbuffers::Offset<protocol::ResourceItem>> items;
  for (const auto& [name, amount] : resources.items()) {
    items.push_back(
        protocol::CreateResourceItem(builder, builder.CreateString(name), amount.units()));
  }
  return builder.CreateVector(items);
}

flatbuffers::Offset<protocol::RecordsReply> WriteRecords(Builder& builder, const RecordList& list) {
  std::vector<flatbuffers::Offset<protocol::ListedRecord>> records;
  for (const auto& [id, fields] : list.records) {
    std::vector<flatbuffers::Offset<protocol::RecordField>> texts;
    for (const auto& [name, value] : fields) {
      texts.push_back(protocol::CreateRecordField(builder, builder.CreateString(name),
                                                  builder.CreateString(value)));
    }
    const auto bytes = builder.CreateVector(reinterpret_cast<const uint8_t*>(id.data()), id.size());
    records.push_back(protocol::CreateListedRecord(builder, bytes, builder.CreateVector(texts)));
  }
  return protocol::CreateRecordsReply(builder, builder.CreateVector(records), list.left_out);
}

// Null: the node that is asked.
const protocol::Id16* NodeAsked(const protocol::Query& query) {
  if (const auto* of_node = query.question_as_Node()) return of_node->node();
  if (const auto* of_resources = query.question_as_Resources()) return of_resources->node();
  if (const auto* of_records = query.question_as_Records()) return of_records->node();
  if (const auto* of_drain = query.question_as_Drain()) return of_drain->node();
  return nullptr;
}

template <typename Offset>
struct OffsetTraits;
template <typename Table>
struct OffsetTraits<flatbuffers::Offset<Table>> {
  using Type = Table;
};
template <typename Offset>
using TableOf = typename OffsetTraits<std::remove_const_t<Offset>>::Type;

}  // namespace

// --- which handler answers which question ---

Questions::Handler Questions::FindHandler(Question kind) {
  switch (kind) {
    case Question::NONE:
      return nullptr;
    case Question::Errors:
      return &Questions::OnErrors;
    case Question::Resources:
      return &Questions::OnResources;
    case Question::Dump:
      return &Questions::OnDump;
    case Question::NamedActor:
      return &Questions::OnNamedActor;
    case Question::Explain:
      return &Questions::OnExplain;
    case Question::HoldUp:
      return &Questions::OnHoldUp;
    case Question::Unfinished:
      return &Questions::OnUnfinished;
    case Question::Node:
      return &Questions::OnNode;
    case Question::Nodes:
      return &Questions::OnNodes;
    case Question::Records:
      return &Questions::OnRecords;
    case Question::Drain:
      return &Questions::OnDrain;
  }
  return nullptr;
}

Status Questions::OnQuery(ConnectedPeer& peer, std::span<const uint8_t> payload) {
  const auto* query = VerifiedMessage<protocol::Query>(payload);
  if (query == nullptr) return Status::ProtocolError("malformed question");
  const Handler handler = FindHandler(query->question_type());
  if (handler == nullptr) return Status::ProtocolError("unknown question");
  const protocol::Id16* asked = NodeAsked(*query);
  if (asked != nullptr && FromWire<NodeId>(*asked) != node_) {
    self_.ask_other(FromWire<NodeId>(*asked), peer.id, query->request(), payload);
  } else {
    (this->*handler)(peer, *query);
  }
  return Status::Ok();
}

// --- answers of other nodes ---

void Questions::OnOthersAnswer(ClientId asker, const Frame& answer) {
  if (ConnectedPeer* peer = peers_->Find(asker)) {
    peer->connection->Send(answer.type, answer.payload);
  }
}

void Questions::OnOtherFailed(ClientId asker, uint64_t request, const std::string& why) {
  if (ConnectedPeer* peer = peers_->Find(asker)) Fail(*peer, request, why);
}

// --- answers ---

template <typename Fill>
void Questions::Reply(ConnectedPeer& peer, uint64_t request, Fill&& fill) {
  writer_->Send(*peer.connection, protocol::MessageType::Answer, [&](Builder& builder) {
    const auto reply = std::forward<Fill>(fill)(builder);
    using Table = TableOf<decltype(reply)>;
    return protocol::CreateAnswer(builder, request, protocol::Outcome::Ok, 0,
                                  protocol::ReplyTraits<Table>::enum_value, reply.Union());
  });
}

void Questions::Fail(ConnectedPeer& peer, uint64_t request, const std::string& message) {
  writer_->Send(*peer.connection, protocol::MessageType::Answer, [&](Builder& builder) {
    const auto text = builder.CreateString(message);
    return protocol::CreateAnswer(builder, request, protocol::Outcome::Unavailable, text);
  });
}

const TaskSpec* Questions::FindTask(const ConnectedPeer& peer, const protocol::Id16& id) const {
  const TaskSpec* spec = core_->scheduler().FindTask(FromWire<TaskId>(id));
  return spec != nullptr && spec->driver == peer.driver ? spec : nullptr;
}

// --- the questions ---

void Questions::OnErrors(ConnectedPeer& peer, const protocol::Query& query) {
  // What was reported in this turn must be in the answer.
  tables_->Flush();
  tables_->errors().List(
      peer.driver, [this, request = query.request(), client = peer.id](auto found) {
        ConnectedPeer* asker = peers_->Find(client);
        if (asker == nullptr) return;
        if (!found.ok()) return Fail(*asker, request, std::string(found.status().message()));
        Reply(*asker, request, [&](Builder& builder) {
          std::vector<flatbuffers::Offset<protocol::ErrorRecord>> errors;
          for (const auto& error : NewestThatFit(found.value())) {
            const auto name = builder.CreateString(error.name);
            const auto kind = builder.CreateString(error.kind);
            const auto text = builder.CreateString(error.text);
            errors.push_back(protocol::CreateErrorRecord(
                builder, ToWire(error.driver), ToWire(error.task), name, kind, text, error.time));
          }
          return protocol::CreateErrorsReply(builder, builder.CreateVector(errors));
        });
      });
}

void Questions::OnResources(ConnectedPeer& peer, const protocol::Query& query) {
  Reply(peer, query.request(), [this](Builder& builder) {
    const auto total = WriteResources(builder, core_->scheduler().total());
    const auto available = WriteResources(builder, core_->scheduler().available());
    return protocol::CreateResourcesReply(builder, total, available);
  });
}

void Questions::OnDump(ConnectedPeer& peer, const protocol::Query& query) {
  const std::string text = self_.dump();
  Reply(peer, query.request(), [&](Builder& builder) {
    return protocol::CreateDumpReply(builder, builder.CreateString(text));
  });
}

void Questions::OnNamedActor(ConnectedPeer& peer, const protocol::Query& query) {
  const std::string name = query.question_as_NamedActor()->name()->str();
  const auto answer = [this, request = query.request(),
                       client = peer.id](const TaskSpec* creation) {
    ConnectedPeer* asker = peers_->Find(client);
    if (asker == nullptr) return;
    Reply(*asker, request, [&](Builder& builder) {
      if (creation == nullptr) return protocol::CreateNamedActorReply(builder);
      // It was verified when it was submitted.
      const auto* spec = flatbuffers::GetRoot<protocol::TaskSpec>(creation->encoded.data());
      const auto bytes = BytesOf(spec->actor_info());
      const auto info = builder.CreateVector(bytes.data(), bytes.size());
      const ObjectId object = node::ActorBook::ObjectOf(creation->id);
      return protocol::CreateNamedActorReply(builder, ToWire(object), info);
    });
  };
  core_->tasks().remote().names().Ask(peer, name, answer);
}

void Questions::OnExplain(ConnectedPeer& peer, const protocol::Query& query) {
  const auto task = FromWire<TaskId>(*query.question_as_Explain()->task_id());
  node::RemoteTasks& remote = core_->tasks().remote();
  std::string text = remote.given_actors().Explain(peer.driver, task);
  if (text.empty()) {
    const TaskSpec* spec = FindTask(peer, *query.question_as_Explain()->task_id());
    if (spec != nullptr) text = core_->scheduler().reports().Explain(spec->id);
    // Where the actor of a call that waits is, or is to be.
    const bool is_call = spec != nullptr && spec->kind == TaskKind::kActorCall;
    const std::string actor =
        is_call ? remote.given_actors().Explain(peer.driver, spec->actor) : "";
    if (!actor.empty()) text += " " + actor;
  }
  if (text.empty()) text = remote.given().Explain(peer.driver, task);
  Reply(peer, query.request(), [&](Builder& builder) {
    return protocol::CreateExplainReply(builder, builder.CreateString(text));
  });
}

void Questions::OnHoldUp(ConnectedPeer& peer, const protocol::Query& query) {
  const TaskSpec* spec = FindTask(peer, *query.question_as_HoldUp()->task_id());
  const auto found =
      spec == nullptr ? std::nullopt : core_->scheduler().reports().FindHoldUp(spec->id);
  Reply(peer, query.request(), [&](Builder& builder) {
    const auto cause = builder.CreateString(found ? found->cause : "");
    const auto text = builder.CreateString(found ? found->text : "");
    return protocol::CreateHoldUpReply(builder, cause, text);
  });
}

void Questions::OnUnfinished(ConnectedPeer& peer, const protocol::Query& query) {
  Reply(peer, query.request(), [&](Builder& builder) {
    const auto given = core_->tasks().remote().given().Summaries();
    const auto elsewhere = std::count_if(given.begin(), given.end(), [&](const auto& one) {
      return one.spec->driver == peer.driver && one.state != node::GivenTasks::State::kHere;
    });
    const uint64_t here = core_->scheduler().reports().CountUnfinished(peer.driver);
    return protocol::CreateUnfinishedReply(builder, here + static_cast<uint64_t>(elsewhere));
  });
}

void Questions::OnNode(ConnectedPeer& peer, const protocol::Query& query) {
  const control::NodeRecord& self = self_.record();
  const scheduler::SchedulerStats tasks = core_->scheduler().Stats();
  const plasma::StoreStats store = core_->store().Stats();
  const bool is_driver = AsDriver(peer) != nullptr;
  Reply(peer, query.request(), [&](Builder& builder) {
    const auto host = builder.CreateString(self.host);
    protocol::NodeReplyBuilder reply(builder);
    reply.add_node_id(ToWire(self.id));
    reply.add_host(host);
    reply.add_pid(self.pid);
    reply.add_started_at(self.started_at);
    reply.add_workers_starting(tasks.workers_starting);
    reply.add_workers_idle(tasks.workers_idle);
    reply.add_workers_busy(tasks.workers_busy);
    reply.add_workers_blocked(tasks.workers_blocked);
    reply.add_tasks_waiting(tasks.tasks_waiting);
    reply.add_tasks_ready(tasks.tasks_ready);
    reply.add_tasks_assigned(tasks.tasks_assigned);
    reply.add_tasks_finished(tasks.tasks_finished);
    reply.add_actors(tasks.actors);
    reply.add_drivers(core_->drivers().size() - (is_driver ? 1 : 0));
    reply.add_pool_bytes(store.pool_bytes);
    reply.add_pool_used_bytes(store.pool_used_bytes);
    reply.add_objects(store.objects);
    reply.add_has_tables(tables_->connected());
    reply.add_is_in_cluster(self_.is_in_cluster);
    reply.add_is_draining(self_.draining->has_begun());
    return reply.Finish();
  });
}

void Questions::OnDrain(ConnectedPeer& peer, const protocol::Query& query) {
  const uint64_t grace_ms = query.question_as_Drain()->grace_ms();
  std::optional<int64_t> grace;
  if (grace_ms > 0) grace = static_cast<int64_t>(std::min(grace_ms, limits::kDrainGraceMsMax));
  const Status drained = self_.drain(grace);
  if (!drained.ok()) return Fail(peer, query.request(), drained.message());
  const DrainService::Progress progress = self_.draining->Tell();
  const node::NodeDrain::Left& left = progress.left;
  Reply(peer, query.request(), [&](Builder& builder) {
    return protocol::CreateDrainReply(builder, static_cast<uint64_t>(progress.ms), left.tasks,
                                      left.actors, left.calls, left.values, left.drivers);
  });
}

void Questions::OnNodes(ConnectedPeer& peer, const protocol::Query& query) {
  tables_->nodes().List([this, request = query.request(), client = peer.id](auto found) {
    ConnectedPeer* asker = peers_->Find(client);
    if (asker == nullptr) return;
    if (!found.ok()) return Fail(*asker, request, found.status().message());
    std::vector<control::NodeRecord> nodes = std::move(found).value();
    std::sort(nodes.begin(), nodes.end(),
              [](const auto& a, const auto& b) { return a.started_at < b.started_at; });
    Reply(*asker, request, [&](Builder& builder) {
      std::vector<flatbuffers::Offset<protocol::NodeRecord>> records;
      for (const control::NodeRecord& node : nodes) {
        const auto host = builder.CreateString(node.host);
        const auto total = WriteResources(builder, node.total);
        records.push_back(protocol::CreateNodeRecord(
            builder, ToWire(node.id), host, node.port, node.pid, total, node.pool_bytes,
            node.started_at, node.heartbeat_at, node.alive));
      }
      return protocol::CreateNodesReply(builder, builder.CreateVector(records));
    });
  });
}

void Questions::OnRecords(ConnectedPeer& peer, const protocol::Query& query) {
  // What was recorded in this turn must be in the answer.
  tables_->Flush();
  const auto* question = query.question_as_Records();
  lists_.List(question->kind()->string_view(), question->most(),
              [this, request = query.request(), client = peer.id](Result<RecordList> found) {
                ConnectedPeer* asker = peers_->Find(client);
                if (asker == nullptr) return;
                if (!found.ok())
                  return Fail(*asker, request, std::string(found.status().message()));
                Reply(*asker, request,
                      [&](Builder& builder) { return WriteRecords(builder, *found); });
              });
}

}  // namespace rayx::daemon
