#include "global_scheduler/scheduler_link.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>

#include "common/base/limits.h"
#include "common/io/connection.h"
#include "common/io/socket.h"
#include "global_scheduler/turning_loop.h"

namespace rayx::global_scheduler {
namespace {

// A scheduler that says what the test wants, and keeps what the node says.
class RawScheduler {
 public:
  explicit RawScheduler(TurningLoop* turning) : turning_(turning) {
    ::unlink(turning->socket().c_str());
    listening_ = std::move(*ListenUnix(turning->socket(), 10));
    watcher_ = turning->loop()->Watch(listening_.get(), [this] { Accept(); });
  }
  void Say(const FromScheduler& message) {
    const EncodedFrame frame = Encode(message);
    connections_.back()->Send(frame.type, frame.payload);
    connections_.back()->Flush();
  }
  void Drop() { connections_.back()->Close(Status::Disconnected("as the test wants it")); }
  size_t connections() const { return connections_.size(); }
  template <typename Kind>
  std::vector<Kind> Heard() const {
    std::vector<Kind> found;
    for (const FromNode& message : heard) {
      if (const auto* const one = std::get_if<Kind>(&message)) found.push_back(*one);
    }
    return found;
  }

  std::vector<FromNode> heard;
  // Ever.
  size_t offered = 0;

 private:
  void Keep(FromNode message) {
    if (const auto* const said = std::get_if<Offers>(&message)) offered += said->offers.size();
    heard.push_back(std::move(message));
  }
  void Accept() {
    auto socket = AcceptUnix(listening_.get());
    if (!socket.ok() || !socket->valid()) return;
    const size_t number = connections_.size();
    connections_.push_back(std::make_unique<Connection>(
        turning_->loop(), std::make_unique<UnixStream>(std::move(*socket)), limits::kFrameBytesMax,
        Connection::Handlers{.on_frames =
                                 [this, number] {
                                   while (const auto frame = connections_[number]->NextFrame()) {
                                     Keep(*DecodeFromNode(*frame));
                                   }
                                 },
                             .on_closed = [](const Status&) {},
                             .on_dirty = [] {}}));
  }

  TurningLoop* const turning_;
  ScopedFd listening_;
  std::deque<std::unique_ptr<Connection>> connections_;
  std::unique_ptr<EventLoop::Watcher> watcher_;
};

class SchedulerLinkTest : public ::testing::Test {
 protected:
  // Both know of each other.
  void Meet() {
    node_ = turning_.AddNode(1, 4, 1'000'000);
    ASSERT_TRUE(turning_.RunUntil([this] { return Registrations() == 1; }));
    scheduler_.Say(Registered{});
    ASSERT_TRUE(turning_.RunUntil([this] { return node_->link().ready(); }));
  }
  size_t Registrations() const { return scheduler_.Heard<placement::NodeFacts>().size(); }
  void PlaceIt(uint64_t task, uint32_t attempt, uint64_t node) {
    scheduler_.Say(Placements{{{{TaskNumber(task), attempt}, NodeNumber(node)}}});
    // What is said behind it is heard behind it.
    scheduler_.Say(NodeChanges{{NodeNumber(++marks_)}, {}});
    ASSERT_TRUE(turning_.RunUntil([this] {
      return !node_->joined().empty() && node_->joined().back() == NodeNumber(marks_);
    }));
  }

  TurningLoop turning_;
  RawScheduler scheduler_{&turning_};
  ModelledNode* node_ = nullptr;
  uint64_t marks_ = 1000;
};

TEST_F(SchedulerLinkTest, TellsWhatTheNodeHasAndWhatItOffers) {
  Meet();
  EXPECT_EQ(scheduler_.Heard<placement::NodeFacts>()[0].total, Cpus(4));
  node_->Submit(7, 2);
  ASSERT_TRUE(turning_.RunUntil([this] { return scheduler_.offered == 1; }));
  EXPECT_EQ(scheduler_.Heard<Offers>()[0].offers[0].task, TaskNumber(7));
  node_->link().Withdraw(TaskNumber(7));
  ASSERT_TRUE(turning_.RunUntil([this] { return !scheduler_.Heard<Withdrawals>().empty(); }));
  EXPECT_EQ(scheduler_.Heard<Withdrawals>()[0].offers[0].task, TaskNumber(7));
  EXPECT_EQ(node_->link().open(), 0u);
}

TEST_F(SchedulerLinkTest, AHeadTellsWhoIsDead) {
  Meet();
  node_->link().SayDead(NodeNumber(5));
  ASSERT_TRUE(turning_.RunUntil([this] { return !scheduler_.Heard<DeadNodes>().empty(); }));
  EXPECT_EQ(scheduler_.Heard<DeadNodes>()[0].nodes, std::vector<NodeId>{NodeNumber(5)});
}

TEST_F(SchedulerLinkTest, APlaceCountsForWhatIsOpenWithThatAttemptAndOnce) {
  Meet();
  node_->Submit(7, 1);
  PlaceIt(8, 0, 2);
  PlaceIt(7, 1, 2);
  EXPECT_TRUE(node_->runs().empty());
  PlaceIt(7, 0, 2);
  PlaceIt(7, 0, 3);
  ASSERT_EQ(node_->runs().size(), 1u);
  EXPECT_EQ(node_->runs().at(TaskNumber(7)), std::vector<NodeId>{NodeNumber(2)});
  // Offered anew, it is placed anew.
  placement::Offer again = OfferOf(7, 1);
  again.attempt = 16;
  node_->link().Offer(again);
  PlaceIt(7, 0, 4);
  EXPECT_EQ(node_->runs().at(TaskNumber(7)).size(), 1u);
  PlaceIt(7, 16, 4);
  EXPECT_EQ(node_->runs().at(TaskNumber(7)).size(), 2u);
}

TEST_F(SchedulerLinkTest, AnotherSchedulerIsToldAllThatIsOpen) {
  Meet();
  for (uint64_t task = 1; task <= 3; ++task) node_->Submit(task, 1);
  PlaceIt(2, 0, 9);
  node_->link().Withdraw(TaskNumber(3));
  ASSERT_TRUE(turning_.RunUntil([this] { return !scheduler_.Heard<Withdrawals>().empty(); }));
  scheduler_.heard.clear();
  scheduler_.offered = 0;
  scheduler_.Drop();
  ASSERT_TRUE(turning_.RunUntil([this] { return Registrations() == 1; }));
  EXPECT_FALSE(node_->link().ready());
  EXPECT_FALSE(node_->link().health().ok());
  const auto facts = scheduler_.Heard<placement::NodeFacts>()[0];
  EXPECT_EQ(facts.known, std::vector<NodeId>{NodeNumber(1001)}) << "whom the former told of";
  node_->Submit(4, 1);
  scheduler_.Say(Registered{});
  ASSERT_TRUE(turning_.RunUntil([this] { return scheduler_.offered == 3; }));
  const auto said = scheduler_.Heard<Offers>();
  for (const placement::Offer& offer : said[0].offers) {
    EXPECT_EQ(offer.placed_on, offer.task == TaskNumber(2) ? NodeNumber(9) : NodeId());
  }
}

TEST_F(SchedulerLinkTest, ARefusalIsToldAndTriedAgain) {
  node_ = turning_.AddNode(1, 4);
  ASSERT_TRUE(turning_.RunUntil([this] { return Registrations() == 1; }));
  scheduler_.Say(Refusal{"it is another version"});
  ASSERT_TRUE(turning_.RunUntil([this] { return Registrations() == 2; }));
  EXPECT_EQ(node_->link().health().message(),
            "the global scheduler is unavailable: it refuses this node: it is another version");
}

TEST_F(SchedulerLinkTest, LoadIsToldTenTimesASecondAtMostAndTwiceAtLeast) {
  Meet();
  const int64_t begin_ms = turning_.loop()->now_ms();
  int64_t cpus = 0;
  ASSERT_TRUE(turning_.RunUntil([&] {
    if (turning_.loop()->now_ms() - begin_ms < 550) node_->link().SetLoad(Cpus(1 + ++cpus % 7));
    return turning_.loop()->now_ms() - begin_ms >= 1250;
  }));
  const auto loads = scheduler_.Heard<Load>();
  EXPECT_GE(loads.size(), 5u);
  EXPECT_LE(loads.size(), 9u);
  EXPECT_EQ(loads.back().local, Cpus(1 + cpus % 7));
}

TEST_F(SchedulerLinkTest, ASilentSchedulerIsGivenUp) {
  Meet();
  const int64_t begin_ms = turning_.loop()->now_ms();
  ASSERT_TRUE(turning_.RunUntil([this] { return Registrations() == 2; }));
  EXPECT_GE(turning_.loop()->now_ms() - begin_ms, limits::kPeerSilenceMs);
}

TEST_F(SchedulerLinkTest, ALargeBacklogOfOffersGoesOutInPieces) {
  Meet();
  for (uint64_t task = 1; task <= 100'000; ++task) node_->link().Offer(OfferOf(task, 1));
  ASSERT_TRUE(turning_.RunUntil([this] { return scheduler_.offered == 100'000; }));
}

}  // namespace
}  // namespace rayx::global_scheduler
