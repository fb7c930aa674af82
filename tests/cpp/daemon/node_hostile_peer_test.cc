// Peers that are let in and then break the rules (RELIABILITY F39, F57): each loses its connection,
// and nobody else anything.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "common/base/limits.h"
#include "common/os/random_bytes.h"
#include "common/protocol/object_layout.h"
#include "common/protocol/wire_ids.h"
#include "common/shm/reservation_words.h"
#include "daemon/honest_driver.h"
#include "daemon/raw_peer.h"
#include "daemon/test_node.h"

namespace rayx {
namespace {

using flatbuffers::FlatBufferBuilder;
using protocol::MessageType;
using std::chrono::seconds;

class NodeHostilePeer : public testing::Test {
 protected:
  NodeHostilePeer() : victim_(node_.socket_path()), peer_(node_.socket_path()) {
    driver_ = peer_.BecomeDriver();
  }
  void TearDown() override { EXPECT_EQ(victim_.Call("echo", "fine"), "fine"); }

  ObjectId FreshObject() { return ObjectId::ForPut(ids_.Next<TaskId>(), 1); }
  bool SendCreate(const ObjectId& id, uint64_t size) {
    return peer_.SendMessage(MessageType::CreateObject, [&](FlatBufferBuilder& builder) {
      return protocol::CreateCreateObject(builder, 7, ToWire(id), size);
    });
  }
  bool SendSeal(const ObjectId& id) {
    return peer_.SendMessage(MessageType::SealObject, [&](FlatBufferBuilder& builder) {
      return protocol::CreateSealObject(builder, ToWire(id));
    });
  }
  bool SendAbort(const ObjectId& id) {
    return peer_.SendMessage(MessageType::AbortObject, [&](FlatBufferBuilder& builder) {
      return protocol::CreateAbortObject(builder, ToWire(id));
    });
  }
  bool SendRelease(std::vector<ObjectId> unreferenced, std::vector<ObjectId> unpinned) {
    return peer_.SendMessage(MessageType::ReleaseObjects, [&](FlatBufferBuilder& builder) {
      const auto references = ToWire(builder, unreferenced);
      const auto pins = ToWire(builder, unpinned);
      return protocol::CreateReleaseObjects(builder, references, pins);
    });
  }
  bool SendTask(const DriverId& driver, const TaskId& id, int64_t units, uint32_t returns,
                int32_t retries) {
    return peer_.SendMessage(MessageType::SubmitTask, [&](FlatBufferBuilder& builder) {
      const FunctionId function;
      const auto name = builder.CreateString("echo");
      const auto cpu = protocol::CreateResourceItem(builder, builder.CreateString("CPU"), units);
      const auto resources = builder.CreateVector(std::vector{cpu});
      const auto options = protocol::CreateCallOptions(builder, retries);
      return protocol::CreateTaskSpec(builder, ToWire(id), ToWire(driver), ToWire(function), name,
                                      0, false, 0, 0, returns, resources,
                                      protocol::TaskKind::Function, nullptr, 0, 0, 0, options);
    });
  }
  static constexpr uint64_t kReservedBytes = 128000;
  bool SendPutReserved(uint64_t offset, uint64_t size) {
    return peer_.SendMessage(MessageType::PutReserved, [&](FlatBufferBuilder& builder) {
      const ObjectId id = FreshObject();
      return protocol::CreatePutReserved(builder, ToWire(id), offset, size, 0, true);
    });
  }
  // Creates until the node reserves memory, and takes some.
  uint64_t TakeReservation() {
    for (int i = 0; i < 2; ++i) {
      SendCreate(FreshObject(), kReservedBytes);
      EXPECT_EQ(CreationOutcome(), protocol::Outcome::Ok);
    }
    // The pool came with the first answer, this with the second.
    reservations_ = ReservationWords::Map(peer_.TakeFds().back().get()).value();
    return reservations_->Take(kReservedBytes).value().offset;
  }
  protocol::Outcome CreationOutcome() {
    const auto answer = peer_.Receive();
    if (!answer || answer->type != MessageType::ObjectCreated)
      return protocol::Outcome::Unavailable;
    return flatbuffers::GetRoot<protocol::ObjectCreated>(answer->payload.data())->outcome();
  }
  void ExpectClosed(const std::string& reason) {
    EXPECT_TRUE(peer_.IsClosedWithin(seconds(10)));
    EXPECT_TRUE(node_.LogSays(reason)) << reason << "\n" << node_.Log();
  }

  TestNode node_;
  TestDriver victim_;
  RawPeer peer_;
  DriverId driver_;
  RandomIdSource ids_;
  std::optional<ReservationWords> reservations_;
};

TEST_F(NodeHostilePeer, F57_UnknownMessageTypes) {
  for (const int type : {0, 2, 9, 14, 29, 32, 36, 40, 51, 60, 62, 70, 72, 73, 74, 9999, 65535}) {
    RawPeer peer(node_.socket_path());
    peer.BecomeDriver();
    peer.SendFrame(static_cast<MessageType>(type), std::vector<uint8_t>(16));
    EXPECT_TRUE(peer.IsClosedWithin(seconds(10))) << type;
  }
  EXPECT_TRUE(node_.LogSays("unexpected message of type 9999"));
}

TEST_F(NodeHostilePeer, F57_EveryMessageWithJunk) {
  for (uint16_t type = 1; type < 80; ++type) {
    RawPeer peer(node_.socket_path());
    peer.BecomeDriver();
    peer.SendFrame(static_cast<MessageType>(type), std::vector<uint8_t>(40, 0xa5));
    EXPECT_TRUE(peer.IsClosedWithin(seconds(10))) << type;
  }
}

TEST_F(NodeHostilePeer, F57_EveryMessageEmpty) {
  for (uint16_t type = 1; type < 80; ++type) {
    RawPeer peer(node_.socket_path());
    peer.BecomeDriver();
    peer.SendFrame(static_cast<MessageType>(type), {});
    EXPECT_TRUE(peer.IsClosedWithin(seconds(10))) << type;
  }
}

TEST_F(NodeHostilePeer, F57_HelloTwice) {
  peer_.SendHello(protocol::Role::Driver, driver_, limits::kProtocolVersion);
  ExpectClosed("unexpected message of type 1");
}

TEST_F(NodeHostilePeer, F57_MessagesOfWorkersFromADriver) {
  for (const MessageType type :
       {MessageType::TaskDone, MessageType::Blocked, MessageType::Unblocked}) {
    RawPeer peer(node_.socket_path());
    peer.BecomeDriver();
    peer.SendMessage(type, [&](FlatBufferBuilder& builder) {
      const auto task = ids_.Next<TaskId>();
      return protocol::CreateTaskDone(builder, 0, ToWire(task));
    });
    EXPECT_TRUE(peer.IsClosedWithin(seconds(10)));
  }
}

TEST_F(NodeHostilePeer, F57_SealTwice) {
  const ObjectId id = FreshObject();
  SendCreate(id, 100000);
  EXPECT_EQ(CreationOutcome(), protocol::Outcome::Ok);
  SendSeal(id);
  SendSeal(id);
  ExpectClosed("closed: ");
}

TEST_F(NodeHostilePeer, F57_SealWhatAnotherCreated) {
  RawPeer other(node_.socket_path());
  other.BecomeDriver();
  const ObjectId id = FreshObject();
  other.SendMessage(MessageType::CreateObject, [&](FlatBufferBuilder& builder) {
    return protocol::CreateCreateObject(builder, 1, ToWire(id), 100000);
  });
  ASSERT_TRUE(other.Receive());
  SendSeal(id);
  ExpectClosed("closed: ");
  // The other's creation is untouched.
  other.SendMessage(MessageType::SealObject, [&](FlatBufferBuilder& builder) {
    return protocol::CreateSealObject(builder, ToWire(id));
  });
  EXPECT_FALSE(other.IsClosedWithin(std::chrono::milliseconds(200)));
}

TEST_F(NodeHostilePeer, F57_AbortWhatAnotherCreated) {
  const ObjectId id = victim_.Put(std::string(200000, 'v'));
  SendAbort(id);
  ExpectClosed("closed: ");
  EXPECT_EQ(victim_.Get(id), std::string(200000, 'v'));
}

TEST_F(NodeHostilePeer, F57_ReleaseWhatItDoesNotHold) {
  const ObjectId id = victim_.Put(std::string(200000, 'v'));
  SendRelease({id}, {});
  ExpectClosed("closed: ");
  RawPeer again(node_.socket_path());
  again.BecomeDriver();
  peer_ = std::move(again);
  SendRelease({}, {id});
  ExpectClosed("closed: ");
  EXPECT_EQ(victim_.Get(id), std::string(200000, 'v'));
}

TEST_F(NodeHostilePeer, F57_SizesThatCannotBe) {
  for (const uint64_t size : {uint64_t{0}, uint64_t{1} << 40, ~uint64_t{0}, ~uint64_t{0} - 63}) {
    SendCreate(FreshObject(), size);
    EXPECT_NE(CreationOutcome(), protocol::Outcome::Ok) << size;
  }
  // It asked, was refused, and is still served.
  SendCreate(FreshObject(), 100000);
  EXPECT_EQ(CreationOutcome(), protocol::Outcome::Ok);
}

// reservations for a peer: it fills those of others, none at all, one twice, or with too much.
TEST_F(NodeHostilePeer, F57_MemoryThatIsNotReservedForIt) {
  // Where the victim's reservations are, and its objects.
  std::vector<ObjectId> kept;
  for (int i = 0; i < 6; ++i) kept.push_back(victim_.Put(std::string(200000, 'v')));
  for (const uint64_t offset : {uint64_t{0}, uint64_t{1}, uint64_t{200064}, uint64_t{800256},
                                uint64_t{1} << 40, ~uint64_t{0}}) {
    RawPeer peer(node_.socket_path());
    peer.BecomeDriver();
    peer.SendMessage(MessageType::PutReserved, [&](FlatBufferBuilder& builder) {
      const ObjectId id = FreshObject();
      return protocol::CreatePutReserved(builder, ToWire(id), offset, 200000, 0, true);
    });
    EXPECT_TRUE(peer.IsClosedWithin(seconds(10))) << offset;
  }
  EXPECT_TRUE(node_.LogSays("is reserved for client"));
  for (int i = 0; i < 6; ++i) kept.push_back(victim_.Put(std::string(200000, 'v')));
  for (const ObjectId& id : kept) EXPECT_EQ(victim_.Get(id), std::string(200000, 'v'));
}

TEST_F(NodeHostilePeer, F57_AReservationFilledTwice) {
  const uint64_t offset = TakeReservation();
  SendPutReserved(offset, kReservedBytes);
  SendPutReserved(offset, kReservedBytes);
  ExpectClosed("is reserved for client");
}

TEST_F(NodeHostilePeer, F57_AReservationFilledWithTooMuch) {
  SendPutReserved(TakeReservation(), kReservedBytes + 1);
  ExpectClosed("an object of 128001 bytes in a reservation of 128000");
}

TEST_F(NodeHostilePeer, F57_AReservationFilledWithNothing) {
  SendPutReserved(TakeReservation(), 0);
  ExpectClosed("an object of 0 bytes in a reservation of");
}

// Who takes all reservations and fills none has no more than that, and leaves nothing behind.
TEST_F(NodeHostilePeer, F39_ReservationsThatAreTakenAndNotFilledAreGivenBack) {
  TakeReservation();
  while (reservations_->Take(kReservedBytes)) {
  }
  EXPECT_NE(victim_.Dump().find("reserved 500.0 KiB"), std::string::npos) << victim_.Dump();
  peer_.Close();
  EXPECT_TRUE(WaitUntil(
      [&] { return victim_.Dump().find("reserved 0 bytes") != std::string::npos; }, seconds(10)))
      << victim_.Dump();
}

TEST_F(NodeHostilePeer, F57_TasksBeyondALimit) {
  SendTask(driver_, ids_.Next<TaskId>(), -1, 1, 0);
  ExpectClosed("an amount that has no meaning");
  RawPeer returns(node_.socket_path());
  driver_ = returns.BecomeDriver();
  peer_ = std::move(returns);
  SendTask(driver_, ids_.Next<TaskId>(), 10000, 0xffffffff, 0);
  ExpectClosed("TaskSpec beyond a limit");
}

TEST_F(NodeHostilePeer, F57_ATaskOfAnotherDriver) {
  SendTask(victim_.id(), ids_.Next<TaskId>(), 10000, 1, 0);
  ExpectClosed("task of another driver");
}

TEST_F(NodeHostilePeer, F57_ATaskIdThatIsInUse) {
  const ObjectId waiting = victim_.Submit("wait for file", node_.scratch() + "/gate");
  SendTask(driver_, waiting.Task(), 10000, 1, 0);
  ExpectClosed("task id in use");
  victim_.Call("touch", node_.scratch() + "/gate");
  EXPECT_EQ(victim_.Get(waiting), "there");
}

TEST_F(NodeHostilePeer, F57_AWorkerThatFinishesATaskOfAnother) {
  const ObjectId waiting = victim_.Submit("wait for file", node_.scratch() + "/gate");
  const std::string text = victim_.Call("finish foreign", waiting.Task().Hex());
  EXPECT_EQ(text[0], static_cast<char>(SystemErrorCode::kWorkerCrashed)) << text;
  EXPECT_TRUE(node_.LogSays("TaskDone for a task that the worker does not run"));
  victim_.Call("touch", node_.scratch() + "/gate");
  EXPECT_EQ(victim_.Get(waiting), "there");
}

TEST_F(NodeHostilePeer, F57_SomebodyWhoAsksAndNeverReads) {
  const auto dump = [](FlatBufferBuilder& builder) {
    const auto question = protocol::CreateDumpQuestion(builder);
    return protocol::CreateQuery(builder, 1, protocol::Question::Dump, question.Union());
  };
  FlatBufferBuilder builder;
  builder.Finish(dump(builder));
  std::vector<uint8_t> frames;
  for (int i = 0; i < 1000; ++i) {
    AppendFrame(static_cast<uint16_t>(MessageType::Query),
                {builder.GetBufferPointer(), builder.GetSize()}, &frames);
  }
  const size_t before = RssBytesOf(node_.pid());
  std::thread asks([&] {
    for (int i = 0; i < 500 && peer_.Send(frames); ++i) {
    }
  });
  std::string state;
  EXPECT_TRUE(WaitUntil([&] {
    state = victim_.Dump();
    return TestNode::Number(state, "largest backlog: ") > limits::kPeerBacklogBytesSoft;
  })) << state;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(victim_.Call("echo", "served"), "served");
  if (kMemoryTells) {
    EXPECT_LE(RssBytesOf(node_.pid()), before + 3 * limits::kPeerBacklogBytesPause);
  }
  ::shutdown(peer_.fd(), SHUT_RDWR);
  asks.join();
}

TEST_F(NodeHostilePeer, F39_WhatWasCreatedAndNotSealedIsGivenBack) {
  for (int i = 0; i < 50; ++i) {
    RawPeer writer(node_.socket_path());
    writer.BecomeDriver();
    writer.SendMessage(MessageType::CreateObject, [&](FlatBufferBuilder& builder) {
      const ObjectId id = FreshObject();
      return protocol::CreateCreateObject(builder, 1, ToWire(id), 40u << 20);
    });
    const auto answer = writer.Receive();
    ASSERT_TRUE(answer);
    const auto* created = flatbuffers::GetRoot<protocol::ObjectCreated>(answer->payload.data());
    ASSERT_EQ(created->outcome(), protocol::Outcome::Ok) << created->message()->str();
    writer.Close();
    ASSERT_TRUE(WaitUntil(
        [&] { return victim_.Dump().find("\nobject store: 0 objects") != std::string::npos; },
        seconds(1)));
  }
}

TEST_F(NodeHostilePeer, F40_AViewOutlivesItsIdAndTheNode) {
  std::string expected(5000000, 'w');
  const ObjectId id = victim_.Put(expected);
  const ObjectView view = victim_.GetView(id);
  victim_.Drop(id);
  // Others fill what is free; the view's place is not.
  for (int i = 0; i < 30; ++i) victim_.Call("large", "5000000");
  EXPECT_EQ(TextOf(view), expected);
}

}  // namespace
}  // namespace rayx
