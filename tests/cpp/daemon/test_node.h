// A real rayx-node with workers that run C++, and what tests ask of it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "client/client.h"
#include "common/os/scoped_fd.h"
#include "daemon/test_process.h"

namespace rayx {

// A value of text.
ObjectPieces TextPieces(const std::string& text);
// The text of a value; of an error, too.
std::string TextOf(const ObjectView& view);
ObjectKind KindOf(const ObjectView& view);

// A driver of a node. Failures of what should not fail are reported as "status: …" texts.
class TestDriver {
 public:
  explicit TestDriver(const std::string& socket_path, const std::string& config = "");
  Client& client() { return *client_; }
  const DriverId& id() const { return id_; }

  struct Options {
    int32_t max_retries = 0;
    double cpus = 1;
    uint32_t return_count = 1;
  };
  std::vector<ObjectId> SubmitMany(const std::string& function, const std::string& args,
                                   std::span<const ObjectId> dependencies, const Options& options,
                                   std::vector<ObjectId> contained = {});
  ObjectId Submit(const std::string& function, const std::string& args = "",
                  std::vector<ObjectId> dependencies = {}) {
    return SubmitMany(function, args, dependencies, Options()).front();
  }
  Result<std::vector<ObjectView>> GetAll(std::span<const ObjectId> ids,
                                         int64_t timeout_ms = 60000) {
    return client_->Get(ids, timeout_ms);
  }
  ObjectView GetView(const ObjectId& id, int64_t timeout_ms = 60000);
  std::string Get(const ObjectId& id, int64_t timeout_ms = 60000) {
    return TextOf(GetView(id, timeout_ms));
  }
  std::string Call(const std::string& function, const std::string& args = "") {
    const ObjectId id = Submit(function, args);
    std::string text = Get(id);
    Drop(id);
    return text;
  }
  // The state of the node.
  std::string Dump();
  double FreeCpus();
  ObjectId Put(const std::string& text);
  void Drop(const ObjectId& id) { client_->RemoveLocalReference(id); }

 private:
  DriverId id_;
  std::string socket_path_;
  std::unique_ptr<Client> client_;
};

class TestNode {
 public:
  struct Options {
    int cpus = 2;
    uint64_t pool_bytes = 64u << 20;
    std::vector<std::string> arguments;
    // Empty: the template whose workers are fake_worker.h.
    std::vector<std::string> template_command;
  };
  explicit TestNode(const Options& options);
  TestNode() : TestNode(Options()) {}
  // Ends the node; it must go by itself, and leave no process.
  ~TestNode();
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  std::string socket_path() const { return directory_.path() + "/session/node.sock"; }
  std::string scratch() const { return directory_.path(); }
  pid_t pid() const { return pid_; }
  std::string Log() const { return ReadFile(directory_.path() + "/node.log"); }
  bool LogSays(const std::string& text) const {
    return WaitUntil([&] { return Log().find(text) != std::string::npos; });
  }
  // The number behind `label` in the node's state.
  static uint64_t Number(const std::string& dump, const std::string& label);

 private:
  ScratchDirectory directory_;
  ScopedFd lifeline_;
  pid_t pid_ = 0;
};

}  // namespace rayx
