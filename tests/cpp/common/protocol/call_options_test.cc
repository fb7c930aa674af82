#include "common/protocol/call_options.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/limits.h"

namespace rayx {
namespace {

// Encodes and decodes in a message of its own; `bytes`: its size.
CallOptions Travelled(const CallOptions& options, size_t* bytes = nullptr) {
  flatbuffers::FlatBufferBuilder builder;
  const auto encoded = EncodeOptions(&builder, options);
  if (bytes != nullptr) *bytes = builder.GetSize();
  if (encoded.IsNull()) return DecodeOptions(nullptr);
  builder.Finish(encoded);
  flatbuffers::Verifier verifier(builder.GetBufferPointer(), builder.GetSize());
  EXPECT_TRUE(verifier.VerifyBuffer<protocol::CallOptions>());
  return DecodeOptions(flatbuffers::GetRoot<protocol::CallOptions>(builder.GetBufferPointer()));
}

TEST(CallOptionsTest, DefaultsTakeNoBytes) {
  size_t bytes = 1;
  EXPECT_EQ(Travelled(CallOptions(), &bytes), CallOptions());
  EXPECT_EQ(bytes, 0u);
  EXPECT_EQ(CallOptions().max_retries, limits::kTaskRetriesDefault);
}

TEST(CallOptionsTest, EachTravels) {
  CallOptions options;
  options.max_retries = -1;
  options.max_concurrency = 7;
  options.priority = -4;
  options.timeout_ms = uint64_t{1} << 40;
  options.stream_window = 16;
  EXPECT_EQ(Travelled(options), options);
  EXPECT_NE(Travelled(options), CallOptions());
}

TEST(CallOptionsTest, OneThatIsNotTheDefaultIsSent) {
  CallOptions options;
  options.priority = 1;
  size_t bytes = 0;
  EXPECT_EQ(Travelled(options, &bytes), options);
  EXPECT_GT(bytes, 0u);
  EXPECT_LE(bytes, 24u) << "the others take none of their own";
}

TEST(CallOptionsTest, WhatATaskCannotHaveIsRefusedInWords) {
  const auto refused = [](auto change, TaskKind kind = TaskKind::kFunction, uint32_t returns = 1) {
    CallOptions options;
    change(&options);
    const Status status = CheckOptions(options, kind, returns);
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  const auto none = [](CallOptions*) {};
  EXPECT_EQ(refused(none), "");
  EXPECT_EQ(refused(none, TaskKind::kFunction, 0), "");
  EXPECT_EQ(refused(none, TaskKind::kActorCreation, 2), "a creation has one result");
  EXPECT_EQ(refused([](CallOptions* one) { one->max_retries = -1; }), "");
  EXPECT_EQ(refused([](CallOptions* one) { one->max_retries = -2; }), "max_retries is -1 or more");
  const auto crowd = [](CallOptions* one) { one->max_concurrency = limits::kActorConcurrencyMax; };
  EXPECT_EQ(refused(crowd, TaskKind::kActorCreation), "");
  const auto nobody = [](CallOptions* one) { one->max_concurrency = 0; };
  EXPECT_NE(refused(nobody, TaskKind::kActorCreation).find("an actor runs 1 to"),
            std::string::npos);
  const auto stream = [](CallOptions* one) { one->stream_window = limits::kStreamWindowMax; };
  EXPECT_EQ(refused(stream), "");
  EXPECT_EQ(refused(stream, TaskKind::kActorCall), "");
  EXPECT_EQ(refused(stream, TaskKind::kActorCreation), "a creation has one result");
  EXPECT_EQ(refused(stream, TaskKind::kFunction, 2), "a stream has one result, which ends it");
  const auto wide = [](CallOptions* one) { one->stream_window = limits::kStreamWindowMax + 1; };
  EXPECT_NE(refused(wide).find("the window of a stream"), std::string::npos);
}

}  // namespace
}  // namespace rayx
