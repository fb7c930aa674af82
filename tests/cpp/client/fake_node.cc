#include "client/fake_node.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "common/base/limits.h"
#include "common/io/socket.h"
#include "common/protocol/object_layout.h"
#include "common/protocol/wire_ids.h"

namespace rayx {

std::string MakeObject(const std::string& stream) {
  const ObjectPlan plan(ObjectKind::kPickle, stream.size(), {});
  std::string object(plan.total_bytes(), '\0');
  plan.WriteHeader(reinterpret_cast<uint8_t*>(object.data()));
  std::memcpy(object.data() + plan.stream_offset(), stream.data(), stream.size());
  return object;
}

FakeNode::FakeNode() {
  std::string name = "/tmp/rayx-fake-node-XXXXXX";
  directory_ = ::mkdtemp(name.data());
  path_ = directory_ + "/socket";
  listener_ = std::move(ListenUnix(path_, 8)).value();
  auto [ours, theirs] = std::move(SocketPair()).value();
  socket_ = std::move(ours);
  client_fd_ = std::move(theirs);
  pool_fd_ =
      std::move(CreateSharedMemory("fake-pool", kPoolBytes + limits::kAffinityHintBytes)).value();
  hint_ = std::move(AffinityHint::Map(pool_fd_.get(), kPoolBytes, true)).value();
  mapping_ = std::move(SharedMapping::Map(pool_fd_.get(), kPoolBytes, true)).value();
}

FakeNode::~FakeNode() {
  Hangup();
  if (thread_.joinable()) thread_.join();
  ::unlink(path_.c_str());
  ::rmdir(directory_.c_str());
}

void FakeNode::Hangup() {
  ShutdownSocket(socket_.get());
  ShutdownSocket(listener_.get());
}

void FakeNode::Refuse(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  refusing_ = true;
  refusal_ = reason;
}

void FakeNode::Serve(bool at_path) {
  if (at_path) {
    // The client connects before it is accepted: the kernel keeps it waiting in between.
    thread_ = std::thread([this] {
      pollfd entry{listener_.get(), POLLIN, 0};
      if (::poll(&entry, 1, 10000) != 1) return;
      Result<ScopedFd> accepted = AcceptUnix(listener_.get());
      if (!accepted.ok() || !accepted->valid()) return;
      // Under its number, which Hangup may be using.
      ::dup2(accepted->get(), socket_.get());
      Run();
    });
  } else {
    thread_ = std::thread([this] { Run(); });
  }
}

void FakeNode::Run() {
  (void)SetNonBlocking(socket_.get(), false);
  FrameReader reader(limits::kFrameBytesMax);
  while (true) {
    const Result<ReadOutcome> read = ReadWithFds(socket_.get(), reader.PrepareRead(64 << 10));
    if (!read.ok() || read->bytes == 0) break;
    reader.Commit(read->bytes);
    while (true) {
      const auto frame = reader.Next();
      if (!frame.ok() || !*frame) break;
      const auto type = static_cast<MessageType>((*frame)->type);
      if (type == MessageType::Hello) {
        const auto* hello = VerifiedMessage<protocol::Hello>((*frame)->payload);
        OnHello(hello->role() == protocol::Role::Driver || hello->role() == protocol::Role::Worker);
      } else {
        Note(type, (*frame)->payload);
      }
    }
  }
  const std::lock_guard lock(mutex_);
  received_.push_back({});
  arrived_.notify_all();
}

void FakeNode::Note(MessageType type, std::span<const uint8_t> payload) {
  const auto copy = std::make_shared<const MessageCopy>(payload);
  bool answering = false;
  {
    const std::lock_guard lock(mutex_);
    received_.push_back({type, copy});
    answering = answering_;
    arrived_.notify_all();
  }
  if (answering) Handle(type, *copy);
}

void FakeNode::OnHello(bool with_pool) {
  flatbuffers::FlatBufferBuilder builder;
  {
    const std::lock_guard lock(mutex_);
    if (refusing_) {
      if (refusal_.empty()) return;
      builder.Finish(protocol::CreateRefused(builder, builder.CreateString(refusal_)));
    }
  }
  if (builder.GetSize() > 0) {
    Send(MessageType::Refused, builder);
    return;
  }
  uint8_t bytes[16] = {'n'};
  const NodeId node = NodeId::FromBytes(bytes);
  builder.Finish(
      protocol::CreateWelcome(builder, limits::kProtocolVersion, ToWire(node), kPoolBytes));
  read_only_ = std::move(ReopenReadOnly(pool_fd_.get())).value();
  Send(MessageType::Welcome, builder,
       with_pool ? std::vector<int>{read_only_.get()} : std::vector<int>());
}

FakeNode::Received FakeNode::Next() {
  std::unique_lock lock(mutex_);
  const bool there =
      arrived_.wait_for(lock, std::chrono::seconds(10), [&] { return !received_.empty(); });
  EXPECT_TRUE(there) << "no message came";
  if (!there) return {};
  Received next = received_.front();
  received_.pop_front();
  return next;
}

size_t FakeNode::pending() {
  const std::lock_guard lock(mutex_);
  return received_.size();
}

void FakeNode::set_answering(bool answering) {
  const std::lock_guard lock(mutex_);
  answering_ = answering;
}

void FakeNode::set_result_bytes(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  result_bytes_ = bytes;
}

void FakeNode::Send(MessageType type, const flatbuffers::FlatBufferBuilder& builder,
                    std::vector<int> fds) {
  std::vector<uint8_t> frame;
  AppendFrame(static_cast<uint16_t>(type), MessageBytes(builder), &frame);
  const std::lock_guard lock(write_mutex_);
  size_t sent = 0;
  while (sent < frame.size()) {
    const auto written = WriteWithFds(socket_.get(), std::span(frame).subspan(sent), fds);
    if (!written.ok()) return;
    sent += *written;
    fds.clear();
  }
}

void FakeNode::Handle(MessageType type, const MessageCopy& message) {
  switch (type) {
    case MessageType::SubmitTask:
      return OnSubmit(message);
    case MessageType::CreateObject:
      return OnCreate(message);
    case MessageType::GetObjects:
      return OnGet(message);
    case MessageType::Query:
      return OnQuery(message);
    case MessageType::PutObject: {
      const auto* put = flatbuffers::GetRoot<protocol::PutObject>(message.bytes().data());
      const auto data = BytesOf(*put->data());
      return Store(FromWire(*put->id()), std::string(data.begin(), data.end()));
    }
    case MessageType::SealObject: {
      const ObjectId id =
          FromWire(*flatbuffers::GetRoot<protocol::SealObject>(message.bytes().data())->id());
      const std::lock_guard lock(mutex_);
      stored_[id] = {"", created_[id], created_bytes_[id]};
      return;
    }
    case MessageType::PutReserved: {
      const auto* put = flatbuffers::GetRoot<protocol::PutReserved>(message.bytes().data());
      const std::lock_guard lock(mutex_);
      stored_[FromWire(*put->id())] = {"", put->offset(), put->size()};
      return;
    }
    case MessageType::FetchFunction: {
      const auto* fetch = flatbuffers::GetRoot<protocol::FetchFunction>(message.bytes().data());
      flatbuffers::FlatBufferBuilder builder;
      const bool known = fetch->function_id()->bytes()->Get(0) != 0;
      const auto pickled = builder.CreateVector(reinterpret_cast<const uint8_t*>(function_.data()),
                                                function_.size());
      builder.Finish(protocol::CreateFunctionContent(
          builder, fetch->function_id(),
          known ? pickled : flatbuffers::Offset<flatbuffers::Vector<uint8_t>>()));
      return Send(MessageType::FunctionContent, builder);
    }
    default:
      return;
  }
}

void FakeNode::OnSubmit(const MessageCopy& message) {
  const auto* spec = flatbuffers::GetRoot<protocol::TaskSpec>(message.bytes().data());
  int64_t bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    bytes = result_bytes_;
  }
  if (bytes < 0) return;
  for (uint32_t i = 0; i < spec->return_count(); ++i) {
    const ObjectId id = ObjectId::ForReturn(FromWire<TaskId>(*spec->task_id()), i);
    PushInline(id, MakeObject(std::string(static_cast<size_t>(bytes), 'r')));
  }
}

void FakeNode::OnCreate(const MessageCopy& message) {
  const auto* create = flatbuffers::GetRoot<protocol::CreateObject>(message.bytes().data());
  flatbuffers::FlatBufferBuilder builder;
  std::vector<int> fds;
  {
    const std::lock_guard lock(mutex_);
    const ObjectId id = FromWire(*create->id());
    if (create->size() > kPoolBytes - next_offset_) {
      const auto text = builder.CreateString("the fake store is full");
      builder.Finish(protocol::CreateObjectCreated(builder, create->request(),
                                                   protocol::Outcome::StoreFull, text));
    } else {
      created_[id] = next_offset_;
      created_bytes_[id] = create->size();
      if (create->again()) pool_sent_ = reservations_sent_ = false;
      if (!pool_sent_) fds.push_back(pool_fd_.get());
      const bool rooms = reservations_offered_ > 0 && !reservations_sent_;
      if (rooms) fds.push_back(rooms_.fd());
      reservations_sent_ = reservations_sent_ || rooms;
      builder.Finish(protocol::CreateObjectCreated(
          builder, create->request(), protocol::Outcome::Ok, 0, next_offset_, !pool_sent_, rooms));
      pool_sent_ = true;
      next_offset_ += (create->size() + 63) & ~uint64_t{63};
    }
  }
  Send(MessageType::ObjectCreated, builder, fds);
}

void FakeNode::OfferReservation(ReservationWords::Reservation room) {
  const std::lock_guard lock(mutex_);
  rooms_.Offer(reservations_offered_++, room);
}

void FakeNode::OnGet(const MessageCopy& message) {
  const auto* get = flatbuffers::GetRoot<protocol::GetObjects>(message.bytes().data());
  for (const ObjectId& id : FromWire(get->ids())) {
    {
      const std::lock_guard lock(mutex_);
      if (!stored_.contains(id)) {
        waiting_[id] |= get->pin();
        continue;
      }
    }
    Deliver(id, get->pin());
  }
  if (get->fence() == 0) return;
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<flatbuffers::Offset<protocol::ObjectValue>> none;
  builder.Finish(protocol::CreateObjectsReady(builder, builder.CreateVector(none), get->fence()));
  Send(MessageType::ObjectsReady, builder);
}

void FakeNode::Deliver(const ObjectId& id, bool pin) {
  Stored stored;
  {
    const std::lock_guard lock(mutex_);
    stored = stored_[id];
  }
  if (!stored.data.empty()) {
    PushInline(id, stored.data);
  } else {
    PushInPool(id, stored.offset, stored.size, pin);
  }
}

void FakeNode::Store(const ObjectId& id, const std::string& data) {
  bool deliver = false;
  {
    const std::lock_guard lock(mutex_);
    stored_[id] = {data, 0, 0};
    deliver = waiting_.erase(id) > 0;
  }
  if (deliver) Deliver(id, false);
}

void FakeNode::PushInline(const ObjectId& id, const std::string& data) {
  flatbuffers::FlatBufferBuilder builder;
  const auto bytes =
      builder.CreateVector(reinterpret_cast<const uint8_t*>(data.data()), data.size());
  const std::vector<flatbuffers::Offset<protocol::ObjectValue>> values{
      protocol::CreateObjectValue(builder, ToWire(id), bytes)};
  builder.Finish(protocol::CreateObjectsReady(builder, builder.CreateVector(values)));
  Send(MessageType::ObjectsReady, builder);
}

void FakeNode::PushInPool(const ObjectId& id, uint64_t offset, uint64_t size, bool pinned) {
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<flatbuffers::Offset<protocol::ObjectValue>> values{
      protocol::CreateObjectValue(builder, ToWire(id), 0, offset, size, pinned)};
  builder.Finish(protocol::CreateObjectsReady(builder, builder.CreateVector(values)));
  Send(MessageType::ObjectsReady, builder);
}

// Of each question whatever is easy to recognize.
void FakeNode::OnQuery(const MessageCopy& message) {
  const auto* query = flatbuffers::GetRoot<protocol::Query>(message.bytes().data());
  const auto answer = [&](protocol::Reply kind, auto make) {
    flatbuffers::FlatBufferBuilder builder;
    const auto reply = make(builder);
    builder.Finish(protocol::CreateAnswer(builder, query->request(), protocol::Outcome::Ok, 0, kind,
                                          reply.Union()));
    Send(MessageType::Answer, builder);
  };
  using Builder = flatbuffers::FlatBufferBuilder;
  switch (query->question_type()) {
    case protocol::Question::Errors:
      return answer(protocol::Reply::Errors, [](Builder& builder) {
        const TaskId task;
        const DriverId driver;
        const auto record = protocol::CreateErrorRecord(
            builder, ToWire(driver), ToWire(task), builder.CreateString("f"),
            builder.CreateString("TaskError"), builder.CreateString("boom"), 1.5);
        return protocol::CreateErrorsReply(builder, builder.CreateVector(&record, 1));
      });
    case protocol::Question::Resources:
      return answer(protocol::Reply::Resources, [](Builder& builder) {
        const auto cpu = protocol::CreateResourceItem(builder, builder.CreateString("CPU"), 20000);
        const auto amounts = builder.CreateVector(&cpu, 1);
        return protocol::CreateResourcesReply(builder, amounts, amounts);
      });
    case protocol::Question::Dump:
      return answer(protocol::Reply::Dump, [](Builder& builder) {
        return protocol::CreateDumpReply(builder, builder.CreateString("a dump"));
      });
    case protocol::Question::Explain:
      return answer(protocol::Reply::Explain, [](Builder& builder) {
        return protocol::CreateExplainReply(builder, builder.CreateString("a reason"));
      });
    case protocol::Question::NamedActor:
      return answer(protocol::Reply::NamedActor, [&](Builder& builder) {
        const ObjectId actor = NamedActor();
        const bool known = query->question_as_NamedActor()->name()->str() == "known";
        if (!known) return protocol::CreateNamedActorReply(builder);
        const auto info = builder.CreateVector(std::vector<uint8_t>{'i', 'n', 'f', 'o'});
        return protocol::CreateNamedActorReply(builder, ToWire(actor), info);
      });
    default: {
      Builder builder;
      const auto text = builder.CreateString("not now");
      builder.Finish(
          protocol::CreateAnswer(builder, query->request(), protocol::Outcome::Unavailable, text));
      Send(MessageType::Answer, builder);
    }
  }
}

ObjectId FakeNode::NamedActor() {
  uint8_t bytes[16] = {'a'};
  return ObjectId::ForReturn(TaskId::FromBytes(bytes), 0);
}

}  // namespace rayx
