#include "daemon/messages/message_values.h"

#include <vector>

#include "common/protocol/wire_ids.h"
#include "daemon/messages/message_writer.h"

namespace rayx::daemon {

flatbuffers::Offset<protocol::ObjectValue> WriteObjectValue(flatbuffers::FlatBufferBuilder& builder,
                                                            const node::ObjectView& object) {
  const plasma::ObjectLocation& location = object.location;
  if (!location.is_inline) {
    return protocol::CreateObjectValue(builder, ToWire(object.id), 0, location.offset,
                                       location.size, object.pinned);
  }
  // The object layout wants its start aligned to 8 bytes.
  builder.ForceVectorAlignment(location.data.size(), 1, 8);
  const auto data = builder.CreateVector(location.data.data(), location.data.size());
  return protocol::CreateObjectValue(builder, ToWire(object.id), data, 0, location.data.size(),
                                     false);
}

flatbuffers::Offset<protocol::RunTask> WriteRunTask(flatbuffers::FlatBufferBuilder& builder,
                                                    const node::GivenTask& task) {
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<protocol::ObjectValue>>> values;
  if (!task.values.empty()) {
    std::vector<flatbuffers::Offset<protocol::ObjectValue>> items;
    items.reserve(task.values.size());
    for (const node::ObjectView& value : task.values) {
      items.push_back(WriteObjectValue(builder, value));
    }
    values = builder.CreateVector(items);
  }
  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> config;
  if (task.config != nullptr) {
    const auto bytes = BytesOf(*task.config);
    config = builder.CreateVector(bytes.data(), bytes.size());
  }
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<protocol::WorkerSetup>>> setups;
  if (!task.setups.empty()) {
    std::vector<flatbuffers::Offset<protocol::WorkerSetup>> items;
    for (const std::string& pickled : task.setups) {
      const auto bytes = BytesOf(pickled);
      items.push_back(
          protocol::CreateWorkerSetup(builder, builder.CreateVector(bytes.data(), bytes.size())));
    }
    setups = builder.CreateVector(items);
  }
  flatbuffers::Offset<flatbuffers::Vector<uint32_t>> gpus;
  if (!task.place.gpus.empty()) gpus = builder.CreateVector(task.place.gpus);
  const auto encoded = BytesOf(task.spec.encoded);
  builder.ForceVectorAlignment(encoded.size(), 1, 8);
  const auto nested = builder.CreateVector(encoded.data(), encoded.size());
  return protocol::CreateRunTask(builder, task.place.sequence, task.place.attempt, nested, values,
                                 config, gpus, setups, task.state ? ToWire(*task.state) : nullptr);
}

}  // namespace rayx::daemon
