#include "common/tls/key_file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>

#include "common/os/scoped_fd.h"

namespace rayx {
namespace {

// More is no key, whatever it is.
constexpr size_t kFileBytesMax = 4096;

Status Refused(const std::string& path, const std::string& why) {
  return Status::InvalidArgument("the key at " + path + " is not taken: " + why + ".");
}

std::string ModeText(mode_t mode) {
  std::array<char, 16> text;
  std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777));
  return text.data();
}

// Who may write the directory may put another key there.
Status CheckDirectory(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string place = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  struct stat status {};
  if (::stat(place.c_str(), &status) != 0) {
    return Status::NotFound(
        "there is no key at " + path +
        ", as its directory cannot be looked at: " + Status::FromErrno("stat", errno).message());
  }
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    return Refused(path,
                   "its directory belongs to user " + std::to_string(status.st_uid) +
                       ", who could put another key there. Move it to a directory of your own");
  }
  if ((status.st_mode & 022) != 0) {
    return Refused(path, "others can write its directory (mode " + ModeText(status.st_mode) +
                             "), and so put another key there. Type `chmod 700 " + place +
                             "`, or name a file in another directory");
  }
  return Status::Ok();
}

Status CheckFile(const std::string& path, int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return Status::FromErrno("stat " + path, errno);
  if (!S_ISREG(status.st_mode)) return Refused(path, "it is not a file");
  if (status.st_uid != ::geteuid()) {
    return Refused(path, "it belongs to user " + std::to_string(status.st_uid) +
                             ", and this process is user " + std::to_string(::geteuid()) +
                             "'s. Copy it to a file of your own, with mode 0600");
  }
  if ((status.st_mode & 077) != 0) {
    return Refused(
        path, "it is open to others (mode " + ModeText(status.st_mode) + "). Type `chmod 600 " +
                  path + "`; if others may have read it, make a new one with `rayx key rotate`");
  }
  return Status::Ok();
}

}  // namespace

Result<ClusterKey> ReadKeyFile(const std::string& path) {
  if (const Status status = CheckDirectory(path); !status.ok()) return status;
  // A pipe would be waited for.
  const ScopedFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) {
    if (errno == ENOENT) return Status::NotFound("there is no key at " + path);
    if (errno == ELOOP) return Refused(path, "it is a symbolic link. Name the file itself");
    return Status::FromErrno("open " + path, errno);
  }
  if (const Status status = CheckFile(path, file.get()); !status.ok()) return status;
  std::array<char, kFileBytesMax + 1> content;
  const ssize_t bytes = ::read(file.get(), content.data(), content.size());
  if (bytes < 0) return Status::FromErrno("read " + path, errno);
  const Result<ClusterKey> key = ParseKeyText({content.data(), static_cast<size_t>(bytes)});
  OPENSSL_cleanse(content.data(), content.size());
  if (key.ok()) return key;
  return Refused(path, key.status().message() +
                           ". Copy the head's file again; if this is the head's, remove it");
}

}  // namespace rayx
