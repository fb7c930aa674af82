// The read end of a worker's stdout or stderr: bytes in, whole lines out.
//
// A line ends at a newline or a carriage return (progress bars), or when it grows over
// kLineBytesMax. A turn reads a bounded amount, so that a flood of output slows the one who prints
// and nobody else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/io/event_loop.h"
#include "common/io/scoped_fd.h"

namespace rayx::daemon {

class LinePipe {
 public:
  static constexpr size_t kLineBytesMax = 64u << 10;
  static constexpr size_t kBytesPerTurn = 256u << 10;

  // `on_lines` gets one or more whole lines, joined by newlines, without the last line's end.
  LinePipe(EventLoop* loop, ScopedFd read_end, std::function<void(std::string lines)> on_lines);

  // Reads what is there now, up to the bound; lines go to on_lines. Called by the loop, and before
  // an event that must come after what was printed before it.
  void ReadNow();
  // ReadNow, then hands out an unfinished last line too: what follows is somebody else's.
  void EndLine();
  // ReadNow without the bound, then hands out an unfinished last line too. For a worker that is
  // gone.
  void Finish();

 private:
  // False at the end of the pipe, or if it would block.
  bool ReadSome();
  void HandOutLines();
  // Takes what is pending up to and with `last_end`.
  std::string TakeLines(size_t last_end);

  ScopedFd read_end_;
  std::function<void(std::string lines)> on_lines_;
  std::string pending_;
  // The last byte handed out was a carriage return, for which a newline may follow.
  bool after_return_ = false;
  std::unique_ptr<EventLoop::Watcher> watcher_;
};

}  // namespace rayx::daemon
