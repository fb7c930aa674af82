// The file with a cluster's key, and whether it is safe to use it.
#pragma once

#include <string>

#include "common/base/status.h"
#include "common/tls/key_text.h"

namespace rayx {

// The key in the file at `path`. InvalidArgument, with what to do, if it is no key, or if somebody
// else could have read or replaced it: the file must be a regular one of this process's user, which
// nobody else may read or write, in a directory of that user or of root, which nobody else may
// write. NotFound if there is no such file.
Result<ClusterKey> ReadKeyFile(const std::string& path);

}  // namespace rayx
