// Actors that are looked for by their names: by clients of their home at once, by those of other
// nodes with a question to the home.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/actor_book.h"
#include "node/driver_book.h"
#include "node/remote_objects.h"
#include "node/shell.h"
#include "plasma/object_store.h"

namespace rayx::node {

class NameQuestions {
 public:
  struct Parts {
    plasma::ObjectStore* store = nullptr;
    scheduler::LocalScheduler* scheduler = nullptr;
    DriverBook* drivers = nullptr;
    ActorBook* actors = nullptr;
    RemoteObjects* remote = nullptr;
  };
  // All must outlive it.
  NameQuestions(const Shell& shell, const Parts& parts) : shell_(shell), parts_(parts) {}

  // `done` is called once, perhaps at once, with the creation of the driver's actor of that name,
  // to which the peer refers from then on; or with null, if there is none, or its home is gone. Not
  // called if the peer is gone.
  using Done = std::function<void(const TaskSpec* creation)>;
  void Ask(const Peer& peer, const std::string& name, Done done);

  // --- what other nodes say; not OK: a breach of protocol ---
  Status OnFind(ClientId from, const remote::FindActor& question);
  Status OnFound(ClientId from, const remote::ActorFound& answer);
  void OnSessionEnded(ClientId session);

  size_t size() const { return asked_.size(); }

 private:
  struct Asked {
    ClientId home = kNoClient;
    ClientId asker = kNoClient;
    Done done;
  };

  const Shell shell_;
  const Parts parts_;
  std::map<uint64_t, Asked> asked_;
  uint64_t last_ = 0;
};

}  // namespace rayx::node
