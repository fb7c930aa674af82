#include "client/task_encoder.h"

#include <vector>

#include "client/message.h"
#include "client/object_memory.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

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

}  // namespace

std::span<const uint8_t> TaskEncoder::Encode(const TaskCall& call) {
  builder_.Clear();
  const Bytes args = EncodeArgs(&builder_, call);
  const auto name = builder_.CreateString(call.task->name);
  const Resources resources = EncodeResources(&builder_, call.task->resources);
  flatbuffers::Offset<flatbuffers::Vector<const protocol::Id20*>> dependencies;
  flatbuffers::Offset<flatbuffers::Vector<const protocol::Id20*>> contained;
  if (!call.dependencies.empty()) dependencies = ToWire(builder_, call.dependencies);
  if (!call.contained.empty()) contained = ToWire(builder_, call.contained);
  builder_.Finish(protocol::CreateTaskSpec(
      builder_, ToWire(call.id), ToWire(call.driver), ToWire(call.task->function), name, args,
      call.args_in_store, dependencies, contained, call.task->return_count, resources,
      call.task->max_retries));
  return MessageBytes(builder_);
}

}  // namespace rayx
