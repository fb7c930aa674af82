// Drivers: who they are, what is printed for them, which of their tasks failed.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "control/tables.h"
#include "daemon/message_writer.h"
#include "daemon/session_table.h"

namespace rayx::daemon {

class DriverService {
 public:
  DriverService(SessionTable* sessions, MessageWriter* writer, control::Tables* tables,
                NodeId node);

  // A session has said hello as Driver or Output.
  Status OnHello(Session& session, const protocol::Hello& hello);
  // True if this was the driver's main session: the driver is gone.
  bool OnSessionClosed(Session& session);

  bool IsKnown(const DriverId& driver) const { return drivers_.count(driver) != 0; }
  // What the driver gave in its hello, for its workers. REQUIRES: IsKnown.
  const std::string& ConfigOf(const DriverId& driver) const { return drivers_.at(driver).config; }

  // What each of the driver's workers is to run before its next task, in order. REQUIRES: IsKnown.
  std::span<const std::string> SetupsOf(const DriverId& driver) const {
    return drivers_.at(driver).setups;
  }
  Status OnAddSetup(Session& session, const protocol::AddWorkerSetup& message);

  // Lines that a worker printed. Lost if the driver has no output connection, or does not read it
  // for long.
  void SendLines(const DriverId& driver, pid_t pid, const std::string& function, bool is_stderr,
                 const std::string& lines);
  // Records the error, and has the driver print `text` once.
  void ReportError(control::ErrorRecord error);
  // Tells the driver that everything that was printed before has been sent.
  void SendDrained(ClientId output);

 private:
  struct Driver {
    ClientId session = 0;
    ClientId output = 0;
    std::string config;
    std::vector<std::string> setups;
    // Lines that were not sent since the driver did not read.
    uint64_t lines_dropped = 0;
  };
  // The driver's output session if it can take more; else null.
  Session* OutputOf(const DriverId& driver);

  SessionTable* sessions_;
  MessageWriter* writer_;
  control::Tables* tables_;
  NodeId node_;
  std::unordered_map<DriverId, Driver> drivers_;
};

}  // namespace rayx::daemon
