// Drivers: who they are, what is printed for them, which of their tasks failed.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/shell.h"

namespace rayx::node {

class DriverBook {
 public:
  explicit DriverBook(const Shell& shell) : shell_(shell) {}

  // A connection has said that it is a driver's, or its output's. Not OK: it is refused.
  Status OnDriver(Peer& peer, const DriverId& driver, std::span<const uint8_t> config);
  Status OnOutput(Peer& peer, const DriverId& driver);
  // True if this was the driver's main connection: the driver is gone.
  bool OnPeerGone(const Peer& peer);

  // A driver of another node, whose tasks this one runs: `home` is the session with that. Called
  // again with further setups. False if another node has said so, or it is a driver of this one.
  bool OnRemote(ClientId home, const remote::DriverInfo& info);
  // Its home has said that it is gone, or is gone itself: returned are those that were known.
  std::vector<DriverId> ForgetRemote(ClientId home, const DriverId* only = nullptr);
  // kNoClient for drivers of this node, and unknown ones.
  ClientId HomeOf(const DriverId& driver) const;

  bool IsKnown(const DriverId& driver) const { return drivers_.count(driver) != 0; }
  // What the driver gave in its hello, for its workers. REQUIRES: IsKnown.
  const std::string& ConfigOf(const DriverId& driver) const { return drivers_.at(driver).config; }

  // What each of the driver's workers is to run before its next task, in order. REQUIRES: IsKnown.
  std::span<const std::string> SetupsOf(const DriverId& driver) const {
    return drivers_.at(driver).setups;
  }
  // Not OK: a breach of protocol.
  Status OnSetup(const Peer& peer, std::span<const uint8_t> pickled);

  // Lines that a worker printed. Lost if the driver has no output connection, or does not read it
  // for long.
  void SendLines(const DriverId& driver, PrintedLines lines);
  // Records the error, and has the driver print its text once.
  void ReportError(TaskError error);
  // Tells the driver that everything that was printed before has been sent.
  void SendDrained(ClientId output);

  size_t size() const { return drivers_.size(); }
  // Drivers of this node.
  size_t OwnCount() const;

 private:
  struct Driver {
    ClientId client = kNoClient;
    ClientId output = kNoClient;
    // Of a driver of another node.
    ClientId home = kNoClient;
    std::string config;
    std::vector<std::string> setups;
    // Lines that were not sent since the driver did not read.
    uint64_t lines_dropped = 0;
  };
  // The driver's output connection if it can take more; else null.
  Peer* OutputOf(const DriverId& driver);

  const Shell shell_;
  std::unordered_map<DriverId, Driver> drivers_;
};

}  // namespace rayx::node
