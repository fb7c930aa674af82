// Fresh ids for the tasks that this process submits and the objects that it puts.
//
// What is made belongs to an owner: the task that this thread runs, or else the process. A put is
// named after its owner, PutId(task, attempt << 20 | n): a task that is run again must not give its
// puts the names that the first attempt's have, since the first value of an id stays. Where numbers
// run out, a fresh random owner takes over.
//
// Any thread may call it.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "common/base/ids.h"
#include "common/os/random_bytes.h"

namespace rayx {

class IdSource {
 public:
  IdSource();

  // Makes the ids that follow a function of the seed, and of the ids and attempts of the tasks that
  // run here. What belongs to the process does so only if `with_process`: two workers would
  // otherwise make the same ids.
  void Seed(uint64_t seed, bool with_process);

  // What is made in a task from now on belongs to this one.
  void BeginTask(const TaskId& task, uint32_t attempt);

  TaskId NextTask(bool in_task);
  ObjectId NextPut(bool in_task);

 private:
  struct Owner {
    TaskId id;           // names the puts
    TaskId seed_parent;  // stays the same when `id` is replaced
    bool seeded = true;
    uint32_t attempt = 0;
    uint64_t tasks = 0;
    uint32_t put = 0;
    uint32_t put_end = ObjectId::kPutBit;
  };

  // REQUIRE: mutex_ is held.
  TaskId FreshTask(Owner* owner);
  Owner* OwnerOf(bool in_task) { return in_task ? &task_ : &process_; }

  std::mutex mutex_;
  RandomIdSource random_;
  std::optional<uint64_t> seed_;
  Owner process_;
  Owner task_;
};

}  // namespace rayx
