// Identifiers of the things rayx knows: objects, tasks, functions, nodes, drivers, and, within one
// node, clients and workers. An actor is known by the id of the task that makes it.
//
// Each kind is a type of its own, so that a task id cannot be passed where a function id is wanted.
// Ids are plain bytes (values): they are copied, compared and hashed, and never own anything.
//
// An object id is derived from the task that made the object: 16 bytes of task id followed by a
// 32-bit index (little endian). Return values count from 0; objects stored with put carry the bit
// kPutBit in their index. Every process can therefore name a task's results before the task has
// run.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rayx {

// Appends two lower-case hexadecimal digits for each byte.
std::string ToHex(const uint8_t* bytes, size_t size);
// The inverse of ToHex; nothing if `text` is not exactly 2 * size hexadecimal digits.
bool FromHex(std::string_view text, uint8_t* bytes, size_t size);

// A fixed-size identifier. `Tag` only keeps the kinds apart.
template <typename Tag, size_t kBytes>
class Id {
 public:
  static constexpr size_t kSize = kBytes;

  // The nil id: all bytes zero. It names nothing.
  Id() { bytes_.fill(0); }

  // REQUIRES: `bytes` points at kSize readable bytes.
  static Id FromBytes(const uint8_t* bytes) {
    Id id;
    std::memcpy(id.bytes_.data(), bytes, kBytes);
    return id;
  }
  static std::optional<Id> FromHexString(std::string_view text) {
    Id id;
    if (!FromHex(text, id.bytes_.data(), kBytes)) return std::nullopt;
    return id;
  }

  const uint8_t* data() const { return bytes_.data(); }
  uint8_t* mutable_data() { return bytes_.data(); }
  static constexpr size_t size() { return kBytes; }
  std::string Hex() const { return ToHex(bytes_.data(), kBytes); }
  bool IsNil() const { return *this == Id(); }

  // Word by word, which the compiler knows: maps with thousands of ids compare them all the time.
  friend bool operator==(const Id& a, const Id& b) {
    uint64_t differs = 0;
    for (size_t at = 0; at + sizeof(uint64_t) <= kBytes; at += sizeof(uint64_t)) {
      differs |= a.Word<uint64_t>(at) ^ b.Word<uint64_t>(at);
    }
    if constexpr (kBytes % sizeof(uint64_t) != 0) {
      constexpr size_t kTail = kBytes - sizeof(uint32_t);
      differs |= a.Word<uint32_t>(kTail) ^ b.Word<uint32_t>(kTail);
    }
    return differs == 0;
  }
  friend auto operator<=>(const Id& a, const Id& b) { return a.bytes_ <=> b.bytes_; }

  // Ids are random, so their bytes are their hash; the tail is mixed in since object ids of one
  // task differ only there.
  size_t Hash() const {
    const uint64_t tail = Word<uint32_t>(kBytes - sizeof(uint32_t));
    return static_cast<size_t>(Word<uint64_t>(0) ^ (tail * 0x9E3779B97F4A7C15ull));
  }

 private:
  static_assert(kBytes >= 8 && kBytes % sizeof(uint32_t) == 0, "ids are read by words");

  template <typename Unsigned>
  Unsigned Word(size_t at) const {
    Unsigned word;
    std::memcpy(&word, bytes_.data() + at, sizeof(word));
    return word;
  }

  std::array<uint8_t, kBytes> bytes_;
};

using TaskId = Id<struct TaskIdTag, 16>;
using FunctionId = Id<struct FunctionIdTag, 16>;
using NodeId = Id<struct NodeIdTag, 16>;
using DriverId = Id<struct DriverIdTag, 16>;
using ClusterId = Id<struct ClusterIdTag, 16>;

class ObjectId : public Id<struct ObjectIdTag, 20> {
 public:
  static constexpr uint32_t kPutBit = 0x80000000u;
  // Items of a stream have return values 1 to kStreamItemsMax; with this bit, the index names what
  // tells its task to go on (client/objects/streams.h).
  static constexpr uint32_t kStreamCreditBit = 0x40000000u;
  static constexpr uint32_t kStreamItemsMax = kStreamCreditBit - 1;

  // No put gets that far: names what stands for a function, see ForFunction.
  static constexpr uint32_t kFunctionIndex = 0xFFFFFFFFu;

  ObjectId() = default;
  ObjectId(const Id& id) : Id(id) {}  // NOLINT: an Id of this tag is an ObjectId

  // The id of return value `index` of `task`. REQUIRES: index < kPutBit.
  static ObjectId ForReturn(const TaskId& task, uint32_t index) { return Make(task, index); }
  // The id of the `index`-th object that code running as `task` puts. REQUIRES: index < kPutBit.
  static ObjectId ForPut(const TaskId& task, uint32_t index) { return Make(task, index | kPutBit); }

  // Item `item` of the stream that `task` makes, counted from 0. REQUIRES: item < kStreamItemsMax.
  static ObjectId ForStreamItem(const TaskId& task, uint32_t item) { return Make(task, item + 1); }
  // The `credit`-th leave to go on that the task is given. REQUIRES: credit < kStreamCreditBit.
  static ObjectId ForStreamCredit(const TaskId& task, uint32_t credit) {
    return Make(task, credit | kStreamCreditBit);
  }

  // The object that stands for a function: as long as anybody refers to it, the function can be
  // called (node/function_book.h).
  static ObjectId ForFunction(const FunctionId& function) {
    return Make(TaskId::FromBytes(function.data()), kFunctionIndex);
  }

  // The task that made the object.
  TaskId Task() const { return TaskId::FromBytes(data()); }
  bool IsPut() const { return (Index() & kPutBit) != 0; }
  bool IsFunction() const { return Index() == kFunctionIndex; }
  // REQUIRES: IsFunction.
  FunctionId Function() const { return FunctionId::FromBytes(data()); }
  // Index among the task's return values (or puts, see IsPut).
  uint32_t Index() const {
    const uint8_t* p = data() + TaskId::kSize;
    return static_cast<uint32_t>(p[0]) | static_cast<uint32_t>(p[1]) << 8 |
           static_cast<uint32_t>(p[2]) << 16 | static_cast<uint32_t>(p[3]) << 24;
  }

 private:
  static ObjectId Make(const TaskId& task, uint32_t index) {
    ObjectId id;
    std::memcpy(id.mutable_data(), task.data(), TaskId::kSize);
    uint8_t* p = id.mutable_data() + TaskId::kSize;
    p[0] = static_cast<uint8_t>(index);
    p[1] = static_cast<uint8_t>(index >> 8);
    p[2] = static_cast<uint8_t>(index >> 16);
    p[3] = static_cast<uint8_t>(index >> 24);
    return id;
  }
};
static_assert(ObjectId::kSize == TaskId::kSize + sizeof(uint32_t));
static_assert(sizeof(ObjectId) == 20, "ids travel as plain bytes");

// The position of the first id that is equal to one before it; ids.size() if there is none. Linear,
// some ns an id.
size_t FirstRepeated(std::span<const ObjectId> ids);

// A number that names something within one node, counted from 1; 0 names nothing. `Tag` only keeps
// the kinds apart: a plain integer is none of them until it is said to be. It has no default, so
// that std::vector<ClientId>({7}), which is no list of client 7, does not become seven nil ids.
template <typename Tag>
class Number {
 public:
  explicit constexpr Number(uint64_t value) : value_(value) {}

  constexpr uint64_t value() const { return value_; }
  constexpr bool IsNil() const { return value_ == 0; }
  // Goes on to the one that is given out next.
  constexpr Number& operator++() {
    ++value_;
    return *this;
  }
  std::string ToString() const { return std::to_string(value_); }

  friend constexpr bool operator==(Number a, Number b) = default;
  friend constexpr auto operator<=>(Number a, Number b) = default;

 private:
  uint64_t value_;
};

// How tests and logs show it.
template <typename Tag>
std::ostream& operator<<(std::ostream& out, Number<Tag> number) {
  return out << number.value();
}

// A connection of a node, in order of arrival; never reused. It stands for "who holds this" in the
// cores.
using ClientId = Number<struct ClientIdTag>;
inline constexpr ClientId kNoClient(0);
// A worker of a node, in the order in which they were started; never reused.
using WorkerNumber = Number<struct WorkerNumberTag>;
inline constexpr WorkerNumber kNoWorker(0);

// Who calls an actor: a client, and the node that it is connected to. A nil node is this one. Calls
// of one caller begin in the order in which they were submitted.
//
// A worker that runs one function after the other is another caller in each run (counted by it from
// 1 on). A call of an earlier run may wait for the result of the function that runs now: calls of
// this function would stand behind it, and if the function waited for one, neither would end.
struct CallerId {
  NodeId node;
  ClientId client = kNoClient;
  uint32_t run = 0;

  friend bool operator==(const CallerId& a, const CallerId& b) = default;
  friend auto operator<=>(const CallerId& a, const CallerId& b) = default;
};

}  // namespace rayx

template <typename Tag, size_t kBytes>
struct std::hash<rayx::Id<Tag, kBytes>> {
  size_t operator()(const rayx::Id<Tag, kBytes>& id) const noexcept { return id.Hash(); }
};
template <>
struct std::hash<rayx::ObjectId> {
  size_t operator()(const rayx::ObjectId& id) const noexcept { return id.Hash(); }
};
template <typename Tag>
struct std::hash<rayx::Number<Tag>> {
  size_t operator()(rayx::Number<Tag> number) const noexcept {
    return std::hash<uint64_t>()(number.value());
  }
};
template <>
struct std::hash<rayx::CallerId> {
  size_t operator()(const rayx::CallerId& caller) const noexcept {
    return caller.node.Hash() ^ std::hash<rayx::ClientId>()(caller.client) ^
           (uint64_t{caller.run} << 32);
  }
};
