// The node's end of a client's connection, for tests: notes every message and answers like a small
// node, on a thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "client/connection/message.h"
#include "common/base/ids.h"
#include "common/io/frame.h"
#include "common/os/scoped_fd.h"
#include "common/shm/affinity_hint.h"
#include "common/shm/reservation_words.h"
#include "common/shm/shared_memory.h"

namespace rayx {

class FakeNode {
 public:
  using MessageType = protocol::MessageType;
  struct Received {
    MessageType type = MessageType::None;
    std::shared_ptr<const MessageCopy> payload;
    template <typename Message>
    const Message& As() const {
      return *flatbuffers::GetRoot<Message>(payload->bytes().data());
    }
  };
  static constexpr uint64_t kPoolBytes = 64u << 20;

  FakeNode();
  ~FakeNode();

  // What the client connects to: `fd` of a socket pair (ours from then on), or a path where one
  // connection is accepted.
  int client_fd() { return client_fd_.Release(); }
  const std::string& path() const { return path_; }
  // Says Hello's answer from now on: Refused with this reason instead of Welcome. "": nothing at
  // all.
  void Refuse(const std::string& reason);
  // Serves the socket pair, or the path.
  void Serve(bool at_path);

  // The next message that is not a Hello; waits at most ten seconds, then a message of type None.
  Received Next();
  // Messages that have not been taken by Next.
  size_t pending();

  // Answers are given by the thread unless this is off.
  void set_answering(bool answering);
  // What the thread would have done with that message.
  void AnswerTo(const Received& message) { Handle(message.type, *message.payload); }
  // Results of tasks: this many bytes each; -1: none are pushed.
  void set_result_bytes(int64_t bytes);
  void Send(MessageType type, const flatbuffers::FlatBufferBuilder& builder,
            std::vector<int> fds = {});
  // As the node pushes a result: inline with `data`, or in the pool, `pinned` or not.
  void PushInline(const ObjectId& id, const std::string& data);
  void PushInPool(const ObjectId& id, uint64_t offset, uint64_t size, bool pinned);
  // What a later GetObjects will be answered with; pushed to those who asked before.
  void Store(const ObjectId& id, const std::string& data);
  // Memory reserved for the client, from word 0 on; its memory comes with the next ObjectCreated.
  void OfferReservation(ReservationWords::Reservation reservation);
  // What a node publishes when its clients only wait for each other.
  void SetAffinityHint(int cpu) const { hint_.Publish(cpu); }
  uint8_t* pool() const { return mapping_.data(); }
  const std::string& function() const { return function_; }
  // The actor that has the name "known", with the info "info".
  static ObjectId NamedActor();
  void Hangup();

 private:
  struct Stored {
    std::string data;  // if inline
    uint64_t offset = 0;
    uint64_t size = 0;
  };

  void Run();
  void Note(MessageType type, std::span<const uint8_t> payload);
  void Handle(MessageType type, const MessageCopy& message);
  void OnHello(bool with_pool);
  void OnSubmit(const MessageCopy& message);
  void OnCreate(const MessageCopy& message);
  void OnGet(const MessageCopy& message);
  void OnQuery(const MessageCopy& message);
  void Deliver(const ObjectId& id, bool pin);

  std::string directory_;
  std::string path_;
  ScopedFd listener_;
  ScopedFd client_fd_;
  ScopedFd socket_;
  ScopedFd pool_fd_;
  // Kept, so that no descriptor is closed while a test counts on how many there are.
  ScopedFd read_only_;
  SharedMapping mapping_;
  AffinityHint hint_;
  std::thread thread_;
  std::string function_ = "pickled function";

  std::mutex write_mutex_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  // Below: protected by mutex_.
  std::deque<Received> received_;
  bool answering_ = true;
  int64_t result_bytes_ = -1;
  std::string refusal_;
  bool refusing_ = false;
  std::map<ObjectId, Stored> stored_;
  std::map<ObjectId, bool> waiting_;  // and whether with a pin
  std::map<ObjectId, uint64_t> created_;
  std::map<ObjectId, uint64_t> created_bytes_;
  uint64_t next_offset_ = 0;
  bool pool_sent_ = false;
  ReservationWords rooms_ = std::move(ReservationWords::Create()).value();
  size_t reservations_offered_ = 0;
  bool reservations_sent_ = false;
};

// A pickle object with that stream.
std::string MakeObject(const std::string& stream);

}  // namespace rayx
