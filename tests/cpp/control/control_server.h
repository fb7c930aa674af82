// A real control server for a test: in a directory of its own, on a Unix socket, gone with the
// test.
#pragma once

#include <sys/types.h>

#include <string>

#include "control/redis_connection.h"
#include "control/scratch_directory.h"

namespace rayx::control {

class ControlServer {
 public:
  ControlServer() { Start(); }
  ~ControlServer() { Kill(); }
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  void Start();
  // SIGKILL, and waits until it is gone. Its data stays.
  void Kill();
  // Removes its data. REQUIRES: it is killed.
  void Forget();
  // Keeps a copy of its data; has that in the place of it. REQUIRES: it is killed.
  void Remember();
  void GoBack();

  std::string path() const { return directory_.path() + "/control.sock"; }
  static std::string password() { return "0123456789abcdefXYZ"; }
  // The user rayx has, and one for the test that may do everything.
  RedisEndpoint rayx() const { return {path(), "rayx", password()}; }
  RedisEndpoint admin() const { return {path(), "admin", password()}; }

 private:
  ScratchDirectory directory_;
  pid_t pid_ = 0;
};

}  // namespace rayx::control
