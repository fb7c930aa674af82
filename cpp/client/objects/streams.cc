#include "client/objects/streams.h"

#include <string>

#include "client/memory/object_memory.h"
#include "common/base/limits.h"

namespace rayx {
namespace {

Status TooLong() {
  return Status::InvalidArgument("a stream has at most " +
                                 std::to_string(ObjectId::kStreamItemsMax) + " items");
}

}  // namespace

Result<std::vector<ObjectId>> Streams::GrantCredit(const ObjectId& stream_end, uint32_t first,
                                                   uint32_t count, uint32_t credit) {
  if (count > ObjectId::kStreamItemsMax || first > ObjectId::kStreamItemsMax - count ||
      credit >= ObjectId::kStreamCreditBit) {
    return TooLong();
  }
  const TaskId task = stream_end.Task();
  std::vector<ObjectId> ids;
  ids.reserve(count + 1);
  for (uint32_t i = 0; i < count; ++i) ids.push_back(ObjectId::ForStreamItem(task, first + i));
  objects_->AddResults(ids);
  Status status = objects_->AskFor(ids, /*pin=*/false);
  const ObjectId credit_id = ObjectId::ForStreamCredit(task, credit);
  if (status.ok()) {
    const ObjectPieces nothing;
    status =
        objects_->PutSmall(credit_id, PlanObject(nothing), nothing, ObjectAccess::Sending::kAtOnce);
  }
  if (!status.ok()) {
    objects_->RemoveReferences(ids);
    return status;
  }
  ids.push_back(credit_id);
  return ids;
}

Status Streams::PutItem(const TaskId& task, uint32_t item, const ObjectPieces& value) {
  if (item >= ObjectId::kStreamItemsMax) return TooLong();
  const ObjectId id = ObjectId::ForStreamItem(task, item);
  const ObjectPlan plan = PlanObject(value);
  const bool small = plan.total_bytes() <= limits::kInlineObjectBytesMax;
  const Status status = small ? objects_->PutSmall(id, plan, value, ObjectAccess::Sending::kAtOnce)
                              : objects_->PutLarge(id, plan, value, ObjectAccess::Sending::kAtOnce,
                                                   /*keep_reference=*/false);
  // From here on only the consumer may refer to it.
  if (small && status.ok()) objects_->RemoveReference(id);
  return status;
}

}  // namespace rayx
