#include "transfer/directory.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/base/check.h"
#include "transfer/mutation.h"

namespace rayx::transfer {

// ---- events -------------------------------------------------------------------------------------

void Directory::OnMade(const ObjectId& id, Version version, uint64_t size_bytes,
                       const NodeId& node) {
  RAYX_CHECK(size_bytes > 0);
  Entry& entry = entries_[id];
  entry.version = version;
  entry.size_bytes = size_bytes;
  // Who pulls another value finds out when it needs a source again.
  std::erase_if(entry.copies, [&entry](const auto& one) {
    return std::ranges::find(entry.waiting, one.first) == entry.waiting.end();
  });
  std::erase(entry.waiting, node);
  for (auto& [waiting, copy] : entry.copies) copy.pullers = 0;
  entry.copies[node] = {};
  entry.copies[node].is_whole = true;
  Serve(id);
}

void Directory::On(const NodeId& from, const AskSource& message) {
  const auto found = entries_.find(message.id);
  if (found == entries_.end()) {
    answers_.push_back({from, NoSource{.id = message.id, .number = message.number}});
    return;
  }
  Entry& entry = found->second;
  Copy& copy = entry.copies[from];
  Detach(entry, from, copy);
  copy.is_whole = false;
  copy.number = message.number;
  if (message.has_progressed) {
    copy.failed.clear();
    copy.failures = 0;
  }
  if (!message.failed.IsNil()) {
    copy.failed.insert(message.failed);
    copy.retry_ms = now_ms_ + std::min(kRetryMs << std::min(copy.failures, 10u), kRetryMsMax);
    ++copy.failures;
    if (RAYX_TRANSFER_MUTATION(kNoPace)) copy.retry_ms = copy.failures = 0;
  }
  if (copy.failures > kFailuresMax) {
    answers_.push_back({from, NoSource{.id = message.id, .number = message.number}});
    return Drop(message.id, from);
  }
  entry.waiting.push_back(from);
  Serve(message.id);
}

void Directory::On(const NodeId& from, const CopyWhole& message) {
  const auto found = entries_.find(message.id);
  if (found == entries_.end() || found->second.version != message.version) return;
  Copy& copy = found->second.copies[from];
  if (!RAYX_TRANSFER_MUTATION(kForgetSlot)) Detach(found->second, from, copy);
  copy.is_whole = true;
  Serve(message.id);
}

void Directory::On(const NodeId& from, const CopyDropped& message) {
  const auto found = entries_.find(message.id);
  if (found == entries_.end()) return;
  const auto copy = found->second.copies.find(from);
  if (copy == found->second.copies.end() || copy->second.is_whole != message.was_whole) return;
  Drop(message.id, from);
}

void Directory::OnNodeGone(const NodeId& node) {
  std::vector<ObjectId> had;
  for (const auto& [id, entry] : entries_) {
    if (entry.copies.contains(node)) had.push_back(id);
  }
  // In an order that does not depend on where they lie.
  std::ranges::sort(had);
  for (const ObjectId& id : had) Drop(id, node);
}

void Directory::Forget(const ObjectId& id) {
  entries_.erase(id);
  // The others are dropped when their time comes.
  if (entries_.empty()) retries_.clear();
}

void Directory::Drop(const ObjectId& id, const NodeId& node) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  const auto copy = found->second.copies.find(node);
  if (copy == found->second.copies.end()) return;
  for (const auto& [puller, other] : found->second.copies) {
    if (other.source == node) Recall(id, found->second, puller);
  }
  if (!RAYX_TRANSFER_MUTATION(kForgetSlotOfGone)) Detach(found->second, node, copy->second);
  found->second.copies.erase(copy);
  Serve(id);
}

void Directory::Detach(Entry& entry, const NodeId& node, Copy& copy) {
  std::erase(entry.waiting, node);
  if (!copy.source.IsNil()) --entry.copies.at(copy.source).pullers;
  copy.source = {};
  copy.is_recalled = false;
}

void Directory::Recall(const ObjectId& id, Entry& entry, const NodeId& node) {
  Copy& copy = entry.copies.at(node);
  Detach(entry, node, copy);
  copy.is_recalled = true;
  answers_.push_back({node, LeaveSource{.id = id, .number = copy.number}});
}

// ---- sources ------------------------------------------------------------------------------------

void Directory::Serve(const ObjectId& id) {
  Entry& entry = entries_.at(id);
  for (size_t i = 0; i < entry.waiting.size();) {
    const NodeId node = entry.waiting[i];
    Copy& copy = entry.copies.at(node);
    const NodeId* source = Choose(entry, copy);
    if (source == nullptr) {
      if (copy.retry_ms > now_ms_) retries_.emplace(copy.retry_ms, id);
      ++i;
      continue;
    }
    copy.source = *source;
    ++entry.copies.at(copy.source).pullers;
    answers_.push_back({node, UseSource{.id = id,
                                        .number = copy.number,
                                        .version = entry.version,
                                        .size_bytes = entry.size_bytes,
                                        .source = copy.source}});
    entry.waiting.erase(entry.waiting.begin() + static_cast<ptrdiff_t>(i));
    // It may be a source itself now for who has waited for longer.
    i = 0;
  }
  if (!entry.copies.empty() && !IsLost(id, entry)) return;
  for (const NodeId& node : entry.waiting) {
    answers_.push_back({node, NoSource{.id = id, .number = entry.copies.at(node).number}});
  }
  Forget(id);
}

const NodeId* Directory::Choose(const Entry& entry, const Copy& puller) const {
  const NodeId* best = nullptr;
  std::tuple<bool, uint32_t, uint32_t> best_rank;
  for (const auto& [node, copy] : entry.copies) {
    if (&copy == &puller) continue;
    if (copy.pullers >= kPullersMax && !RAYX_TRANSFER_MUTATION(kNoChildrenMax)) continue;
    const std::optional<uint32_t> depth = DepthOf(entry, copy);
    const bool has_failed = puller.failed.contains(node);
    if (!depth || (has_failed && now_ms_ < puller.retry_ms)) continue;
    const std::tuple<bool, uint32_t, uint32_t> rank = {has_failed, *depth, copy.pullers};
    if (best != nullptr && best_rank <= rank) continue;
    best = &node;
    best_rank = rank;
  }
  return best;
}

std::optional<uint32_t> Directory::DepthOf(const Entry& entry, const Copy& copy) const {
  const Copy* at = &copy;
  for (uint32_t depth = 0; depth <= entry.copies.size(); ++depth) {
    if (at->is_whole) return depth;
    if (at->source.IsNil()) {
      return RAYX_TRANSFER_MUTATION(kSourceWithoutRoot) ? std::optional(depth) : std::nullopt;
    }
    at = &entry.copies.at(at->source);
  }
  return std::nullopt;
}

bool Directory::IsLost(const ObjectId& id, Entry& entry) {
  if (RAYX_TRANSFER_MUTATION(kNeverLost)) return false;
  std::vector<NodeId> pullers;
  for (const auto& [node, copy] : entry.copies) {
    if (copy.is_whole) return false;
    if (copy.is_recalled && !RAYX_TRANSFER_MUTATION(kLostTooEarly)) return false;
    if (!copy.source.IsNil()) pullers.push_back(node);
  }
  if (RAYX_TRANSFER_MUTATION(kLostTooEarly)) return true;
  if (RAYX_TRANSFER_MUTATION(kForgetRecall)) return pullers.empty();
  for (const NodeId& node : pullers) Recall(id, entry, node);
  return pullers.empty();
}

// ---- the turn -----------------------------------------------------------------------------------

void Directory::OnTurn(int64_t now_ms) {
  now_ms_ = now_ms;
  while (!retries_.empty() && retries_.begin()->first <= now_ms) {
    const ObjectId id = retries_.begin()->second;
    retries_.erase(retries_.begin());
    if (entries_.contains(id)) Serve(id);
  }
}

std::optional<int64_t> Directory::NextTickMs() const {
  if (retries_.empty()) return std::nullopt;
  return retries_.begin()->first;
}

std::vector<Directory::Answer> Directory::TakeAnswers() { return std::exchange(answers_, {}); }

// ---- for people and tests -----------------------------------------------------------------------

std::vector<NodeId> Directory::Places(const ObjectId& id) const {
  std::vector<NodeId> nodes = WholeCopies(id);
  const auto found = entries_.find(id);
  if (found == entries_.end() || !nodes.empty()) return nodes;
  for (const auto& [node, copy] : found->second.copies) nodes.push_back(node);
  return nodes;
}

std::vector<NodeId> Directory::WholeCopies(const ObjectId& id) const {
  std::vector<NodeId> nodes;
  const auto found = entries_.find(id);
  if (found == entries_.end()) return nodes;
  for (const auto& [node, copy] : found->second.copies) {
    if (copy.is_whole) nodes.push_back(node);
  }
  return nodes;
}

std::string Directory::DebugText() const {
  size_t waiting = 0;
  for (const auto& [id, entry] : entries_) waiting += entry.waiting.size();
  return "values with copies: " + std::to_string(entries_.size()) +
         "; nodes that wait for a source: " + std::to_string(waiting) + "\n";
}

std::string Directory::Audit() const {
  for (const auto& [id, entry] : entries_) {
    std::map<NodeId, uint32_t> pullers;
    for (const auto& [node, copy] : entry.copies) {
      if (copy.is_whole && !copy.source.IsNil()) return node.Hex() + " is whole, and pulls";
      if (!copy.source.IsNil()) ++pullers[copy.source];
      const bool waits = std::ranges::find(entry.waiting, node) != entry.waiting.end();
      if (waits != (!copy.is_whole && copy.source.IsNil() && !copy.is_recalled)) {
        return node.Hex() + " waits, or does not, against its state";
      }
    }
    for (const auto& [node, copy] : entry.copies) {
      if (copy.pullers != pullers[node]) return node.Hex() + " counts its pullers wrongly";
      if (copy.pullers > kPullersMax) return node.Hex() + " has too many pullers";
    }
    if (entry.copies.empty()) return "a value without copies is known";
  }
  return "";
}

}  // namespace rayx::transfer
