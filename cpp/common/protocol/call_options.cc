#include "common/protocol/call_options.h"

#include <string>

#include "common/base/limits.h"

namespace rayx {
namespace {

Status CheckStream(const CallOptions& options, TaskKind kind, uint32_t return_count) {
  if (options.stream_window > limits::kStreamWindowMax) {
    return Status::InvalidArgument("the window of a stream has at most " +
                                   std::to_string(limits::kStreamWindowMax) + " items");
  }
  if (kind == TaskKind::kActorCreation && (options.stream_window > 0 || return_count != 1)) {
    return Status::InvalidArgument("a creation has one result");
  }
  if (options.stream_window > 0 && return_count != 1) {
    return Status::InvalidArgument("a stream has one result, which ends it");
  }
  return Status::Ok();
}

}  // namespace

Status CheckOptions(const CallOptions& options, TaskKind kind, uint32_t return_count) {
  if (options.max_retries < -1) return Status::InvalidArgument("max_retries is -1 or more");
  if (options.max_concurrency < 1 || options.max_concurrency > limits::kActorConcurrencyMax) {
    return Status::InvalidArgument("an actor runs 1 to " +
                                   std::to_string(limits::kActorConcurrencyMax) +
                                   " calls at the same time");
  }
  return CheckStream(options, kind, return_count);
}

flatbuffers::Offset<protocol::CallOptions> EncodeOptions(flatbuffers::FlatBufferBuilder* builder,
                                                         const CallOptions& options) {
  if (HasDefaults(options)) return {};
  return protocol::CreateCallOptions(*builder, &options);
}

CallOptions DecodeOptions(const protocol::CallOptions* wire) {
  CallOptions options;
  if (wire != nullptr) wire->UnPackTo(&options);
  return options;
}

}  // namespace rayx
