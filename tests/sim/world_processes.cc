// What processes do, by the rules of the protocol.
#include <algorithm>
#include <utility>

#include "sim/world.h"

namespace rayx::sim {

void World::Send(Process& process, std::string text, std::function<Status(node::Peer&)> event) {
  process.to_node.push_back({std::move(text), std::move(event)});
}

void World::Hold(Process& process, Activity& activity, const ObjectId& id, bool implied) {
  activity.handles.push_back(id);
  if (++process.handles[id] > 1 || implied) return;
  Send(process, "refers to " + NameOf(id), [this, id](node::Peer& peer) {
    core_.objects().OnAddReferences(peer, std::span(&id, 1));
    return Status::Ok();
  });
}

void World::Drop(Process& process, Activity& activity, const ObjectId& id) {
  const auto mine = std::find(activity.handles.begin(), activity.handles.end(), id);
  if (mine == activity.handles.end()) return Break("a program drops what it does not hold");
  activity.handles.erase(mine);
  const auto all = process.handles.find(id);
  if (--all->second > 0) return;
  process.handles.erase(all);
  process.values.erase(id);
  process.sealed.erase(id);
  process.asked.erase(id);
  if (const auto pins = process.pins.find(id); pins != process.pins.end()) {
    Unpin(process, id, pins->second);
    process.pins.erase(pins);
  }
  const bool is_made_here =
      std::any_of(process.activities.begin(), process.activities.end(),
                  [&](const Activity& one) { return one.making && one.making->id == id; });
  if (is_made_here) {
    process.left_over.insert(id);
  } else {
    SendRelease(process, id);
  }
}

void World::SendRelease(Process& process, const ObjectId& id) {
  Send(process, "lets go of " + NameOf(id), [this, id](node::Peer& peer) {
    return core_.objects().OnRelease(peer, {}, std::span(&id, 1));
  });
}

void World::ReleaseLeftOver(Process& process, const ObjectId& id) {
  if (process.left_over.erase(id) > 0 && !process.handles.contains(id)) SendRelease(process, id);
}

void World::DropAll(Process& process, Activity& activity) {
  while (!activity.handles.empty()) Drop(process, activity, ObjectId(activity.handles.back()));
  for (const ObjectId& id : std::exchange(activity.pinned, {})) Unpin(process, id, 1);
  activity.actors.clear();
  activity.plain.clear();
}

void World::Unpin(Process& process, const ObjectId& id, uint32_t count) {
  Send(process, "unpins " + NameOf(id), [this, id, count](node::Peer& peer) {
    const std::vector<ObjectId> ids(count, id);
    return core_.objects().OnRelease(peer, ids, {});
  });
}

void World::Ask(Process& process, const ObjectId& id, bool pin) {
  if (!process.asked.insert(id).second) return;
  Send(process, "asks for " + NameOf(id), [this, id, pin](node::Peer& peer) {
    core_.objects().OnGet(peer, std::span(&id, 1), pin, /*fence=*/0);
    return Status::Ok();
  });
}

void World::ReadPrinted(Process& worker) {
  for (const uint64_t driver : std::exchange(worker.printed, {})) {
    Note("node reads a line of " + worker.Name());
    core_.tasks().OnWorkerOutput(worker.worker, 1, dice_.OneIn(2),
                                 "of driver " + std::to_string(driver) + "\n");
  }
}

// The next task of a worker's inbox, unless it was taken back.
void World::Begin(Process& process) {
  Handed handed = std::move(process.inbox.front());
  process.inbox.pop_front();
  if (handed.sequence < process.next) {
    Note(process.Name() + " drops " + NameOf(handed.spec.id));
    for (const Handed::Dependency& value : handed.values) {
      if (value.pinned) Unpin(process, value.id, 1);
    }
    return;
  }
  if (handed.sequence != process.next) return Break("a worker is handed tasks out of order");
  ++process.next;
  Note(process.Name() + " begins " + NameOf(handed.spec.id));
  TaskFacts& facts = *facts_.Find(handed.spec.id);
  ++facts.begun;
  if (facts.ended && !facts_.harmed()) Break(NameOf(handed.spec.id) + " runs after its end");
  for (const auto& [id, other] : processes_) {
    if (other.get() != &process && other->state == Process::State::kRunning &&
        other->begun.contains(handed.spec.id)) {
      Break(NameOf(handed.spec.id) + " runs twice at the same time");
    }
  }
  if (facts.kind == TaskKind::kActorCall && !facts_.BeginsInOrder(facts)) {
    Break(NameOf(handed.spec.id) + " begins after a call that its caller submitted later");
  }
  process.begun.insert(handed.spec.id);
  process.activities.push_back({});
  programs_.begin(*this, process, process.activities.back(), std::move(handed));
}

}  // namespace rayx::sim
