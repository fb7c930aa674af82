// A driver's second connection: lines that workers printed, and errors of tasks, as they come.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "client/values/driver_options.h"
#include "common/base/status.h"

namespace rayx {

struct OutputEvent {
  // kNothing: nothing came in time.
  enum class Kind { kLines, kTaskFailed, kDrained, kNothing };
  Kind kind = Kind::kLines;
  int pid = 0;
  std::string name;  // of the function, empty if none ran
  std::string node;  // hexadecimal; empty: the driver's own
  bool is_stderr = false;
  std::string text;  // lines separated by newlines, without the last one; or the error's text
};

class OutputChannel {
 public:
  static Result<std::unique_ptr<OutputChannel>> Connect(const DriverOptions& options);
  ~OutputChannel();

  // Waits for the next event, for `timeout_ms` at most (negative: without end). Disconnected when
  // closed or the node is gone. One thread may call it.
  Result<OutputEvent> Next(int64_t timeout_ms = -1);
  // Asks for a kDrained event after everything printed so far. Any thread.
  Status Drain();
  // Ends a Next() in another thread.
  void Close();

 private:
  struct Impl;

 public:
  // For Connect alone: no other code can name an Impl.
  explicit OutputChannel(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace rayx
