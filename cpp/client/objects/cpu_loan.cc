#include "client/objects/cpu_loan.h"

#include "client/connection/message.h"
#include "common/protocol/generated/messages_generated.h"

namespace rayx {

using protocol::MessageType;

Result<uint64_t> CpuLoan::Lend() {
  const std::lock_guard lock(mutex_);
  if (waits_ == 0) {
    RAYX_RETURN_IF_ERROR(Send(static_cast<uint16_t>(MessageType::Blocked)));
  }
  ++waits_;
  return epoch_;
}

Status CpuLoan::Return(uint64_t wait) {
  const std::lock_guard lock(mutex_);
  if (wait != epoch_ || waits_ == 0) return Status::Ok();
  if (--waits_ > 0) return Status::Ok();
  return Send(static_cast<uint16_t>(MessageType::Unblocked));
}

Status CpuLoan::OnTaskBegun() {
  const std::lock_guard lock(mutex_);
  ++epoch_;
  if (waits_ == 0) return Status::Ok();
  waits_ = 0;
  return Send(static_cast<uint16_t>(MessageType::Unblocked));
}

void CpuLoan::OnTaskEnded() {
  const std::lock_guard lock(mutex_);
  ++epoch_;
  waits_ = 0;
}

// Neither message has a field.
Status CpuLoan::Send(uint16_t type) {
  flatbuffers::FlatBufferBuilder builder(64);
  const auto start = builder.StartTable();
  builder.Finish(flatbuffers::Offset<flatbuffers::Table>(builder.EndTable(start)));
  return link_->Send(type, MessageBytes(builder));
}

}  // namespace rayx
