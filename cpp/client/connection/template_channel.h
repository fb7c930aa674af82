// The worker template's connection to its node: requests to fork come in, deaths of workers go out.
// One thread uses it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "common/base/ids.h"
#include "common/base/status.h"

namespace rayx {

struct ForkRequest {
  WorkerNumber number = kNoWorker;
  // The four descriptors for the worker; the receiver owns them.
  int socket_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  int claim_fd = -1;
};

class TemplateChannel {
 public:
  // Takes the descriptor that the node gave the template at its start.
  static Result<std::unique_ptr<TemplateChannel>> Adopt(int socket_fd);
  ~TemplateChannel();

  int fd() const;
  Status ReportReady(int pid);
  // The next request that has arrived; nothing if none has (does not wait: the template polls fd()
  // and its SIGCHLD wake-up together). Disconnected when the node is gone.
  Result<std::optional<ForkRequest>> NextRequest();
  Status ReportForked(WorkerNumber number, int pid, int error_number);
  Status ReportExited(int pid, int wait_status);
  // In the forked child: closes the descriptor without a word.
  void Abandon();

 private:
  struct Impl;

 public:
  // For Adopt alone: no other code can name an Impl.
  explicit TemplateChannel(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace rayx
