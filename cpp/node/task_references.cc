#include "node/task_references.h"

#include "node/mutation.h"

namespace rayx::node {
namespace {

// A call runs in a worker that has the class; what made the actor, a restart included, holds it.
bool NeedsFunction(const TaskSpec& spec) {
  return spec.kind != TaskKind::kActorCall && !RAYX_MUTATION(kForgetFunction);
}

}  // namespace

void TakeReferences(plasma::ObjectStore* store, const TaskSpec& spec) {
  for (const ObjectId& id : spec.dependencies) store->AddReference(id);
  if (!RAYX_MUTATION(kForgetArguments)) {
    for (const ObjectId& id : spec.contained) store->AddReference(id);
  }
  if (NeedsFunction(spec)) store->AddReference(ObjectId::ForFunction(spec.function));
}

void ReturnReferences(plasma::ObjectStore* store, const TaskSpec& spec) {
  for (const ObjectId& id : spec.dependencies) {
    if (!RAYX_MUTATION(kKeepDependency)) store->RemoveReference(id);
  }
  for (const ObjectId& id : spec.contained) {
    if (!RAYX_MUTATION(kForgetArguments)) store->RemoveReference(id);
    if (RAYX_MUTATION(kReleaseTwice)) store->RemoveReference(id);
  }
  if (NeedsFunction(spec)) store->RemoveReference(ObjectId::ForFunction(spec.function));
}

}  // namespace rayx::node
