// One connection on a loop, and the raw other end of its socket.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "common/io/byte_stream.h"
#include "common/io/connection.h"

namespace rayx {

inline constexpr int64_t kPatienceMs = 20'000;

using Bytes = std::vector<uint8_t>;

inline Bytes BytesOf(std::string_view text) { return Bytes(text.begin(), text.end()); }

// One connection on a loop, and the raw other end.
class ConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pair = SocketPair();
    ASSERT_TRUE(pair.ok());
    peer_ = std::move(pair->second);
    Connection::Handlers handlers;
    handlers.on_frames = [this] { OnFrames(); };
    handlers.on_closed = [this](const Status& reason) { closed_.push_back(reason); };
    handlers.on_dirty = [this] { ++dirty_; };
    connection_ =
        std::make_unique<Connection>(&loop_, MakeStream(std::move(pair->first)), 1 << 20, handlers);
  }

  virtual std::unique_ptr<ByteStream> MakeStream(ScopedFd socket) {
    return std::make_unique<UnixStream>(std::move(socket));
  }

  virtual void OnFrames() {
    ++on_frames_calls_;
    bytes_in_turn_[loop_.turn()];
    while (std::optional<Frame> frame = connection_->NextFrame()) {
      received_.emplace_back(frame->payload.begin(), frame->payload.end());
      bytes_in_turn_[loop_.turn()] += frame->payload.size();
    }
    if (take_fds_) {
      for (ScopedFd& fd : connection_->TakeFds()) fds_.push_back(std::move(fd));
    }
  }

  void RunUntil(const std::function<bool()>& done) {
    const auto watchdog = loop_.CallAt(loop_.now_ms() + kPatienceMs, [this] {
      ADD_FAILURE() << "nothing happened";
      loop_.Stop();
    });
    loop_.Run([&] {
      if (std::exchange(dirty_, 0) != 0) connection_->Flush();
      if (done()) loop_.Stop();
      return false;
    });
  }
  void RunUntilClosed() {
    RunUntil([&] { return !closed_.empty(); });
  }

  // As the peer: writes raw bytes, as much as fits at once.
  size_t Write(std::span<const uint8_t> bytes) {
    const ssize_t written = ::send(peer_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return written < 0 ? 0 : static_cast<size_t>(written);
  }
  void WriteFrame(uint16_t type, std::span<const uint8_t> payload) {
    Bytes out;
    AppendFrame(type, payload, &out);
    ASSERT_EQ(Write(out), out.size());
  }
  // As the peer: all that can be read now.
  Bytes ReadAll() {
    Bytes all;
    Bytes piece(1 << 20);
    while (true) {
      const ssize_t bytes = ::recv(peer_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
      if (bytes <= 0) return all;
      all.insert(all.end(), piece.begin(), piece.begin() + bytes);
    }
  }

  EventLoop loop_;
  ScopedFd peer_;
  std::unique_ptr<Connection> connection_;
  std::vector<Bytes> received_;
  std::map<uint64_t, size_t> bytes_in_turn_;
  std::vector<ScopedFd> fds_;
  std::vector<Status> closed_;
  bool take_fds_ = true;
  int on_frames_calls_ = 0;
  int dirty_ = 0;
};

}  // namespace rayx
