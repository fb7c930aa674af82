#include "daemon/listening/acceptor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/io/socket.h"
#include "testing/open_fds.h"

namespace rayx::daemon {
namespace {

class AcceptorTest : public testing::Test {
 protected:
  AcceptorTest() {
    Result<ScopedFd> socket = ListenUnix(path_, limits::kListenQueue);
    RAYX_CHECK_MSG(socket.ok(), socket.status().message());
    acceptor_.Open(std::move(*socket));
  }
  ~AcceptorTest() override { ::unlink(path_.c_str()); }

  Result<bool> TakeOne(int listening) {
    Result<ScopedFd> socket = AcceptUnix(listening);
    if (!socket.ok()) return socket.status();
    if (!socket->valid()) return false;
    ++taken_[loop_.turn()];
    if (refuses_) acceptor_.OnRefused();
    return true;
  }
  size_t TakenCount() const {
    size_t count = 0;
    for (const auto& [turn, taken] : taken_) count += taken;
    return count;
  }
  void Connect(int count) {
    for (int i = 0; i < count; ++i) peers_.push_back(std::move(ConnectUnix(path_)).value());
  }
  bool RunUntil(const std::function<bool()>& done) {
    bool late = false;
    const auto limit = loop_.CallAt(loop_.now_ms() + 10'000, [&] {
      late = true;
      loop_.Stop();
    });
    loop_.Run([&] {
      acceptor_.OnTurn();
      if (done()) loop_.Stop();
      return false;
    });
    return !late;
  }

  const std::string path_ = testing::TempDir() + "rayx_acceptor_" + std::to_string(::getpid());
  EventLoop loop_;
  Acceptor acceptor_{&loop_, [this](int socket) { return TakeOne(socket); }};
  std::deque<ScopedFd> peers_;
  // Of each turn.
  std::map<uint64_t, size_t> taken_;
  bool refuses_ = false;
};

TEST_F(AcceptorTest, TakesAllThatWaitAFewInATurn) {
  Connect(35);
  EXPECT_TRUE(RunUntil([&] { return TakenCount() == 35; }));
  EXPECT_GE(taken_.size(), 4u);
  for (const auto& [turn, taken] : taken_) EXPECT_LE(taken, size_t{limits::kAcceptsPerPause});
}

TEST_F(AcceptorTest, ARefusalMakesItPause) {
  refuses_ = true;
  Connect(1);
  EXPECT_TRUE(RunUntil([&] { return TakenCount() == 1; }));
  const int64_t begun_ms = loop_.now_ms();
  Connect(1);
  EXPECT_TRUE(RunUntil([&] { return TakenCount() == 2; }));
  EXPECT_GE(loop_.now_ms() - begun_ms, limits::kAcceptPauseMs - 1);
}

TEST_F(AcceptorTest, WithoutDescriptorsThoseWhoWaitAreTakenLater) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan needs descriptors itself, to see whether memory can be read";
#endif
  Connect(1);
  {
    const FewFds few(0);
    int turns = 0;
    const auto later = loop_.CallAt(loop_.now_ms() + 50, [&] { turns = 1; });
    EXPECT_TRUE(RunUntil([&] { return turns == 1; }));
    EXPECT_EQ(TakenCount(), 0u);
  }
  EXPECT_TRUE(RunUntil([&] { return TakenCount() == 1; }));
}

TEST_F(AcceptorTest, AfterTheEndNobodyCanConnect) {
  acceptor_.Close();
  EXPECT_FALSE(ConnectUnix(path_).ok());
}

}  // namespace
}  // namespace rayx::daemon
