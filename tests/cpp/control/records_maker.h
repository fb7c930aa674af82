// Records for tests: ids that show their number, every field with a value of its own.
#pragma once

#include <string>

#include "control/tables.h"

namespace rayx::control {

template <typename IdType>
IdType MakeId(uint32_t number) {
  IdType id;
  // Big endian, so that ids sort by number.
  uint8_t* bytes = id.mutable_data();
  bytes[0] = static_cast<uint8_t>(number >> 24);
  bytes[1] = static_cast<uint8_t>(number >> 16);
  bytes[2] = static_cast<uint8_t>(number >> 8);
  bytes[3] = static_cast<uint8_t>(number);
  bytes[IdType::kSize - 1] = 1;
  return id;
}

inline NodeRecord MakeNode(uint32_t number) {
  NodeRecord node;
  node.id = MakeId<NodeId>(number);
  node.host = "host-" + std::to_string(number);
  node.port = 4711;
  node.pid = 100 + number;
  node.total = {{"CPU", ResourceAmount::Of(4)}, {"disk space", ResourceAmount::FromUnits(2500)}};
  node.pool_bytes = 1u << 30;
  node.started_at = 1000.25;
  node.heartbeat_at = 1000.5;
  return node;
}

inline DriverRecord MakeDriver(uint32_t number) {
  DriverRecord driver;
  driver.id = MakeId<DriverId>(number);
  driver.node = MakeId<NodeId>(2);
  driver.pid = 6 + number;
  driver.started_at = 10.5;
  return driver;
}

inline TaskRecord MakeTask(uint32_t number, TaskState state) {
  TaskRecord task;
  task.id = MakeId<TaskId>(number);
  task.driver = MakeId<DriverId>(1);
  task.function = MakeId<FunctionId>(2);
  task.node = MakeId<NodeId>(3);
  task.name = "train";
  task.state = state;
  task.spec = std::string("spec\0bytes\xff", 11) + std::to_string(number);
  return task;
}

inline ActorRecord MakeActor(uint32_t number, ActorState state) {
  ActorRecord actor;
  actor.id = MakeId<TaskId>(number);
  actor.driver = MakeId<DriverId>(1);
  actor.node = MakeId<NodeId>(3);
  actor.class_name = "Counter";
  actor.name = "counter " + std::to_string(number);
  actor.state = state;
  actor.restarts = 2;
  actor.cause = "killed\tby\nsignal 9";
  return actor;
}

}  // namespace rayx::control
