#pragma once

#include <cstdio>
#include <cstdlib>

namespace rayx::limits {

// The result of a system call. A limit that cannot be measured is no limit: on -1 the program ends,
// saying why.
template <typename Result>
Result Checked(Result result, const char* call) {
  if (result == static_cast<Result>(-1)) {
    std::perror(call);
    std::exit(1);
  }
  return result;
}

}  // namespace rayx::limits
