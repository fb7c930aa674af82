// Which nodes are being drained: this one, and others (node_drain.h).
#pragma once

#include <set>

#include "common/base/ids.h"

namespace rayx::node {

struct DrainingNodes {
  bool is_self = false;
  // By their sessions.
  std::set<ClientId> others;

  bool Contains(ClientId session) const { return others.contains(session); }
};

}  // namespace rayx::node
