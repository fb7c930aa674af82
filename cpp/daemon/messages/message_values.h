// Parts of messages that hold what the core hands out.
#pragma once

#include "common/protocol/generated/messages_generated.h"
#include "node/shell.h"

namespace rayx::daemon {

flatbuffers::Offset<protocol::ObjectValue> WriteObjectValue(flatbuffers::FlatBufferBuilder& builder,
                                                            const node::ObjectView& object);
// The message that gives the task to the worker.
flatbuffers::Offset<protocol::RunTask> WriteRunTask(flatbuffers::FlatBufferBuilder& builder,
                                                    const node::GivenTask& task);

}  // namespace rayx::daemon
