#include "daemon/peers/connected_peer.h"

namespace rayx::daemon {

PoolUse* PoolUseOf(ConnectedPeer& peer) {
  return std::visit(Overload{[](Stranger&) -> PoolUse* { return nullptr; },
                             [](StartingWorker&) -> PoolUse* { return nullptr; },
                             [](DriverPeer& driver) -> PoolUse* { return &driver.pool; },
                             [](OutputPeer&) -> PoolUse* { return nullptr; },
                             [](ObserverPeer&) -> PoolUse* { return nullptr; },
                             [](WorkerPeer& worker) -> PoolUse* { return &worker.pool; }},
                    peer.kind);
}

bool MapsPool(const ConnectedPeer& peer) {
  return std::visit(
      Overload{[](const Stranger&) { return false; }, [](const StartingWorker&) { return false; },
               [](const DriverPeer&) { return true; }, [](const OutputPeer&) { return false; },
               // A client cannot do without, whatever it is for.
               [](const ObserverPeer&) { return true; }, [](const WorkerPeer&) { return true; }},
      peer.kind);
}

bool TakesTasks(const ConnectedPeer& peer) {
  return std::visit(
      Overload{[](const Stranger&) { return false; },
               // Its process may not be known yet.
               [](const StartingWorker&) { return false; }, [](const DriverPeer&) { return false; },
               [](const OutputPeer&) { return false; }, [](const ObserverPeer&) { return false; },
               [](const WorkerPeer&) { return true; }},
      peer.kind);
}

bool MayBePaused(const ConnectedPeer& peer) {
  return std::visit(
      Overload{[](const Stranger&) { return true; },
               // A worker reads when it has nothing to run; what it has done must be heard before.
               [](const StartingWorker&) { return false; }, [](const WorkerPeer&) { return false; },
               // The node must hear of the tasks that it has given to its worker before it hears
               // the worker.
               [](const DriverPeer& driver) { return !driver.runs_ahead; },
               [](const OutputPeer&) { return true; }, [](const ObserverPeer&) { return true; }},
      peer.kind);
}

}  // namespace rayx::daemon
