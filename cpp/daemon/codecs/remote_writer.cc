#include "daemon/codecs/remote_writer.h"

#include <memory>

#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {

namespace remote = node::remote;
namespace said = protocol::remote;

namespace {

constexpr size_t kWrittenValueBytes = 96;

}  // namespace

size_t RoomFor(const remote::Value& value) {
  const size_t function = value.function ? value.function->pickled.size() + kWrittenValueBytes : 0;
  return kWrittenValueBytes + value.data.size() + value.places.size() * NodeId::kSize +
         value.contained.size() * ObjectId::kSize + function;
}

size_t RoomFor(const std::vector<remote::Value>& values) {
  size_t sum = kRemoteMessageBytes;
  for (const remote::Value& value : values) sum += RoomFor(value) + sizeof(uint32_t);
  return sum;
}

cluster::SharedBytes RemoteWriter::Take() {
  const auto buffer = std::make_shared<const flatbuffers::DetachedBuffer>(builder_.Release());
  return {std::shared_ptr<const uint8_t>(buffer, buffer->data()), buffer->size()};
}

auto RemoteWriter::Bytes(std::string_view bytes) -> Offset<Vector<uint8_t>> {
  return builder_.CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

auto RemoteWriter::Text(std::string_view text) -> Offset<flatbuffers::String> {
  return text.empty() ? 0 : builder_.CreateString(text);
}

auto RemoteWriter::Spec(const TaskSpec& spec) -> Offset<Vector<uint8_t>> {
  builder_.ForceVectorAlignment(spec.encoded.size(), 1, 8);
  return Bytes(spec.encoded);
}

auto RemoteWriter::Write(const remote::Function& function) -> Offset<said::Function> {
  const auto& [driver, name, pickled, is_recursive] = function;
  const auto text = builder_.CreateString(name);
  const auto bytes = Bytes(pickled);
  return said::CreateFunction(builder_, ToWire(driver), text, bytes, is_recursive);
}

auto RemoteWriter::Write(const remote::Value& value) -> Offset<said::Value> {
  const auto& [id, is_inline, data, size_bytes, version, places, contained, function] = value;
  const auto bytes = is_inline ? Bytes(data) : 0;
  const auto nodes =
      places.empty() ? 0
                     : builder_.CreateVectorOfStructs(
                           reinterpret_cast<const protocol::Id16*>(places.data()), places.size());
  const auto inside = contained.empty() ? 0 : ToWire(builder_, contained);
  const auto what = function ? Write(*function) : 0;
  return said::CreateValue(builder_, ToWire(id), bytes, is_inline ? 0 : size_bytes, nodes, inside,
                           what, version);
}

auto RemoteWriter::Write(const std::vector<remote::Value>& values)
    -> Offset<Vector<Offset<said::Value>>> {
  std::vector<Offset<said::Value>> written;
  written.reserve(values.size());
  for (const remote::Value& value : values) written.push_back(Write(value));
  return builder_.CreateVector(written);
}

}  // namespace rayx::daemon
