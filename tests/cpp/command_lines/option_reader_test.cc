#include "command_lines/option_reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rayx::command_lines {
namespace {

// One option of each kind, and what was read into them.
struct Values {
  bool flag = false;
  std::string text;
  std::vector<std::string> list;
  int small = 0;
  uint16_t port = 0;
  uint64_t bytes = 0;
  double amount = 0;
  std::vector<std::string> rest;
  std::optional<int> exit_code;
  std::string said;

  void Read(std::vector<std::string> words, bool takes_rest = true) {
    OptionReader reader("program", "does it");
    reader.AddRequired("--text", &text, "a text");
    reader.Add("--flag", &flag, "yes or no");
    reader.Add("--list", &list, "some");
    reader.Add("--small", &small, "a number");
    reader.Add("--port", &port, "a port");
    reader.Add("--bytes", &bytes, "many");
    reader.Add("--amount", &amount, "with a point");
    if (takes_rest) reader.AddRest(&rest, "Words behind -- are another's.");
    words.insert(words.begin(), "program");
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    exit_code = reader.Read(static_cast<int>(arguments.size()), arguments.data());
    said = testing::internal::GetCapturedStderr() + testing::internal::GetCapturedStdout();
  }
};

std::string RefusalOf(const std::vector<std::string>& words, bool takes_rest = true) {
  Values values;
  values.Read(words, takes_rest);
  EXPECT_EQ(values.exit_code, 2);
  return values.said;
}

TEST(OptionReaderTest, ReadsValuesBehindASpaceOrAnEqualsSign) {
  Values values;
  values.Read({"--text", "a=b", "--list=--x=1", "--list", "-m", "--small", "-7", "--port=6379",
               "--bytes=18446744073709551615", "--amount", "2.5", "--flag"});
  ASSERT_FALSE(values.exit_code.has_value()) << values.said;
  EXPECT_EQ(values.text, "a=b");
  EXPECT_EQ(values.list, (std::vector<std::string>{"--x=1", "-m"}));
  EXPECT_EQ(values.small, -7);
  EXPECT_EQ(values.port, 6379);
  EXPECT_EQ(values.bytes, UINT64_MAX);
  EXPECT_EQ(values.amount, 2.5);
  EXPECT_TRUE(values.flag);
  EXPECT_EQ(values.said, "");
}

TEST(OptionReaderTest, AnEmptyTextIsOne) {
  Values values;
  values.Read({"--text="});
  EXPECT_FALSE(values.exit_code.has_value()) << values.said;
}

TEST(OptionReaderTest, WordsBehindDashesAreNotItsOwn) {
  Values values;
  values.Read({"--text", "a", "--", "--flag", "--"});
  ASSERT_FALSE(values.exit_code.has_value()) << values.said;
  EXPECT_FALSE(values.flag);
  EXPECT_EQ(values.rest, (std::vector<std::string>{"--flag", "--"}));
  EXPECT_EQ(RefusalOf({"--text", "a", "--", "x"}, false), "program: what is '--'? See --help\n");
}

TEST(OptionReaderTest, NamesWhatIsWrong) {
  EXPECT_EQ(RefusalOf({"--flag"}), "program: --text is required\n");
  EXPECT_EQ(RefusalOf({"--text"}), "program: --text needs a value\n");
  EXPECT_EQ(RefusalOf({"--txt=a"}), "program: what is '--txt=a'? See --help\n");
  EXPECT_EQ(RefusalOf({"a"}), "program: what is 'a'? See --help\n");
  EXPECT_EQ(RefusalOf({"--text=a", "--text=b"}), "program: --text is given twice\n");
  EXPECT_EQ(RefusalOf({"--flag=yes"}), "program: --flag cannot be 'yes'\n");
  for (const std::string wrong : {"", "x", "1x", " 1", "65536", "-1"}) {
    EXPECT_EQ(RefusalOf({"--port", wrong}), "program: --port cannot be '" + wrong + "'\n");
  }
  EXPECT_EQ(RefusalOf({"--bytes=1.5"}), "program: --bytes cannot be '1.5'\n");
}

TEST(OptionReaderTest, HelpTellsOfAll) {
  for (const std::string word : {"--help", "-h"}) {
    Values values;
    values.Read({word});
    EXPECT_EQ(values.exit_code, 0);
    for (const std::string told : {"program: does it", "--text VALUE (required)", "--flag\n",
                                   "with a point", "Words behind -- are another's."}) {
      EXPECT_NE(values.said.find(told), std::string::npos) << told << " in " << values.said;
    }
  }
}

TEST(OptionReaderTest, KnowsDirectories) {
  EXPECT_TRUE(IsDirectory("/tmp"));
  EXPECT_FALSE(IsDirectory("/dev/null"));
  EXPECT_FALSE(IsDirectory("/nonexistent"));
}

}  // namespace
}  // namespace rayx::command_lines
