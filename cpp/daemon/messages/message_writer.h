// Encodes messages with one builder, whose memory is used again and again.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <span>
#include <utility>
#include <vector>

#include "common/io/connection.h"
#include "common/os/scoped_fd.h"
#include "common/protocol/generated/messages_generated.h"
#include "common/protocol/message.h"

namespace rayx::daemon {

class MessageWriter {
 public:
  // `fill` gets the cleared builder and returns the offset of the finished table.
  template <typename Fill>
  void Send(Connection& connection, protocol::MessageType type, Fill&& fill,
            std::vector<ScopedFd> fds = {}) {
    builder_.Clear();
    builder_.Finish(std::forward<Fill>(fill)(builder_));
    connection.Send(static_cast<uint16_t>(type), {builder_.GetBufferPointer(), builder_.GetSize()},
                    std::move(fds));
  }

 private:
  flatbuffers::FlatBufferBuilder builder_{4096};
};

}  // namespace rayx::daemon
