// What has happened in a simulation: a hash of all of it, and the last lines, or all.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace rayx::sim {

class Trace {
 public:
  // `keep`: the last so many lines are kept.
  explicit Trace(size_t keep) : keep_(keep) {}

  void Note(int64_t now_ms, std::string_view what) {
    for (const char c : what) hash_ = (hash_ ^ static_cast<uint8_t>(c)) * 0x100000001B3ull;
    hash_ = (hash_ ^ static_cast<uint64_t>(now_ms)) * 0x100000001B3ull;
    ++count_;
    if (keep_ == 0) return;
    lines_.push_back(std::to_string(now_ms) + " ms: " + std::string(what));
    if (lines_.size() > keep_) lines_.pop_front();
  }
  // Of everything that was noted, in order.
  uint64_t hash() const { return hash_; }
  uint64_t count() const { return count_; }
  const std::deque<std::string>& lines() const { return lines_; }

 private:
  const size_t keep_;
  uint64_t hash_ = 0xCBF29CE484222325ull;
  uint64_t count_ = 0;
  std::deque<std::string> lines_;
};

}  // namespace rayx::sim
