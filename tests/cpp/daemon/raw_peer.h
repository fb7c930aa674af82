// A peer that speaks to a node in bytes of its own choice.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/io/frame.h"
#include "common/os/scoped_fd.h"
#include "common/protocol/generated/messages_generated.h"

namespace rayx {

class RawPeer {
 public:
  explicit RawPeer(const std::string& socket_path);

  // False if the node has closed already.
  bool Send(std::span<const uint8_t> bytes, std::span<const int> fds = {});
  bool Send(std::string_view bytes) {
    return Send(std::span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
  }
  bool SendFrame(protocol::MessageType type, std::span<const uint8_t> payload);
  // `fill` gets a builder and returns the offset of the table.
  template <typename Fill>
  bool SendMessage(protocol::MessageType type, Fill&& fill) {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(fill(builder));
    return SendFrame(type, {builder.GetBufferPointer(), builder.GetSize()});
  }
  bool SendHello(protocol::Role role, const DriverId& driver, uint32_t version);
  // A well-behaved hello as a driver; what it answers is read. Returns the driver's id.
  DriverId BecomeDriver();

  // The next frame, or nothing if the node closes or the time is over.
  struct Received {
    protocol::MessageType type;
    std::vector<uint8_t> payload;
  };
  std::optional<Received> Receive(std::chrono::milliseconds timeout = std::chrono::seconds(10));
  // The descriptors that came with what Receive has read.
  std::vector<ScopedFd> TakeFds() { return std::exchange(fds_, {}); }
  // Reads and forgets until the node closes; false if it does not in time.
  bool IsClosedWithin(std::chrono::milliseconds timeout);
  void Close() { socket_.Reset(); }
  int fd() const { return socket_.get(); }

 private:
  ScopedFd socket_;
  FrameReader reader_;
  std::vector<ScopedFd> fds_;
};

}  // namespace rayx
