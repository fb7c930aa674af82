#include "daemon/codecs/remote_reader.h"

#include <utility>

#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"
#include "daemon/codecs/copy_codec.h"

namespace rayx::daemon {

namespace remote = node::remote;
namespace said = protocol::remote;

Status RemoteReader::Read(const said::Function& wire, remote::Function* made) {
  made->is_recursive = wire.is_recursive();
  RAYX_RETURN_IF_ERROR(Driver(*wire.driver(), &made->driver));
  RAYX_RETURN_IF_ERROR(Name(wire.name(), &made->name));
  return Bytes(wire.pickled(), limits::kFunctionBytesMax, "function", &made->pickled);
}

Status RemoteReader::Read(const said::Value& wire, remote::Value* made) {
  made->id = FromWire(*wire.id());
  RAYX_RETURN_IF_ERROR(CheckNamed(made->id, "object"));
  made->is_inline = wire.data() != nullptr;
  RAYX_RETURN_IF_ERROR(
      Bytes(wire.data(), limits::kInlineObjectBytesMax, "inline value", &made->data));
  made->size_bytes = made->is_inline ? made->data.size() : wire.size_bytes();
  if (made->size_bytes > kValueBytesMax) return SaidWrong("a size that no value has");
  RAYX_RETURN_IF_ERROR(Ids(wire.places(), limits::kFrameBytesMax, "node", &made->places));
  made->version = wire.version();
  if (made->is_inline && (wire.size_bytes() > 0 || made->version > 0 || !made->places.empty())) {
    return SaidWrong("an inline value that is elsewhere, too");
  }
  RAYX_RETURN_IF_ERROR(
      Ids(wire.contained(), limits::kIdsPerMessageMax, "object in a value", &made->contained));
  if (wire.function() == nullptr) return Status::Ok();
  if (!made->id.IsFunction()) return SaidWrong("a function of an object that stands for none");
  return Read(*wire.function(), &made->function.emplace());
}

Status RemoteReader::CheckVersion(const remote::Value& value) {
  if (value.is_inline || (value.version > 0 && value.size_bytes > 0)) return Status::Ok();
  return SaidWrong("a large value without a version, or without a size");
}

Status RemoteReader::Values(const Vector<Offset<said::Value>>* wire, size_t most,
                            std::vector<remote::Value>* made) {
  if (wire == nullptr) return Status::Ok();
  if (wire->size() > most) return SaidWrong("too many values");
  made->resize(wire->size());
  for (flatbuffers::uoffset_t i = 0; i < wire->size(); ++i) {
    RAYX_RETURN_IF_ERROR(Read(*wire->Get(i), &(*made)[i]));
  }
  return Status::Ok();
}

Status RemoteReader::Spec(const Vector<uint8_t>& wire, const protocol::CallOptions* options,
                          TaskSpec* made) {
  if (wire.size() > limits::kTaskSpecBytesMax) return SaidWrong("a TaskSpec that is too large");
  RAYX_RETURN_IF_ERROR(Spend(wire.size()));
  // To the one that is aligned, as it was made.
  if ((wire.data() - payload_.data()) % 8 != 0) return SaidWrong("a TaskSpec that is not aligned");
  Result<TaskSpec> spec = ParseTaskSpec(BytesOf(wire));
  if (!spec.ok()) return spec.status();
  *made = std::move(*spec);
  RAYX_RETURN_IF_ERROR(CheckNamed(made->id, "task"));
  RAYX_RETURN_IF_ERROR(CheckNamed(made->driver, "driver"));
  made->options = DecodeOptions(options);
  const Status fits = CheckOptions(made->options, made->kind, made->return_count);
  return fits.ok() ? fits : SaidWrong(fits.message());
}

Status RemoteReader::Driver(const protocol::Id16& wire, DriverId* made) {
  *made = FromWire<DriverId>(wire);
  return CheckNamed(*made, "driver");
}

}  // namespace rayx::daemon
