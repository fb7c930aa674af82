// What a driver tells its workers, and questions that the node answers. Any thread may call it.
//
// A question is asked once, however often the caller looks for signals meanwhile: an answer that
// takes longer than the time between two looks would else never be in time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "client/link/node_link.h"
#include "client/link/reply_box.h"
#include "client/objects/object_access.h"
#include "client/values/looker.h"
#include "client/values/named_actor.h"
#include "client/values/value.h"
#include "common/base/ids.h"
#include "common/base/status.h"

namespace rayx {

class Inquiry {
 public:
  // Both must outlive it.
  Inquiry(NodeLink* link, ObjectAccess* objects) : link_(link), objects_(objects) {}

  // These do what Client says.
  Status ExportFunction(const FunctionId& id, const std::string& name,
                        std::span<const uint8_t> pickled, std::span<const ObjectId> contained);
  Result<std::string> FetchFunction(const FunctionId& id, Looker* looker = nullptr);
  Result<Value> Ask(const std::string& question, const Value& fields, int64_t timeout_ms,
                    Looker* looker = nullptr);
  Status AddWorkerSetup(std::span<const uint8_t> pickled);
  Result<std::optional<NamedActor>> FindActor(const std::string& name, int64_t timeout_ms,
                                              Looker* looker = nullptr);

  // --- messages, under the link's state lock ---

  Status OnFunctionContent(std::span<const uint8_t> payload);
  Status OnAnswer(std::span<const uint8_t> payload);

 private:
  using Reply = std::shared_ptr<const MessageCopy>;
  // Sends a message, and waits for its reply, which comes into `box` under `key`. A reply that has
  // come counts, even if the looker has ended the wait.
  template <typename Key>
  Result<Reply> Exchange(ReplyBox<Key>* box, const Key& key, protocol::MessageType type,
                         const flatbuffers::FlatBufferBuilder& message, int64_t timeout_ms,
                         Looker* looker);
  // An Answer with outcome Ok, and a reply of the question's name.
  Result<Reply> AskNode(const std::string& question, const Value& fields, int64_t timeout_ms,
                        Looker* looker);

  NodeLink* const link_;
  ObjectAccess* const objects_;
  std::atomic<uint64_t> next_request_{1};
  // The link's state lock protects all below.
  ReplyBox<uint64_t> answers_;
  ReplyBox<FunctionId> functions_;
};

}  // namespace rayx
