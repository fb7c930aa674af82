// What nodes say to each other about objects and tasks, as bytes and back. The schema is
// common/protocol/remote.fbs.
#pragma once

#include <cstdint>
#include <span>

#include "cluster/wire_values.h"
#include "common/base/status.h"
#include "node/remote_messages.h"

namespace rayx::daemon {

// Of a task travel the bytes that its client has sent (TaskSpec::encoded), and its options, which a
// home may change; the receiver reads all else from the bytes.
cluster::Message Encode(const node::remote::Message& message);

// `payload` is aligned to 8 bytes. ProtocolError, with words for what is wrong, if no node of this
// version says that: bytes that are no such message, ids that name nothing, and what is beyond a
// limit. What a message means is for the core to judge.
Result<node::remote::Message> DecodeRemoteMessage(uint16_t type, std::span<const uint8_t> payload);

}  // namespace rayx::daemon
