// Drivers of this node, their home, of which other nodes have been told, since they run tasks of
// theirs: what each node knows of which driver, and what it is told when something becomes of that.
#pragma once

#include <map>
#include <utility>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/driver_book.h"
#include "node/remote_objects.h"

namespace rayx::node {

class ToldDrivers {
 public:
  // Both must outlive it.
  ToldDrivers(const DriverBook* drivers, RemoteObjects* remote)
      : drivers_(drivers), remote_(remote) {}

  // The node is to run a task of the driver: it is told what it does not know of it.
  void Tell(ClientId session, const DriverId& driver);
  // All nodes that know of the driver cancel its tasks, with what these have submitted there.
  void CancelAll(const DriverId& driver, bool force);
  // They are asked to end what has something to finish for it. Who is asked already is not asked
  // again.
  void Drain(const DriverId& driver);
  // Not OK: a breach of protocol.
  Status OnDrained(ClientId session, const DriverId& driver);
  // Whether a node that was asked, and is not gone, has not answered.
  bool IsDraining(const DriverId& driver) const;
  // They end all that is the driver's.
  void OnDriverGone(const DriverId& driver);
  void OnSessionEnded(ClientId session);

 private:
  struct Told {
    // How many of the driver's.
    size_t setups = 0;
    bool is_draining = false;
  };

  const DriverBook* const drivers_;
  RemoteObjects* const remote_;
  std::map<std::pair<ClientId, DriverId>, Told> told_;
};

}  // namespace rayx::node
