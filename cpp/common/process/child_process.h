// Starting processes and learning of their end. What is below them is the matter of process_tree.h.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/os/scoped_fd.h"
#include "common/process/process_tree.h"

namespace rayx {

struct SpawnOptions {
  std::vector<std::string>
      argv;  // argv[0] is the program; looked up on PATH only if it has no slash
  // Extra variables; the rest is inherited. A value-less name is removed.
  std::vector<std::pair<std::string, std::optional<std::string>>> environment;
  // Descriptors of ours and the numbers they get in the child (0, 1, 2 included). All others are
  // closed on exec.
  std::vector<std::pair<int, int>> fds;
  // Signal that the child gets when our thread ends (PR_SET_PDEATHSIG); 0 for none.
  int parent_death_signal = 9;
  // A session of its own, so that a terminal's Ctrl-C does not reach it.
  bool new_session = true;
  // Directory to start in; empty for ours.
  std::string directory;
};

// Starts a program. Descriptors 0, 1, 2 that are not given become /dev/null; signals start
// unblocked and with their defaults. IoError, with the program's name, if exec fails. The caller
// reaps the child.
Result<pid_t> Spawn(const SpawnOptions& options);

// A descriptor that becomes readable when the process ends. Nothing if the kernel has none
// (before 5.3) or no such process.
Result<ScopedFd> OpenPidFd(pid_t pid);

// "was killed by signal 9 (SIGKILL)", "exited with code 3".
std::string DescribeWaitStatus(int wait_status);

// Makes this process the one that orphans below it are given to (PR_SET_CHILD_SUBREAPER).
Status BecomeSubreaper();

}  // namespace rayx
