// Answers of the node that threads wait for, by request number or another key.
//
// It is not synchronized: the state lock of the NodeLink protects it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>

#include "client/connection/message.h"

namespace rayx {

template <typename Key>
class ReplyBox {
 public:
  // To be called before the question is sent. Several threads may wait for the same key; each gets
  // the first answer that comes.
  void Expect(const Key& key) { ++slots_[key].waiting; }
  bool expected(const Key& key) const { return slots_.contains(key); }
  // An answer that no thread waits for is dropped.
  void Deliver(const Key& key, std::span<const uint8_t> payload) {
    const auto found = slots_.find(key);
    if (found == slots_.end() || found->second.reply != nullptr) return;
    found->second.reply = std::make_shared<const MessageCopy>(payload);
  }
  bool arrived(const Key& key) const {
    const auto found = slots_.find(key);
    return found != slots_.end() && found->second.reply != nullptr;
  }
  // Ends one Expect: the answer, or null if it has not come.
  std::shared_ptr<const MessageCopy> Leave(const Key& key) {
    const auto found = slots_.find(key);
    if (found == slots_.end()) return nullptr;
    std::shared_ptr<const MessageCopy> reply = found->second.reply;
    if (--found->second.waiting == 0) slots_.erase(found);
    return reply;
  }

 private:
  struct Slot {
    int waiting = 0;
    std::shared_ptr<const MessageCopy> reply;
  };
  std::unordered_map<Key, Slot> slots_;
};

}  // namespace rayx
