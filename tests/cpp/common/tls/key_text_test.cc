#include "common/tls/key_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/ids.h"

namespace rayx {
namespace {

std::string Unescaped(std::string text) {
  constexpr std::array<std::pair<std::string_view, char>, 4> kEscapes{
      {{"\\n", '\n'}, {"\\r", '\r'}, {"\\t", '\t'}, {"\\0", '\0'}}};
  for (const auto& [written, meant] : kEscapes) {
    for (size_t at = 0; (at = text.find(written, at)) != std::string::npos; ++at) {
      text.replace(at, written.size(), 1, meant);
    }
  }
  return text;
}

// What tests/python/records/test_cluster_key.py reads as well.
TEST(KeyTextTest, IsWhatTheCommandWrites) {
  std::ifstream vectors("tests/golden/cluster_keys.txt");
  int keys = 0;
  int refusals = 0;
  for (std::string line; std::getline(vectors, line);) {
    if (line.starts_with("#")) continue;
    const size_t tab = line.find('\t');
    ASSERT_NE(tab, std::string::npos) << line;
    const std::string text = Unescaped(line.substr(0, tab));
    const std::string expected = line.substr(tab + 1);
    const Result<ClusterKey> key = ParseKeyText(text);
    std::array<uint8_t, ClusterKey::kBytes> bytes;
    if (FromHex(expected, bytes.data(), bytes.size())) {
      ASSERT_TRUE(key.ok()) << line << ": " << key.status().message();
      EXPECT_TRUE(std::ranges::equal(key->bytes(), bytes)) << line;
      ++keys;
    } else {
      ASSERT_FALSE(key.ok()) << line;
      EXPECT_NE(key.status().message().find(expected), std::string::npos)
          << line << ": " << key.status().message();
      EXPECT_EQ(key.status().message().find(text.substr(0, 30)),
                text.size() < 30 ? key.status().message().find(text) : std::string::npos);
      ++refusals;
    }
  }
  EXPECT_GE(keys, 4);
  EXPECT_GE(refusals, 15);
}

}  // namespace
}  // namespace rayx
