#include "node/task_failures.h"

#include <optional>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/protocol/object_layout.h"
#include "node/mutation.h"

namespace rayx::node {
namespace {

// The public name of the exception that a system error becomes (python/rayx/errors.py).
const char* ExceptionName(SystemErrorCode code) {
  switch (code) {
    case SystemErrorCode::kWorkerCrashed:
      return "WorkerCrashedError";
    case SystemErrorCode::kInfeasible:
      return "InfeasibleError";
    case SystemErrorCode::kObjectLost:
      return "ObjectLostError";
    case SystemErrorCode::kTaskCancelled:
      return "TaskCancelledError";
    case SystemErrorCode::kObjectStoreFull:
      return "ObjectStoreFullError";
    case SystemErrorCode::kWorkerStartFailed:
      return "WorkerCrashedError";
    case SystemErrorCode::kActorDied:
      return "ActorDiedError";
    case SystemErrorCode::kTaskTimedOut:
      return "TaskTimeoutError";
  }
  return "RayxError";
}

}  // namespace

void FailResults(plasma::ObjectStore* store, DriverBook* drivers,
                 const scheduler::FailTask& failure) {
  std::string error = EncodeSystemError(failure.code, failure.text);
  std::vector<ObjectId> contained;
  const auto source = failure.like.IsNil() ? std::nullopt : store->Find(failure.like);
  // An actor that was killed while the news of its being made was on its way has no error.
  if (source && source->is_inline && HoldsError(source->data)) {
    error.assign(source->data.begin(), source->data.end());
    contained = store->ContainedIn(failure.like);
  }
  bool is_lacking = !failure.has_results;
  for (uint32_t i = 0; i < failure.return_count; ++i) {
    const ObjectId id = ObjectId::ForReturn(failure.task, i);
    if (RAYX_MUTATION(kFailWithoutResult) && i + 1 == failure.return_count) break;
    is_lacking = is_lacking || store->IsExpected(id);
    // AlreadyExists: a result that was stored before the worker died stays.
    const Status put = store->PutInline(kNoClient, id, BytesOf(error), contained);
    RAYX_CHECK(put.ok() || put.code() == StatusCode::kAlreadyExists);
  }
  if (!is_lacking) return;
  // What it is like was reported; and who cancels a task knows.
  if (!failure.like.IsNil() || failure.code == SystemErrorCode::kTaskCancelled) return;
  drivers->ReportError({.driver = failure.driver,
                        .task = failure.task,
                        .name = failure.name,
                        .kind = ExceptionName(failure.code),
                        .text = failure.text});
}

}  // namespace rayx::node
