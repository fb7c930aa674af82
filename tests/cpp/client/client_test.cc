#include "client/client.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "client/connection/deadline.h"
#include "client/fake_node.h"
#include "common/base/limits.h"
#include "common/os/clock.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

DriverId ADriver() {
  uint8_t bytes[16] = {'d'};
  return DriverId::FromBytes(bytes);
}

std::span<const uint8_t> BytesOfText(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class ClientTest : public ::testing::Test {
 protected:
  void SetUp() override { Connect(/*looks_for_signals=*/false); }
  void Connect(bool looks_for_signals) {
    node_.Serve(true);
    Result<std::unique_ptr<Client>> client =
        Client::ConnectDriver({node_.path(), ADriver(), "3.11", "config", looks_for_signals});
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    client_ = std::move(*client);
    task_.name = "f";
  }
  ObjectPieces Pieces(const std::string& stream) {
    ObjectPieces pieces;
    pieces.stream = BytesOfText(stream);
    return pieces;
  }
  std::vector<ObjectId> SubmitOne() {
    Result<std::vector<ObjectId>> ids = client_->Submit(task_, nullptr, {});
    EXPECT_TRUE(ids.ok()) << ids.status().ToString();
    return *ids;
  }

  FakeNode node_;
  std::unique_ptr<Client> client_;
  TaskTemplate task_;
};

TEST_F(ClientTest, ConnectsAndCloses) {
  EXPECT_EQ(client_->pool_bytes(), FakeNode::kPoolBytes);
  EXPECT_EQ(client_->node_id().data()[0], 'n');
  EXPECT_GE(client_->fd(), 0);
  client_->Close();
  EXPECT_EQ(client_->fd(), -1);
  EXPECT_EQ(client_->Put(Pieces("x")).status().code(), StatusCode::kDisconnected);
  client_->Close();
}

TEST_F(ClientTest, SubmitReturnsIdsAndGetTakesThePushedResult) {
  node_.set_result_bytes(10);
  task_.return_count = 2;
  const std::vector<ObjectId> ids = SubmitOne();
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_EQ(ids[0].Task(), ids[1].Task());
  const Result<std::vector<ObjectView>> views = client_->Get(ids, -1);
  ASSERT_TRUE(views.ok()) << views.status().ToString();
  EXPECT_EQ(ParseObject((*views)[1].bytes())->stream.size(), 10u);
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
  EXPECT_EQ(node_.pending(), 0u) << "a pushed result needs no other message";
}

TEST_F(ClientTest, OwnSmallObjectNeedsNoQuestion) {
  const Result<ObjectId> id = client_->Put(Pieces("hello"));
  ASSERT_TRUE(id.ok());
  EXPECT_TRUE(id->IsPut());
  const auto views = client_->Get({&*id, 1}, 0);
  ASSERT_TRUE(views.ok()) << views.status().ToString();
  client_->RemoveLocalReference(*id);
  EXPECT_EQ(node_.pending(), 0u) << "nobody can ask for it yet";
  client_->Close();
  EXPECT_EQ(node_.Next().type, MessageType::PutObject);
  const FakeNode::Received release = node_.Next();
  ASSERT_EQ(release.type, MessageType::ReleaseObjects);
  EXPECT_EQ(FromWire(release.As<protocol::ReleaseObjects>().unreferenced()),
            std::vector<ObjectId>{*id});
}

TEST_F(ClientTest, LargeObjectGoesThroughThePool) {
  const std::string stream(200000, 's');
  const std::string buffer(100000, 'b');
  ObjectPieces pieces = Pieces(stream);
  pieces.buffers = {BytesOfText(buffer)};
  const Result<ObjectId> id = client_->Put(pieces);
  ASSERT_TRUE(id.ok()) << id.status().ToString();
  Result<std::vector<ObjectView>> views = client_->Get({&*id, 1}, -1);
  ASSERT_TRUE(views.ok()) << views.status().ToString();
  const auto parts = ParseObject((*views)[0].bytes());
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(std::memcmp(parts->stream.data(), stream.data(), stream.size()), 0);
  EXPECT_EQ(std::memcmp(parts->buffers[0].data(), buffer.data(), buffer.size()), 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(parts->buffers[0].data()) % limits::kObjectAlignment, 0u);
  EXPECT_EQ(node_.Next().type, MessageType::CreateObject);
  EXPECT_EQ(node_.Next().type, MessageType::SealObject);
  EXPECT_EQ(node_.Next().type, MessageType::GetObjects);
  // A second Get shares the pin.
  const Result<std::vector<ObjectView>> again = client_->Get({&*id, 1}, 0);
  ASSERT_TRUE(again.ok());
  (*views)[0] = (*again)[0];
  EXPECT_EQ(node_.pending(), 0u);
}

TEST_F(ClientTest, APinGoesWithTheLastReferenceAndTheLastView) {
  const std::string stream(200000, 's');
  const ObjectId id = *client_->Put(Pieces(stream));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(client_->Get({&id, 1}, -1).ok());
  auto views = client_->Get({&id, 1}, -1);
  for (int i = 0; i < 3; ++i) node_.Next();
  EXPECT_EQ(node_.pending(), 0u) << "one question for three gets";
  client_->RemoveLocalReference(id);
  FakeNode::Received release = node_.Next();
  ASSERT_EQ(release.type, MessageType::ReleaseObjects);
  EXPECT_EQ(FromWire(release.As<protocol::ReleaseObjects>().unreferenced()),
            std::vector<ObjectId>{id});
  views = Status::NotFound("no views");
  release = node_.Next();
  ASSERT_EQ(release.type, MessageType::ReleaseObjects);
  EXPECT_EQ(FromWire(release.As<protocol::ReleaseObjects>().unpinned()), std::vector<ObjectId>{id});
}

TEST_F(ClientTest, AViewOutlivesTheClient) {
  const std::string stream(200000, 's');
  const ObjectId id = *client_->Put(Pieces(stream));
  Result<std::vector<ObjectView>> views = client_->Get({&id, 1}, -1);
  ASSERT_TRUE(views.ok());
  client_.reset();
  EXPECT_EQ(ParseObject((*views)[0].bytes())->stream[199999], 's');
}

TEST_F(ClientTest, StoreFullIsTold) {
  const std::string stream(FakeNode::kPoolBytes, 's');
  const Result<ObjectId> id = client_->Put(Pieces(stream));
  EXPECT_EQ(id.status().code(), StatusCode::kStoreFull);
  EXPECT_EQ(id.status().message(), "the fake store is full");
}

TEST_F(ClientTest, PushedResultInThePoolIsAskedForWithAPin) {
  const ObjectId id = SubmitOne()[0];
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
  const std::string object = MakeObject("in the pool");
  std::memcpy(node_.pool() + 640, object.data(), object.size());
  node_.PushInPool(id, 0, 0, false);
  EXPECT_EQ(*client_->Wait({&id, 1}, 1, -1), std::vector<bool>{true});
  EXPECT_EQ(node_.pending(), 0u);
  node_.set_answering(false);
  std::thread getter([&] {
    const auto views = client_->Get({&id, 1}, -1);
    ASSERT_TRUE(views.ok()) << views.status().ToString();
    EXPECT_EQ((*views)[0].bytes().size(), object.size());
  });
  const FakeNode::Received get = node_.Next();
  EXPECT_EQ(get.type, MessageType::GetObjects);
  EXPECT_TRUE(get.As<protocol::GetObjects>().pin());
  node_.PushInPool(id, 640, object.size(), true);
  getter.join();
}

TEST_F(ClientTest, AnObjectOutsideThePoolEndsTheConnection) {
  const ObjectId id = SubmitOne()[0];
  node_.PushInPool(id, FakeNode::kPoolBytes - 5, 10, true);
  const auto views = client_->Get({&id, 1}, -1);
  EXPECT_EQ(views.status().code(), StatusCode::kDisconnected);
  EXPECT_NE(views.status().message().find("outside its pool"), std::string::npos)
      << views.status().message();
}

TEST_F(ClientTest, AMalformedMessageEndsTheConnection) {
  const ObjectId id = SubmitOne()[0];
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateDrain(builder));
  node_.Send(MessageType::ObjectsReady, builder);  // without its required field
  EXPECT_EQ(client_->Get({&id, 1}, -1).status().code(), StatusCode::kDisconnected);
}

TEST_F(ClientTest, TimeoutsSayHowMuchIsMissing) {
  const ObjectId id = SubmitOne()[0];
  const ObjectId own = *client_->Put(Pieces("x"));
  const std::vector<ObjectId> ids{own, id, id};
  const auto views = client_->Get(ids, 10);
  EXPECT_EQ(views.status().code(), StatusCode::kTimedOut);
  EXPECT_EQ(views.status().message(), "2 of 3 objects were not available in time");
  EXPECT_EQ(*client_->Wait(ids, 3, 10), (std::vector<bool>{true, false, false}));
  EXPECT_EQ(*client_->Wait(ids, 1, 0), (std::vector<bool>{true, false, false}));
}

class LookingClientTest : public ClientTest {
 protected:
  void SetUp() override { Connect(/*looks_for_signals=*/true); }
};

// Each look is some time after the one before.
struct Looks : Looker {
  Client* client = nullptr;
  FakeNode* node = nullptr;
  ObjectId id;
  int wanted = 2;
  int seen = 0;
  int64_t waited_ms = -1;
};

bool LookAndAnswer(Looker* self, int64_t waited_ms) {
  Looks& looks = *static_cast<Looks*>(self);
  EXPECT_GT(waited_ms, looks.waited_ms);
  looks.waited_ms = waited_ms;
  // No lock is held.
  EXPECT_TRUE(looks.client->Poll().ok());
  if (++looks.seen == looks.wanted) looks.node->PushInline(looks.id, MakeObject("there"));
  return true;
}

TEST_F(LookingClientTest, AWaitGoesOnAfterALook) {
  const ObjectId id = SubmitOne()[0];
  Looks looks{{LookAndAnswer}, client_.get(), &node_, id};
  const auto views = client_->Get({&id, 1}, -1, &looks);
  ASSERT_TRUE(views.ok()) << views.status().ToString();
  EXPECT_EQ(looks.seen, 2);
  const ObjectId other = SubmitOne()[0];
  Looks others{{LookAndAnswer}, client_.get(), &node_, other};
  EXPECT_EQ(*client_->Wait({&other, 1}, 1, -1, &others), std::vector<bool>{true});
  EXPECT_EQ(others.seen, 2);
}

TEST_F(LookingClientTest, ALookCanEndAWait) {
  const ObjectId id = SubmitOne()[0];
  Looker looker{[](Looker*, int64_t) { return false; }};
  EXPECT_EQ(client_->Get({&id, 1}, -1, &looker).status().code(), StatusCode::kInterrupted);
  EXPECT_EQ(client_->Wait({&id, 1}, 1, -1, &looker).status().code(), StatusCode::kInterrupted);
  node_.PushInline(id, MakeObject("late"));
  EXPECT_TRUE(client_->Get({&id, 1}, -1, &looker).ok());
}

TEST_F(LookingClientTest, LooksDoNotMakeAWaitLonger) {
  const ObjectId id = SubmitOne()[0];
  Looker looker{[](Looker*, int64_t) { return true; }};
  const int64_t begin_ms = MonotonicMs();
  EXPECT_EQ(client_->Get({&id, 1}, 120, &looker).status().code(), StatusCode::kTimedOut);
  EXPECT_GE(MonotonicMs() - begin_ms, 120);
}

TEST_F(ClientTest, TenThousandIdsWithDuplicates) {
  node_.set_result_bytes(10);
  std::vector<ObjectId> ids;
  for (int i = 0; i < 5000; ++i) ids.push_back(SubmitOne()[0]);
  ids.insert(ids.end(), ids.begin(), ids.begin() + 5000);
  const auto views = client_->Get(ids, -1);
  ASSERT_TRUE(views.ok()) << views.status().ToString();
  EXPECT_EQ(views->size(), 10000u);
  EXPECT_EQ(client_->Wait(ids, ids.size(), 0)->size(), 10000u);
}

TEST_F(ClientTest, ReferencesAreToldInOrderBeforeTheNextMessage) {
  const ObjectId inner = ObjectId::ForPut(TaskId(), 7);
  client_->AddLocalReference(inner);
  client_->AddLocalReference(inner);
  const ObjectId own = *client_->Put(Pieces("x"));
  ASSERT_TRUE(client_->Poll().ok());
  const FakeNode::Received add = node_.Next();
  ASSERT_EQ(add.type, MessageType::AddReferences);
  EXPECT_EQ(FromWire(add.As<protocol::AddReferences>().ids()), std::vector<ObjectId>{inner});
  EXPECT_EQ(node_.Next().type, MessageType::PutObject);
  client_->RemoveLocalReference(own);
  client_->RemoveLocalReference(inner);
  EXPECT_EQ(node_.pending(), 0u);
  // The last one may free something large, so it goes at once, and takes along what waited.
  client_->RemoveLocalReference(inner);
  const FakeNode::Received drop = node_.Next();
  ASSERT_EQ(drop.type, MessageType::ReleaseObjects);
  EXPECT_EQ(FromWire(drop.As<protocol::ReleaseObjects>().unreferenced()),
            (std::vector<ObjectId>{own, inner}));
}

TEST_F(ClientTest, AnUnknownIdIsAskedFor) {
  const ObjectId id = ObjectId::ForPut(TaskId(), 7);
  client_->AddLocalReference(id);
  node_.Store(id, MakeObject("from elsewhere"));
  EXPECT_EQ(*client_->Wait({&id, 1}, 1, -1), std::vector<bool>{true});
  ASSERT_TRUE(client_->Get({&id, 1}, -1).ok());
  EXPECT_EQ(node_.Next().type, MessageType::AddReferences);
  const FakeNode::Received get = node_.Next();
  EXPECT_EQ(get.type, MessageType::GetObjects);
  EXPECT_FALSE(get.As<protocol::GetObjects>().pin());
  EXPECT_EQ(node_.pending(), 0u);
}

TEST_F(ClientTest, ALostNodeEndsEveryCall) {
  const ObjectId id = SubmitOne()[0];
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
  std::thread waiter([&] {
    EXPECT_EQ(client_->Get({&id, 1}, -1).status().code(), StatusCode::kDisconnected);
  });
  node_.Hangup();
  waiter.join();
  EXPECT_EQ(client_->Submit(task_, nullptr, {}).status().code(), StatusCode::kDisconnected);
  EXPECT_EQ(client_->Poll().code(), StatusCode::kDisconnected);
  client_->RemoveLocalReference(id);
}

TEST_F(ClientTest, SeededIdsRepeat) {
  client_->SeedIds(7);
  const ObjectId first = SubmitOne()[0];
  client_->SeedIds(7);
  EXPECT_EQ(SubmitOne()[0], first);
  EXPECT_NE(SubmitOne()[0], first);
}

TEST_F(ClientTest, AForkedChildTouchesNothing) {
  const ObjectId id = *client_->Put(Pieces(std::string(200000, 's')));
  Result<std::vector<ObjectView>> views = client_->Get({&id, 1}, -1);
  ASSERT_TRUE(views.ok());
  for (int i = 0; i < 3; ++i) node_.Next();
  const pid_t child = ::fork();
  if (child == 0) {
    const bool refused = client_->Put(Pieces("x")).status().code() == StatusCode::kForked &&
                         client_->Get({&id, 1}, 0).status().code() == StatusCode::kForked;
    client_->RemoveLocalReference(id);
    (*views)[0] = ObjectView();
    client_.reset();
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(node_.pending(), 0u);
  EXPECT_TRUE(client_->Put(Pieces("still here")).ok());
}

TEST(ClientConnectTest, ARefusalCarriesItsReason) {
  FakeNode node;
  node.Refuse("wrong version");
  node.Serve(true);
  const auto client = Client::ConnectDriver({node.path(), ADriver(), "3.11", ""});
  EXPECT_EQ(client.status().code(), StatusCode::kProtocolError);
  EXPECT_NE(client.status().message().find("wrong version"), std::string::npos);
}

// The processors where a thread of this process may run.
int CpusOf(pid_t thread) {
  cpu_set_t set;
  EXPECT_EQ(::sched_getaffinity(thread, sizeof(set), &set), 0);
  return CPU_COUNT(&set);
}

TEST_F(ClientTest, WhoSleepsIsBoundToTheHintedCpuAndFreeAfterwards) {
  cpu_set_t ours;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(ours), &ours), 0);
  int hinted = 0;
  while (!CPU_ISSET(hinted, &ours)) ++hinted;
  const int before = CPU_COUNT(&ours);
  node_.SetAffinityHint(hinted);
  const ObjectId id = SubmitOne()[0];
  std::atomic<pid_t> sleeper{0};
  int afterwards = 0;
  std::thread waiting([&] {
    sleeper = ::gettid();
    EXPECT_TRUE(client_->Get(std::vector<ObjectId>{id}, 10'000).ok());
    afterwards = CpusOf(0);
  });
  const Deadline deadline = Deadline::After(10'000);
  while (sleeper == 0 || CpusOf(sleeper) > 1) {
    ASSERT_FALSE(deadline.passed()) << "it is not bound";
    std::this_thread::yield();
  }
  node_.PushInline(id, MakeObject("done"));
  waiting.join();
  EXPECT_EQ(afterwards, before);
}

}  // namespace
}  // namespace rayx
