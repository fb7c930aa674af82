// A stream to another node, which greets by itself before it carries anything else.
//
//   connecting, shaking hands ──▶ greeting ──(NodeWelcome)──▶ admitted: bytes both ways
//        (the stream below)          └──(NodeRefused, anything else)──▶ failed
//
// Until it is admitted, Read gives no bytes and Write takes none: so that whoever uses it (a
// Connection, a RedisConnection) need not know that there is a greeting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "wire/first_frame.h"
#include "wire/greeting.h"

namespace rayx::wire {

class DialledStream final : public ByteStream {
 public:
  struct Events {
    // Called once, from Read or Write, before they give or take anything.
    std::function<void(const NodeAdmission& admission)> on_admitted;
    // Called once, from Read or Write, which fail with the same reason.
    std::function<void(const NodeRefusal& refusal)> on_refused;
  };

  // `greeting`: what EncodeGreeting makes. If another node than `listener` answers, the stream
  // fails with NotFound: the one that was meant is not there any more. Nil: any will do.
  DialledStream(std::unique_ptr<ByteStream> below, const NodeId& listener,
                std::vector<uint8_t> greeting, Events events);

  int fd() const override { return below_->fd(); }
  Result<ReadOutcome> Read(std::span<uint8_t> room) override;
  Result<size_t> Write(std::span<const uint8_t> bytes, std::span<const int> fds) override;
  bool passes_fds() const override { return false; }
  bool read_wants_write() const override;
  bool write_wants_read() const override;
  bool holds_bytes() const override;

 private:
  // Ok if the answer has not come yet, too.
  Status Greet();
  Status OnAnswer();
  bool has_greeted() const { return greeted_ == greeting_.size(); }

  const std::unique_ptr<ByteStream> below_;
  const NodeId listener_;
  const std::vector<uint8_t> greeting_;
  const Events events_;
  size_t greeted_ = 0;
  FirstFrame answer_{kGreetingBytesMax};
  bool admitted_ = false;
  Status failure_;
};

}  // namespace rayx::wire
