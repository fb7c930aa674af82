// Which client holds what of which object.
//
// A holder is the meeting of one client with one object: a reference, pins, a creation under way.
// It exists as long as there is any of these. Both sides need their holders: an object, to know
// whether it is still wanted; a client, so that all it held can go when its connection does. So
// each holder is in two linked lists: that of its object, which starts in the object's entry
// (HolderList), and that of its client, which starts here.
//
// The list of the object owns them, each with memory of its own: in one array, as they once were,
// the last of a million would keep the memory of all. An object has few holders, so its list is
// searched from the front.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"

namespace rayx::plasma {

struct Holder {
  ClientId client = kNoClient;
  ObjectId object;
  // How often the client has pinned the object.
  uint64_t pins = 0;
  bool referenced = false;
  // The reference is only there because the client is making the object.
  bool referenced_by_create = false;
  // The client is making the object.
  bool creating = false;

  bool HoldsNothing() const { return !referenced && !creating && pins == 0; }

 private:
  friend class HolderTable;
  std::unique_ptr<Holder> next_of_object;
  Holder* next_of_client = nullptr;
  Holder* previous_of_client = nullptr;
};

// The holders of one object; a member of its entry, meaningful only to the HolderTable.
class HolderList {
 public:
  bool empty() const { return first_ == nullptr; }

 private:
  friend class HolderTable;
  std::unique_ptr<Holder> first_;
};

class HolderTable {
 public:
  // Null if `client` holds nothing of the object whose list this is. Valid until the holder is
  // forgotten.
  Holder* Find(HolderList& list, ClientId client);
  const Holder* Find(const HolderList& list, ClientId client) const;
  // The same, but a holder that holds nothing yet is made if there is none. REQUIRES: client is not
  // 0.
  Holder& FindOrAdd(HolderList& list, ClientId client, const ObjectId& object);
  // Forgets the holder if nothing is left of what it held.
  void RemoveIfIdle(HolderList& list, ClientId client);

  // An object of which `client` still holds something.
  std::optional<ObjectId> AnyObjectOf(ClientId client) const;
  // REQUIRES: the client holds nothing any more.
  void ForgetClient(ClientId client);

  // The holders of an object, newest first.
  std::vector<const Holder*> HoldersOf(const HolderList& list) const;
  // How many holders there are.
  size_t size() const { return size_; }
  // CHECKs that the lists of the clients are well linked and that they hold, in sum, every holder.
  void SanityCheck() const;

 private:
  size_t size_ = 0;
  // The first holder of each client. Kept when the list runs empty, since most clients soon hold
  // something again.
  std::unordered_map<ClientId, Holder*> first_of_client_;
};

}  // namespace rayx::plasma
