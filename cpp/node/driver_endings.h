// Drivers that are about to end, and wait for the orderly end of their workers, here and at other
// nodes.
//
//   Drain ──▶ workers with something to finish are told to end ──(all are gone, or time is up)──▶
//   Drained
//
// A node that runs tasks of a driver of another one is asked by that node, as this one is by the
// driver.
//
// Workers that have nothing to finish are not waited for: they are killed when the driver is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "common/base/ids.h"

namespace rayx::node {

class DriverEndings {
 public:
  struct Events {
    // Tells the driver's workers to end that have something to finish and run nothing, and other
    // nodes to do the same.
    std::function<void(const DriverId&)> begin;
    // Whether workers of the driver that were told to end, for this or another reason, are not
    // gone, or another node has not answered.
    std::function<bool(const DriverId&)> has_ending_workers;
    // All that its workers have printed has been handed over; the client waits to hear so.
    std::function<void(ClientId, const DriverId&)> done;
  };
  explicit DriverEndings(Events events) : events_(std::move(events)) {}

  // The driver's connection for output has asked, or the session with its home. A second time,
  // while it waits, changes nothing.
  void OnDrain(ClientId client, const DriverId& driver);
  // At the start of each turn, after all that was heard in it.
  void OnTurn(int64_t now_ms);
  // When OnTurn should be called although nothing happens: time is up for somebody.
  std::optional<int64_t> NextTickMs() const;
  size_t size() const { return endings_.size(); }

 private:
  struct Ending {
    bool begun = false;
    int64_t deadline_ms = 0;
  };

  Events events_;
  // By who asked, for which driver.
  std::map<std::pair<ClientId, DriverId>, Ending> endings_;
};

}  // namespace rayx::node
