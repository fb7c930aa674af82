// What the sessions of a node ask the holder of its connections to do, in order.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "cluster/wire_values.h"
#include "common/base/ids.h"

namespace rayx::cluster {

// Connect to the peer; answered by OnDialled or OnDialFailed, with the attempt. One that has not
// been answered is given up by the next one to the peer, or by the end of the session: an answer
// that comes nevertheless is understood.
struct Dial {
  NodeId peer;
  uint64_t attempt = 0;
};

// Queue the notice on the connection.
struct SendNotice {
  ConnectionId connection = kNoConnection;
  Notice notice;
};

// There are frames for the connection: take them by NextFrame until there is none, or until the
// connection has as much queued as it should have; then go on by yourself when that is written.
struct FramesReady {
  NodeId peer;
  ConnectionId connection = kNoConnection;
};

// Close the connection once what is queued has been written as far as it goes at once. Nothing of
// it is wanted any more: OnClosed need not follow. May be asked of one that is closed.
struct CloseConnection {
  ConnectionId connection = kNoConnection;
};

// A session has begun, since the other side has said hello. (One that SessionBook::Open begins is
// not told.)
struct SessionBegun {
  NodeId peer;
  uint64_t session = 0;
};

// A session has ended; told once of each. Frames that its connection brought before have been
// handed up, none comes after.
struct SessionEnded {
  NodeId peer;
  uint64_t session = 0;
  EndReason reason = EndReason::kLeft;
  // The peer has heard no frame of this side.
  bool is_unheard = false;
  // For the log: of a breach, which; of kEndedByPeer, the peer's own reason. May be empty.
  std::string detail;
};

// This node has been declared dead: a peer says so. See member.h.
struct DeclaredDead {};

using Effect = std::variant<Dial, SendNotice, FramesReady, CloseConnection, SessionBegun,
                            SessionEnded, DeclaredDead>;
using Effects = std::vector<Effect>;

}  // namespace rayx::cluster
