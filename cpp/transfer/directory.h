// The home's side: which nodes have copies of its values, whole or in part, and who pulls from
// whom.
//
//   maker (whole) ◀── part ◀── part
//                 ◀── part ◀── waits: whoever has room for one more puller is too deep, or nobody
//
// Each copy gives to kPullersMax others at most, and a part is a source like a whole one: it gives
// on what it has got. So the copies of a value that many want form a tree by themselves, and the
// maker sends it twice.
//
// A puller has one source at a time; one that loses it asks again. Only who hangs by its sources on
// a whole copy is a source, so there are no circles. Who pulls from one that is gone is told.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "transfer/transfer_values.h"

namespace rayx::transfer {

class Directory {
 public:
  static constexpr uint32_t kPullersMax = 2;
  // A node that cannot reach a source tries it again after this time, doubled with each failure, as
  // long as there is no other; some four seconds in all, in which a node that is gone is noticed.
  static constexpr int64_t kRetryMs = 50;
  static constexpr int64_t kRetryMsMax = 1000;
  static constexpr uint32_t kFailuresMax = 8;

  struct Answer {
    NodeId to;
    FromHome message;
  };

  // --- events ---
  // A value was made there, and is the one that counts: what is known of copies of another one is
  // forgotten. REQUIRES: size_bytes > 0.
  void OnMade(const ObjectId& id, Version version, uint64_t size_bytes, const NodeId& node);
  // What nodes say. About an id that is not known, nobody has it.
  void On(const NodeId& from, const AskSource& message);
  void On(const NodeId& from, const CopyWhole& message);
  void On(const NodeId& from, const CopyDropped& message);
  // Its session has ended. Looks at all ids: some milliseconds for a hundred thousand.
  void OnNodeGone(const NodeId& node);
  // Nobody refers to it any more.
  void Forget(const ObjectId& id);
  // The time of the loop. Before this is called first it is 0.
  void OnTurn(int64_t now_ms);

  // When OnTurn should be called although nothing happens.
  std::optional<int64_t> NextTickMs() const;
  // What nodes are to be told, in order.
  std::vector<Answer> TakeAnswers();

  bool Contains(const ObjectId& id) const { return entries_.contains(id); }
  // Nodes that may have all of it: those that have, or if there are none, those with a part.
  std::vector<NodeId> Places(const ObjectId& id) const;
  // Nodes with all of it, in no order that means anything.
  std::vector<NodeId> WholeCopies(const ObjectId& id) const;
  size_t size() const { return entries_.size(); }
  std::string DebugText() const;
  // Whether the books agree with each other; for tests. Empty, or what is wrong.
  std::string Audit() const;

 private:
  struct Copy {
    bool is_whole = false;
    // Of a part: where it pulls from; nil while it waits, or is about to say what it needs.
    NodeId source;
    // It has been told to leave its source, and will ask again, or say that it has all.
    bool is_recalled = false;
    // Who pull from it.
    uint32_t pullers = 0;
    // Of its last question.
    uint64_t number = 0;
    // Sources that have failed it since it got something, and when they may be tried again.
    std::set<NodeId> failed;
    uint32_t failures = 0;
    int64_t retry_ms = 0;
  };
  struct Entry {
    Version version = 0;
    uint64_t size_bytes = 0;
    std::map<NodeId, Copy> copies;
    // Parts without a source, in the order in which they have asked.
    std::deque<NodeId> waiting;
  };

  // Gives sources to who waits, or tells them that there is none. The entry may be gone afterwards.
  void Serve(const ObjectId& id);
  // The best source for a copy that waits; null: none yet.
  const NodeId* Choose(const Entry& entry, const Copy& puller) const;
  // How many steps it is from a whole copy; nothing if it hangs on none.
  std::optional<uint32_t> DepthOf(const Entry& entry, const Copy& copy) const;
  // It pulls from nobody any more, and does not wait.
  void Detach(Entry& entry, const NodeId& node, Copy& copy);
  void Drop(const ObjectId& id, const NodeId& node);
  // If nobody can go on: those who pull from others that wait are recalled, since one of them may
  // have all; and if everybody waits, nobody has it. True: nobody has it.
  bool IsLost(const ObjectId& id, Entry& entry);
  void Recall(const ObjectId& id, Entry& entry, const NodeId& node);

  int64_t now_ms_ = 0;
  std::unordered_map<ObjectId, Entry> entries_;
  // Ids of which somebody waits for a source that has failed it, by when it is tried again.
  std::set<std::pair<int64_t, ObjectId>> retries_;
  std::vector<Answer> answers_;
};

}  // namespace rayx::transfer
