#include "node/node_drain.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "node/mutation.h"
#include "plasma/kept_objects.h"

namespace rayx::node {

// --- this node ---

void NodeDrain::Begin() {
  if (std::exchange(parts_.nodes->is_self, true)) return;
  for (const ClientId session : parts_.sessions->All()) OnSessionBegun(session);
}

NodeDrain::Left NodeDrain::left() const {
  const auto kept = plasma::KeptObjects(parts_.store).List();
  // Those without a value are results of tasks.
  const auto values = static_cast<size_t>(
      std::count_if(kept.begin(), kept.end(), [](const auto& one) { return one.is_sealed; }));
  const GuestActors::Counts counts = parts_.guest_actors->counts();
  return {.tasks = parts_.guest->size(),
          .actors = counts.actors,
          .calls = counts.calls,
          .values = values,
          .drivers = parts_.drivers->OwnCount(),
          .unheard = unheard_.size()};
}

bool NodeDrain::Turn(int64_t now_ms) {
  if (!has_begun()) return false;
  const bool gave_back = parts_.guest->GiveBack();
  const bool let_go = parts_.guest_actors->LetGo();
  if (now_ms >= offer_ms_) {
    offer_ms_ = now_ms + limits::kDrainOfferMs;
    OfferValues(now_ms);
  }
  return gave_back || let_go;
}

std::optional<int64_t> NodeDrain::NextTickMs() const {
  return has_values_ ? std::optional(offer_ms_) : std::nullopt;
}

void NodeDrain::OfferValues(int64_t now_ms) {
  if (now_ms >= repeat_ms_) {
    repeat_ms_ = now_ms + limits::kDrainRepeatMs;
    offered_.clear();
  }
  has_values_ = false;
  std::map<ClientId, std::vector<ObjectId>> by_home;
  for (const auto& kept : plasma::KeptObjects(parts_.store).List()) {
    // The home hears of results with the ends of their tasks.
    const TaskId task = kept.id.Task();
    const bool is_told = !parts_.guest->AttemptOf(task) && !parts_.guest_actors->OwesResults(task);
    if (!kept.is_sealed || !is_told) continue;
    has_values_ = true;
    if (offered_.insert(kept.id).second) by_home[kept.home].push_back(kept.id);
  }
  for (auto& [home, ids] : by_home) {
    std::sort(ids.begin(), ids.end());
    for (size_t i = 0; i < ids.size(); i += limits::kIdsPerMessageMax) {
      const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(i);
      const auto count = std::min(ids.size() - i, limits::kIdsPerMessageMax);
      parts_.objects->Send(home,
                           remote::TakeOver{{begin, begin + static_cast<std::ptrdiff_t>(count)}});
    }
  }
}

// --- sessions ---

void NodeDrain::OnSessionBegun(ClientId session) {
  if (!has_begun()) return;
  unheard_.insert(session);
  parts_.objects->Send(session, remote::NodeDrains{});
}

void NodeDrain::OnSessionEnded(ClientId session) {
  unheard_.erase(session);
  parts_.nodes->others.erase(session);
}

bool NodeDrain::IsDraining(const NodeId& node) const {
  return parts_.nodes->Contains(parts_.sessions->With(node));
}

Status NodeDrain::On(ClientId from, const remote::NodeDrains&) {
  if (!parts_.nodes->others.insert(from).second) {
    return Status::ProtocolError("a node that drains twice");
  }
  parts_.objects->Send(from, remote::DrainHeard{});
  return Status::Ok();
}

Status NodeDrain::On(ClientId from, const remote::DrainHeard&) {
  if (unheard_.erase(from) > 0) return Status::Ok();
  return Status::ProtocolError("an answer to a node that does not drain");
}

Status NodeDrain::On(ClientId home, const remote::MoveActor& message) {
  if (!has_begun()) return Status::ProtocolError("MoveActor to a node that does not drain");
  parts_.guest_actors->OnMove(home, message);
  return Status::Ok();
}

Status NodeDrain::On(ClientId from, const remote::TakeOver& message) {
  if (!parts_.nodes->Contains(from)) {
    return Status::ProtocolError("TakeOver of a node that does not drain");
  }
  const NodeId node = parts_.sessions->NodeOf(from);
  plasma::SharedObjects& shared = parts_.objects->shared();
  remote::DropCopies unneeded;
  for (const ObjectId& id : message.ids) {
    const plasma::Sharing* sharing = shared.Find(id);
    const bool is_there = sharing != nullptr && sharing->home.IsNil() &&
                          std::count(sharing->places.begin(), sharing->places.end(), node) > 0;
    if (is_there && !RAYX_MUTATION(kDropUncopied)) {
      shared.WantHere(id);
    } else if (!parts_.store->IsExpected(id)) {
      unneeded.ids.push_back(id);
    }
  }
  if (!unneeded.ids.empty()) parts_.objects->Send(from, std::move(unneeded));
  return Status::Ok();
}

}  // namespace rayx::node
