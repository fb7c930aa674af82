#include "common/process/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "common/os/clock.h"
#include "common/os/scoped_fd.h"

namespace rayx {
namespace {

// A sweep may read a child before its parent and the parent's death, and so lose both. The child
// has moved up by the next sweep.
constexpr int kCleanSweeps = 2;

// Between two sweeps: long enough for killed processes to die, short beside any timeout.
constexpr int kSweepPauseMs = 2;

// KillGroup looks again this often for what has been forked meanwhile.
constexpr int kGroupSweepsMax = 20;

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  bool ended = false;
  // One of the session's own programs (kOwnName), which is no tracker.
  bool own = false;
};

// Workers and their template call themselves so (rayx/process/process_title.py), and the daemons
// are called so: nobody has to look at what they were started with.
constexpr std::string_view kOwnName = "(rayx-";

// Processes by their parent.
using ProcessTree = std::unordered_multimap<pid_t, Process>;

// The numbers of /proc/<pid>/stat behind the state.
enum { kParent, kGroup, kThreads = 16, kStatFields };

// /proc/<pid>/stat is "pid (name) state ppid pgrp …". The name may hold anything, also ") Z 1":
// what counts is the last parenthesis.
bool ParseStat(std::string_view text, Process* process) {
  const size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || text.size() < name_end + 5) return false;
  const char state = text[name_end + 2];
  const size_t name_start = text.find('(');
  process->own = text.substr(name_start).starts_with(kOwnName);
  const char* const end = text.data() + text.size();
  const char* next = text.data() + name_end + 4;
  std::array<long long, kStatFields> fields{};
  for (long long& field : fields) {
    const auto parsed = std::from_chars(next, end, field);
    if (parsed.ec != std::errc() || parsed.ptr == end) return false;
    next = parsed.ptr + 1;
  }
  process->parent = static_cast<pid_t>(fields[kParent]);
  process->group = static_cast<pid_t>(fields[kGroup]);
  // The state is that of the first thread, which others may outlive.
  process->ended = (state == 'Z' || state == 'X') && fields[kThreads] <= 1;
  return true;
}

bool ParsePid(const char* name, pid_t* pid) {
  const char* const end = name + std::strlen(name);
  const auto parsed = std::from_chars(name, end, *pid);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

// `name` is that of a process's directory.
bool ReadProcess(int proc_directory, const char* name, Process* process) {
  const std::string path = std::string(name) + "/stat";
  const ScopedFd file(::openat(proc_directory, path.c_str(), O_RDONLY | O_CLOEXEC));
  // Names are at most 64 bytes, and what matters follows soon after.
  char text[512];
  const ssize_t bytes = file.valid() ? ::read(file.get(), text, sizeof(text)) : -1;
  return bytes > 0 && ParseStat({text, static_cast<size_t>(bytes)}, process);
}

// Processes that are not below the root of a search, by their number. They cannot come below it, so
// they need not be read again, and they are most of those that a machine has.
using Strangers = std::unordered_map<pid_t, Process>;

ProcessTree ReadProcessTree(const Strangers& known = {}) {
  ProcessTree tree;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  if (proc == nullptr) return tree;
  while (const dirent* entry = ::readdir(proc.get())) {
    Process process;
    if (!ParsePid(entry->d_name, &process.pid)) continue;
    if (const auto stranger = known.find(process.pid); stranger != known.end()) {
      process = stranger->second;
    } else if (!ReadProcess(::dirfd(proc.get()), entry->d_name, &process)) {
      continue;
    }
    tree.emplace(process.parent, process);
  }
  return tree;
}

// Those of which it is certain: all that they descend from is in the tree. (Of whom a parent is
// missing, that one has died meanwhile, and may have been below the root.)
Strangers StrangersIn(const ProcessTree& tree, pid_t root) {
  std::unordered_map<pid_t, const Process*> by_pid;
  for (const auto& [parent, process] : tree) by_pid.emplace(process.pid, &process);
  Strangers strangers;
  for (const auto& [parent, process] : tree) {
    pid_t ancestor = process.pid;
    for (size_t steps = 0; ancestor != 0 && ancestor != root && steps < tree.size(); ++steps) {
      const auto found = by_pid.find(ancestor);
      if (found == by_pid.end()) break;
      ancestor = found->second->parent;
    }
    if (ancestor == 0) strangers.emplace(process.pid, process);
  }
  return strangers;
}

// Everything below `root`, without the processes of `spare` and what is below those.
std::vector<Process> Below(const ProcessTree& tree, pid_t root, const std::vector<pid_t>& spare) {
  std::vector<Process> found;
  std::vector<pid_t> parents = {root};
  while (!parents.empty()) {
    const auto children = tree.equal_range(parents.back());
    parents.pop_back();
    for (auto it = children.first; it != children.second; ++it) {
      const Process& process = it->second;
      if (std::find(spare.begin(), spare.end(), process.pid) != spare.end()) continue;
      found.push_back(process);
      parents.push_back(process.pid);
    }
  }
  return found;
}

// The process groups of which all members are among `found`, which may be killed as one.
std::unordered_set<pid_t> GroupsWithin(const ProcessTree& tree, const std::vector<Process>& found) {
  std::unordered_map<pid_t, size_t> outsiders;
  for (const auto& [parent, process] : tree) ++outsiders[process.group];
  for (const Process& process : found) --outsiders[process.group];
  std::unordered_set<pid_t> groups;
  for (const auto& [group, count] : outsiders) {
    if (count == 0 && group > 1) groups.insert(group);
  }
  return groups;
}

struct Sweep {
  size_t running = 0;
  size_t trackers = 0;
  size_t reaped = 0;
};

// The trackers that KillDescendants has met; what a process was started with does not change.
using Trackers = std::unordered_map<pid_t, bool>;

bool IsTracker(const Process& process, Trackers& known) {
  if (process.own || process.ended) return false;
  const auto [entry, is_new] = known.try_emplace(process.pid, false);
  if (is_new) entry->second = IsResourceTracker(process.pid);
  return entry->second;
}

// `known` is null if trackers are killed like all others.
Sweep KillOnce(const ProcessTree& tree, pid_t root, const std::vector<pid_t>& spare,
               Trackers* known) {
  const std::vector<Process> found = Below(tree, root, spare);
  Sweep sweep;
  std::vector<Process> doomed;
  for (const Process& process : found) {
    if (known != nullptr && IsTracker(process, *known)) {
      ++sweep.trackers;
    } else {
      doomed.push_back(process);
    }
  }
  // Parents first: a task that sees its child killed would make a result of that.
  for (const Process& process : doomed) {
    if (process.ended) continue;
    ::kill(process.pid, SIGKILL);
    ++sweep.running;
  }
  // A group gets its signal as one: a member that is just forking does not escape with its child,
  // as it may when it is killed by its number.
  for (const pid_t group : GroupsWithin(tree, doomed)) ::kill(-group, SIGKILL);
  for (const Process& process : doomed) {
    // Fails, and does no harm, where it is not our child.
    if (::waitpid(process.pid, nullptr, WNOHANG) == process.pid) ++sweep.reaped;
  }
  return sweep;
}

// Until nothing is left to kill, or time is up.
Sweep KillAll(pid_t root, const std::vector<pid_t>& spare, int64_t deadline_ms, Trackers* known) {
  int clean_sweeps = 0;
  Strangers strangers;
  while (true) {
    // The last one reads all: a number may have been given anew, were it after thousands of forks.
    const bool is_last = clean_sweeps == kCleanSweeps - 1;
    const ProcessTree tree = ReadProcessTree(is_last ? Strangers{} : strangers);
    const Sweep sweep = KillOnce(tree, root, spare, known);
    if (strangers.empty()) strangers = StrangersIn(tree, root);
    // What was reaped may have left a child behind that this sweep did not see yet.
    clean_sweeps = sweep.running + sweep.reaped == 0 ? clean_sweeps + 1 : 0;
    if (clean_sweeps == kCleanSweeps || MonotonicMs() >= deadline_ms) return sweep;
    if (sweep.running != 0) ::poll(nullptr, 0, kSweepPauseMs);
  }
}

}  // namespace

std::vector<pid_t> Descendants(pid_t root) {
  std::vector<pid_t> pids;
  for (const Process& process : Below(ReadProcessTree(), root, {})) pids.push_back(process.pid);
  return pids;
}

size_t KillDescendants(pid_t root, const std::vector<pid_t>& spare, int64_t timeout_ms,
                       int64_t tracker_ms) {
  const int64_t deadline_ms = MonotonicMs() + timeout_ms;
  if (tracker_ms <= 0) return KillAll(root, spare, deadline_ms, nullptr).running;
  Trackers known;
  const Sweep first = KillAll(root, spare, deadline_ms, &known);
  if (first.trackers == 0) return first.running;
  const int64_t tracker_deadline_ms = MonotonicMs() + tracker_ms;
  while (KillOnce(ReadProcessTree(), root, spare, &known).trackers > 0 &&
         MonotonicMs() < tracker_deadline_ms) {
    ::poll(nullptr, 0, kSweepPauseMs);
  }
  return KillAll(root, spare, MonotonicMs() + timeout_ms, nullptr).running;
}

bool IsResourceTracker(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/cmdline";
  const ScopedFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // "python -c from multiprocessing.resource_tracker import main;main(5)", after a long path.
  char text[8192];
  const ssize_t bytes = file.valid() ? ::read(file.get(), text, sizeof(text)) : -1;
  if (bytes <= 0) return false;
  const std::string_view command(text, static_cast<size_t>(bytes));
  return command.find("resource_tracker import main") != command.npos ||
         // The same of PyTorch.
         command.find("torch_shm_manager") != command.npos;
}

void KillTree(pid_t pid) {
  const std::vector<Process> below = Below(ReadProcessTree(), pid, {});
  // Parents first: who sees its child killed would make a result of that.
  ::kill(pid, SIGKILL);
  for (const Process& process : below) {
    if (!process.ended && !IsResourceTracker(process.pid)) ::kill(process.pid, SIGKILL);
  }
}

void KillGroup(pid_t group) {
  for (int sweep = 0; sweep < kGroupSweepsMax; ++sweep) {
    // Most have nobody else: that is known without a look at all processes.
    if (::kill(-group, 0) != 0) return;
    std::vector<pid_t> doomed;
    bool has_tracker = false;
    for (const auto& [parent, process] : ReadProcessTree()) {
      if (process.group != group || process.ended) continue;
      if (IsResourceTracker(process.pid)) {
        has_tracker = true;
      } else {
        doomed.push_back(process.pid);
      }
    }
    if (!has_tracker) {
      ::kill(-group, SIGKILL);
      return;
    }
    if (doomed.empty()) return;
    for (const pid_t pid : doomed) ::kill(pid, SIGKILL);
  }
}

}  // namespace rayx
