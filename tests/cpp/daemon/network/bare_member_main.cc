// A member of a cluster that has nothing but its sessions: for tests between hosts that want to
// know how long it takes to join, or have somebody with the key do what no node does (tests/e2e,
// bare_member.py).
//
//   daemon_test_bare_member --key-file KEY --head 10.77.0.1:6379 --listen 10.77.0.3 --python 3.11
//
// It joins, says "joined ID", and reads lines:
//
//   announce KIND      a stream of that kind (a number of ConnectionKind), and on it the begin of a
//                      frame of 2 GiB; says "closed" when the head has closed it
//   run COUNT          so many tasks of a driver of its own, which the head is to run; says
//                      "returned N" for those that came back as not run, once all have left
//
// It says "ended REASON" when its session with the head has ended.
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/log.h"
#include "common/io/event_loop.h"
#include "common/io/frame.h"
#include "common/io/tcp_port.h"
#include "common/os/random_bytes.h"
#include "common/protocol/generated/task_generated.h"
#include "common/protocol/message.h"
#include "common/protocol/task_spec.h"
#include "common/protocol/wire_ids.h"
#include "common/tls/key_file.h"
#include "control/memory_tables.h"
#include "daemon/codecs/remote_codec.h"
#include "daemon/network/node_network.h"
#include "daemon/network/node_streams.h"
#include "node/remote_messages.h"
#include "testing/task_builder.h"

namespace rayx::daemon {
namespace {

namespace remote = node::remote;

void Say(const std::string& line) { std::cout << line << std::endl; }

class BareMember {
 public:
  BareMember(EventLoop* loop, NetworkOptions options) : loop_(loop) {
    network_ = NodeNetwork::Open(loop, options, self_).value();
    head_address_ = ParseHostPort(options.head).value();
    key_ = ReadKeyFile(options.key_file).value();
    network_->Follow({.on_begun = [this](const NodeId& peer) { head_ = peer; },
                      .on_message =
                          [this](const NodeId&, uint16_t type, std::span<const uint8_t> payload) {
                            return OnMessage(type, payload);
                          },
                      .on_ended =
                          [](const cluster::SessionEnded& ended) {
                            Say("ended " + std::string(cluster::TextOf(ended.reason)));
                          },
                      .on_bulk = nullptr,
                      .on_questions = nullptr});
    RAYX_CHECK(network_->Start(tables_.get(), {}, [](Expulsion, const std::string&) {}).ok());
    python_ = options.python_version;
    input_ = loop->Watch(STDIN_FILENO, [this] { OnInput(); });
  }

  bool OnTurn() {
    network_->OnTurn();
    network_->Accept();
    TellOfJoining();
    SendTasks();
    const auto next = network_->NextTickMs();
    tick_ = next ? loop_->CallAt(*next, [] {}) : nullptr;
    return to_send_ > 0 && network_->HasRoom(head_);
  }

 private:
  // The head has heard that it registers.
  void TellOfJoining() {
    const cluster::PeerSession* session = network_->sessions().Find(head_);
    if (has_joined_ || session == nullptr || session->summary().acknowledged == 0) return;
    has_joined_ = true;
    Say("joined " + head_.Hex());
  }

  void OnInput() {
    std::array<char, 4096> room;
    const ssize_t count = ::read(STDIN_FILENO, room.data(), room.size());
    if (count <= 0) return loop_->Stop();
    std::istringstream line(std::string(room.data(), static_cast<size_t>(count)));
    std::string word;
    uint64_t number = 0;
    while (line >> word >> number) {
      if (word == "announce") Announce(static_cast<protocol::ConnectionKind>(number));
      if (word == "run") BeginTasks(number);
    }
  }

  void Announce(protocol::ConnectionKind kind) {
    watcher_.reset();
    stream_.reset();
    const NodeStreams::Identity identity{.node = self_, .cluster = {}, .python_version = python_};
    streams_ = std::make_unique<NodeStreams>(key_, identity);
    const FrameHeader header{.payload_bytes = uint32_t{1} << 31, .type = 5, .zero = 0};
    announcement_.assign(4096, 1);
    std::memcpy(announcement_.data(), &header, sizeof(header));
    stream_ =
        streams_
            ->Dial({.address = head_address_, .node = {}, .tells_itself = true, .kind = kind}, {})
            .value();
    const auto ready = [this] { OnStream(); };
    watcher_ = loop_->Watch(stream_->fd(), ready, ready);
    watcher_->WantWrite(true);
  }

  void OnStream() {
    std::array<uint8_t, 4096> room;
    const Result<size_t> wrote =
        announcement_.empty() ? size_t{0} : stream_->Write(announcement_, {});
    if (wrote.ok()) {
      announcement_.erase(announcement_.begin(),
                          announcement_.begin() + static_cast<std::ptrdiff_t>(*wrote));
      const Result<ReadOutcome> read = stream_->Read(room);
      if (read.ok() && (read->would_block || read->bytes > 0)) {
        watcher_->WantWrite(!announcement_.empty() || stream_->read_wants_write());
        return;
      }
    }
    watcher_.reset();
    Say(announcement_.empty() ? "closed" : "not taken");
  }

  void BeginTasks(uint64_t count) {
    network_->sessions().Send(head_, Encode(remote::DriverInfo{.driver = Driver()}));
    to_send_ = count;
    returned_ = 0;
  }
  static DriverId Driver() { return testing::NumberedId<DriverId>(77); }
  // It waits for an input that never comes.
  static TaskSpec EndlessTask(const TaskId& task) {
    flatbuffers::FlatBufferBuilder builder;
    const std::vector<ObjectId> awaited = {ObjectId::ForPut(testing::NumberedId<TaskId>(88), 1)};
    const auto name = builder.CreateString("module.flood");
    const auto args = builder.CreateVector(std::vector<uint8_t>(100, 1));
    const auto dependencies = ToWire(builder, awaited);
    const auto cpu = protocol::CreateResourceItem(builder, builder.CreateString("CPU"), 10'000);
    const auto resources = builder.CreateVector(&cpu, 1);
    builder.Finish(protocol::CreateTaskSpec(builder, ToWire(task), ToWire(Driver()),
                                            ToWire(testing::NumberedId<FunctionId>(3)), name, args,
                                            false, dependencies, 0, 1, resources));
    const std::string encoded(reinterpret_cast<const char*>(builder.GetBufferPointer()),
                              builder.GetSize());
    return ParseTaskSpec(BytesOf(encoded)).value();
  }

  void SendTasks() {
    if (to_send_ == 0) return;
    while (to_send_ > 0 && network_->HasRoom(head_)) {
      network_->sessions().Send(
          head_, Encode(remote::RunTask{.spec = EndlessTask(testing::NumberedId<TaskId>(to_send_)),
                                        .attempt = remote::kAttemptsPerPlacement}));
      --to_send_;
    }
    network_->Flush();
  }

  Status OnMessage(uint16_t type, std::span<const uint8_t> payload) {
    const Result<remote::Message> message = DecodeRemoteMessage(type, payload);
    if (!message.ok()) return message.status();
    const auto* ended = std::get_if<remote::TaskEnded>(&*message);
    if (ended == nullptr || ended->outcome != remote::Outcome::kNotRun) return Status::Ok();
    ++returned_;
    // The last one that has left.
    if (ended->task == testing::NumberedId<TaskId>(1)) {
      Say("returned " + std::to_string(returned_));
    }
    return Status::Ok();
  }

  EventLoop* const loop_;
  const NodeId self_ = RandomIdSource().Next<NodeId>();
  std::string python_;
  HostPort head_address_;
  std::optional<ClusterKey> key_;
  std::unique_ptr<control::Tables> tables_ = control::MakeMemoryTables();
  std::unique_ptr<NodeNetwork> network_;
  NodeId head_;
  bool has_joined_ = false;
  std::unique_ptr<EventLoop::Watcher> input_;
  std::unique_ptr<EventLoop::Timer> tick_;
  // Of the announcement.
  std::unique_ptr<NodeStreams> streams_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<EventLoop::Watcher> watcher_;
  std::vector<uint8_t> announcement_;
  uint64_t to_send_ = 0;
  uint64_t returned_ = 0;
};

int Run(std::map<std::string, std::string> given) {
  std::signal(SIGPIPE, SIG_IGN);
  StartLog("member", LogLevel::kInfo);
  Result<HeldPort> port = HoldPort(given["--listen"], 0);
  RAYX_CHECK(port.ok());
  const NetworkOptions options{.port_fd = port->socket.Release(),
                               .address = {given["--listen"], port->port},
                               .key_file = given["--key-file"],
                               .python_version = given["--python"],
                               .cluster = {},
                               .head = given["--head"],
                               .head_patience_ms = 5000};
  EventLoop loop;
  BareMember member(&loop, options);
  loop.Run([&member] { return member.OnTurn(); });
  return 0;
}

}  // namespace
}  // namespace rayx::daemon

int main(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  return rayx::daemon::Run(std::move(given));
}
