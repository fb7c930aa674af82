#include "common/io/checked_stream.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "common/base/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace rayx {
namespace {

struct RecordHead {
  uint32_t size = 0;
  uint32_t size_check = 0;
  uint64_t checksum = 0;
};
static_assert(sizeof(RecordHead) == 16);

// Several records at a time: a system call costs as much as 10 KiB of copies.
constexpr size_t kArrivedBytesMax = 4 * (CheckedStream::kRecordBytesMax + sizeof(RecordHead));

uint32_t CheckOf(uint32_t size, uint64_t number) {
  return static_cast<uint32_t>(XXH3_64bits_withSeed(&size, sizeof(size), number));
}

uint64_t ChecksumOf(std::span<const uint8_t> bytes, uint64_t number) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), number);
}

bool IsRight(const RecordHead& head, uint64_t number) {
  return head.size > 0 && head.size <= CheckedStream::kRecordBytesMax &&
         head.size_check == CheckOf(head.size, number);
}

// Nothing if not all of it is there.
std::optional<RecordHead> HeadOf(std::span<const uint8_t> bytes) {
  RecordHead head;
  if (bytes.size() < sizeof(head)) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof(head));
  return head;
}

}  // namespace

// ---- reading ------------------------------------------------------------------------------------

Result<bool> CheckedStream::CheckNext() {
  const std::optional<RecordHead> head = HeadOf(unread());
  if (!head) return false;
  if (!IsRight(*head, arrived_.number)) {
    return Status::ProtocolError(
        "bytes that no node sends without encryption, or that were changed on the way");
  }
  if (unread().size() < sizeof(*head) + head->size) return false;
  const std::span<const uint8_t> record = unread().subspan(sizeof(*head), head->size);
  if (head->checksum != ChecksumOf(record, arrived_.number)) {
    return Status::ProtocolError("bytes that were changed on the way");
  }
  ++arrived_.number;
  arrived_.begin += sizeof(*head);
  arrived_.right = head->size;
  return true;
}

Result<ReadOutcome> CheckedStream::Fill() {
  if (arrived_.bytes.empty()) arrived_.bytes.resize(kArrivedBytesMax);
  if (arrived_.begin > 0) {
    std::memmove(arrived_.bytes.data(), unread().data(), unread().size());
    arrived_.end -= std::exchange(arrived_.begin, 0);
  }
  Result<ReadOutcome> read =
      under_->Read({arrived_.bytes.data() + arrived_.end, arrived_.bytes.size() - arrived_.end});
  if (read.ok()) arrived_.end += read->bytes;
  return read;
}

Result<ReadOutcome> CheckedStream::Read(std::span<uint8_t> room) {
  ReadOutcome outcome;
  while (outcome.bytes < room.size()) {
    if (arrived_.right == 0) {
      Result<ReadOutcome> more = NextRecord();
      if (arrived_.right == 0) {
        // What came before is read first; then the same comes of it once more.
        if (outcome.bytes > 0) return outcome;
        return more;
      }
    }
    const size_t some = std::min(room.size() - outcome.bytes, arrived_.right);
    std::memcpy(room.data() + outcome.bytes, unread().data(), some);
    arrived_.begin += some;
    arrived_.right -= some;
    outcome.bytes += some;
  }
  return outcome;
}

Result<ReadOutcome> CheckedStream::NextRecord() {
  while (failure_.ok()) {
    const Result<bool> is_there = CheckNext();
    if (is_there.ok() && *is_there) return ReadOutcome();
    Result<ReadOutcome> filled = is_there.ok() ? Fill() : Result<ReadOutcome>(is_there.status());
    if (!filled.ok()) {
      failure_ = filled.status();
    } else if (filled->bytes == 0) {
      if (filled->would_block || unread().empty()) return filled;
      failure_ = Status::Disconnected("the connection ended in the middle of a record");
    }
  }
  return failure_;
}

bool CheckedStream::holds_bytes() const {
  if (arrived_.right > 0 || !failure_.ok() || under_->holds_bytes()) return true;
  const std::optional<RecordHead> head = HeadOf(unread());
  if (!head) return false;
  return !IsRight(*head, arrived_.number) || unread().size() >= sizeof(*head) + head->size;
}

// ---- writing ------------------------------------------------------------------------------------

void CheckedStream::Pack(std::span<const uint8_t> bytes) {
  const uint64_t number = leaving_.number++;
  const auto size = static_cast<uint32_t>(bytes.size());
  const RecordHead head = {
      .size = size, .size_check = CheckOf(size, number), .checksum = ChecksumOf(bytes, number)};
  leaving_.bytes.resize(sizeof(head) + bytes.size());
  std::memcpy(leaving_.bytes.data(), &head, sizeof(head));
  std::memcpy(leaving_.bytes.data() + sizeof(head), bytes.data(), bytes.size());
  leaving_.sent = 0;
  leaving_.taken = bytes.size();
}

Result<size_t> CheckedStream::Write(std::span<const uint8_t> bytes, std::span<const int> fds) {
  RAYX_CHECK(fds.empty());
  size_t taken = 0;
  while (taken < bytes.size()) {
    if (leaving_.taken == 0) {
      Pack(bytes.subspan(taken, std::min(bytes.size() - taken, kRecordBytesMax)));
    }
    RAYX_CHECK(leaving_.taken <= bytes.size() - taken);
    const std::span<const uint8_t> left = std::span(leaving_.bytes).subspan(leaving_.sent);
    const Result<size_t> sent = under_->Write(left, {});
    if (!sent.ok()) return sent.status();
    leaving_.sent += *sent;
    if (*sent < left.size()) return taken;
    taken += std::exchange(leaving_.taken, 0);
  }
  return taken;
}

}  // namespace rayx
