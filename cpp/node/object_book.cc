#include "node/object_book.h"

#include <string>
#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "common/base/overload.h"
#include "node/mutation.h"

namespace rayx::node {
namespace {

// The first value of an id wins; who brings another one makes no mistake.
Status UnlessTaken(Status put) {
  return put.code() == StatusCode::kAlreadyExists ? Status::Ok() : put;
}

}  // namespace

template <typename Put>
Status ObjectBook::Store(const ObjectId& id, Put put) {
  const ClientId home = remote_->streams().HomeOf(id);
  if (home.IsNil()) return UnlessTaken(put());
  // Its maker may let go of it at once, and nobody else here need refer to it.
  store_->AddReference(id);
  const Status stored = UnlessTaken(put());
  const ObjectId crossing[] = {id};
  if (store_->IsSealed(id)) remote_->Cross(home, crossing);
  store_->RemoveReference(id);
  return stored;
}

void ObjectBook::NameOfStreams(const Peer& peer, std::span<const ObjectId> ids) {
  if (remote_->streams().size() == 0) return;
  for (const ObjectId& id : ids) {
    const ClientId home = remote_->streams().HomeOf(id);
    if (home.IsNil() || store_->IsSealed(id)) continue;
    store_->AddClientReference(peer.id, id);
    const ObjectId named[] = {id};
    remote_->Named(home, named);
  }
}

Status ObjectBook::OnPut(const Peer& peer, const ObjectId& id, std::span<const uint8_t> data,
                         std::span<const ObjectId> contained) {
  tasks_->OnObjectMade(peer, id);
  if (data.size() > limits::kInlineObjectBytesMax) {
    return Status::ProtocolError("PutObject of " + std::to_string(data.size()) + " bytes");
  }
  return Store(id, [&] { return store_->PutInline(peer.id, id, data, contained); });
}

Status ObjectBook::OnPutReserved(const Peer& peer, const ObjectId& id, plasma::Extent value,
                                 std::span<const ObjectId> contained, bool keep_reference) {
  tasks_->OnObjectMade(peer, id);
  return Store(id,
               [&] { return store_->PutReserved(peer.id, id, value, contained, keep_reference); });
}

Result<uint64_t> ObjectBook::Create(const Peer& peer, const ObjectId& id, uint64_t size_bytes) {
  Result<uint64_t> offset = store_->Create(peer.id, id, size_bytes);
  if (offset.status().code() == StatusCode::kStoreFull && shell_.reservations->TakeBack()) {
    offset = store_->Create(peer.id, id, size_bytes);
  }
  return offset;
}

Status ObjectBook::OnSeal(const Peer& peer, const ObjectId& id,
                          std::span<const ObjectId> contained) {
  tasks_->OnObjectMade(peer, id);
  return Store(id, [&] { return store_->Seal(peer.id, id, contained); });
}

void ObjectBook::OnGet(Peer& peer, std::span<const ObjectId> ids, bool pin, uint64_t fence) {
  NameOfStreams(peer, ids);
  for (const ObjectId& id : ids) store_->Get(peer.id, id, pin);
  if (fence == 0) return;
  // One with deliveries is in the list already.
  if (peer.deliveries.empty() && peer.fence == 0) delivering_.push_back(peer.id);
  peer.fence = fence;
}

Status ObjectBook::OnRelease(const Peer& peer, std::span<const ObjectId> unpinned,
                             std::span<const ObjectId> unreferenced) {
  for (const ObjectId& id : unpinned) RAYX_RETURN_IF_ERROR(store_->Unpin(peer.id, id));
  for (const ObjectId& id : unreferenced) {
    RAYX_RETURN_IF_ERROR(store_->RemoveClientReference(peer.id, id));
  }
  return Status::Ok();
}

void ObjectBook::OnAddReferences(const Peer& peer, std::span<const ObjectId> ids) {
  for (const ObjectId& id : ids) store_->AddClientReference(peer.id, id);
  NameOfStreams(peer, ids);
}

bool ObjectBook::DrainEffects() {
  const std::vector<plasma::Effect> effects = store_->TakeEffects();
  for (const plasma::Effect& effect : effects) {
    std::visit(Overload{[this](const plasma::ObjectSealed& sealed) {
                          remote_->Act(sealed);
                          OnSealed(sealed.id);
                        },
                        [this](const plasma::ObjectDeleted& deleted) {
                          remote_->Act(deleted);
                          OnDeleted(deleted.id);
                        },
                        [this](const plasma::DeliverObject& deliver) { OnDeliver(deliver); },
                        [this](const plasma::ObjectIsElsewhere& elsewhere) {
                          // As in OnSealed.
                          if (!store_->Find(elsewhere.id)) return;
                          tasks_->OnObjectAvailable(elsewhere.id, /*here=*/false);
                        },
                        [this](const auto& shared) { remote_->Act(shared); }},
               effect);
  }
  return !effects.empty();
}

void ObjectBook::OnDeliver(const plasma::DeliverObject& deliver) {
  Peer* peer = shell_.peers->FindPeer(deliver.client);
  // Another node, or one that is gone.
  if (peer == nullptr) return remote_->Act(deliver);
  if (peer->deliveries.empty() && peer->fence == 0) delivering_.push_back(peer->id);
  peer->deliveries.push_back(deliver);
}

void ObjectBook::OnSealed(const ObjectId& id) {
  if (id.IsFunction()) return;
  // It may be gone by now. Then a task that another node has given to this one meanwhile waits for
  // the next value of that id.
  if (store_->IsSealed(id)) tasks_->OnObjectAvailable(id, /*here=*/true);
  shell_.records->OnObjectSealed(id);
}

void ObjectBook::OnDeleted(const ObjectId& id) {
  if (id.IsFunction()) return functions_->OnDeleted(id.Function());
  if (id.Index() == 0) remote_->streams().OnEndDeleted(id.Task());
  actors_->OnObjectDeleted(id);
  shell_.records->OnObjectDeleted(id);
}

void ObjectBook::SendDeliveries() {
  if (delivering_.empty()) return;
  for (const ClientId id : std::exchange(delivering_, {})) {
    Peer* peer = shell_.peers->FindPeer(id);
    if (peer == nullptr) continue;
    while ((!peer->deliveries.empty() || peer->fence != 0) &&
           shell_.peers->BacklogBytes(*peer) < limits::kPeerBacklogBytesSoft) {
      SendBatch(*peer);
    }
    // The rest waits for the peer to read; its progress wakes the loop.
    const bool has_more = !peer->deliveries.empty() || peer->fence != 0;
    if (has_more && !RAYX_MUTATION(kForgetDelivery)) delivering_.push_back(id);
  }
}

void ObjectBook::SendBatch(Peer& peer) {
  batch_.clear();
  size_t bytes = 0;
  while (!peer.deliveries.empty() && bytes < limits::kInlineBatchBytesMax) {
    const plasma::DeliverObject deliver = peer.deliveries.front();
    peer.deliveries.pop_front();
    // Gone already if the peer gave up its reference in the meantime.
    const auto location = store_->Find(deliver.id);
    if (!location) continue;
    bytes += location->data.size() + ObjectView::kMessageBytes;
    batch_.push_back(
        {.id = deliver.id,
         .location = *location,
         .pinned = deliver.pin && !location->is_inline && !RAYX_MUTATION(kDeliverUnpinned)});
  }
  const uint64_t fence = peer.deliveries.empty() ? std::exchange(peer.fence, 0) : 0;
  shell_.peers->SendObjects(peer, batch_, fence);
}

}  // namespace rayx::node
