// What a caller may ask for when it calls a function, makes an actor or calls a method.
//
// The struct is made of the table in call_options.fbs, which says what each field means. It travels
// whole through TaskTemplate, the message TaskSpec, TaskSpec and RunnableTask, so that an option is
// named only there and where something is decided by it.
#pragma once

#include "common/base/status.h"
#include "common/protocol/generated/call_options_generated.h"

namespace rayx {

enum class TaskKind : uint8_t { kFunction, kActorCreation, kActorCall };

// Made with the defaults; two of them can be compared.
using CallOptions = protocol::CallOptionsT;

inline bool HasDefaults(const CallOptions& options) { return options == CallOptions(); }

// What a task of this kind cannot have, and what is beyond a limit: InvalidArgument, with words for
// whoever gave it. For a client before it submits; the node takes the same as a ProtocolError.
Status CheckOptions(const CallOptions& options, TaskKind kind, uint32_t return_count);

// The message's field, null if all options have their defaults, which take no bytes.
flatbuffers::Offset<protocol::CallOptions> EncodeOptions(flatbuffers::FlatBufferBuilder* builder,
                                                         const CallOptions& options);

// What `EncodeOptions` has written. REQUIRES: the message has been verified.
CallOptions DecodeOptions(const protocol::CallOptions* wire);

}  // namespace rayx
