// Joins two streams: what arrives on one leaves on the other, and an end that closes closes the
// other.
//
// Nothing of what is passed on is understood. An end whose other one does not take more is not read
// while kStreamBridgeBytesMax wait for that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "common/io/event_loop.h"

namespace rayx {

class StreamBridge {
 public:
  // Called once, from the loop: the bridge may be destroyed afterwards, and not inside.
  using OnClosed = std::function<void(const Status& reason)>;

  // A stream, and what messages call it.
  struct Side {
    std::unique_ptr<ByteStream> stream;
    std::string name;
  };

  // `loop` must outlive the bridge. What the streams hold already is passed on.
  StreamBridge(EventLoop* loop, Side left, Side right, OnClosed on_closed);
  ~StreamBridge();
  StreamBridge(const StreamBridge&) = delete;
  StreamBridge& operator=(const StreamBridge&) = delete;

  // What has been read and not passed on yet is dropped.
  void Close(const Status& reason);

 private:
  struct End {
    std::unique_ptr<ByteStream> stream;
    std::string name;
    // To be written to it.
    std::vector<uint8_t> out;
    size_t written = 0;
    // After the stream, so that it goes first.
    std::unique_ptr<EventLoop::Watcher> watcher;

    size_t backlog_bytes() const { return out.size() - written; }
  };

  void Open(End* end, End* other);
  void OnReadable(End* end, End* other);
  void OnWritable(End* end, End* other);
  // Reads from one end what the other has room for, and writes it there.
  void Pass(End* from, End* to);
  void WriteOut(End* end);
  // Has both sockets watched for what their streams wait for.
  void Watch();
  void WatchEnd(End* end, const End& other);
  static bool MayRead(const End& other);

  EventLoop* const loop_;
  const OnClosed on_closed_;
  bool is_closed_ = false;
  Status reason_;
  End left_;
  End right_;
  // Tells of the end.
  std::unique_ptr<EventLoop::Timer> telling_;
  // Reads what a stream holds, in the next turn; one for each end.
  std::unique_ptr<EventLoop::Timer> again_left_;
  std::unique_ptr<EventLoop::Timer> again_right_;
};

}  // namespace rayx
