// What a task refers to in the store, as long as it has not ended: its dependencies, the ids in its
// arguments, its function.
#pragma once

#include "common/protocol/task_spec.h"
#include "plasma/object_store.h"

namespace rayx::node {

void TakeReferences(plasma::ObjectStore* store, const TaskSpec& spec);
// Once for each TakeReferences.
void ReturnReferences(plasma::ObjectStore* store, const TaskSpec& spec);

}  // namespace rayx::node
