#include "node/function_book.h"

#include <gtest/gtest.h>

#include "node/node_recorder.h"

namespace rayx::node {
namespace {

const FunctionId kF = FunctionNumber(1);
const ObjectId kObject = ObjectId::ForFunction(kF);

TEST(FunctionBook, IsKeptWhileSomebodyRefersToIt) {
  NodeRecorder node;
  Peer& driver = node.Driver(1);
  FunctionBook& functions = node.core().functions();
  ASSERT_TRUE(functions.OnExport(driver, kF, "f", Bytes("code"), {}).ok());
  ASSERT_TRUE(functions.OnExport(driver, kF, "f", Bytes("code"), {}).ok());
  EXPECT_EQ(node.Turn(), Lines({"record f1 f"})) << "once";
  const std::vector<ObjectId> ids = {kObject};
  ASSERT_TRUE(node.core().objects().OnRelease(driver, {}, ids).ok());
  EXPECT_EQ(node.Turn(), Lines({"record that f1 is gone"}));
  EXPECT_FALSE(functions.IsKnown(kF));
}

TEST(FunctionBook, WhatIsNotKnownHereIsAskedOfTheTable) {
  NodeRecorder node;
  Peer& driver = node.Driver(1);
  FunctionBook& functions = node.core().functions();
  functions.OnFetch(driver, kF);
  EXPECT_EQ(node.Take(), Lines({"ask for f1 for c1"}));
  const std::string code = "code";
  functions.OnFound(driver.id, kF, &code);
  functions.OnFound(driver.id, kF, nullptr);
  functions.OnFound(ClientId(99), kF, &code);
  EXPECT_EQ(node.Take(), Lines({"function f1 to c1: code", "function f1 to c1: unknown"}));
}

// Only its worker refers to it, because it has loaded it.
TEST(FunctionBook, ARecursiveFunctionIsForgottenByItsWorkers) {
  NodeRecorder node;
  Peer& driver = node.Driver(1);
  FunctionBook& functions = node.core().functions();
  const std::vector<ObjectId> itself = {kObject};
  ASSERT_TRUE(functions.OnExport(driver, kF, "f", Bytes("code"), itself).ok());
  Peer& worker = node.Connect(WorkerNumber(1));
  functions.OnFetch(worker, kF);
  functions.OnFetch(worker, kF);
  node.core().objects().OnAddReferences(worker, itself);
  node.Turn();
  functions.OnHeartbeat();
  EXPECT_EQ(node.Turn(), Lines()) << "the driver has it";
  ASSERT_TRUE(node.core().objects().OnRelease(driver, {}, itself).ok());
  node.Turn();
  functions.OnHeartbeat();
  functions.OnHeartbeat();
  EXPECT_EQ(node.Turn(), Lines({"forget f1 at c2"}));
}

TEST(FunctionBook, GoesWithItsDriver) {
  NodeRecorder node;
  Peer& driver = node.Driver(1);
  EXPECT_FALSE(
      node.core().functions().OnExport(node.Connect(WorkerNumber(1)), kF, "f", {}, {}).ok());
  ASSERT_TRUE(node.core().functions().OnExport(driver, kF, "f", Bytes("code"), {}).ok());
  node.Gone(driver);
  EXPECT_FALSE(node.core().functions().IsKnown(kF));
  EXPECT_EQ(node.Turn(), Lines({"record f1 f", "driver gone"}));
}

}  // namespace
}  // namespace rayx::node
