#include "daemon/fake_worker.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/io/frame.h"
#include "common/io/socket.h"
#include "common/protocol/generated/messages_generated.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

std::string TextOf(std::span<const uint8_t> object) {
  const Result<ObjectParts> parts = ParseObject(object);
  if (!parts.ok()) return "";
  return std::string(parts->stream.begin(), parts->stream.end());
}

ObjectPieces Text(const std::string& text) {
  ObjectPieces pieces;
  pieces.kind = ObjectKind::kBytes;
  pieces.stream = {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  return pieces;
}

// What a function sees of its call.
struct Call {
  Client* client;
  const RunnableTask* task;
  std::string args;
  bool wrote_output = false;
  std::string error_text;
  bool exits = false;

  std::string Value(size_t index) const { return TextOf(task->values.at(index).bytes()); }
};
using Function = std::function<std::string(Call&)>;

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

void WaitForFile(const std::string& path) {
  while (!Exists(path)) ::poll(nullptr, 0, 1);
}

void Touch(const std::string& path) {
  ::close(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

std::string Sum(Call& call) {
  long long sum = call.args.empty() ? 0 : std::stoll(call.args);
  for (size_t i = 0; i < call.task->values.size(); ++i) sum += std::stoll(call.Value(i));
  return std::to_string(sum);
}

std::string GetText(Client* client, const ObjectId& id) {
  const auto views = client->Get({&id, 1}, -1);
  return views.ok() ? TextOf((*views)[0].bytes()) : views.status().ToString();
}

// Submits "sum" of the argument and of `1 + depth of the recursion`, as trees of tasks do.
std::string Nested(Call& call) {
  const int depth = std::stoi(call.args);
  if (depth == 0) return "0";
  const std::string args = std::to_string(depth - 1);
  const ObjectPieces pieces = Text(args);
  TaskTemplate child;
  child.function = call.task->function;
  child.name = "nested";
  child.resources.Set(kCpu, ResourceAmount::Of(1));
  child.options.max_retries = 0;
  const auto ids = call.client->Submit(child, &pieces, {});
  if (!ids.ok()) return ids.status().ToString();
  const std::string below = GetText(call.client, (*ids)[0]);
  call.client->RemoveLocalReference((*ids)[0]);
  return std::to_string(std::stoi(below) + 1);
}

// Leaves a process that has detached itself in every way it can; returns its pid.
std::string Detach(Call&) {
  int ends[2];
  if (::pipe(ends) != 0) return "";
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    if (::fork() == 0) {
      ::signal(SIGTERM, SIG_IGN);
      ::signal(SIGHUP, SIG_IGN);
      const pid_t pid = ::getpid();
      if (::write(ends[1], &pid, sizeof(pid)) != sizeof(pid)) ::_exit(1);
      while (true) ::pause();
    }
    ::_exit(0);
  }
  pid_t pid = 0;
  if (::read(ends[0], &pid, sizeof(pid)) != sizeof(pid)) return "";
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  return std::to_string(pid);
}

// The connection to the node, which belongs to the client.
int node_socket = -1;

void SendRaw(protocol::MessageType type, const flatbuffers::FlatBufferBuilder& builder) {
  std::vector<uint8_t> frame;
  AppendFrame(static_cast<uint16_t>(type), {builder.GetBufferPointer(), builder.GetSize()}, &frame);
  if (!WriteWithFds(node_socket, frame, {}).ok()) std::abort();
}

// Says that a task of somebody else is done, with a result of its own making.
std::string FinishForeign(Call& call) {
  const auto foreign = TaskId::FromHexString(call.args);
  if (!foreign) return "no id";
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<uint8_t> data(32, 1);
  const auto result = protocol::CreateResultValue(builder, 0, builder.CreateVector(data));
  const auto results = builder.CreateVector(std::vector{result});
  builder.Finish(protocol::CreateTaskDone(builder, call.task->sequence, ToWire(*foreign), results));
  SendRaw(protocol::MessageType::TaskDone, builder);
  while (true) ::pause();
}

std::string Large(Call& call) {
  std::string bytes(std::stoul(call.args), '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 >> 3);
  return bytes;
}

std::string CrashOnce(Call& call) {
  if (!Exists(call.args)) {
    Touch(call.args);
    ::raise(SIGKILL);
  }
  return "attempt " + std::to_string(call.task->attempt);
}

// "<path> <text>": appends the text.
std::string Append(Call& call) {
  const size_t space = call.args.find(' ');
  const int file =
      ::open(call.args.substr(0, space).c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const std::string text = call.args.substr(space + 1);
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  return written ? "written" : "lost";
}

std::string Print(Call& call) {
  std::fputs(call.args.c_str(), stdout);
  std::fflush(stdout);
  call.wrote_output = true;
  return "";
}

// ---- of actors

std::string FailToMake(Call& call) {
  call.error_text = "it cannot be made";
  return "the error";
}

// What it counts is the state of its process.
std::string Count(Call&) {
  static int count = 0;
  return std::to_string(++count);
}

std::string Gpus(Call& call) {
  std::string text;
  for (const uint32_t gpu : call.task->gpus) text += std::to_string(gpu) + " ";
  return text;
}

std::string Setups(Call& call) {
  std::string text;
  for (const std::string& setup : call.task->setups) text += setup + " ";
  return text;
}

const std::map<std::string, Function>& Functions() {
  static const std::map<std::string, Function> functions = {
      {"echo", [](Call& call) { return call.task->values.empty() ? call.args : call.Value(0); }},
      {"sum", Sum},
      {"make", [](Call& call) { return call.args; }},
      {"fail to make", FailToMake},
      {"count", Count},
      {"gpus", Gpus},
      {"setups", Setups},
      {"pid", [](Call&) { return std::to_string(::getpid()); }},
      {"config", [](Call& call) { return call.task->driver_config.value_or("(none)"); }},
      {"exit",
       [](Call& call) -> std::string {
         std::puts("leaving now");
         std::fflush(stdout);
         ::_exit(std::stoi(call.args));
       }},
      // A large result is stored, but not that the task is over.
      {"exit behind the result",
       [](Call& call) {
         call.exits = true;
         return std::string(std::stoul(call.args), 'r');
       }},
      {"segfault",
       [](Call&) -> std::string {
         ::signal(SIGSEGV, SIG_DFL);
         ::raise(SIGSEGV);
         return "";
       }},
      {"crash once", CrashOnce},
      {"close the socket",
       [](Call&) -> std::string {
         ::shutdown(node_socket, SHUT_RDWR);
         while (true) ::pause();
       }},
      {"get", [](Call& call) { return GetText(call.client, *ObjectId::FromHexString(call.args)); }},
      {"wait for file",
       [](Call& call) {
         WaitForFile(call.args);
         return std::string("there");
       }},
      {"touch",
       [](Call& call) {
         Touch(call.args);
         return std::string();
       }},
      {"append", Append},
      {"print", Print},
      {"large", Large},
      {"nested", Nested},
      {"detach", Detach},
      {"finish foreign", FinishForeign},
      {"fail",
       [](Call& call) {
         call.error_text = call.args;
         return std::string("failed");
       }},
  };
  return functions;
}

Status RunTask(Client* client, const RunnableTask& task) {
  Call call{client, &task, {}, false, {}};
  if (task.args_in_store) {
    call.args = TextOf(task.values.back().bytes());
  } else if (!task.args.empty()) {
    call.args = TextOf(task.args);
  }
  const auto function = Functions().find(task.name);
  const std::string result =
      function == Functions().end() ? "no such function" : function->second(call);
  ObjectPieces pieces = Text(result);
  if (!call.error_text.empty()) pieces.kind = ObjectKind::kTaskError;
  for (uint32_t i = 0; i < task.return_count; ++i) {
    RAYX_RETURN_IF_ERROR(client->PutResult(task, i, pieces));
  }
  if (call.exits) {
    // An answer comes when all that was to be sent with it has been.
    RAYX_RETURN_IF_ERROR(client->Ask("Resources", {}, 10000).status());
    ::_exit(3);
  }
  return client->FinishTask(task, call.error_text, call.wrote_output, !call.error_text.empty());
}

}  // namespace

int RunFakeWorker(const ForkRequest& request) {
  ::dup2(request.stdout_fd, STDOUT_FILENO);
  ::dup2(request.stderr_fd, STDERR_FILENO);
  ::close(request.stdout_fd);
  ::close(request.stderr_fd);
  node_socket = request.socket_fd;
  auto client = Client::AdoptWorker(request.socket_fd, request.claim_fd, request.number, "C++");
  if (!client.ok()) {
    std::fprintf(stderr, "%s\n", client.status().ToString().c_str());
    return 1;
  }
  while (true) {
    const Result<RunnableTask> task = (*client)->NextTask();
    // Functions are to be forgotten; it has none.
    if (task.status().code() == StatusCode::kInterrupted) {
      (void)(*client)->TakeForgottenFunctions();
      continue;
    }
    if (!task.ok() || !RunTask(client->get(), *task).ok()) return 0;
  }
}

}  // namespace rayx
