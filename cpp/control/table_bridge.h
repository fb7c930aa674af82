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

#include <memory>
#include <string>

#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "common/io/event_loop.h"
#include "common/io/stream_bridge.h"
#include "control/redis_connection.h"
#include "control/redis_protocol.h"

namespace rayx::control {

class TableBridge {
 public:
  using OnClosed = StreamBridge::OnClosed;

  // `loop` must outlive the bridge.
  TableBridge(EventLoop* loop, const RedisEndpoint& server, std::unique_ptr<ByteStream> node,
              OnClosed on_closed);
  ~TableBridge();
  TableBridge(const TableBridge&) = delete;
  TableBridge& operator=(const TableBridge&) = delete;

  // What has been read and not passed on yet is dropped.
  void Close(const Status& reason);

 private:
  void WriteLogin();
  void ReadLogin();
  // The server has let us in.
  void Join();

  EventLoop* const loop_;
  const OnClosed on_closed_;
  bool is_closed_ = false;
  // --- until it is joined: what the node sends stays where it is ---
  std::unique_ptr<ByteStream> node_;
  std::unique_ptr<ByteStream> server_;
  // Of the server's stream.
  std::unique_ptr<EventLoop::Watcher> watcher_;
  std::string login_;
  ReplyReader reply_;
  // Ends a login that takes too long; then tells of the end.
  std::unique_ptr<EventLoop::Timer> timer_;
  // --- from then on ---
  std::unique_ptr<StreamBridge> joined_;
};

}  // namespace rayx::control
