// The head of a cluster in a thread of its own, with a loop and tables in memory: what tests join.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/io/event_loop.h"
#include "common/io/tcp_port.h"
#include "common/os/random_bytes.h"
#include "control/memory_tables.h"
#include "daemon/network/node_network.h"

namespace rayx::daemon {

template <typename IdType>
IdType IdOf(uint8_t filling) {
  std::array<uint8_t, IdType::kSize> bytes;
  bytes.fill(filling);
  return IdType::FromBytes(bytes.data());
}

// A private directory with key files.
class TestKeys {
 public:
  TestKeys() {
    std::string pattern = testing::TempDir() + "rayx-keys-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~TestKeys() {
    for (const std::string& path : paths_) ::unlink(path.c_str());
    ::rmdir(directory_.c_str());
  }
  // The path of a file with one of two keys.
  std::string Make(int number) {
    const std::string path = directory_ + "/" + std::to_string(number);
    const mode_t before = ::umask(0077);
    std::ofstream(path) << (number == 1 ? kFirst : kSecond) << "\n";
    ::umask(before);
    paths_.push_back(path);
    return path;
  }

 private:
  static constexpr char kFirst[] =
      "rayx-key-1-000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f-20814e8c";
  static constexpr char kSecond[] =
      "rayx-key-1-202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f-a4537352";

  std::string directory_;
  std::vector<std::string> paths_;
};

// A port whose socket may be given to several nodes, one after the other.
inline HeldPort TestPort() { return HoldAndListen("127.0.0.1", 0, 64).value(); }

inline NetworkOptions OptionsAt(const HeldPort& port, const std::string& key_file) {
  return {.port_fd = ::dup(port.socket.get()),
          .address = {"127.0.0.1", port.port},
          .key_file = key_file,
          .python_version = "3.11",
          .cluster = {},
          .head = {},
          .head_patience_ms = 0};
}

class TestHead {
 public:
  // `nodes`: what the table of nodes says when it starts.
  TestHead(const HeldPort& port, const std::string& key_file, const ClusterId& cluster,
           const std::string& scheduler_socket = "",
           const std::vector<control::NodeRecord>& nodes = {},
           const std::string& control_socket = "")
      : id_(RandomIdSource().Next<NodeId>()) {
    NetworkOptions options = OptionsAt(port, key_file);
    options.cluster = cluster.Hex();
    tables_ = control::MakeMemoryTables();
    for (const control::NodeRecord& node : nodes) tables_->nodes().Register(node);
    network_ = NodeNetwork::Open(&loop_, options, id_).value();
    NodeNetwork::Services services{.control_servers = {}, .scheduler_socket = scheduler_socket};
    if (!control_socket.empty())
      services.control_servers.push_back({.path = control_socket, .user = {}, .password = {}});
    EXPECT_TRUE(
        network_->Start(tables_.get(), services, [](Expulsion, const std::string&) {}).ok());
    thread_ = std::thread([this] {
      loop_.Run([this] {
        network_->OnTurn();
        network_->Accept();
        const auto next_ms = network_->NextTickMs();
        tick_ = next_ms ? loop_.CallAt(*next_ms, [] {}) : nullptr;
        return false;
      });
    });
  }
  ~TestHead() {
    loop_.Post([this] { loop_.Stop(); });
    thread_.join();
    tick_.reset();
    network_.reset();
  }

  const NodeId& id() const { return id_; }
  // It ends as it was asked to.
  void Leave() {
    Do([this] { network_->Leave(); });
  }
  // As a member writes its record, by way of a control server.
  void WriteRecord(const control::NodeRecord& node) {
    Do([this, &node] { tables_->nodes().Register(node); });
  }
  // Whether the table says that the node lives.
  bool IsAlive(const NodeId& id) {
    bool alive = false;
    Do([this, &id, &alive] {
      tables_->nodes().List([&](const auto& nodes) {
        for (const control::NodeRecord& node : *nodes) alive |= node.id == id && node.alive;
      });
    });
    return alive;
  }
  std::string DebugText() {
    std::string text;
    Do([this, &text] { text = network_->DebugText(); });
    return text;
  }

 private:
  void Do(const std::function<void()>& what) {
    std::promise<void> done;
    loop_.Post([&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }

  const NodeId id_;
  EventLoop loop_;
  std::unique_ptr<control::Tables> tables_;
  std::unique_ptr<NodeNetwork> network_;
  std::unique_ptr<EventLoop::Timer> tick_;
  std::thread thread_;
};

}  // namespace rayx::daemon
