#include "control/fake_server.h"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <utility>

#include "common/io/socket.h"
#include "control/schema.h"

namespace rayx::control {
namespace {

std::span<const uint8_t> BytesOf(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

FakeServer::FakeServer(EventLoop* loop, Answer answer, bool greets)
    : loop_(loop), answer_(std::move(answer)), greets_(greets), path_(directory_.path() + "/s") {
  auto listener = ListenUnix(path_, 8);
  EXPECT_TRUE(listener.ok()) << listener.status().ToString();
  listener_ = std::move(*listener);
  watcher_ = loop_->Watch(listener_.get(), [this] { Accept(); });
}

std::vector<std::string> FakeServer::ReceivedLines() const {
  std::vector<std::string> lines;
  for (const CommandWords& words : received_) {
    std::string line;
    for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
    lines.push_back(line);
  }
  return lines;
}

void FakeServer::SendToAll(const std::string& bytes) {
  for (Peer& peer : peers_) {
    peer.out += bytes;
    Write(&peer);
  }
}

void FakeServer::CloseAll() { peers_.clear(); }

void FakeServer::Accept() {
  auto socket = AcceptUnix(listener_.get());
  ASSERT_TRUE(socket.ok());
  if (!socket->valid()) return;
  ++accepted_;
  Peer& peer = peers_.emplace_back();
  peer.socket = std::move(*socket);
  peer.watcher = loop_->Watch(
      peer.socket.get(), [this, &peer] { OnReadable(&peer); }, [this, &peer] { Write(&peer); });
}

void FakeServer::OnReadable(Peer* peer) {
  std::array<uint8_t, 65536> room;
  const auto outcome = ReadWithFds(peer->socket.get(), room);
  if (!outcome.ok() || (outcome->bytes == 0 && !outcome->would_block)) {
    peers_.remove_if([peer](const Peer& other) { return &other == peer; });
    return;
  }
  ASSERT_TRUE(peer->reader.Feed(std::span(room).first(outcome->bytes)).ok());
  while (true) {
    auto command = peer->reader.Next();
    ASSERT_TRUE(command.ok());
    if (!command->has_value()) return Write(peer);
    auto words = std::move(**command).TakeStrings();
    ASSERT_TRUE(words.ok());
    const size_t peers = peers_.size();
    const std::string bytes = Reaction(std::move(*words));
    // The reaction may have closed the connection.
    if (peers_.size() != peers) return;
    peer->out += bytes;
  }
}

void FakeServer::Write(Peer* peer) {
  while (!peer->out.empty()) {
    const auto wrote = WriteWithFds(peer->socket.get(), BytesOf(peer->out), {});
    // A client that has gone is noticed when it is read from.
    if (!wrote.ok()) peer->out.clear();
    if (!wrote.ok() || *wrote == 0) break;
    peer->out.erase(0, *wrote);
  }
  peer->watcher->WantWrite(!peer->out.empty());
}

std::string FakeServer::Reaction(CommandWords words) {
  if (greets_ && words[0] == "AUTH") return "+OK\r\n";
  if (greets_ && words == CommandWords{"EXISTS", std::string(schema::kNodeIds)}) return ":0\r\n";
  received_.push_back(words);
  return answer_(words);
}

}  // namespace rayx::control
