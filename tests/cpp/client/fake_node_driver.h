// A driver that is connected to a fake node, for tests of what a client says and hears.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "client/client.h"
#include "client/fake_node.h"

namespace rayx {

class FakeNodeDriverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.Serve(true);
    uint8_t bytes[16] = {'d'};
    auto client = Client::ConnectDriver(
        {node_.path(), DriverId::FromBytes(bytes), "3.11", "", looks_for_signals_});
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    client_ = std::move(*client);
  }
  // For SetUp.
  bool looks_for_signals_ = false;
  FakeNode node_;
  std::unique_ptr<Client> client_;
};

}  // namespace rayx
