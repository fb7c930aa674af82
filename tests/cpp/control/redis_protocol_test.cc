#include "control/redis_protocol.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "common/base/limits.h"

namespace rayx::control {
namespace {

std::span<const uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Reply ReplyOf(const std::string& bytes) {
  ReplyReader reader;
  EXPECT_TRUE(reader.Feed(Bytes(bytes)).ok());
  auto reply = reader.Next();
  EXPECT_TRUE(reply.ok() && reply->has_value()) << bytes;
  return reply.ok() && reply->has_value() ? std::move(**reply) : Reply();
}

TEST(AppendCommandTest, CountsBytes) {
  std::string out = "x";
  const std::string_view words[] = {"SET", "", std::string_view("a\r\n\0b", 5)};
  AppendCommand(words, &out);
  EXPECT_EQ(out, std::string("x*3\r\n$3\r\nSET\r\n$0\r\n\r\n$5\r\na\r\n\0b\r\n", 31));
}

TEST(ReplyReaderTest, KnowsEveryType) {
  EXPECT_EQ(ReplyOf("+OK\r\n").text, "OK");
  EXPECT_TRUE(ReplyOf("+OK\r\n").Is(Reply::Type::kStatus));
  EXPECT_TRUE(ReplyOf("-ERR no\r\n").Is(Reply::Type::kError));
  EXPECT_EQ(ReplyOf("-ERR no\r\n").text, "ERR no");
  EXPECT_EQ(*ReplyOf(":-42\r\n").AsInteger(), -42);
  EXPECT_TRUE(ReplyOf("$-1\r\n").Is(Reply::Type::kNil));
  EXPECT_TRUE(ReplyOf("*-1\r\n").Is(Reply::Type::kNil));
  EXPECT_EQ(*ReplyOf(std::string("$3\r\na\0b\r\n", 9)).TakeString(), std::string("a\0b", 3));
  EXPECT_TRUE(ReplyOf("*0\r\n").TakeStrings()->empty());
}

TEST(ReplyReaderTest, NestedListsKeepTheirOrder) {
  const Reply reply = ReplyOf("*3\r\n*2\r\n:1\r\n*1\r\n$1\r\nx\r\n:2\r\n*2\r\n:3\r\n:4\r\n");
  ASSERT_EQ(reply.elements.size(), 3u);
  ASSERT_EQ(reply.elements[0].elements.size(), 2u);
  EXPECT_EQ(reply.elements[0].elements[0].integer, 1);
  EXPECT_EQ(reply.elements[0].elements[1].elements[0].text, "x");
  EXPECT_EQ(reply.elements[1].integer, 2);
  EXPECT_EQ(reply.elements[2].elements[1].integer, 4);
}

TEST(ReplyReaderTest, TakesRepliesHoweverChopped) {
  const std::string bytes = "*2\r\n$5\r\nhello\r\n:7\r\n+OK\r\n";
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    ReplyReader reader;
    std::vector<Reply> replies;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      ASSERT_TRUE(reader.Feed(Bytes(bytes.substr(at, piece))).ok());
      while (true) {
        auto reply = reader.Next();
        ASSERT_TRUE(reply.ok());
        if (!reply->has_value()) break;
        replies.push_back(std::move(**reply));
      }
    }
    ASSERT_EQ(replies.size(), 2u) << piece;
    EXPECT_EQ(replies[0].elements[0].text, "hello");
    EXPECT_EQ(replies[1].text, "OK");
  }
}

TEST(ReplyReaderTest, GarbageEndsTheStreamForGood) {
  for (const std::string bytes :
       {"HTTP/1.1 200 OK\r\n", "!\r\n", ":abc\r\n", "$-2\r\n", "*-2\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
    ReplyReader reader;
    ASSERT_TRUE(reader.Feed(Bytes(bytes)).ok());
    const auto reply = reader.Next();
    ASSERT_FALSE(reply.ok()) << bytes;
    EXPECT_EQ(reply.status().code(), StatusCode::kProtocolError);
    EXPECT_FALSE(reader.Feed(Bytes("+OK\r\n")).ok());
    EXPECT_FALSE(reader.Next().ok());
  }
}

TEST(ReplyReaderTest, AnnouncedElementsCostNothing) {
  ReplyReader reader;
  ASSERT_TRUE(reader.Feed(Bytes("*2147483647\r\n*2147483647\r\n:1\r\n")).ok());
  const auto reply = reader.Next();
  ASSERT_TRUE(reply.ok());
  EXPECT_FALSE(reply->has_value());
}

TEST(ReplyReaderTest, TooManyElementsAreRefused) {
  ReplyReader reader;
  std::string bytes = "*2147483647\r\n";
  for (size_t i = 0; i < limits::kControlReplyElementsMax + 1; ++i) bytes += ":1\r\n";
  ASSERT_TRUE(reader.Feed(Bytes(bytes)).ok());
  EXPECT_FALSE(reader.Next().ok());
}

TEST(ReplyReaderTest, TooLargeRepliesAreRefused) {
  ReplyReader reader;
  const std::string chunk(1u << 20, 'x');
  ASSERT_TRUE(reader.Feed(Bytes("$536870912\r\n")).ok());
  size_t taken = 0;
  while (reader.Feed(Bytes(chunk)).ok()) {
    ASSERT_TRUE(reader.Next().ok());
    ASSERT_LE(taken += chunk.size(), limits::kControlReplyBytesMax + 2 * chunk.size());
  }
  EXPECT_FALSE(reader.Next().ok());
}

TEST(ReplyTest, WrongTypesAreToldAndNeverTaken) {
  const Reply number = ReplyOf(":5\r\n");
  const Reply error = ReplyOf("-WRONGTYPE Operation\r\n");
  const Reply mixed = ReplyOf("*2\r\n$1\r\na\r\n:5\r\n");
  const Reply odd = ReplyOf("*1\r\n$1\r\na\r\n");
  EXPECT_NE(error.AsInteger().status().message().find("WRONGTYPE Operation"), std::string::npos);
  EXPECT_EQ(Reply(number).TakeString().status().code(), StatusCode::kProtocolError);
  EXPECT_FALSE(Reply(number).TakeStrings().ok());
  EXPECT_FALSE(Reply(mixed).TakeStrings().ok());
  EXPECT_FALSE(Reply(odd).TakePairs().ok());
  EXPECT_FALSE(Reply(error).TakePairs().ok());
}

TEST(ReplyTest, DescriptionsHoldNoControlCharacters) {
  Reply reply;
  reply.type = Reply::Type::kError;
  reply.text = "a\r\nb\x1b[31m" + std::string(1000, 'x');
  const std::string text = reply.Describe();
  EXPECT_EQ(text.find_first_of("\r\n\x1b"), std::string::npos);
  EXPECT_LT(text.size(), 300u);
}

}  // namespace
}  // namespace rayx::control
