// Reads what messages between nodes have in common, and sees to it that no message says what no
// node of this version says: ids that name nothing, what is beyond a limit, bytes said twice.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/protocol/generated/remote_generated.h"
#include "common/protocol/task_spec.h"
#include "node/remote_messages.h"

namespace rayx::daemon {

// A message that no node of this version says.
inline Status SaidWrong(const std::string& text) { return Status::ProtocolError(text); }
template <typename AnyId>
Status CheckNamed(const AnyId& id, const char* what) {
  return id.IsNil() ? SaidWrong("a nil " + std::string(what)) : Status::Ok();
}

// Of one message. Fields that are required are there: the verifier has seen to it.
class RemoteReader {
 public:
  explicit RemoteReader(std::span<const uint8_t> payload)
      : payload_(payload), unread_bytes_(payload.size()) {}

 protected:
  template <typename Wire>
  using Vector = flatbuffers::Vector<Wire>;
  template <typename Wire>
  using Offset = flatbuffers::Offset<Wire>;

  // Null: malformed.
  template <typename Said>
  const Said* Verified() const {
    // A value and its function for each result that a task may have.
    constexpr flatbuffers::uoffset_t kTablesMax = 2 * limits::kReturnsMax + 2;
    flatbuffers::Verifier verifier(payload_.data(), payload_.size(), /*_max_depth=*/8, kTablesMax);
    return verifier.VerifyBuffer<Said>() ? flatbuffers::GetRoot<Said>(payload_.data()) : nullptr;
  }

  Status Read(const protocol::remote::Value& wire, node::remote::Value* made);
  Status Read(const protocol::remote::Function& wire, node::remote::Function* made);
  Status Values(const Vector<Offset<protocol::remote::Value>>* wire, size_t most,
                std::vector<node::remote::Value>* made);
  // Of a value that its home hears of from who has made it.
  static Status CheckVersion(const node::remote::Value& value);
  Status Spec(const Vector<uint8_t>& wire, const protocol::CallOptions* options, TaskSpec* made);
  static Status Driver(const protocol::Id16& wire, DriverId* made);
  template <typename Wire, typename AnyId>
  Status Ids(const Vector<const Wire*>* wire, size_t most, const char* what,
             std::vector<AnyId>* made) {
    if (wire == nullptr) return Status::Ok();
    if (wire->size() > most) return SaidWrong("too many ids: of each " + std::string(what));
    RAYX_RETURN_IF_ERROR(Spend(wire->size() * sizeof(Wire)));
    const auto* ids = reinterpret_cast<const AnyId*>(wire->Data());
    made->assign(ids, ids + wire->size());
    for (const AnyId& id : *made) RAYX_RETURN_IF_ERROR(CheckNamed(id, what));
    return Status::Ok();
  }
  // A string, or a vector of bytes.
  template <typename Wire>
  Status Bytes(const Wire* wire, size_t most, const char* what, std::string* made) {
    if (wire == nullptr) return Status::Ok();
    if (wire->size() > most) return SaidWrong("too large: the " + std::string(what));
    RAYX_RETURN_IF_ERROR(Spend(wire->size()));
    made->assign(reinterpret_cast<const char*>(wire->Data()), wire->size());
    return Status::Ok();
  }
  Status Name(const flatbuffers::String* wire, std::string* made) {
    return Bytes(wire, limits::kNameBytesMax, "name", made);
  }

 private:
  // Offsets of a table may all lead to the same bytes, so that a small message would say much.
  Status Spend(size_t bytes) {
    if (bytes > unread_bytes_) return SaidWrong("some of its bytes are said more than once");
    unread_bytes_ -= bytes;
    return Status::Ok();
  }

  const std::span<const uint8_t> payload_;
  size_t unread_bytes_;
};

}  // namespace rayx::daemon
