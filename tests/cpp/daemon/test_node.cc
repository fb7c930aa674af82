#include "daemon/test_node.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "client/ask.h"
#include "common/io/socket.h"
#include "common/os/random_bytes.h"
#include "common/process/child_process.h"
#include "common/process/process_tree.h"

namespace rayx {

ObjectPieces TextPieces(const std::string& text) {
  ObjectPieces pieces;
  pieces.kind = ObjectKind::kBytes;
  pieces.stream = {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  return pieces;
}

std::string TextOf(const ObjectView& view) {
  if (!view.valid()) return "status: no view";
  const Result<ObjectParts> parts = ParseObject(view.bytes());
  if (!parts.ok()) return "status: " + parts.status().ToString();
  return std::string(parts->stream.begin(), parts->stream.end());
}

ObjectKind KindOf(const ObjectView& view) {
  const Result<ObjectParts> parts = ParseObject(view.bytes());
  return parts.ok() ? parts->kind : ObjectKind::kPickle;
}

// ---- TestDriver
// ----------------------------------------------------------------------------------

TestDriver::TestDriver(const std::string& socket_path, const std::string& config) {
  RandomIdSource ids;
  id_ = ids.Next<DriverId>();
  auto client = Client::ConnectDriver({socket_path, id_, "C++", config});
  RAYX_CHECK_MSG(client.ok(), client.status().ToString());
  client_ = std::move(*client);
}

std::vector<ObjectId> TestDriver::SubmitMany(const std::string& function, const std::string& args,
                                             std::span<const ObjectId> dependencies,
                                             const Options& options,
                                             std::vector<ObjectId> contained) {
  TaskTemplate task;
  task.name = function;
  task.resources.Set(kCpu, *ResourceAmount::FromDouble(options.cpus));
  task.return_count = options.return_count;
  task.options.max_retries = options.max_retries;
  ObjectPieces pieces = TextPieces(args);
  pieces.contained = std::move(contained);
  auto ids = client_->Submit(task, &pieces, dependencies);
  RAYX_CHECK_MSG(ids.ok(), ids.status().ToString());
  return *ids;
}

std::string TestDriver::Dump() {
  const auto text = AskDump(*client_, 10'000);
  EXPECT_TRUE(text.ok()) << text.status().ToString();
  return text.ok() ? *text : "";
}

double TestDriver::FreeCpus() {
  const auto resources = client_->Ask("Resources", {}, 10'000);
  EXPECT_TRUE(resources.ok()) << resources.status().ToString();
  if (!resources.ok()) return -1;
  for (const Value& item : (*resources)["available"].items) {
    if (item["name"].text == kCpu)
      return ResourceAmount::FromUnits(item["units"].integer).ToDouble();
  }
  return 0;
}

ObjectView TestDriver::GetView(const ObjectId& id, int64_t timeout_ms) {
  auto views = GetAll({&id, 1}, timeout_ms);
  EXPECT_TRUE(views.ok()) << views.status().ToString();
  return views.ok() ? (*views)[0] : ObjectView();
}

ObjectId TestDriver::Put(const std::string& text) {
  const auto id = client_->Put(TextPieces(text));
  RAYX_CHECK_MSG(id.ok(), id.status().ToString());
  return *id;
}

// ---- TestNode
// ------------------------------------------------------------------------------------

TestNode::TestNode(const Options& options) {
  const std::string session = directory_.path() + "/session";
  ::mkdir(session.c_str(), 0700);
  ::mkdir((session + "/logs").c_str(), 0700);
  auto stream = SocketPair();
  RAYX_CHECK(stream.ok());
  lifeline_ = std::move(stream->first);
  const ScopedFd log(::open((directory_.path() + "/node.log").c_str(),
                            O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  SpawnOptions spawn;
  spawn.argv = {RAYX_NODE_PROGRAM, "--session-dir", session, "--lifeline-fd", "3"};
  spawn.argv.insert(spawn.argv.end(), {"--num-cpus", std::to_string(options.cpus)});
  spawn.argv.insert(spawn.argv.end(),
                    {"--object-store-memory", std::to_string(options.pool_bytes)});
  std::vector<std::string> command = options.template_command;
  if (command.empty()) command = {RAYX_TEMPLATE_PROGRAM};
  for (const std::string& word : command) spawn.argv.push_back("--template-arg=" + word);
  spawn.argv.insert(spawn.argv.end(), options.arguments.begin(), options.arguments.end());
  spawn.fds = {{log.get(), 1}, {log.get(), 2}, {stream->second.get(), 3}};
  const Result<pid_t> pid = Spawn(spawn);
  RAYX_CHECK_MSG(pid.ok(), pid.status().ToString());
  pid_ = *pid;
  stream->second.Reset();
  char line[6];
  RAYX_CHECK_MSG(::read(lifeline_.get(), line, sizeof(line)) == sizeof(line), Log());
}

TestNode::~TestNode() {
  const std::vector<pid_t> below = Descendants(pid_);
  lifeline_.Reset();
  int wait_status = -1;
  const bool ended = WaitUntil([&] { return ::waitpid(pid_, &wait_status, WNOHANG) == pid_; });
  EXPECT_TRUE(ended) << "the node does not end\n" << Log();
  EXPECT_TRUE(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
      << DescribeWaitStatus(wait_status) << "\n"
      << Log();
  if (!ended) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (const pid_t pid : below) {
    EXPECT_TRUE(WaitUntil([pid] { return !IsAlive(pid); })) << "pid " << pid << " is left";
  }
  if (testing::Test::HasFailure()) std::fprintf(stderr, "--- node's log\n%s\n", Log().c_str());
}

uint64_t TestNode::Number(const std::string& dump, const std::string& label) {
  const size_t at = dump.find(label);
  EXPECT_NE(at, std::string::npos) << label << " is not in\n" << dump;
  return at == std::string::npos ? ~uint64_t{0} : std::stoull(dump.substr(at + label.size()));
}

}  // namespace rayx
