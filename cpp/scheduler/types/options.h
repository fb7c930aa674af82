// What a scheduler is given when it begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/resources.h"

namespace rayx::scheduler {

struct SchedulerOptions {
  ResourceSet total;
  // Workers started before a task asks, and idle workers that are kept for ever. Usually the CPU
  // count.
  size_t prestart_workers = 0;
  size_t workers_max = 4096;
  // False: a worker gets one task at a time.
  bool pipeline = true;
  // A worker that was given so many tasks ends when it is idle: numbers of tasks must not wrap
  // around.
  uint32_t tasks_per_worker_max = 1u << 30;
  // The name of this node in error texts.
  std::string node_name;
};

}  // namespace rayx::scheduler
