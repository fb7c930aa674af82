// A fixture: a worker of a fake node, which is handed tasks.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "client/client.h"
#include "client/fake_node.h"
#include "client/run_task_message.h"
#include "common/shm/claim_word.h"

namespace rayx {

class FakeNodeWorkerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.Serve(false);
    auto worker =
        Client::AdoptWorker(node_.client_fd(), ::dup(claims_.fd()), WorkerNumber(3), "3.11");
    ASSERT_TRUE(worker.ok()) << worker.status().ToString();
    worker_ = std::move(*worker);
  }
  void Hand(RunTaskMessage message) {
    message.sequence = next_sequence_++;
    claims_.HandOut(message.sequence);
    flatbuffers::FlatBufferBuilder builder;
    (void)message.Encode(&builder);
    node_.Send(protocol::MessageType::RunTask, builder);
  }
  static RunTaskMessage ATask(uint8_t first_byte) {
    RunTaskMessage message;
    uint8_t bytes[16] = {first_byte};
    message.id = TaskId::FromBytes(bytes);
    return message;
  }
  static ObjectPieces Pieces(const std::string& stream) {
    ObjectPieces pieces;
    pieces.stream = {reinterpret_cast<const uint8_t*>(stream.data()), stream.size()};
    return pieces;
  }

  FakeNode node_;
  ClaimWord claims_ = std::move(ClaimWord::Create()).value();
  uint32_t next_sequence_ = 0;
  std::unique_ptr<Client> worker_;
};

}  // namespace rayx
