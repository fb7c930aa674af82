// Why tasks and actors wait that no node can take: their drivers are told, once for each reason.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "common/base/ids.h"
#include "node/driver_book.h"

namespace rayx::node {

class PendingReasons {
 public:
  // `drivers` must outlive it.
  explicit PendingReasons(DriverBook* drivers) : drivers_(drivers) {}

  // `name`: of the function, or the class. Once for what asks for the same, and not for each of a
  // thousand tasks.
  void Tell(const DriverId& driver, const std::string& name, const std::string& reason);
  void OnDriverGone(const DriverId& driver);

 private:
  DriverBook* const drivers_;
  std::set<std::pair<DriverId, std::string>> told_;
};

}  // namespace rayx::node
