#include "common/process/process_mark.h"

#include <fstream>

namespace rayx {

std::string ProcessMarkOf(pid_t pid) {
  const std::string prefix = std::string(kProcessMark) + "=";
  std::ifstream environment("/proc/" + std::to_string(pid) + "/environ");
  for (std::string variable; std::getline(environment, variable, '\0');) {
    if (variable.starts_with(prefix)) return variable.substr(prefix.size());
  }
  return "";
}

}  // namespace rayx
