// What the node answers to a client's questions.
#pragma once

#include <string>

#include "common/base/ids.h"
#include "common/base/resources.h"

namespace rayx {

// An error of one of the driver's tasks. `time`: seconds since the epoch.
struct ErrorInfo {
  DriverId driver;
  TaskId task;
  std::string name;
  std::string kind;
  std::string text;
  double time = 0;
};

struct NamedActor {
  ObjectId id;  // with one local reference
  std::string info;
};

struct ResourceTotals {
  ResourceSet total;
  ResourceSet available;
};

// Why nothing works on a task, or on the one that makes what it waits for.
struct HoldUp {
  std::string cause;  // the same for all that it holds up
  std::string text;   // empty if something does, or if the node knows of no such task
};

}  // namespace rayx
