// Objects of the store that other nodes have to do with: whose value lies elsewhere, which the home
// keeps here, of which the home is to be told (sharing.h).
//
// A view of an ObjectStore, with events of its own. What follows is in the effects of the store.
// An object that never crosses the border of its node is never named here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "plasma/object_store.h"

namespace rayx::plasma {

class SharedObjects {
 public:
  // Who makes copies of values that lie elsewhere, as a client of the store.
  static constexpr ClientId kCopier{UINT64_MAX};

  // `store` must outlive it.
  explicit SharedObjects(ObjectStore* store) : store_(store) {}

  // --- at a node that is not the home ---
  // From now on `home` is the session with the object's home, if it has none yet; false if it has.
  // A reference that `home` has to the object is the home's own. REQUIRES: there is an entry.
  bool Share(const ObjectId& id, ClientId home);
  // The home has a reference here from now on, until DropKept. REQUIRES: the object is shared.
  void Keep(const ObjectId& id);
  // Nothing happens if the home has none.
  void DropKept(const ObjectId& id, ClientId home);
  // The home has sent the value. Dropped if nobody here refers to the object, or it has one.
  void PutCopy(const ObjectId& id, std::span<const uint8_t> data,
               std::span<const ObjectId> contained);
  // The session with the home has ended: what it kept goes. What has a value here lives on by its
  // local references; returned is what has none.
  std::vector<ObjectId> OnGone(ClientId home);

  // --- at both ---
  // The value, with these ids inside (of which only the home need know), lies at these nodes. False
  // if nobody here refers to the object, or it has a value.
  bool PlaceElsewhere(const ObjectId& id, uint64_t size_bytes, std::span<const ObjectId> contained,
                      std::span<const NodeId> places);
  // The value, of which the places that were known are of no use, may be had at these; or, without
  // any, is not known to be anywhere.
  void SetPlaces(const ObjectId& id, std::span<const NodeId> places);
  // Of a value in the pool of this node. REQUIRES: it is sealed.
  void SetVersion(const ObjectId& id, uint64_t version);
  // Something here needs the value in this node, if it is elsewhere (effect FetchObject).
  void WantHere(const ObjectId& id);
  // Room for a copy of the value, for kCopier, which seals or aborts it. NotFound if the value is
  // not elsewhere; StoreFull.
  Result<uint64_t> CreateCopy(const ObjectId& id);
  // The object, which has no value and will not have one, gets this error. What was inside its
  // value stays referred to for as long as the object lives, as copies of it may be about.
  void Lose(const ObjectId& id, std::span<const uint8_t> error);
  // Null if no other node has to do with the object. What stands in it is the caller's to set, but
  // for what the methods above do. Valid until the next event.
  Sharing* Find(const ObjectId& id);
  bool IsReferencedBy(const ObjectId& id, ClientId client) const;

  // --- at the home ---
  // The value will be made at this node. False if nobody refers to the object, or it has one.
  bool SetMaker(const ObjectId& id, const NodeId& maker);
  // The node is gone: returned is what has no value by that.
  std::vector<ObjectId> OnGone(const NodeId& node);

  // What there is to tell to other nodes.
  ReferenceNews& news() { return store_->news_; }

 private:
  ObjectStore* const store_;
};

}  // namespace rayx::plasma
