// The actors of this node, by id and by name, and the queues of their calls.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "scheduler/types/actor_entry.h"

namespace rayx::scheduler {

class ActorTable {
 public:
  // A new actor in state Pending. REQUIRES: its id is not known.
  ActorEntry& Add(const TaskSpec& creation);
  ActorEntry* Find(const TaskId& id);
  const ActorEntry* Find(const TaskId& id) const;
  // The driver's actor of this name that is not dead; null if there is none.
  const ActorEntry* FindNamed(const DriverId& driver, const std::string& name) const;
  // Its name is free again. Only the dead have none.
  void Move(ActorEntry& actor, ActorState next);
  // Its creation has ended, and is about to be erased: as ForgetIfUnused then. REQUIRES: it is
  // dead.
  bool OnCreationEnded(ActorEntry& actor);
  // Erases the actor, and returns true, if it is dead, nobody refers to it and its creation has
  // ended. REQUIRES: a dead one has no calls.
  bool ForgetIfUnused(ActorEntry& actor);
  // In order of id.
  std::vector<ActorEntry*> OfDriver(const DriverId& driver);

  // The call, ready or waiting, goes behind those of its caller.
  void PushCall(TaskEntry& call);
  // The call was handed out and not begun: it goes before those of its caller. Several are put back
  // last first.
  void PutBackCall(TaskEntry& call);
  // A waiting call has become ready.
  void OnCallReady(TaskEntry& call);
  // The next call in turn, taken out of its queue; null if none is ready.
  static TaskEntry* TakeCall(ActorEntry& actor);
  // Takes it out of wherever it stands in its queue.
  void RemoveCall(TaskEntry& call);
  // All that no worker holds, waiting ones too, by caller.
  static std::vector<TaskEntry*> TakeAllCalls(ActorEntry& actor);

  // The actor may have calls to hand out.
  void List(ActorEntry& actor);
  // Those that were listed since the last call. Each is known still.
  std::vector<ActorEntry*> TakeListed();
  bool has_listed() const { return !listed_.empty(); }

  const std::unordered_map<TaskId, ActorEntry>& all() const { return actors_; }
  // The actors that are not dead.
  size_t living() const { return living_; }
  void SanityCheck() const;

 private:
  using Name = std::pair<DriverId, std::string>;
  struct NameHash {
    size_t operator()(const Name& name) const {
      return name.first.Hash() ^ std::hash<std::string>()(name.second);
    }
  };
  // The first call of the queue may have changed.
  void LookAtFirst(ActorEntry& actor, const CallerId& caller, CallQueue& queue);

  std::unordered_map<TaskId, ActorEntry> actors_;
  std::unordered_map<Name, ActorEntry*, NameHash> names_;
  std::vector<TaskId> listed_;
  size_t living_ = 0;
};

}  // namespace rayx::scheduler
