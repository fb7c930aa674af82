// Joins another node to a control server of this machine: bytes that come by the node's stream go
// to the server's Unix socket, and its replies back. So the server has no port, and its password
// does not leave this machine: the bridge logs in itself.
//
//   LoggingIn ──(the server lets it in)──▶ Joined ──┐
//       │                                           ├──▶ Closed
//       └──(refused, an end is gone, late, Close)───┘
//
// Either end that closes closes the other; the node connects again (redis_connection.h) and finds
// out what is wrong. The bridge understands nothing of what it passes on. Whether the node may
// write at all is decided by whoever makes the bridge, and by Close once it may not: that is how
// the writes of a node that is declared dead are kept from the tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "common/io/event_loop.h"
#include "control/redis_connection.h"
#include "control/redis_protocol.h"

namespace rayx::control {

class TableBridge {
 public:
  // Called once, from the loop: the bridge may be destroyed afterwards, and not inside.
  using OnClosed = std::function<void(const Status& reason)>;

  // `loop` must outlive the bridge.
  TableBridge(EventLoop* loop, const RedisEndpoint& server, std::unique_ptr<ByteStream> node,
              OnClosed on_closed);
  ~TableBridge();
  TableBridge(const TableBridge&) = delete;
  TableBridge& operator=(const TableBridge&) = delete;

  // What has been read and not passed on yet is dropped.
  void Close(const Status& reason);

 private:
  enum class State { kLoggingIn, kJoined, kClosed };
  // A stream, and what is to be written to it.
  struct End {
    std::unique_ptr<ByteStream> stream;
    std::vector<uint8_t> out;
    size_t written = 0;
    // After the stream, so that it goes first.
    std::unique_ptr<EventLoop::Watcher> watcher;

    size_t backlog_bytes() const { return out.size() - written; }
  };

  void Connect(const RedisEndpoint& server);
  void Open(End* end, End* other);
  void OnReadable(End* end, End* other);
  void OnWritable(End* end, End* other);
  // Reads from one end what the other has room for, and writes it there.
  void Pass(End* from, End* to);
  void ReadLogin();
  void WriteOut(End* end);
  // Has both sockets watched for what their streams wait for.
  void Watch();
  void WatchEnd(End* end, const End& other);
  bool MayRead(const End& end, const End& other) const;

  EventLoop* const loop_;
  OnClosed on_closed_;
  State state_ = State::kLoggingIn;
  Status reason_;
  End node_;
  End server_;
  std::optional<ReplyReader> login_;
  // Ends a login that takes too long; then tells of the end.
  std::unique_ptr<EventLoop::Timer> timer_;
  // Reads what a stream holds, in the next turn.
  std::unique_ptr<EventLoop::Timer> again_;
};

}  // namespace rayx::control
