// Streams: tasks whose results come one after the other, no more than a window ahead of their
// consumer.
//
//   Submit wants items 0 to window-1 ──▶ the task makes them: PutItem
//   GrantCredit wants more of them, and grants credit r ──▶ the task that has waited for it goes on
//   return value 0, the end ◀── how many items there are, or the error
//
// All are objects whose ids follow from the task's. A credit is an empty object that the consumer
// makes and the task waits for, as tasks wait for any object; so the task lends its CPUs meanwhile.
// The consumer refers to the items it has not taken: when it lets go of them, what is made is
// dropped at once. It asks for items before it grants the credit for them, so all it will get has
// arrived when the end has.
//
// Any thread may call it.
#pragma once

#include <cstdint>
#include <vector>

#include "client/objects/object_access.h"
#include "common/base/ids.h"
#include "common/base/status.h"

namespace rayx {

class Streams {
 public:
  // `objects` must outlive it.
  explicit Streams(ObjectAccess* objects) : objects_(objects) {}

  // These do what Client says.
  Result<std::vector<ObjectId>> GrantCredit(const ObjectId& stream_end, uint32_t first,
                                            uint32_t count, uint32_t credit);
  Status PutItem(const TaskId& task, uint32_t item, const ObjectPieces& value);

 private:
  ObjectAccess* const objects_;
};

}  // namespace rayx
