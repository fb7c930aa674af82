#include "daemon/workers/line_pipe.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace rayx::daemon {

LinePipe::LinePipe(EventLoop* loop, ScopedFd read_end,
                   std::function<void(std::string lines)> on_lines)
    : loop_(loop), read_end_(std::move(read_end)), on_lines_(std::move(on_lines)) {
  watcher_ = loop->Watch(read_end_.get(), [this] { ReadNow(); });
}

void LinePipe::ReadNow() {
  for (size_t read = 0; read < kBytesPerTurn && ReadSome(); read = pending_.size()) {
    if (pending_.size() >= kBytesPerTurn) break;
  }
  HandOutLines();
}

void LinePipe::EndLine() {
  ReadNow();
  if (redrawn_ && pending_.empty()) on_lines_(*std::move(redrawn_));
  redrawn_.reset();
  redrawn_at_ms_.reset();
  if (!pending_.empty()) on_lines_(std::exchange(pending_, {}));
}

void LinePipe::Finish() {
  while (ReadSome()) HandOutLines();
  EndLine();
}

bool LinePipe::ReadSome() {
  if (!watcher_) return false;
  std::array<char, 64 << 10> buffer;
  const ssize_t count = ::read(read_end_.get(), buffer.data(), buffer.size());
  if (count > 0) {
    pending_.append(buffer.data(), static_cast<size_t>(count));
    return true;
  }
  // The end of the pipe stays readable for ever, so it must not be watched any longer.
  if (count == 0 || (errno != EAGAIN && errno != EINTR)) watcher_.reset();
  return false;
}

// "\r\n" is one end, even if two reads brought it: then the line was one to be overwritten until
// now.
std::string LinePipe::TakeLines(size_t last_end) {
  const std::string_view text = std::string_view(pending_).substr(0, last_end + 1);
  std::string lines;
  lines.reserve(text.size());
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find_first_of("\n\r", begin);
    const std::string_view line = text.substr(begin, end - begin);
    const bool returns = text[end] == '\r';
    const bool ends_both = returns && end + 1 < text.size() && text[end + 1] == '\n';
    const bool ended_before = !returns && line.empty() && after_return_;
    begin = end + (ends_both ? 2 : 1);
    after_return_ = returns && !ends_both;
    if (after_return_) {
      if (IsRedrawDue(line)) lines.append(line).push_back('\n');
      continue;
    }
    if (!ended_before) {
      lines.append(line).push_back('\n');
    } else if (redrawn_) {
      lines.append(*redrawn_).push_back('\n');
    }
    redrawn_.reset();
  }
  pending_.erase(0, last_end + 1);
  return lines;
}

bool LinePipe::IsRedrawDue(std::string_view line) {
  if (line.empty()) return false;  // bars begin with the return, to overwrite what was before them
  if (redrawn_at_ms_ && loop_->now_ms() - *redrawn_at_ms_ < kRedrawMs) {
    redrawn_ = line;
    return false;
  }
  redrawn_.reset();
  redrawn_at_ms_ = loop_->now_ms();
  return true;
}

void LinePipe::HandOutLines() {
  const size_t last_end = pending_.find_last_of("\n\r");
  if (last_end != std::string::npos) {
    std::string lines = TakeLines(last_end);
    if (!lines.empty()) {
      lines.pop_back();
      on_lines_(std::move(lines));
    }
  }
  if (pending_.size() > kLineBytesMax) on_lines_(std::exchange(pending_, {}));
}

}  // namespace rayx::daemon
