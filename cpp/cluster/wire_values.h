// What two nodes say to each other on a control connection, as decoded values.
//
//   dialler                                    the one that is dialled
//      │── Hello ──────────────────────────────────▶│
//      │◀───────────────────── Welcome, or Refusal ─│
//      │◀────── Frames, Acknowledgements, Farewell ─▶│
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/ids.h"

namespace rayx::cluster {

// A connection between two nodes, as its holder numbers them; never reused.
using ConnectionId = Number<struct ConnectionTag>;
inline constexpr ConnectionId kNoConnection(0);

// The first thing that a dialler says.
struct Hello {
  NodeId node;    // who dials
  NodeId target;  // whom it means: another process may have the address by now
  // The how manyeth session of the two, from 1. It is one session for both if their numbers are the
  // same.
  uint64_t session = 0;
  // Counts the dials of one side in a session, from 1. A hello that does not count on is a late
  // one.
  uint64_t attempt = 0;
  // The highest attempt of the other side that this one has welcomed. A hello that does not know of
  // one that was welcomed has been overtaken by it.
  uint64_t attempt_seen = 0;
  // The number of the last frame of the other side that this one has processed; 0: none.
  uint64_t processed = 0;

  friend bool operator==(const Hello& a, const Hello& b) = default;
};

// The answer: the connection carries the session from now on.
struct Welcome {
  uint64_t attempt = 0;  // that of the hello
  uint64_t processed = 0;

  friend bool operator==(const Welcome& a, const Welcome& b) = default;
};

enum class RefusalReason : uint8_t {
  kAnotherNode,   // the target has another id
  kSessionEnded,  // the session, or a later one, has ended on this side
  kDeclaredDead,  // the dialler has been declared dead; its id is good for nothing any more
};

// The other answer. The connection is closed behind it.
struct Refusal {
  RefusalReason reason = RefusalReason::kSessionEnded;
  // With kSessionEnded: the last one that has. A new one has a higher number.
  uint64_t session_ended = 0;

  friend bool operator==(const Refusal& a, const Refusal& b) = default;
};

// The last frame that was processed. Said when nothing else has been said for a while, it is a sign
// of life.
struct Acknowledgement {
  uint64_t processed = 0;

  friend bool operator==(const Acknowledgement& a, const Acknowledgement& b) = default;
};

// Why a session has ended, as one of its sides sees it.
enum class EndReason : uint8_t {
  kDeclaredDead,  // by who decides on members: the other side is dead
  kSelfDead,      // the same of this side
  kGone,          // the process of the other side is gone: dialling it was refused
  kReplaced,      // another node answers at its address
  kSilent,        // nothing was heard for limits::kPeerSilenceMs
  kBacklog,       // more is not acknowledged than may be kept
  kBreach,        // the other side broke the protocol
  kEndedByPeer,   // the other side says that it has ended the session
  kLeft,          // this side was asked to end it
};
inline constexpr size_t kEndReasons = 9;
// For logs and errors: "silent".
std::string_view TextOf(EndReason reason);

// The session has ended on this side, which closes the connection.
struct Farewell {
  EndReason reason = EndReason::kLeft;

  friend bool operator==(const Farewell& a, const Farewell& b) = default;
};

// What is said beside frames.
using Notice = std::variant<Hello, Welcome, Refusal, Acknowledgement, Farewell>;
// For traces: "hello 3/1/0 of session 1".
std::string TextOf(const Notice& notice);

// Bytes that are kept until the other side has processed them, and may be on their way to several
// peers: shared, never copied, never changed.
class SharedBytes {
 public:
  SharedBytes() = default;
  // `data` keeps what holds the bytes (a vector, a buffer of FlatBuffers): see the constructor of
  // shared_ptr that takes an owner.
  SharedBytes(std::shared_ptr<const uint8_t> data, size_t size)
      : data_(std::move(data)), size_(size) {}
  static SharedBytes Of(std::vector<uint8_t> bytes);

  std::span<const uint8_t> span() const { return {data_.get(), size_}; }
  size_t size() const { return size_; }

 private:
  std::shared_ptr<const uint8_t> data_;
  size_t size_ = 0;
};

// What the node above says to another one: a message and its type, which a session does not look
// at.
struct Message {
  uint16_t type = 0;
  SharedBytes payload;
};

// Precedes each message on the wire.
struct FrameNumbers {
  uint64_t number = 0;     // of this frame in its direction, from 1
  uint64_t processed = 0;  // as in Acknowledgement

  friend bool operator==(const FrameNumbers& a, const FrameNumbers& b) = default;
};

struct Frame {
  FrameNumbers numbers;
  Message message;
};

}  // namespace rayx::cluster
