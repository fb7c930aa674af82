// Bytes to and from another machine without encryption, where nothing else would notice that some
// of them were changed on the way: TCP's own checksum misses one change in 65,000 or so. What
// stands for the MACs of TLS, without their secret: it protects from bad cables, not from bad
// people.
//
//   size 4 | check of the size 4 | checksum 8 | up to 64 KiB |  size …
//
// Checksums are XXH3 with the number of the record as seed, so that a record that comes twice, or
// in another's place, is noticed as well. Both ends must be CheckedStreams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/io/byte_stream.h"

namespace rayx {

class CheckedStream final : public ByteStream {
 public:
  static constexpr size_t kRecordBytesMax = 64u << 10;

  // `under` carries the records, and passes no descriptors.
  explicit CheckedStream(std::unique_ptr<ByteStream> under) : under_(std::move(under)) {}

  int fd() const override { return under_->fd(); }
  // ProtocolError if what has arrived was changed, or is no record; Disconnected if the connection
  // ended in the middle of one; else as the stream under it.
  Result<ReadOutcome> Read(std::span<uint8_t> room) override;
  // Takes bytes only when their record has left: after a Write that has taken fewer than it was
  // given, the next one must begin with those that were not taken, and at least as many.
  Result<size_t> Write(std::span<const uint8_t> bytes, std::span<const int> fds) override;
  bool passes_fds() const override { return false; }
  bool read_wants_write() const override { return under_->read_wants_write(); }
  bool write_wants_read() const override { return under_->write_wants_read(); }
  bool holds_bytes() const override;

 private:
  // What has been read and not handed on.
  struct Arrived {
    std::vector<uint8_t> bytes;
    // Of them, so many are handed on, and so many are in use.
    size_t begin = 0;
    size_t end = 0;
    // Of the record that begins there, so many bytes were found right and are left.
    size_t right = 0;
    uint64_t number = 0;
  };
  // A record that is leaving.
  struct Leaving {
    std::vector<uint8_t> bytes;
    size_t sent = 0;
    // So many of the writer's bytes it has.
    size_t taken = 0;
    uint64_t number = 0;
  };

  std::span<const uint8_t> unread() const {
    return {arrived_.bytes.data() + arrived_.begin, arrived_.end - arrived_.begin};
  }
  // True if the next record is there as a whole, and right; false if more must arrive.
  Result<bool> CheckNext();
  // What has arrived is read; would_block if nothing has.
  Result<ReadOutcome> Fill();
  // A record is made ready, of whose bytes `right` tells; else why there is none.
  Result<ReadOutcome> NextRecord();
  void Pack(std::span<const uint8_t> bytes);

  const std::unique_ptr<ByteStream> under_;
  Arrived arrived_;
  // Of the reading side.
  Status failure_;
  Leaving leaving_;
};

}  // namespace rayx
