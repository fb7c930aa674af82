#include "common/base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace rayx {
namespace {

// Standard error of what `act` does.
template <typename Act>
std::string ErrorOutputOf(Act act) {
  testing::internal::CaptureStderr();
  act();
  return testing::internal::GetCapturedStderr();
}

TEST(LogTest, BeforeTheStartOnlyWarningsAreSaidAndOnStandardError) {
  testing::internal::CaptureStdout();
  const std::string text = ErrorOutputOf([] {
    LogDebug("debug");
    LogInfo("info");
    LogWarning("warning");
    LogError("error\nforged");
  });
  EXPECT_EQ(text, "rayx: warning\nrayx: error\\x0aforged\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST(LogTest, LinesHaveTimeLevelComponentAndText) {
  // In a process of its own, since starting the log cannot be undone.
  EXPECT_EXIT(
      {
        StartLog("node", LogLevel::kInfo);
        LogDebug("hidden");
        LogInfo("here {} %s");
        LogError("two\nlines");
        ::_exit(0);
      },
      testing::ExitedWithCode(0),
      "^20..-..-..T..:..:..\\.... info node [0-9]+ here \\{\\} %s\n"
      "20..-..-..T..:..:..\\.... error node [0-9]+ two\\\\x0alines\n$");
}

TEST(LogTest, ControlCharactersAreEscaped) {
  EXPECT_EQ(EscapeControl("plain text, ümläut 漢字"), "plain text, ümläut 漢字");
  EXPECT_EQ(EscapeControl("a\nb\r\t\x1b[31m\x7f"), "a\\x0ab\\x0d\\x09\\x1b[31m\\x7f");
  EXPECT_EQ(EscapeControl(std::string("nul\0", 4)), "nul\\x00");
  // U+009B, which some terminals take for ESC [.
  EXPECT_EQ(EscapeControl("\xc2\x9b"
                          "31m"),
            "\xc2\\x9b"
            "31m");
  EXPECT_EQ(EscapeControl("\xc2\xa0"), "\xc2\xa0");
}

}  // namespace
}  // namespace rayx
