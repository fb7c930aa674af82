// The last few hundred things that happened in this process: transitions, messages, decisions.
//
// A ring of short lines, cheap enough to be always on for what is rare (connections, workers,
// errors) and off for what is frequent. CHECK failures and debug dumps print it. It is the one
// piece of state that is reachable from anywhere, because a failing CHECK has no one to ask;
// nothing decides by it. Threads: each thread has its own ring.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rayx {

class FlightLog {
 public:
  static constexpr size_t kLines = 256;
  static constexpr size_t kLineBytes = 160;  // longer lines are cut

  // Remembers `line`.
  static void Note(std::string_view line);
  // The remembered lines, oldest first, each ended by a newline.
  static std::string Text();
  // Forgets everything (tests).
  static void Clear();
};

}  // namespace rayx
