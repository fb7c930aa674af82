// What is the same for tasks and actors that a home has other nodes take: what is offered, and the
// results that come back.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/remote_objects.h"
#include "node/shell.h"
#include "plasma/object_store.h"

namespace rayx::node {

// The offer of a task, or of the creation of an actor, with where its large inputs are. Refers to
// `spec`.
TaskOffer OfferOf(const TaskSpec& spec, uint32_t attempt, plasma::ObjectStore* store,
                  RemoteObjects* remote);

// The results of a task of this node that has run in the session. Not OK: a breach of protocol,
// also if one of them is lacking.
Status AcceptResults(RemoteObjects* remote, ClientId session, const TaskId& task,
                     uint32_t return_count, const std::vector<remote::Value>& results);
// They are not needed: who has large ones need not keep them.
void RefuseResults(RemoteObjects* remote, ClientId session,
                   const std::vector<remote::Value>& results);

}  // namespace rayx::node
