#include "node/remote_objects.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/protocol/object_layout.h"
#include "node/mutation.h"

namespace rayx::node {

using plasma::Announced;
using plasma::Sharing;

// --- sessions ---

void RemoteObjects::OnSessionEnded(ClientId session, const std::string& reason) {
  if (!sessions_->Contains(session)) return;
  const NodeId node = sessions_->NodeOf(session);
  if (!RAYX_MUTATION(kAcceptEndedSession)) {
    sessions_->End(session);
    queues_.erase(session);
  }
  const std::string name = "node " + node.Hex();
  // As the home of what the node referred to and made ...
  copies_.OnNodeGone(node);
  if (!RAYX_MUTATION(kForgetNodeGone)) {
    std::vector<ObjectId> lost = shared_.OnGone(node);
    FindAgain(&lost);
    Lose(lost, "its value was only at " + name + ", which is gone: " + reason);
  }
  streams_.OnSessionEnded(session);
  // ... and as a guest of the node. What it kept here goes before all else that it was a client of.
  Lose(shared_.OnGone(session),
       "the driver that it belongs to was at " + name + ", which is gone: " + reason);
  if (!RAYX_MUTATION(kKeepNodeReferences)) store_->OnClientGone(session);
}

void RemoteObjects::FindAgain(std::vector<ObjectId>* lost) {
  std::erase_if(*lost, [this](const ObjectId& id) {
    const std::vector<NodeId> places = copies_.PlacesOf(id);
    if (places.empty()) return false;
    shared_.SetPlaces(id, places);
    // Who has a copy keeps it for nobody: the next one is here.
    shared_.WantHere(id);
    return true;
  });
}

void RemoteObjects::Lose(std::span<const ObjectId> ids, const std::string& why) {
  for (const ObjectId& id : ids) {
    const std::string error =
        EncodeSystemError(SystemErrorCode::kObjectLost, "object " + id.Hex() + " is lost: " + why);
    shared_.Lose(id, BytesOf(error));
  }
}

Status RemoteObjects::OnMessage(ClientId session, remote::Message message) {
  if (!sessions_->Contains(session)) {
    return Status::ProtocolError("a message of session " + session.ToString() +
                                 ", which has ended");
  }
  return std::visit([&](const auto& said) { return On(session, said); }, message);
}

// --- what others say ---

Status RemoteObjects::On(ClientId from, const remote::AddReferences& message) {
  for (const ObjectId& id : message.ids) store_->AddClientReference(from, id);
  return Status::Ok();
}

Status RemoteObjects::On(ClientId from, const remote::RemoveReferences& message) {
  for (const ObjectId& id : message.ids) {
    if (RAYX_MUTATION(kForgetRemove)) continue;
    const Status removed = store_->RemoveClientReference(from, id);
    if (!removed.ok()) return Status::ProtocolError(removed.message());
  }
  return Status::Ok();
}

Status RemoteObjects::On(ClientId from, const remote::Announce& message) {
  if (!message.is_pending) return Accept(from, message.value);
  if (!shared_.SetMaker(message.value.id, sessions_->NodeOf(from))) {
    Send(from, remote::DropCopies{{message.value.id}});
  }
  return Status::Ok();
}

Status RemoteObjects::Accept(ClientId from, const remote::Value& value) {
  const NodeId node = sessions_->NodeOf(from);
  Sharing* known = shared_.Find(value.id);
  if (known != nullptr && !known->home.IsNil()) {
    return Status::ProtocolError("a value for an object of another home");
  }
  if (value.is_inline) {
    // It keeps nothing of it any more.
    if (known != nullptr && known->maker == node) known->maker = NodeId();
    if (value.data.size() > limits::kInlineObjectBytesMax) {
      return Status::ProtocolError("an inline value beyond the limit");
    }
    if (value.function && store_->IsExpected(value.id)) {
      functions_->Learn(value.id.Function(), *value.function, /*is_foreign=*/false);
    }
    const Status put = store_->PutInline(kNoClient, value.id, BytesOf(value.data), value.contained);
    return put.code() == StatusCode::kAlreadyExists ? Status::Ok() : put;
  }
  if (!shared_.PlaceElsewhere(value.id, value.size_bytes, value.contained, {&node, 1})) {
    Send(from, remote::DropCopies{{value.id}});
  } else {
    copies_.OnMade(value.id, value.version, value.size_bytes, node);
  }
  return Status::Ok();
}

Status RemoteObjects::On(ClientId from, const remote::DropCopies& message) {
  for (const ObjectId& id : message.ids) shared_.DropKept(id, from);
  return Status::Ok();
}

Status RemoteObjects::On(ClientId from, const remote::GetObjects& message) {
  for (const ObjectId& id : message.ids) store_->Get(from, id, /*pin=*/false);
  return Status::Ok();
}

Status RemoteObjects::On(ClientId from, const remote::ObjectsReady& message) {
  for (const remote::Value& value : message.values) {
    const Sharing* sharing = shared_.Find(value.id);
    // Nobody needs it any more.
    if (sharing == nullptr || sharing->home != from) continue;
    if (!value.is_inline) {
      shared_.PlaceElsewhere(value.id, value.size_bytes, {}, value.places);
      continue;
    }
    if (value.function && sharing->told) {
      functions_->Learn(value.id.Function(), *value.function, /*is_foreign=*/true);
    }
    // What is inside one that came first was named then; and of what is inside one that was made
    // here the home need not know.
    const bool has_value = store_->IsSealed(value.id);
    shared_.PutCopy(value.id, BytesOf(value.data), value.contained);
    if (!has_value) Named(from, store_->ContainedIn(value.id));
  }
  return Status::Ok();
}

// --- copies of large values ---

void RemoteObjects::OnCopied(const ObjectId& id, std::span<const ObjectId> contained,
                             transfer::Version version) {
  const Sharing* sharing = shared_.Find(id);
  const ClientId home = sharing == nullptr ? kNoClient : sharing->home;
  // A small value may have come first, or the home's end.
  const Status sealed = store_->Seal(plasma::SharedObjects::kCopier, id, contained);
  if (!sealed.ok()) return;
  shared_.SetVersion(id, version);
  if (!home.IsNil()) Named(home, contained);
}

void RemoteObjects::OnCopyFailed(const ObjectId& id) {
  Sharing* sharing = shared_.Find(id);
  if (sharing == nullptr || store_->IsSealed(id) || RAYX_MUTATION(kForgetToAskAgain)) return;
  if (!sharing->home.IsNil()) {
    // The home knows who else has it, or that nobody has.
    shared_.SetPlaces(id, {});
    return Ask(id, *sharing);
  }
  if (copies_.PlacesOf(id).empty()) {
    std::string why = "all nodes that had its value are gone or have dropped it:";
    for (const NodeId& place : sharing->places) why += " node " + place.Hex();
    shared_.SetPlaces(id, {});
    const ObjectId lost[] = {id};
    return Lose(lost, why);
  }
  Act(plasma::FetchObject{id});
}

// --- ids that cross ---

void RemoteObjects::Cross(ClientId home, std::span<const ObjectId> ids) {
  std::vector<ObjectId> crossing;
  for (const ObjectId& id : ids) {
    if (RAYX_MUTATION(kForgetToCross)) continue;
    if (shared_.Share(id, home)) {
      crossing.push_back(id);
    } else if (shared_.Find(id)->home == home) {
      // A value that was made since, and of which the home would hear in this turn.
      AnnounceValue(home, id, &crossing);
    }
  }
  Introduce(home, std::move(crossing));
}

void RemoteObjects::Introduce(ClientId home, std::vector<ObjectId> crossing) {
  // A list of work instead of recursion: values may be nested a million deep.
  while (!crossing.empty()) {
    const ObjectId id = crossing.back();
    crossing.pop_back();
    if (store_->IsSealed(id)) {
      AnnounceValue(home, id, &crossing);
    } else {
      shared_.Find(id)->announced = Announced::kPending;
      Keep(id);
      if (RAYX_MUTATION(kForgetPending)) continue;
      Send(home, remote::Announce{.is_pending = true, .value = {.id = id}});
    }
  }
  // The home has them now. Not before: what is inside may go with them, and was to be announced.
  for (const ObjectId& id : std::exchange(announced_, {})) shared_.DropKept(id, home);
}

void RemoteObjects::ExpectResult(ClientId home, const ObjectId& id) {
  store_->AddClientReference(home, id);
  if (!shared_.Share(id, home)) Keep(id);
  shared_.Find(id)->announced = Announced::kValue;
}

void RemoteObjects::Keep(const ObjectId& id) {
  if (RAYX_MUTATION(kForgetToKeep)) return;
  if (RAYX_MUTATION(kCountKeptAsLocal)) return store_->AddReference(id);
  shared_.Keep(id);
}

remote::Value RemoteObjects::TakeResult(ClientId home, const ObjectId& id) {
  std::optional<remote::Value> value = ValueOf(id);
  RAYX_CHECK(value.has_value());
  Cross(home, value->contained);
  return *std::move(value);
}

void RemoteObjects::OnResultSent(ClientId home, const ObjectId& id) {
  const std::optional<plasma::ObjectLocation> location = store_->Find(id);
  if (location) {
    if (location->is_inline) shared_.DropKept(id, home);
    return;
  }
  if (Sharing* sharing = shared_.Find(id)) sharing->announced = Announced::kNothing;
  shared_.DropKept(id, home);
  Sharing* sharing = shared_.Find(id);
  if (sharing != nullptr) Ask(id, *sharing);
}

void RemoteObjects::Named(ClientId home, std::span<const ObjectId> ids) {
  if (RAYX_MUTATION(kForgetNamed)) return;
  for (const ObjectId& id : ids) (void)shared_.Share(id, home);
}

void RemoteObjects::AnnounceValue(ClientId home, const ObjectId& id,
                                  std::vector<ObjectId>* crossing) {
  Sharing& sharing = *shared_.Find(id);
  if (sharing.announced == Announced::kValue || !store_->IsSealed(id)) return;
  sharing.announced = Announced::kValue;
  std::optional<remote::Value> value = ValueOf(id);
  const bool is_inline = value->is_inline;
  if (!is_inline && !sharing.kept) Keep(id);
  // What is inside is known to the home first: by the reference that the value here has to it.
  for (const ObjectId& inner : value->contained) {
    if (!RAYX_MUTATION(kForgetInside) && shared_.Share(inner, home)) crossing->push_back(inner);
  }
  Send(home, remote::Announce{.is_pending = false, .value = *std::move(value)});
  if (is_inline) announced_.push_back(id);
}

std::optional<remote::Value> RemoteObjects::ValueOf(const ObjectId& id) {
  const std::optional<plasma::ObjectLocation> location = store_->Find(id);
  if (!location) return std::nullopt;
  remote::Value value{.id = id, .is_inline = location->is_inline};
  value.size_bytes = location->size;
  const Sharing* sharing = shared_.Find(id);
  if (!value.is_inline && sharing != nullptr && !sharing->home.IsNil()) {
    value.version = copies_.VersionOf(id, sharing->home);
  }
  if (location->is_inline) value.data.assign(location->data.begin(), location->data.end());
  value.contained = store_->ContainedIn(id);
  if (id.IsFunction()) value.function = functions_->Export(id.Function());
  return value;
}

// --- what the store decides ---

void RemoteObjects::Act(const plasma::FetchObject& effect) {
  Sharing* sharing = shared_.Find(effect.id);
  if (sharing == nullptr || store_->IsSealed(effect.id)) return;
  if (sharing->places.empty()) return Ask(effect.id, *sharing);
  const std::optional<plasma::ObjectLocation> location = store_->Find(effect.id);
  if (sharing->is_wanted_here) {
    copies_.Want(effect.id, location->size, sharing->home);
  }
}

void RemoteObjects::Ask(const ObjectId& id, Sharing& sharing) {
  // What is made here need not be asked for; and the home knows nobody to ask.
  if (sharing.home.IsNil() || sharing.announced != Announced::kNothing) return;
  if (!sharing.told || sharing.asked) return;
  sharing.asked = true;
  const auto home = queues_.find(sharing.home);
  if (home != queues_.end()) home->second.questions.push_back(id);
}

void RemoteObjects::Act(const plasma::SharedObjectSealed& effect) {
  const Sharing* sharing = shared_.Find(effect.id);
  if (sharing == nullptr || sharing->home.IsNil()) return;
  const ClientId home = sharing->home;
  std::vector<ObjectId> crossing;
  AnnounceValue(home, effect.id, &crossing);
  Introduce(home, std::move(crossing));
}

void RemoteObjects::Act(const plasma::DeliverObject& effect) {
  const auto queue = queues_.find(effect.client);
  if (queue != queues_.end()) queue->second.deliveries.push_back(effect.id);
}

// --- sending ---

void RemoteObjects::Send(ClientId session, remote::Message message) {
  if (!sessions_->Contains(session)) return;
  Flush(session);
  shell_.others->Send(session, std::move(message));
}

void RemoteObjects::Flush(ClientId session) {
  if (!RAYX_MUTATION(kForgetNewsFirst)) SendNews(session);
}

void RemoteObjects::SendNews(ClientId home) {
  plasma::ReferenceNews::News news = shared_.news().Take(home);
  if (!sessions_->Contains(home)) return;
  if (!news.added.empty()) {
    shell_.others->Send(home, remote::AddReferences{std::move(news.added)});
  }
  if (!news.removed.empty()) {
    shell_.others->Send(home, remote::RemoveReferences{std::move(news.removed)});
  }
}

void RemoteObjects::SendQuestions(ClientId home, Queue& queue) {
  std::vector<ObjectId> ids;
  for (const ObjectId& id : std::exchange(queue.questions, {})) {
    // Not if nobody wants it any more.
    const Sharing* sharing = shared_.Find(id);
    if (sharing == nullptr || !sharing->asked) continue;
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  if (!ids.empty()) Send(home, remote::GetObjects{std::move(ids)});
}

void RemoteObjects::SendDeliveries(ClientId to, Queue& queue) {
  while (!queue.deliveries.empty() && shell_.others->HasRoom(to)) {
    remote::ObjectsReady message;
    size_t bytes = 0;
    while (!queue.deliveries.empty() && bytes < limits::kInlineBatchBytesMax) {
      const ObjectId id = queue.deliveries.front();
      queue.deliveries.pop_front();
      std::optional<remote::Value> value = ValueOf(id);
      if (!value) continue;
      if (!value->is_inline) {
        const Sharing* sharing = shared_.Find(id);
        if (sharing != nullptr) value->places = sharing->places;
        if (value->places.empty()) value->places.push_back(shell_.others->self());
      }
      if (RAYX_MUTATION(kForgetContainedElsewhere)) value->contained.clear();
      bytes += value->data.size() + ObjectView::kMessageBytes;
      if (value->function) bytes += value->function->pickled.size();
      message.values.push_back(*std::move(value));
    }
    if (!message.values.empty()) Send(to, std::move(message));
  }
}

void RemoteObjects::Flush() {
  for (auto& [id, queue] : queues_) {
    SendQuestions(id, queue);
    SendDeliveries(id, queue);
  }
  for (const plasma::UnneededCopy& copy : shared_.news().TakeUnneeded()) {
    if (RAYX_MUTATION(kForgetToDropCopies)) continue;
    Send(sessions_->With(copy.node), remote::DropCopies{{copy.id}});
  }
  for (const ClientId home : shared_.news().Pressing()) SendNews(home);
}

}  // namespace rayx::node
