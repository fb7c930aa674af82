#include "daemon/others/remote_questions.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/io/byte_stream.h"
#include "common/io/socket.h"
#include "common/protocol/generated/messages_generated.h"
#include "common/protocol/message.h"
#include "testing/task_builder.h"

namespace rayx::daemon {
namespace {

using protocol::MessageType;

std::vector<uint8_t> AnswerTo(uint64_t request) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateAnswer(builder, request, protocol::Outcome::Ok));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

// One node can be dialled; what it is asked comes out of `there_`.
class RemoteQuestionsTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<ByteStream>> Dial(const NodeId& node) {
    if (node != known_) return Status::Unavailable("nobody has told where it is");
    auto pair = SocketPair().value();
    there_ = std::make_unique<Connection>(
        &loop_, std::make_unique<UnixStream>(std::move(pair.second)), limits::kFrameBytesMax,
        Connection::Handlers{.on_frames = [this] { OnFrames(); },
                             .on_closed = [this](const Status&) { is_closed_ = true; },
                             .on_dirty = [] {}});
    return std::unique_ptr<ByteStream>(std::make_unique<UnixStream>(std::move(pair.first)));
  }
  void OnFrames() {
    while (const std::optional<Frame> frame = there_->NextFrame()) {
      EXPECT_EQ(frame->type, static_cast<uint16_t>(MessageType::Query));
      heard_.emplace_back(frame->payload.begin(), frame->payload.end());
    }
  }
  void Ask(const NodeId& node, uint64_t request) {
    const std::string query = "question " + std::to_string(request);
    questions_.Ask(node, kAsker, request,
                   {reinterpret_cast<const uint8_t*>(query.data()), query.size()});
  }
  void Say(uint64_t request) {
    there_->Send(static_cast<uint16_t>(MessageType::Answer), AnswerTo(request));
    there_->Flush();
  }
  void RunUntil(const std::function<bool()>& is_done) {
    const auto end =
        loop_.CallAt(loop_.now_ms() + 2 * limits::kRemoteAnswerMs, [this] { loop_.Stop(); });
    loop_.Run([&] {
      questions_.OnTurn();
      if (is_done()) loop_.Stop();
      return false;
    });
    EXPECT_TRUE(is_done());
  }

  static constexpr ClientId kAsker{7};
  const NodeId known_ = testing::NumberedId<NodeId>(1);
  EventLoop loop_;
  std::unique_ptr<Connection> there_;
  std::vector<std::string> heard_;
  bool is_closed_ = false;
  // What the asker is told.
  std::vector<std::string> told_;
  RemoteQuestions questions_{&loop_,
                             [this](const NodeId& node) { return Dial(node); },
                             {.on_answer =
                                  [this](ClientId asker, const Frame& answer) {
                                    EXPECT_EQ(asker, kAsker);
                                    const auto* read =
                                        VerifiedMessage<protocol::Answer>(answer.payload);
                                    told_.push_back("answer " + std::to_string(read->request()));
                                  },
                              .on_failed =
                                  [this](ClientId asker, uint64_t request, const std::string& why) {
                                    EXPECT_EQ(asker, kAsker);
                                    told_.push_back(std::to_string(request) + ": " + why);
                                  }}};
};

TEST_F(RemoteQuestionsTest, TheAnswerIsHandedOnAsItIs) {
  Ask(known_, 3);
  RunUntil([&] { return !heard_.empty(); });
  EXPECT_EQ(heard_, std::vector<std::string>{"question 3"});
  Say(3);
  RunUntil([&] { return !told_.empty(); });
  EXPECT_EQ(told_, std::vector<std::string>{"answer 3"});
  RunUntil([&] { return questions_.size() == 0; });
  EXPECT_EQ(told_.size(), 1u) << "once";
}

TEST_F(RemoteQuestionsTest, WhoCannotBeReachedIsNamed) {
  const NodeId stranger = testing::NumberedId<NodeId>(2);
  Ask(stranger, 4);
  EXPECT_EQ(told_, std::vector<std::string>{"4: node " + stranger.Hex() +
                                            " cannot be asked: nobody has told where it is"});
  EXPECT_EQ(questions_.size(), 0u);
}

TEST_F(RemoteQuestionsTest, ANodeThatGoesWithoutAnAnswerHasGivenNone) {
  Ask(known_, 5);
  RunUntil([&] { return !heard_.empty(); });
  there_->Close(Status::Disconnected("it goes"));
  RunUntil([&] { return !told_.empty(); });
  EXPECT_EQ(told_.at(0).rfind("5: node " + known_.Hex() + " cannot be asked: ", 0), 0u) << told_[0];
  EXPECT_EQ(questions_.size(), 0u);
}

TEST_F(RemoteQuestionsTest, AnAnswerToSomethingElseIsNone) {
  Ask(known_, 6);
  RunUntil([&] { return !heard_.empty(); });
  Say(9);
  RunUntil([&] { return !told_.empty(); });
  EXPECT_NE(told_.at(0).find("what it says is no answer"), std::string::npos) << told_[0];
}

TEST_F(RemoteQuestionsTest, NobodyAsksMoreThanIsBounded) {
  for (uint64_t i = 0; i < limits::kRemoteQuestionsMax; ++i) Ask(known_, i);
  EXPECT_TRUE(told_.empty());
  Ask(known_, 99);
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_NE(told_[0].find("have not been answered"), std::string::npos) << told_[0];
}

}  // namespace
}  // namespace rayx::daemon
