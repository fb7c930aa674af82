#include "plasma/holder_table.h"

#include "common/base/check.h"

namespace rayx::plasma {

const Holder* HolderTable::Find(HolderList list, ClientId client) const {
  for (uint32_t at = list.first_; at != kNone; at = holders_[at].next_of_object) {
    if (holders_[at].client == client) return &holders_[at];
  }
  return nullptr;
}

Holder* HolderTable::Find(HolderList list, ClientId client) {
  for (uint32_t at = list.first_; at != kNone; at = holders_[at].next_of_object) {
    if (holders_[at].client == client) return &holders_[at];
  }
  return nullptr;
}

uint32_t HolderTable::NewHolder() {
  ++size_;
  if (first_free_ == kNone) {
    RAYX_CHECK(holders_.size() < kNone);
    holders_.emplace_back();
    return static_cast<uint32_t>(holders_.size() - 1);
  }
  const uint32_t at = first_free_;
  first_free_ = holders_[at].next_of_object;
  holders_[at] = Holder();
  return at;
}

Holder& HolderTable::FindOrAdd(HolderList& list, ClientId client, const ObjectId& object) {
  RAYX_CHECK(client != 0);
  if (Holder* found = Find(list, client)) return *found;
  const uint32_t at = NewHolder();
  Holder& holder = holders_[at];
  holder.client = client;
  holder.object = object;
  holder.next_of_object = list.first_;
  list.first_ = at;
  uint32_t& first = first_of_client_.try_emplace(client, kNone).first->second;
  holder.previous_of_client = kNone;
  holder.next_of_client = first;
  if (first != kNone) holders_[first].previous_of_client = at;
  first = at;
  return holder;
}

void HolderTable::RemoveIfIdle(HolderList& list, ClientId client) {
  uint32_t* link = &list.first_;
  while (*link != kNone && holders_[*link].client != client) link = &holders_[*link].next_of_object;
  if (*link == kNone || !holders_[*link].HoldsNothing()) return;
  const uint32_t at = *link;
  Holder& holder = holders_[at];
  *link = holder.next_of_object;
  if (holder.previous_of_client == kNone) {
    first_of_client_[client] = holder.next_of_client;
  } else {
    holders_[holder.previous_of_client].next_of_client = holder.next_of_client;
  }
  if (holder.next_of_client != kNone) {
    holders_[holder.next_of_client].previous_of_client = holder.previous_of_client;
  }
  holder.next_of_object = first_free_;
  first_free_ = at;
  --size_;
}

std::optional<ObjectId> HolderTable::AnyObjectOf(ClientId client) const {
  const auto first = first_of_client_.find(client);
  if (first == first_of_client_.end() || first->second == kNone) return std::nullopt;
  return holders_[first->second].object;
}

void HolderTable::ForgetClient(ClientId client) {
  const auto first = first_of_client_.find(client);
  if (first == first_of_client_.end()) return;
  RAYX_CHECK(first->second == kNone);
  first_of_client_.erase(first);
}

std::vector<Holder> HolderTable::HoldersOf(HolderList list) const {
  std::vector<Holder> found;
  for (uint32_t at = list.first_; at != kNone; at = holders_[at].next_of_object) {
    found.push_back(holders_[at]);
  }
  return found;
}

void HolderTable::SanityCheck() const {
  size_t linked = 0;
  for (const auto& [client, first] : first_of_client_) {
    uint32_t previous = kNone;
    for (uint32_t at = first; at != kNone; at = holders_[at].next_of_client) {
      const Holder& holder = holders_[at];
      RAYX_CHECK(holder.client == client);
      RAYX_CHECK(holder.previous_of_client == previous);
      RAYX_CHECK(!holder.HoldsNothing());
      RAYX_IMPLIES(holder.referenced_by_create, holder.referenced);
      previous = at;
      ++linked;
    }
  }
  RAYX_CHECK(linked == size_);
  for (uint32_t at = first_free_; at != kNone; at = holders_[at].next_of_object) ++linked;
  RAYX_CHECK(linked == holders_.size());
}

}  // namespace rayx::plasma
