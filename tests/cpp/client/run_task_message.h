// A RunTask message as a node would write it, for tests.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client/connection/message.h"
#include "client/memory/object_memory.h"
#include "client/tasks/task_encoder.h"
#include "common/protocol/wire_ids.h"

namespace rayx {

struct RunTaskMessage {
  uint32_t sequence = 0;
  uint32_t attempt = 0;
  TaskId id;
  // What the task is; `name` and `return_count` are set here.
  TaskTemplate task;
  uint32_t return_count = 1;
  std::string args;  // the stream; empty for none
  bool args_in_store = false;
  std::vector<ObjectId> dependencies;
  std::map<ObjectId, std::string> inline_values;
  std::map<ObjectId, std::pair<uint64_t, uint64_t>> pool_values;  // offset and size
  std::string driver_config;
  std::vector<uint32_t> gpus;
  std::vector<std::string> setups;
  std::optional<ObjectId> state;

  // Valid as long as the builder is not used.
  std::span<const uint8_t> Encode(flatbuffers::FlatBufferBuilder* builder) const {
    TaskEncoder encoder;
    TaskTemplate named = task;
    named.name = "f";
    named.return_count = return_count;
    ObjectPieces pieces;
    pieces.stream = {reinterpret_cast<const uint8_t*>(args.data()), args.size()};
    const ObjectPlan plan = PlanObject(pieces);
    TaskCall call;
    call.task = &named;
    call.id = id;
    if (!args.empty()) {
      call.args = &pieces;
      call.args_plan = &plan;
    }
    call.args_in_store = args_in_store;
    call.dependencies = dependencies;
    const std::span<const uint8_t> encoded = encoder.Encode(call);
    const auto spec = builder->CreateVector(encoded.data(), encoded.size());
    std::vector<flatbuffers::Offset<protocol::ObjectValue>> values;
    for (const auto& [value_id, data] : inline_values) {
      const auto bytes =
          builder->CreateVector(reinterpret_cast<const uint8_t*>(data.data()), data.size());
      values.push_back(protocol::CreateObjectValue(*builder, ToWire(value_id), bytes));
    }
    for (const auto& [value_id, place] : pool_values) {
      values.push_back(protocol::CreateObjectValue(*builder, ToWire(value_id), 0, place.first,
                                                   place.second, true));
    }
    const auto encoded_values = builder->CreateVector(values);
    flatbuffers::Offset<flatbuffers::Vector<uint8_t>> config;
    if (!driver_config.empty()) {
      config = builder->CreateVector(reinterpret_cast<const uint8_t*>(driver_config.data()),
                                     driver_config.size());
    }
    std::vector<flatbuffers::Offset<protocol::WorkerSetup>> encoded_setups;
    for (const std::string& setup : setups) {
      const auto pickled =
          builder->CreateVector(reinterpret_cast<const uint8_t*>(setup.data()), setup.size());
      encoded_setups.push_back(protocol::CreateWorkerSetup(*builder, pickled));
    }
    const auto setup_vector = builder->CreateVector(encoded_setups);
    builder->Finish(protocol::CreateRunTask(*builder, sequence, attempt, spec, encoded_values,
                                            config, builder->CreateVector(gpus), setup_vector,
                                            state ? ToWire(*state) : nullptr));
    return MessageBytes(*builder);
  }
};

}  // namespace rayx
