// What the object store asks the daemon to do. Drained once a turn, in order.
#pragma once

#include <cstdint>
#include <type_traits>
#include <variant>

#include "common/base/ids.h"

namespace rayx::plasma {

// Tell the rest of the node: the object has a value now.
struct ObjectSealed {
  ObjectId id;
};

// Tell the rest of the node: the object's memory is gone, no one held a reference. Follows an
// ObjectSealed of the id.
struct ObjectDeleted {
  ObjectId id;
  uint64_t size = 0;
};

// Send the object (its value if inline, else its size and, if `pin`, its place) to a client that
// waits for it. When `pin` is set the store has counted the client's pin already. An object that
// was not pinned may be gone by the time this is carried out, if the client dropped its reference
// in the same turn; then there is nothing to send.
struct DeliverObject {
  ClientId client = kNoClient;
  ObjectId id;
  bool pin = false;
};

// --- of objects that other nodes have to do with (sharing.h) ---

// Somebody here waits for the value, which is not here.
struct FetchObject {
  ObjectId id;
};

// The object, whose home is another node, has a value that was made here.
struct SharedObjectSealed {
  ObjectId id;
};

// This node is the home, and other nodes have the value now.
struct ObjectIsElsewhere {
  ObjectId id;
};

// A copy of the value is being made here (SharedObjects::CreateCopy), and nobody needs it any more.
struct CopyIsUnneeded {
  ObjectId id;
};

// The object, which had no value here, is gone.
struct ElsewhereEnded {
  ObjectId id;
};

using Effect = std::variant<ObjectSealed, ObjectDeleted, DeliverObject, FetchObject,
                            SharedObjectSealed, ObjectIsElsewhere, CopyIsUnneeded, ElsewhereEnded>;
// Many are made for each task: they are moved as plain bytes.
static_assert(std::is_trivially_copyable_v<Effect> && sizeof(Effect) <= 40);

}  // namespace rayx::plasma
