// The last lines that a process printed, to tell how it died.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "common/base/limits.h"

namespace rayx::daemon {

class LineTail {
 public:
  // Takes in one or more lines, separated by newlines.
  void Add(std::string_view lines) {
    while (true) {
      const size_t end = lines.find('\n');
      const std::string_view line = lines.substr(0, end);
      lines_.emplace_back(line.substr(0, limits::kWorkerTailLineBytes));
      if (lines_.size() > limits::kWorkerTailLines) lines_.pop_front();
      if (end == std::string_view::npos) return;
      lines.remove_prefix(end + 1);
    }
  }
  void Clear() { lines_.clear(); }
  // "; the last lines it printed:" and the lines, each indented on a line of its own; empty if it
  // printed nothing.
  std::string Story() const {
    if (lines_.empty()) return "";
    std::string story = "; the last lines it printed:";
    for (const std::string& line : lines_) story += "\n  " + line;
    return story;
  }

 private:
  std::deque<std::string> lines_;
};

}  // namespace rayx::daemon
