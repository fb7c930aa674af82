#include "client/link/reference_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/connection/message.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

ObjectId IdOf(uint32_t index) { return ObjectId::ForReturn(TaskId(), index); }

// "add 1 2", "drop 3 unpin 4" …
std::vector<std::string> Drained(ReferenceQueue* queue) {
  std::vector<std::string> texts;
  queue->Drain([&](uint16_t type, std::span<const uint8_t> payload) {
    std::string text;
    const auto list = [&text](const char* name, const std::vector<ObjectId>& ids) {
      if (ids.empty()) return;
      text += (text.empty() ? "" : " ") + std::string(name);
      for (const ObjectId& id : ids) text += " " + std::to_string(id.Index());
    };
    if (type == static_cast<uint16_t>(MessageType::AddReferences)) {
      list("add", FromWire(VerifiedMessage<protocol::AddReferences>(payload)->ids()));
    } else {
      EXPECT_EQ(type, static_cast<uint16_t>(MessageType::ReleaseObjects));
      const auto* release = VerifiedMessage<protocol::ReleaseObjects>(payload);
      list("drop", FromWire(release->unreferenced()));
      list("unpin", FromWire(release->unpinned()));
    }
    texts.push_back(text);
  });
  return texts;
}

struct CountingFlusher : ReferenceQueue::Flusher {
  void TryFlush() override { ++flushes; }
  int flushes = 0;
};

TEST(ReferenceQueueTest, KeepsTheOrderOfAdditionsAndReleases) {
  ReferenceQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(Drained(&queue).empty());
  queue.Add(IdOf(1));
  queue.Add(IdOf(2));
  queue.Drop(IdOf(3));
  queue.Unpin(IdOf(4));
  queue.Drop(IdOf(5));
  queue.Add(IdOf(3));
  queue.Unpin(IdOf(6));
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(Drained(&queue),
            (std::vector<std::string>{"add 1 2", "drop 3 5 unpin 4", "add 3", "unpin 6"}));
  EXPECT_TRUE(queue.empty());
}

TEST(ReferenceQueueTest, FlushesWhenUrgentOrMany) {
  ReferenceQueue queue;
  const auto flusher = std::make_shared<CountingFlusher>();
  queue.set_flusher(flusher);
  for (uint32_t i = 0; i < 63; ++i) queue.Drop(IdOf(i));
  queue.Nudge(false);
  EXPECT_EQ(flusher->flushes, 0);
  queue.Drop(IdOf(63));
  queue.Nudge(false);
  EXPECT_EQ(flusher->flushes, 1);
  (void)Drained(&queue);
  queue.Nudge(true);
  EXPECT_EQ(flusher->flushes, 2);
}

}  // namespace
}  // namespace rayx
