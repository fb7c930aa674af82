#include "control/redis_protocol.h"

#include <hiredis/hiredis.h>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/log.h"

namespace rayx::control {
namespace {

constexpr size_t kTextShown = 200;

Status Unexpected(const Reply& reply, std::string_view wanted) {
  return Status::ProtocolError("the control server answered with " + reply.Describe() + " where " +
                               std::string(wanted) + " was expected");
}

}  // namespace

std::string Reply::Describe() const {
  switch (type) {
    case Type::kNil:
      return "nothing";
    case Type::kStatus:
      return "the status '" + EscapeControl(text.substr(0, kTextShown)) + "'";
    case Type::kError:
      return "the error '" + EscapeControl(text.substr(0, kTextShown)) + "'";
    case Type::kInteger:
      return "the number " + std::to_string(integer);
    case Type::kString:
      return "a string of " + std::to_string(text.size()) + " bytes";
    case Type::kArray:
      return "a list of " + std::to_string(elements.size());
  }
  RAYX_CHECK(false);
}

Result<int64_t> Reply::AsInteger() const {
  if (type != Type::kInteger) return Unexpected(*this, "a number");
  return integer;
}

Result<std::string> Reply::TakeString() && {
  if (type != Type::kString) return Unexpected(*this, "a string");
  return std::move(text);
}

Result<std::vector<std::string>> Reply::TakeStrings() && {
  if (type != Type::kArray) return Unexpected(*this, "a list");
  std::vector<std::string> strings;
  strings.reserve(elements.size());
  for (Reply& element : elements) {
    if (element.type != Type::kString) return Unexpected(element, "a list of strings");
    strings.push_back(std::move(element.text));
  }
  return strings;
}

Result<std::vector<std::pair<std::string, std::string>>> Reply::TakePairs() && {
  auto strings = std::move(*this).TakeStrings();
  if (!strings.ok()) return strings.status();
  if (strings->size() % 2 != 0) return Unexpected(*this, "a list of fields and values");
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(strings->size() / 2);
  for (size_t i = 0; i < strings->size(); i += 2) {
    pairs.emplace_back(std::move((*strings)[i]), std::move((*strings)[i + 1]));
  }
  return pairs;
}

void AppendCommand(std::span<const std::string_view> words, std::string* out) {
  *out += '*';
  *out += std::to_string(words.size());
  *out += "\r\n";
  for (const std::string_view word : words) {
    *out += '$';
    *out += std::to_string(word.size());
    *out += "\r\n";
    *out += word;
    *out += "\r\n";
  }
}

// What hiredis' reader calls for each thing it has parsed. It keeps the values returned here as
// handles: the root, or elements of arrays that are being filled. Filling goes depth first, so an
// array does not grow, and its elements do not move, while one of them is being filled.
class ReplyReader::Builder {
 public:
  static redisReplyObjectFunctions* Functions() {
    static redisReplyObjectFunctions functions = {&OnString, &OnArray, &OnInteger, &OnNil, &OnFree};
    return &functions;
  }

  Reply TakeRoot() {
    bytes_ = 0;
    elements_ = 0;
    return std::exchange(root_, Reply());
  }

 private:
  static Builder& Of(const redisReadTask* task) { return *static_cast<Builder*>(task->privdata); }

  // The place of a new value. Null (which hiredis reports as an error) if the reply exceeds its
  // limits.
  Reply* Place(const redisReadTask* task, size_t size) {
    bytes_ += size;
    ++elements_;
    if (bytes_ > limits::kControlReplyBytesMax) return nullptr;
    if (elements_ > limits::kControlReplyElementsMax) return nullptr;
    if (task->parent == nullptr) {
      root_ = Reply();
      return &root_;
    }
    return &static_cast<Reply*>(task->parent->obj)->elements.emplace_back();
  }

  static void* OnString(const redisReadTask* task, char* bytes, size_t size) {
    Reply* reply = Of(task).Place(task, size);
    if (reply == nullptr) return nullptr;
    switch (task->type) {
      case REDIS_REPLY_ERROR:
        reply->type = Reply::Type::kError;
        break;
      case REDIS_REPLY_STATUS:
        reply->type = Reply::Type::kStatus;
        break;
      default:
        reply->type = Reply::Type::kString;
    }
    reply->text.assign(bytes, size);
    return reply;
  }
  // The size is only what the server announces: elements are added as they come.
  static void* OnArray(const redisReadTask* task, int) {
    return OnValue(task, Reply::Type::kArray, 0);
  }
  static void* OnInteger(const redisReadTask* task, long long value) {
    return OnValue(task, Reply::Type::kInteger, value);
  }
  static void* OnNil(const redisReadTask* task) { return OnValue(task, Reply::Type::kNil, 0); }
  // All values belong to the root, which belongs to us.
  static void OnFree(void*) {}

  static Reply* OnValue(const redisReadTask* task, Reply::Type type, int64_t integer) {
    Reply* reply = Of(task).Place(task, 0);
    if (reply == nullptr) return nullptr;
    reply->type = type;
    reply->integer = integer;
    return reply;
  }

  Reply root_;
  size_t bytes_ = 0;
  size_t elements_ = 0;
};

ReplyReader::ReplyReader()
    : builder_(std::make_unique<Builder>()),
      reader_(redisReaderCreateWithFunctions(Builder::Functions()), &redisReaderFree) {
  RAYX_CHECK_MSG(reader_ != nullptr, "out of memory");
  reader_->privdata = builder_.get();
}

ReplyReader::~ReplyReader() = default;

Status ReplyReader::Feed(std::span<const uint8_t> bytes) {
  if (!failure_.ok()) return failure_;
  // What is buffered is one incomplete string, at most, and what came behind it.
  const size_t buffered = reader_->len - reader_->pos;
  if (buffered + bytes.size() > limits::kControlReplyBytesMax + limits::kReadBytesPerTurn) {
    failure_ = Status::ProtocolError("the control server sent a reply that is too large");
  } else if (redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(bytes.data()),
                             bytes.size()) != REDIS_OK) {
    failure_ = Status::ProtocolError("the control server sent more than fits into memory");
  }
  return failure_;
}

Result<std::optional<Reply>> ReplyReader::Next() {
  if (!failure_.ok()) return failure_;
  void* handle = nullptr;
  if (redisReaderGetReply(reader_.get(), &handle) != REDIS_OK) {
    failure_ = Status::ProtocolError("the control server sent bytes that are no reply: " +
                                     EscapeControl(reader_->errstr));
    return failure_;
  }
  if (handle == nullptr) return std::optional<Reply>();
  return std::optional<Reply>(builder_->TakeRoot());
}

}  // namespace rayx::control
