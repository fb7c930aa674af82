#include "node/placement_talk.h"

#include <algorithm>
#include <optional>

namespace rayx::node {

TaskOffer OfferOf(const TaskSpec& spec, uint32_t attempt, plasma::ObjectStore* store,
                  RemoteObjects* remote) {
  TaskOffer offer{.task = spec.id,
                  .attempt = attempt,
                  .demand = spec.resources,
                  .priority = spec.options.priority};
  for (const ObjectId& input : spec.dependencies) {
    const std::optional<plasma::ObjectLocation> location = store->Find(input);
    if (!location || location->is_inline) continue;
    const plasma::Sharing* sharing = remote->shared().Find(input);
    offer.inputs.push_back({.bytes = location->size, .nodes = {}});
    if (sharing != nullptr) offer.inputs.back().nodes = sharing->places;
  }
  return offer;
}

Status AcceptResults(RemoteObjects* remote, ClientId session, const TaskId& task,
                     uint32_t return_count, const std::vector<remote::Value>& results) {
  std::vector<bool> has_value(return_count, false);
  for (const remote::Value& value : results) {
    const uint32_t index = value.id.Index();
    if (value.id.Task() != task || value.id.IsPut() || index >= has_value.size()) {
      return Status::ProtocolError("the end of a task with a result of another one");
    }
    has_value[index] = true;
    RAYX_RETURN_IF_ERROR(remote->Accept(session, value));
  }
  if (std::find(has_value.begin(), has_value.end(), false) != has_value.end()) {
    return Status::ProtocolError("the end of a task without a result");
  }
  return Status::Ok();
}

void RefuseResults(RemoteObjects* remote, ClientId session,
                   const std::vector<remote::Value>& results) {
  for (const remote::Value& value : results) {
    if (!value.is_inline) remote->Send(session, remote::DropCopies{{value.id}});
  }
}

}  // namespace rayx::node
