#include "client/tasks/task_encoder.h"

#include <vector>

#include "client/connection/message.h"
#include "client/memory/object_memory.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

static_assert(static_cast<int>(TaskKind::kFunction) ==
              static_cast<int>(protocol::TaskKind::Function));
static_assert(static_cast<int>(TaskKind::kActorCreation) ==
              static_cast<int>(protocol::TaskKind::ActorCreation));
static_assert(static_cast<int>(TaskKind::kActorCall) ==
              static_cast<int>(protocol::TaskKind::ActorCall));

using Ids = flatbuffers::Offset<flatbuffers::Vector<const protocol::Id20*>>;
using Text = flatbuffers::Offset<flatbuffers::String>;
using Bytes = flatbuffers::Offset<flatbuffers::Vector<uint8_t>>;
using Resources =
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<protocol::ResourceItem>>>;

// The arguments are written where they travel, without a copy in between.
Bytes EncodeArgs(flatbuffers::FlatBufferBuilder* builder, const TaskCall& call) {
  if (call.args == nullptr) return {};
  const size_t size_bytes = call.args_plan->total_bytes();
  uint8_t* memory = nullptr;
  builder->ForceVectorAlignment(size_bytes, 1, sizeof(uint64_t));
  const Bytes bytes(builder->CreateUninitializedVector(size_bytes, 1, &memory));
  WriteObject(*call.args_plan, *call.args, memory);
  return bytes;
}

// Absent means one CPU, what most tasks ask for.
Resources EncodeResources(flatbuffers::FlatBufferBuilder* builder, const ResourceSet& resources) {
  const auto& items = resources.items();
  if (items.size() == 1 && items[0].first == kCpu && items[0].second == ResourceAmount::Of(1)) {
    return {};
  }
  std::vector<flatbuffers::Offset<protocol::ResourceItem>> encoded;
  encoded.reserve(items.size());
  for (const auto& [name, amount] : items) {
    encoded.push_back(
        protocol::CreateResourceItem(*builder, builder->CreateString(name), amount.units()));
  }
  return builder->CreateVector(encoded);
}

// A call refers to its actor, too, which therefore lives until the call has ended.
Ids EncodeContained(flatbuffers::FlatBufferBuilder* builder, const TaskCall& call) {
  const bool with_actor = call.task->kind == TaskKind::kActorCall;
  if (!with_actor) return call.contained.empty() ? Ids() : ToWire(*builder, call.contained);
  // A copy: flatbuffers' uninitialized vectors of structs align to the size of a struct, and with
  // it the whole message, so that its 64-bit fields are not aligned any more.
  std::vector<ObjectId> ids(call.contained.begin(), call.contained.end());
  ids.push_back(call.task->actor);
  return ToWire(*builder, ids);
}

Text EncodeText(flatbuffers::FlatBufferBuilder* builder, const std::string& text) {
  return text.empty() ? Text() : builder->CreateString(text);
}

}  // namespace

std::span<const uint8_t> TaskEncoder::Encode(const TaskCall& call) {
  const TaskTemplate& task = *call.task;
  const bool is_call = task.kind == TaskKind::kActorCall;
  builder_.Clear();
  const Bytes args = EncodeArgs(&builder_, call);
  const Text name = builder_.CreateString(task.name);
  // A call runs on what its actor has.
  const Resources resources = is_call ? Resources() : EncodeResources(&builder_, task.resources);
  Ids dependencies;
  if (!call.dependencies.empty()) dependencies = ToWire(builder_, call.dependencies);
  const Ids contained = EncodeContained(&builder_, call);
  const Text method = EncodeText(&builder_, task.method);
  const Text actor_name = EncodeText(&builder_, task.actor_name);
  Bytes actor_info;
  if (!task.actor_info.empty()) {
    actor_info = builder_.CreateVector(reinterpret_cast<const uint8_t*>(task.actor_info.data()),
                                       task.actor_info.size());
  }
  const TaskId actor = task.actor.Task();
  const auto options = EncodeOptions(&builder_, task.options);
  builder_.Finish(protocol::CreateTaskSpec(
      builder_, ToWire(call.id), ToWire(call.driver), ToWire(task.function), name, args,
      call.args_in_store, dependencies, contained, task.return_count, resources,
      static_cast<protocol::TaskKind>(task.kind), is_call ? ToWire(actor) : nullptr, method,
      actor_name, actor_info, options, is_call ? call.run : 0));
  return MessageBytes(builder_);
}

}  // namespace rayx
