// Questions to the node as messages, and answers as values, made from the names of their tables in
// common/protocol/questions.fbs alone: nothing here knows a question.
#pragma once

#include <string>

#include "client/connection/message.h"
#include "client/values/value.h"
#include "common/base/status.h"

namespace rayx {

// Writes the Query with which the question of this name is asked; `fields` are what its table has:
// strings, bytes (ids, too) and integers. InvalidArgument if there is no such question, or if it
// has no such field or lacks one.
Status EncodeQuestion(flatbuffers::FlatBufferBuilder* builder, uint64_t request,
                      const std::string& question, const Value& fields);

// The reply as a table: text and bytes that are absent are kNone, numbers 0, and vectors empty.
// Ids and bytes are kBytes. REQUIRES: the message has been verified.
Value DecodeReply(const protocol::Answer& answer);

}  // namespace rayx
