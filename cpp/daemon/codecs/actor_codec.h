// What nodes say to each other about actors, as bytes and back; a part of remote_codec.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "cluster/wire_values.h"
#include "common/base/status.h"
#include "common/protocol/generated/nodes_generated.h"
#include "node/remote_messages.h"

namespace rayx::daemon {

template <typename Message>
concept AboutActors = std::same_as<Message, node::remote::MakeActor> ||
    std::same_as<Message, node::remote::CallActor> ||
    std::same_as<Message, node::remote::StopActor> ||
    std::same_as<Message, node::remote::ActorMade> ||
    std::same_as<Message, node::remote::ActorEnded> ||
    std::same_as<Message, node::remote::CallEnded> ||
    std::same_as<Message, node::remote::ActorSaved> ||
    std::same_as<Message, node::remote::FindActor> ||
    std::same_as<Message, node::remote::ActorFound>;

cluster::Message EncodeAboutActors(const node::remote::MakeActor& message);
cluster::Message EncodeAboutActors(const node::remote::CallActor& message);
cluster::Message EncodeAboutActors(const node::remote::StopActor& message);
cluster::Message EncodeAboutActors(const node::remote::ActorMade& message);
cluster::Message EncodeAboutActors(const node::remote::ActorEnded& message);
cluster::Message EncodeAboutActors(const node::remote::CallEnded& message);
cluster::Message EncodeAboutActors(const node::remote::ActorSaved& message);
cluster::Message EncodeAboutActors(const node::remote::FindActor& message);
cluster::Message EncodeAboutActors(const node::remote::ActorFound& message);

// Whether a message of this type is about actors.
bool IsAboutActors(protocol::PeerMessageType type);
// ProtocolError, with words for what is wrong, if no node of this version says that.
// REQUIRES: IsAboutActors(type).
Status ReadAboutActors(protocol::PeerMessageType type, std::span<const uint8_t> payload,
                       node::remote::Message* message);

}  // namespace rayx::daemon
