#include "common/protocol/task_spec.h"

#include <flatbuffers/flatbuffers.h>

#include "common/base/limits.h"
#include "common/protocol/generated/task_generated.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

Result<ResourceSet> ParseResources(
    const flatbuffers::Vector<flatbuffers::Offset<protocol::ResourceItem>>* items) {
  if (items == nullptr) return ResourceSet{{std::string(kCpu), ResourceAmount::Of(1)}};
  if (items->size() > limits::kResourceNamesMax) {
    return Status::ProtocolError("task names too many resources");
  }
  ResourceSet resources;
  for (const protocol::ResourceItem* item : *items) {
    if (item->units() < 0 || item->units() > ResourceAmount::kUnitsMax) {
      return Status::ProtocolError("task asks for an amount that has no meaning");
    }
    if (item->name()->size() == 0 || item->name()->size() > limits::kNameBytesMax) {
      return Status::ProtocolError("task asks for a resource whose name is empty or too long");
    }
    resources.Set(item->name()->string_view(), ResourceAmount::FromUnits(item->units()));
  }
  return resources;
}

size_t Count(const flatbuffers::Vector<const protocol::Id20*>* ids) {
  return ids != nullptr ? ids->size() : 0;
}

size_t Length(const flatbuffers::String* text) { return text != nullptr ? text->size() : 0; }

bool IsWithinLimits(const protocol::TaskSpec& wire) {
  return wire.return_count() <= limits::kReturnsMax &&
         wire.name()->size() <= limits::kNameBytesMax &&
         Length(wire.method()) <= limits::kNameBytesMax &&
         Length(wire.actor_name()) <= limits::kNameBytesMax &&
         Count(wire.dependencies()) <= limits::kIdsPerMessageMax &&
         Count(wire.contained()) <= limits::kIdsPerMessageMax;
}

// The fields of actors: a creation, a call, or neither.
Status ReadActorFields(const protocol::TaskSpec& wire, TaskSpec* spec) {
  switch (wire.kind()) {
    case protocol::TaskKind::Function:
      return Status::Ok();
    case protocol::TaskKind::ActorCreation:
      spec->kind = TaskKind::kActorCreation;
      if (wire.actor_name() != nullptr) spec->actor_name = wire.actor_name()->str();
      return Status::Ok();
    case protocol::TaskKind::ActorCall:
      if (wire.actor_id() == nullptr || Length(wire.method()) == 0) {
        return Status::ProtocolError("TaskSpec of a call names no actor or no method");
      }
      spec->kind = TaskKind::kActorCall;
      spec->actor = FromWire<TaskId>(*wire.actor_id());
      spec->run = wire.run();
      // It runs where its actor is, on what that has; what has begun is not repeated.
      spec->resources = ResourceSet();
      spec->options.max_retries = 0;
      return Status::Ok();
  }
  return Status::ProtocolError("TaskSpec of an unknown kind");
}

}  // namespace

Result<TaskSpec> ParseTaskSpec(std::span<const uint8_t> encoded) {
  flatbuffers::Verifier verifier(encoded.data(), encoded.size());
  if (!verifier.VerifyBuffer<protocol::TaskSpec>()) {
    return Status::ProtocolError("malformed TaskSpec");
  }
  const auto* wire = flatbuffers::GetRoot<protocol::TaskSpec>(encoded.data());
  if (!IsWithinLimits(*wire)) {
    return Status::ProtocolError("TaskSpec beyond a limit");
  }
  Result<ResourceSet> resources = ParseResources(wire->resources());
  if (!resources.ok()) return resources.status();
  TaskSpec spec;
  spec.id = FromWire<TaskId>(*wire->task_id());
  spec.driver = FromWire<DriverId>(*wire->driver_id());
  spec.function = FromWire<FunctionId>(*wire->function_id());
  spec.name = wire->name()->str();
  spec.dependencies = FromWire(wire->dependencies());
  spec.contained = FromWire(wire->contained());
  if (wire->args_in_store() && spec.dependencies.empty()) {
    return Status::ProtocolError("TaskSpec keeps its arguments in the store but names no object");
  }
  spec.resources = std::move(resources).value();
  spec.return_count = wire->return_count();
  spec.options = DecodeOptions(wire->options());
  RAYX_RETURN_IF_ERROR(ReadActorFields(*wire, &spec));
  const Status fits = CheckOptions(spec.options, spec.kind, spec.return_count);
  if (!fits.ok()) return Status::ProtocolError("TaskSpec: " + std::string(fits.message()));
  spec.encoded.assign(reinterpret_cast<const char*>(encoded.data()), encoded.size());
  return spec;
}

}  // namespace rayx
