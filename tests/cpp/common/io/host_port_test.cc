#include "common/io/host_port.h"

#include <gtest/gtest.h>

#include <string>

namespace rayx {
namespace {

TEST(HostPort, IsReadAsItIsWritten) {
  for (const std::string text : {"192.0.2.7:4711", "[2001:db8::7]:1", "[::1]:65535"}) {
    const Result<HostPort> read = ParseHostPort(text);
    ASSERT_TRUE(read.ok()) << text;
    EXPECT_EQ(read->Text(), text);
  }
  EXPECT_EQ(*ParseHostPort("[::1]:7"), (HostPort{"::1", 7}));
}

TEST(HostPort, AnythingElseIsRefusedWithWhatWasGiven) {
  for (const std::string text :
       {"", ":", "1.2.3.4", "1.2.3.4:", ":80", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:8x",
        "1.2.3.4:-1", "1.2.3.4: 8", "2001:db8::7:80", "[]:80"}) {
    const Result<HostPort> read = ParseHostPort(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(read.status().message(), "expected HOST:PORT, got '" + text + "'");
  }
}

}  // namespace
}  // namespace rayx
