// What nodes say to each other about objects, decoded. They travel in the sessions between nodes
// (cpp/cluster), each once and in order, or the session ends.
//
// "Home" and "guest" are seen from an object: the home counts the references of all nodes to it
// (plasma/sharing.h), a guest is any other node.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.h"

namespace rayx::node::remote {

// To the home: the sender refers to these objects now, or does not any more.
struct AddReferences {
  std::vector<ObjectId> ids;
};
struct RemoveReferences {
  std::vector<ObjectId> ids;
};

// A value, or where it is.
struct Value {
  ObjectId id;
  // Of a small one, the bytes.
  bool is_inline = false;
  std::string data = {};
  // Of a large one. The places are those of the sender's knowledge; the sender may be one.
  uint64_t size_bytes = 0;
  std::vector<NodeId> places = {};
  // Ids inside the value.
  std::vector<ObjectId> contained = {};
};

// To the home: the value of an object that was made at the sender, or that it will be made there
// (`is_pending`). The sender keeps a large one, and who makes the value, until DropCopies. Follows
// AddReferences of the same id.
struct Announce {
  bool is_pending = false;
  Value value = {};
};

// From the home: the receiver need not keep these any more.
struct DropCopies {
  std::vector<ObjectId> ids;
};

// To the home: tell me their values as soon as there are any. Implies AddReferences.
struct GetObjects {
  std::vector<ObjectId> ids;
};
// From the home.
struct ObjectsReady {
  std::vector<Value> values;
};

using Message =
    std::variant<AddReferences, RemoveReferences, Announce, DropCopies, GetObjects, ObjectsReady>;

}  // namespace rayx::node::remote
