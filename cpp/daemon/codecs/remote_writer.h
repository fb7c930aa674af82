// Writes what messages between nodes have in common: values, specifications of tasks, text.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cluster/wire_values.h"
#include "common/protocol/generated/nodes_generated.h"
#include "common/protocol/generated/remote_generated.h"
#include "common/protocol/task_spec.h"
#include "node/remote_messages.h"

namespace rayx::daemon {

// What a message takes beside its bytes and ids.
inline constexpr size_t kRemoteMessageBytes = 128;
// A bit more than the values take, so that their buffer need not grow.
size_t RoomFor(const node::remote::Value& value);
size_t RoomFor(const std::vector<node::remote::Value>& values);

class RemoteWriter {
 public:
  // `size`: of the buffer at first.
  explicit RemoteWriter(size_t size) : builder_(size) {}

  // The buffer itself, without a copy. Once, when the message has been finished.
  cluster::SharedBytes Take();

 protected:
  template <typename Wire>
  using Vector = flatbuffers::Vector<Wire>;
  template <typename Wire>
  using Offset = flatbuffers::Offset<Wire>;

  template <typename Table>
  protocol::PeerMessageType Finish(Offset<Table> table, protocol::PeerMessageType type) {
    builder_.Finish(table);
    return type;
  }
  Offset<Vector<uint8_t>> Bytes(std::string_view bytes);
  // Nothing if it is empty.
  Offset<flatbuffers::String> Text(std::string_view text);
  // Its bytes, aligned as if they were a message of their own.
  Offset<Vector<uint8_t>> Spec(const TaskSpec& spec);
  Offset<protocol::remote::Value> Write(const node::remote::Value& value);
  Offset<Vector<Offset<protocol::remote::Value>>> Write(
      const std::vector<node::remote::Value>& values);

  flatbuffers::FlatBufferBuilder builder_;

 private:
  Offset<protocol::remote::Function> Write(const node::remote::Function& function);
};

}  // namespace rayx::daemon
