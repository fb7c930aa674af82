// The read end of a worker's stdout or stderr: bytes in, whole lines out.
//
// A line ends at a newline or a carriage return, or when it grows over kLineBytesMax. A line that
// ends at a carriage return alone is written to be overwritten, as progress bars are: of many such
// lines only the newest is handed out, every kRedrawMs, and none that a whole line has followed. A
// turn reads a bounded amount, so that a flood of output slows only the worker that prints it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/io/event_loop.h"
#include "common/os/scoped_fd.h"

namespace rayx::daemon {

class LinePipe {
 public:
  static constexpr size_t kLineBytesMax = 64u << 10;
  static constexpr size_t kBytesPerTurn = 256u << 10;
  static constexpr int64_t kRedrawMs = 1000;

  // `on_lines` gets one or more whole lines, joined by newlines, without the last line's end.
  LinePipe(EventLoop* loop, ScopedFd read_end, std::function<void(std::string lines)> on_lines);

  // Reads what is there now, up to the bound; lines go to on_lines. The loop calls it, and so does
  // a caller before it handles what the worker said after it had printed.
  void ReadNow();
  // ReadNow, then hands out an unfinished last line too: what follows is another task's.
  void EndLine();
  // ReadNow without the bound, then hands out an unfinished last line too. For a worker that is
  // gone.
  void Finish();

 private:
  // False at the end of the pipe, or if it would block.
  bool ReadSome();
  void HandOutLines();
  // Takes what is pending up to and with `last_end`; each line that is handed out ends at a
  // newline.
  std::string TakeLines(size_t last_end);
  // Whether a line that is to be overwritten is handed out; if not, it is kept as `redrawn_`.
  bool IsRedrawDue(std::string_view line);

  EventLoop* loop_;
  ScopedFd read_end_;
  std::function<void(std::string lines)> on_lines_;
  std::string pending_;
  // The last byte taken was a carriage return, for which a newline may follow.
  bool after_return_ = false;
  // The newest of the lines that are to be overwritten, if it has not been handed out.
  std::optional<std::string> redrawn_;
  // When the last such line was handed out; none since the last EndLine.
  std::optional<int64_t> redrawn_at_ms_;
  std::unique_ptr<EventLoop::Watcher> watcher_;
};

}  // namespace rayx::daemon
