// What the entry of an object has beside the rest if other nodes have to do with it, or may have:
// an input of a task that has no value yet may get one at another node.
//
// One node is the *home* of an id: that of the driver on whose behalf the id has first crossed from
// one node to another. The home has an entry for the object as long as any node refers to it; each
// other node is one client of it there, by its session. A node that is not the home tells it of its
// first and its last local reference, and of nothing in between.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/ids.h"

namespace rayx::plasma {

// What a node has told the home of a value that is made at the node.
enum class Announced : uint8_t {
  kNothing,
  kPending,  // that it will be made here
  kValue,    // all that there is to tell: it knows the value, or will by the end of a task
};

struct Sharing {
  // The session with the home; kNoClient if this node is it.
  ClientId home = kNoClient;

  // --- at a node that is not the home ---
  // The home counts this node as a client, or will by the news that wait (reference_news.h).
  bool told = false;
  // The home has a reference here, as the client `home`, and so keeps a value that nobody here may
  // need. It does not count as a local one.
  bool kept = false;
  // The home was asked for the value and has not answered.
  bool asked = false;
  Announced announced = Announced::kNothing;

  // --- of a value that is here, in the pool ---
  // Tells it apart from all other values of the id, and goes with it; 0: nobody has asked.
  uint64_t version = 0;

  // --- of a value that is not here ---
  // Somebody here wants it in the pool of this node.
  bool is_wanted_here = false;
  uint64_t size_bytes = 0;
  // The nodes that have it. None if nobody has it yet.
  std::vector<NodeId> places;
  // At the home: ids inside the value. Each of them is held by one counted reference.
  std::vector<ObjectId> contained;
  // At the home: the node that has said that the value will be made there; else nil.
  NodeId maker;
};

}  // namespace rayx::plasma
