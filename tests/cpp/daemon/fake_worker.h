// A worker whose functions are C++: found by name, arguments and results are text.
#pragma once

#include <memory>

#include "client/client.h"
#include "client/connection/template_channel.h"

namespace rayx {

// Runs tasks until the node ends the connection. Returns the process's exit code.
int RunFakeWorker(const ForkRequest& request);

}  // namespace rayx
