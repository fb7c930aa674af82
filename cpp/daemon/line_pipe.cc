#include "daemon/line_pipe.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace rayx::daemon {

LinePipe::LinePipe(EventLoop* loop, ScopedFd read_end,
                   std::function<void(std::string lines)> on_lines)
    : read_end_(std::move(read_end)), on_lines_(std::move(on_lines)) {
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

// Every end of a line becomes a newline; "\r\n" is one end, even if two reads brought it.
std::string LinePipe::TakeLines(size_t last_end) {
  std::string lines;
  lines.reserve(last_end + 1);
  for (const char byte : std::string_view(pending_).substr(0, last_end + 1)) {
    if (byte != '\n' || !after_return_) lines.push_back(byte == '\r' ? '\n' : byte);
    after_return_ = byte == '\r';
  }
  pending_.erase(0, last_end + 1);
  return lines;
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
