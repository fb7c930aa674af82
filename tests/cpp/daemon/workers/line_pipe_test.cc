#include "daemon/workers/line_pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rayx::daemon {
namespace {

class LinePipeTest : public testing::Test {
 protected:
  LinePipeTest() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
    write_end_.Reset(ends[1]);
    ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    pipe_ = std::make_unique<LinePipe>(
        &loop_, ScopedFd(ends[0]), [this](std::string lines) { got_.push_back(std::move(lines)); });
  }
  void Write(const std::string& text) {
    ASSERT_EQ(::write(write_end_.get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  // What came since the last call.
  std::vector<std::string> Got() { return std::exchange(got_, {}); }

  using Lines = std::vector<std::string>;
  EventLoop loop_;
  ScopedFd write_end_;
  std::vector<std::string> got_;
  std::unique_ptr<LinePipe> pipe_;
};

TEST_F(LinePipeTest, HandsOutWholeLines) {
  Write("one\ntwo\nthr");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{"one\ntwo"});
  Write("ee\n");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{"three"});
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{});
}

TEST_F(LinePipeTest, AnUnfinishedLineIsHandedOutWhenItsWriterIsDone) {
  Write("one\ntwo");
  pipe_->EndLine();
  EXPECT_EQ(Got(), (Lines{"one", "two"}));
  pipe_->EndLine();
  EXPECT_EQ(Got(), Lines{});
  Write("three\n");
  pipe_->EndLine();
  EXPECT_EQ(Got(), Lines{"three"});
}

TEST_F(LinePipeTest, AnEmptyLineIsALine) {
  Write("\n");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{""});
  Write("a\n\nb\n");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{"a\n\nb"});
}

TEST_F(LinePipeTest, OfLinesToBeOverwrittenTheFirstAndTheNewestAreHandedOut) {
  Write("\r10%\r20%\r30%\r");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{"10%"});
  Write("\r40%\r");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{});
  pipe_->EndLine();
  EXPECT_EQ(Got(), Lines{"40%"});
  Write("1 of 2\r2 of 2");
  pipe_->EndLine();
  EXPECT_EQ(Got(), (Lines{"1 of 2", "2 of 2"}));
}

TEST_F(LinePipeTest, WhatAWholeLineHasFollowedIsOverwritten) {
  Write("10%\r20%\r30%\rdone\nnext\n");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{"10%\ndone\nnext"});
  pipe_->EndLine();
  EXPECT_EQ(Got(), Lines{});
}

TEST_F(LinePipeTest, ALineThatIsOverwrittenOftenIsHandedOutNowAndThen) {
  const int64_t end_ms = loop_.now_ms() + 2 * LinePipe::kRedrawMs + LinePipe::kRedrawMs / 2;
  int written = 0;
  std::unique_ptr<EventLoop::Timer> timer;
  std::function<void()> write = [&] {
    if (loop_.now_ms() >= end_ms) {
      loop_.Stop();
      return;
    }
    Write("step " + std::to_string(written++) + "\r");
    timer = loop_.CallAt(loop_.now_ms() + 10, write);
  };
  write();
  loop_.Run([] { return false; });
  const Lines lines = Got();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "step 0");
  pipe_->EndLine();
  EXPECT_EQ(Got(), Lines{"step " + std::to_string(written - 1)});
}

TEST_F(LinePipeTest, AReturnAndANewlineEndOneLine) {
  Write("a\r\nb\r\n\r\nc\r\n");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{"a\nb\n\nc"});
  Write("d\r");
  pipe_->ReadNow();
  Write("\ne\r");
  pipe_->ReadNow();
  Write("\nf\r\n");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), (Lines{"d", "e\nf"}));
}

TEST_F(LinePipeTest, ANewlineThatFollowsItsCarriageReturnLaterIsNoLine) {
  Write("a\r");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{"a"});
  Write("\nb\n");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{"b"});
  Write("c\r");
  pipe_->ReadNow();
  Write("\n");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{"c"});
}

TEST_F(LinePipeTest, ALineThatIsTooLongIsHandedOutInPieces) {
  Write(std::string(LinePipe::kLineBytesMax + 1, 'x'));
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{std::string(LinePipe::kLineBytesMax + 1, 'x')});
  Write("rest\n");
  pipe_->ReadNow();
  EXPECT_EQ(Got(), Lines{"rest"});
}

TEST_F(LinePipeTest, ATurnReadsABoundedAmount) {
  const std::string line(1023, 'y');
  for (int i = 0; i < 900; ++i) Write(line + "\n");
  pipe_->ReadNow();
  size_t first = 0;
  for (const std::string& lines : Got()) first += lines.size();
  EXPECT_GE(first, LinePipe::kBytesPerTurn - 1024);
  EXPECT_LE(first, LinePipe::kBytesPerTurn + (64u << 10));
  pipe_->Finish();
  size_t rest = 0;
  for (const std::string& lines : Got()) rest += lines.size() + 1;
  EXPECT_EQ(first + 1 + rest, 900u * 1024);
}

TEST_F(LinePipeTest, FinishHandsOutAnUnfinishedLine) {
  Write("done\nhalf");
  pipe_->Finish();
  EXPECT_EQ(Got(), (Lines{"done", "half"}));
}

TEST_F(LinePipeTest, TheLoopReadsUntilTheWriterCloses) {
  Write("from the loop\nlast");
  write_end_.Reset();
  int turns = 0;
  loop_.Run([&] {
    if (++turns == 3 || !got_.empty()) loop_.Stop();
    return false;
  });
  pipe_->Finish();
  EXPECT_EQ(Got(), (Lines{"from the loop", "last"}));
}

}  // namespace
}  // namespace rayx::daemon
