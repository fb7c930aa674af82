// Records read from a control server. Any fields may come back; what is accepted must survive being
// written and read again unchanged.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/check.h"
#include "control/records.h"

namespace rayx::control {
namespace {

// Fields as the input has them: "name=text", ended by a byte 0.
Fields FieldsFrom(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\0'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const size_t equals = std::min(line.find('='), line.size());
    const std::string_view value = line.substr(std::min(equals + 1, line.size()));
    fields.emplace_back(line.substr(0, equals), value);
  }
  return fields;
}

void TryNode(const Fields& fields) {
  const auto node = ParseNode(NodeId(), fields);
  if (!node.ok()) return;
  const Fields written = NodeFields(*node);
  const auto again = ParseNode(NodeId(), written);
  RAYX_CHECK(again.ok() && NodeFields(*again) == written && again->total == node->total);
}

void TryDriver(const Fields& fields) {
  const auto driver = ParseDriver(DriverId(), fields);
  if (!driver.ok()) return;
  const Fields written = DriverFields(*driver);
  const auto again = ParseDriver(DriverId(), written);
  RAYX_CHECK(again.ok() && DriverFields(*again) == written);
}

void TryFunction(const Fields& fields) {
  const auto function = ParseFunction(FunctionId(), fields);
  if (!function.ok()) return;
  const auto again = ParseFunction(FunctionId(), FunctionFields(DriverId(), *function));
  RAYX_CHECK(again.ok() && again->name == function->name && again->pickled == function->pickled);
}

void TryTask(const Fields& fields) {
  const auto task = ParseTask(TaskId(), fields);
  if (!task.ok()) return;
  const Fields written = TaskFields(*task);
  const auto again = ParseTask(TaskId(), written);
  RAYX_CHECK(again.ok() && TaskFields(*again) == written);
  TaskRecord merged;
  MergeTask(*task, &merged);
  RAYX_CHECK(TaskFields(merged) == written);
}

void TryActor(const Fields& fields) {
  const auto actor = ParseActor(TaskId(), fields);
  if (!actor.ok()) return;
  const Fields written = ActorFields(*actor);
  const auto again = ParseActor(TaskId(), written);
  RAYX_CHECK(again.ok() && ActorFields(*again) == written);
}

void TryObject(const Fields& fields) {
  const auto object = ParseObject(ObjectId(), fields);
  if (!object.ok()) return;
  Fields written;
  for (const NodeId& node : object->locations) {
    written.push_back(LocationField(node, object->size));
  }
  const auto again = ParseObject(ObjectId(), written);
  RAYX_CHECK(again.ok() && again->locations == object->locations);
  RAYX_CHECK(written.empty() || again->size == object->size);
}

void TryError(std::string_view line) {
  const auto error = ParseErrorLine(DriverId(), line);
  if (!error.ok()) return;
  const std::string written = ErrorLine(error->serial, error->error);
  const auto again = ParseErrorLine(DriverId(), written);
  RAYX_CHECK(again.ok() && ErrorLine(again->serial, again->error) == written);
  RAYX_CHECK(again->serial == error->serial && again->error.text == error->error.text);
}

}  // namespace
}  // namespace rayx::control

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const rayx::control::Fields fields = rayx::control::FieldsFrom(text);
  rayx::control::TryNode(fields);
  rayx::control::TryDriver(fields);
  rayx::control::TryFunction(fields);
  rayx::control::TryTask(fields);
  rayx::control::TryActor(fields);
  rayx::control::TryObject(fields);
  rayx::control::TryError(text);
  (void)rayx::control::ParseCounters(fields);
  return 0;
}
