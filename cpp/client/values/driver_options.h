// What a driver says of itself when it connects.
#pragma once

#include <string>

#include "common/base/ids.h"

namespace rayx {

struct DriverOptions {
  std::string socket_path;
  DriverId driver;
  std::string python_version;
  // Given to workers before they first run a task of this driver.
  std::string driver_config;
  // Whether calls that wait return Interrupted, so that the caller can look for signals.
  bool looks_for_signals = false;
  // It only asks questions: the node has no driver of this id, and records nothing of it.
  bool observes = false;
};

}  // namespace rayx
