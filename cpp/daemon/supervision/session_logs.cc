#include "daemon/supervision/session_logs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "common/base/log.h"

namespace rayx::daemon {
namespace {

constexpr uint64_t kTailBytes = 2000;
constexpr size_t kCopyBytes = 64u << 10;
constexpr char kBefore[] = ".1";

ScopedFd OpenPrivate(const std::string& path, int flags) {
  ScopedFd file(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600));
  // chmod as well: the umask may have taken our own rights.
  if (file.valid() && ::fchmod(file.get(), 0600) != 0) file.Reset();
  return file;
}

std::optional<uint64_t> SizeOf(int fd) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return std::nullopt;
  return static_cast<uint64_t>(status.st_size);
}

bool WriteAll(int fd, const char* data, size_t size) {
  for (size_t written = 0; written < size;) {
    const ssize_t count = ::write(fd, data + written, size - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    written += static_cast<size_t>(count);
  }
  return true;
}

// The last `bytes` of the file, or what there is.
std::string EndOf(const std::string& path, uint64_t bytes) {
  const ScopedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const std::optional<uint64_t> size = file.valid() ? SizeOf(file.get()) : std::nullopt;
  if (!size) return "";
  std::string text(std::min(bytes, *size), '\0');
  const ssize_t count =
      ::pread(file.get(), text.data(), text.size(), static_cast<off_t>(*size - text.size()));
  text.resize(count < 0 ? 0 : static_cast<size_t>(count));
  return text;
}

// Copies what is in `from` from `offset` on, and what is written meanwhile. If `begins_within` a
// line, without the rest of that.
bool CopyRest(int from, uint64_t offset, bool begins_within, int to) {
  std::array<char, kCopyBytes> buffer;
  while (true) {
    const ssize_t count = ::pread(from, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    offset += static_cast<uint64_t>(count);
    const char* begin = buffer.data();
    const char* const end = begin + count;
    if (begins_within) {
      begin = std::find(begin, end, '\n');
      if (begin == end) continue;
      begins_within = false;
      ++begin;
    }
    if (!WriteAll(to, begin, static_cast<size_t>(end - begin))) return false;
  }
}

}  // namespace

Result<ScopedFd> SessionLogs::Open(const std::string& name) {
  const std::string path = PathOf(name);
  ScopedFd file = OpenPrivate(path, O_WRONLY | O_CREAT | O_APPEND);
  if (!file.valid()) return Status::FromErrno("opening " + path, errno);
  names_.insert(name);
  return file;
}

std::string SessionLogs::Tail(std::string_view name) const {
  const std::string path = PathOf(name);
  std::string text = EndOf(path, kTailBytes);
  if (text.size() < kTailBytes) text.insert(0, EndOf(path + kBefore, kTailBytes - text.size()));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void SessionLogs::Trim() const {
  for (const std::string& name : names_) TrimFile(PathOf(name));
}

std::string SessionLogs::PathOf(std::string_view name) const {
  return directory_ + "/" + std::string(name) + ".log";
}

void SessionLogs::TrimFile(const std::string& path) const {
  const ScopedFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  const std::optional<uint64_t> size = file.valid() ? SizeOf(file.get()) : std::nullopt;
  if (!size || *size <= file_bytes_max_) return;
  const ScopedFd before = OpenPrivate(path + kBefore, O_WRONLY | O_CREAT | O_TRUNC);
  // Of a file that has grown to several times the size since the last look, the end.
  const uint64_t begin = *size > 2 * file_bytes_max_ ? *size - file_bytes_max_ : 0;
  const bool copied =
      before.valid() && CopyRest(file.get(), begin, /*begins_within=*/begin > 0, before.get());
  const int why = errno;
  // Whether or not: a disk that is full must not be filled further.
  const bool emptied = ::ftruncate(file.get(), 0) == 0;
  if (!copied) {
    LogWarning("a part of " + path + " is lost: " + Status::FromErrno("copying", why).message());
  }
  if (!emptied) LogWarning(path + " cannot be emptied, and grows");
}

}  // namespace rayx::daemon
