// Ids between their C++ types and their form in messages.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstring>
#include <span>
#include <vector>

#include "common/base/ids.h"
#include "common/protocol/generated/ids_generated.h"

namespace rayx {

static_assert(sizeof(protocol::Id16) == 16);
static_assert(sizeof(protocol::Id20) == 20);

template <typename IdType>
IdType FromWire(const protocol::Id16& wire) {
  static_assert(IdType::kSize == sizeof(wire));
  return IdType::FromBytes(reinterpret_cast<const uint8_t*>(&wire));
}
inline ObjectId FromWire(const protocol::Id20& wire) {
  return ObjectId::FromBytes(reinterpret_cast<const uint8_t*>(&wire));
}

// The id as a struct of the message. The reference lives as long as `id`.
template <typename Tag>
const protocol::Id16* ToWire(const Id<Tag, 16>& id) {
  return reinterpret_cast<const protocol::Id16*>(id.data());
}
inline const protocol::Id20* ToWire(const ObjectId& id) {
  return reinterpret_cast<const protocol::Id20*>(id.data());
}

// Empty if the field is absent.
inline std::vector<ObjectId> FromWire(const flatbuffers::Vector<const protocol::Id20*>* wire) {
  std::vector<ObjectId> ids;
  if (wire == nullptr) return ids;
  ids.resize(wire->size());
  if (!ids.empty()) std::memcpy(ids.data(), wire->Data(), ids.size() * sizeof(ObjectId));
  return ids;
}

inline flatbuffers::Offset<flatbuffers::Vector<const protocol::Id20*>> ToWire(
    flatbuffers::FlatBufferBuilder& builder, std::span<const ObjectId> ids) {
  return builder.CreateVectorOfStructs(reinterpret_cast<const protocol::Id20*>(ids.data()),
                                       ids.size());
}

}  // namespace rayx
