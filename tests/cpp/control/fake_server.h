// A control server that says what the test wants: for replies that no real server gives, and to see
// every command.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "common/io/event_loop.h"
#include "common/os/scoped_fd.h"
#include "control/redis_protocol.h"
#include "control/scratch_directory.h"

namespace rayx::control {

using CommandWords = std::vector<std::string>;

class FakeServer {
 public:
  // The bytes to send for a command; none to stay silent. Logins and probes are answered well by
  // themselves, unless `greets` is false.
  using Answer = std::function<std::string(const CommandWords&)>;

  FakeServer(EventLoop* loop, Answer answer, bool greets = true);

  const std::string& path() const { return path_; }
  // What came, without logins and probes.
  const std::vector<CommandWords>& received() const { return received_; }
  // The same, each as its words with a space between.
  std::vector<std::string> ReceivedLines() const;
  size_t accepted() const { return accepted_; }
  void set_answer(Answer answer) { answer_ = std::move(answer); }
  void SendToAll(const std::string& bytes);
  void CloseAll();

 private:
  struct Peer {
    ScopedFd socket;
    ReplyReader reader;  // commands are lists of strings
    std::string out;     // what the socket has not taken yet
    std::unique_ptr<EventLoop::Watcher> watcher;
  };

  void Accept();
  void OnReadable(Peer* peer);
  void Write(Peer* peer);
  std::string Reaction(CommandWords words);

  EventLoop* loop_;
  Answer answer_;
  const bool greets_;
  ScratchDirectory directory_;
  std::string path_;
  size_t accepted_ = 0;
  std::vector<CommandWords> received_;
  std::list<Peer> peers_;
  ScopedFd listener_;
  std::unique_ptr<EventLoop::Watcher> watcher_;
};

}  // namespace rayx::control
