// Task specifications for tests, in one expression: Task(7).Cpus(2).DependsOn(object).Build().
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "common/base/ids.h"
#include "common/base/resources.h"
#include "common/protocol/task_spec.h"

namespace rayx::testing {

// An id that shows its number: its first eight bytes, little endian (ids hash by their first
// bytes). 0 is nil.
template <typename IdType>
IdType NumberedId(uint64_t number) {
  IdType id;
  for (size_t i = 0; i < sizeof(number); ++i) {
    id.mutable_data()[i] = static_cast<uint8_t>(number >> (8 * i));
  }
  return id;
}
template <typename IdType>
uint64_t NumberOf(const IdType& id) {
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(number); ++i) {
    number |= static_cast<uint64_t>(id.data()[i]) << (8 * i);
  }
  return number;
}

inline TaskId TaskNumber(uint64_t number) { return NumberedId<TaskId>(number); }
inline DriverId DriverNumber(uint64_t number) { return NumberedId<DriverId>(number); }
// The first return value of task `number`.
inline ObjectId ResultOf(uint64_t number) { return ObjectId::ForReturn(TaskNumber(number), 0); }

// A task of driver 1 that asks for one CPU and has three retries, unless told otherwise.
class Task {
 public:
  explicit Task(uint64_t number) {
    spec_.id = TaskNumber(number);
    spec_.driver = DriverNumber(1);
    spec_.function = NumberedId<FunctionId>(1);
    spec_.name = "f" + std::to_string(number);
    spec_.resources.Set(kCpu, ResourceAmount::Of(1));
    spec_.options.max_retries = 3;
  }
  Task&& Driver(uint64_t number) && {
    spec_.driver = DriverNumber(number);
    return std::move(*this);
  }
  Task&& Named(std::string name) && {
    spec_.name = std::move(name);
    return std::move(*this);
  }
  Task&& Cpus(int64_t count) && { return std::move(*this).Needs(kCpu, ResourceAmount::Of(count)); }
  Task&& Needs(std::string_view name, ResourceAmount amount) && {
    spec_.resources.Set(name, amount);
    return std::move(*this);
  }
  Task&& Retries(int32_t most) && {
    spec_.options.max_retries = most;
    return std::move(*this);
  }
  Task&& Returns(uint32_t count) && {
    spec_.return_count = count;
    return std::move(*this);
  }
  Task&& DependsOn(const ObjectId& id) && {
    spec_.dependencies.push_back(id);
    return std::move(*this);
  }
  Task&& Priority(int32_t priority) && {
    spec_.options.priority = priority;
    return std::move(*this);
  }
  Task&& Timeout(uint64_t ms) && {
    spec_.options.timeout_ms = ms;
    return std::move(*this);
  }
  Task&& Stream(uint32_t window) && {
    spec_.options.stream_window = window;
    return std::move(*this);
  }
  // The creation of an actor: it asks for nothing and is not made again, unless told otherwise.
  Task&& Creation(uint32_t max_concurrency = 1, std::string actor_name = "") && {
    spec_.kind = TaskKind::kActorCreation;
    spec_.options.max_concurrency = max_concurrency;
    spec_.actor_name = std::move(actor_name);
    spec_.options.max_retries = 0;
    spec_.resources = {};
    return std::move(*this);
  }
  // A call of the actor that task `creation` makes.
  Task&& CallOf(uint64_t creation) && {
    spec_.kind = TaskKind::kActorCall;
    spec_.actor = TaskNumber(creation);
    spec_.contained.push_back(ResultOf(creation));
    spec_.options.max_retries = 0;
    spec_.resources = {};
    return std::move(*this);
  }
  // Of a call.
  Task&& InRun(uint32_t run) && {
    spec_.run = run;
    return std::move(*this);
  }
  TaskSpec Build() && { return std::move(spec_); }

 private:
  TaskSpec spec_;
};

}  // namespace rayx::testing
