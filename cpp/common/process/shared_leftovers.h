// Temporary shared memory that killed processes leave behind in /dev/shm.
//
// Libraries remove what they have made there at their end, or have a resource tracker do it
// (process_tree.h). Where neither comes to it, the process that kills them does: what they had
// mapped is noted before, and removed after, if nobody else has it mapped.
//
// Only what libraries name as temporary is touched (segments of multiprocessing, semaphores,
// folders of joblib and the like): what users keep in /dev/shm under names of their own is theirs.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rayx {

class SharedLeftovers {
 public:
  // `directory` is another one in tests.
  explicit SharedLeftovers(std::string directory = "/dev/shm") : directory_(std::move(directory)) {}

  // What a process and those below it have mapped. Reads nothing of them as long as the directory
  // has nothing that could be meant.
  void NoteTree(pid_t root);
  // Removes what was noted and no process has mapped now. To be called when those processes have
  // ended.
  void Remove();
  bool empty() const { return noted_.empty(); }

 private:
  // The entry of the directory that a line of /proc/<pid>/maps is about; empty if it is none of
  // those meant.
  std::string EntryIn(std::string_view line) const;
  std::set<std::string> MappedBy(pid_t pid) const;

  std::string directory_;
  // Names in the directory.
  std::set<std::string> noted_;
};

}  // namespace rayx
