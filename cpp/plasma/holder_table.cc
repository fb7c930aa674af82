#include "plasma/holder_table.h"

#include <utility>

#include "common/base/check.h"

namespace rayx::plasma {

const Holder* HolderTable::Find(const HolderList& list, ClientId client) const {
  for (const Holder* at = list.first_.get(); at != nullptr; at = at->next_of_object.get()) {
    if (at->client == client) return at;
  }
  return nullptr;
}

Holder* HolderTable::Find(HolderList& list, ClientId client) {
  for (Holder* at = list.first_.get(); at != nullptr; at = at->next_of_object.get()) {
    if (at->client == client) return at;
  }
  return nullptr;
}

Holder& HolderTable::FindOrAdd(HolderList& list, ClientId client, const ObjectId& object) {
  RAYX_CHECK(!client.IsNil());
  if (Holder* found = Find(list, client)) return *found;
  auto added = std::make_unique<Holder>();
  added->client = client;
  added->object = object;
  Holder*& first = first_of_client_.try_emplace(client, nullptr).first->second;
  added->next_of_client = first;
  if (first != nullptr) first->previous_of_client = added.get();
  first = added.get();
  added->next_of_object = std::move(list.first_);
  list.first_ = std::move(added);
  ++size_;
  return *list.first_;
}

void HolderTable::RemoveIfIdle(HolderList& list, ClientId client) {
  std::unique_ptr<Holder>* link = &list.first_;
  while (*link != nullptr && (*link)->client != client) link = &(*link)->next_of_object;
  if (*link == nullptr || !(*link)->HoldsNothing()) return;
  const std::unique_ptr<Holder> going = std::move(*link);
  *link = std::move(going->next_of_object);
  if (going->previous_of_client == nullptr) {
    first_of_client_[client] = going->next_of_client;
  } else {
    going->previous_of_client->next_of_client = going->next_of_client;
  }
  if (going->next_of_client != nullptr) {
    going->next_of_client->previous_of_client = going->previous_of_client;
  }
  --size_;
}

std::optional<ObjectId> HolderTable::AnyObjectOf(ClientId client) const {
  const auto first = first_of_client_.find(client);
  if (first == first_of_client_.end() || first->second == nullptr) return std::nullopt;
  return first->second->object;
}

void HolderTable::ForgetClient(ClientId client) {
  const auto first = first_of_client_.find(client);
  if (first == first_of_client_.end()) return;
  RAYX_CHECK(first->second == nullptr);
  first_of_client_.erase(first);
}

std::vector<const Holder*> HolderTable::HoldersOf(const HolderList& list) const {
  std::vector<const Holder*> found;
  for (const Holder* at = list.first_.get(); at != nullptr; at = at->next_of_object.get()) {
    found.push_back(at);
  }
  return found;
}

void HolderTable::SanityCheck() const {
  size_t linked = 0;
  for (const auto& [client, first] : first_of_client_) {
    const Holder* previous = nullptr;
    for (const Holder* at = first; at != nullptr; at = at->next_of_client) {
      RAYX_CHECK(at->client == client);
      RAYX_CHECK(at->previous_of_client == previous);
      RAYX_CHECK(!at->HoldsNothing());
      RAYX_IMPLIES(at->referenced_by_create, at->referenced);
      previous = at;
      ++linked;
    }
  }
  RAYX_CHECK(linked == size_);
}

}  // namespace rayx::plasma
