// The words of the Redis protocol: commands out, replies in. No socket.
//
// Replies are parsed by hiredis' reader straight into our value type. The server is not trusted:
// size, number of elements and depth of a reply are bounded, and nothing is allocated for what has
// only been announced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"

struct redisReader;

namespace rayx::control {

// One reply: a value.
struct Reply {
  enum class Type { kNil, kStatus, kError, kInteger, kString, kArray };

  Type type = Type::kNil;
  int64_t integer = 0;          // kInteger
  std::string text;             // kStatus, kError, kString
  std::vector<Reply> elements;  // kArray

  bool Is(Type wanted) const { return type == wanted; }
  // For people: "the error 'WRONGTYPE …'", "a string of 5 bytes".
  std::string Describe() const;

  // What a command of ours expects, or a ProtocolError that tells what came instead. An error reply
  // becomes a ProtocolError with its text.
  Result<int64_t> AsInteger() const;
  // Moves the content of a kString or kArray out.
  Result<std::string> TakeString() &&;
  Result<std::vector<std::string>> TakeStrings() &&;
  // The reply to HGETALL: fields and values in turns.
  Result<std::vector<std::pair<std::string, std::string>>> TakePairs() &&;
};

// Appends `words` as one command to `out`.
void AppendCommand(std::span<const std::string_view> words, std::string *out);

// Makes replies of bytes, however they are chopped.
class ReplyReader {
 public:
  ReplyReader();
  ~ReplyReader();
  ReplyReader(const ReplyReader &) = delete;
  ReplyReader &operator=(const ReplyReader &) = delete;

  // Takes bytes that have arrived. ProtocolError if the server sends more than limits allow.
  Status Feed(std::span<const uint8_t> bytes);
  // The next complete reply; nothing if more bytes are needed. After a ProtocolError the stream is
  // lost and every further call returns it again.
  Result<std::optional<Reply>> Next();

 private:
  class Builder;

  std::unique_ptr<Builder> builder_;
  std::unique_ptr<redisReader, void (*)(redisReader *)> reader_;
  Status failure_;
};

}  // namespace rayx::control
