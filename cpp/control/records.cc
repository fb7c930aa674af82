#include "control/records.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>

#include "common/base/limits.h"
#include "common/base/resources.h"
#include "control/schema.h"

namespace rayx::control {
namespace {

constexpr size_t kBadTextShown = 40;

Status Nonsense(std::string_view field, std::string_view text) {
  return Status::ProtocolError("the control server holds a record whose field '" +
                               std::string(field.substr(0, kBadTextShown)) + "' is '" +
                               std::string(text.substr(0, kBadTextShown)) + "'");
}

// ---- text and values -----------------------------------------------------------------------

// REQUIRES: T is an integer type. The whole text must be the number.
template <typename T>
std::optional<T> ParseInteger(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [parsed_to, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || parsed_to != end) return std::nullopt;
  return value;
}

std::optional<double> ParseTime(std::string_view text) {
  // What microseconds are exact in.
  constexpr double kSecondsMax = 1e10;
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [parsed_to, error] =
      std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (text.empty() || error != std::errc() || parsed_to != end) return std::nullopt;
  if (!std::isfinite(value) || value < 0 || value > kSecondsMax) return std::nullopt;
  return value;
}

std::string AmountText(ResourceAmount amount) {
  const int64_t units = amount.units();
  std::string text = std::to_string(units / ResourceAmount::kUnitsPerOne);
  const int64_t rest = units % ResourceAmount::kUnitsPerOne;
  if (rest == 0) return text;
  char digits[8];
  std::snprintf(digits, sizeof(digits), ".%04d", static_cast<int>(rest));
  text += digits;
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

// "2", "0.25": not negative, at most four digits after the point.
std::optional<ResourceAmount> ParseAmount(std::string_view text) {
  constexpr uint32_t kWholeMax = 1'000'000'000;
  constexpr size_t kDecimals = 4;
  const size_t point = text.find('.');
  const auto whole = ParseInteger<uint32_t>(text.substr(0, point));
  if (!whole || *whole > kWholeMax) return std::nullopt;
  int64_t units = int64_t{*whole} * ResourceAmount::kUnitsPerOne;
  if (point != std::string_view::npos) {
    std::string decimals(text.substr(point + 1));
    if (decimals.empty() || decimals.size() > kDecimals) return std::nullopt;
    decimals.resize(kDecimals, '0');
    const auto rest = ParseInteger<uint32_t>(decimals);
    if (!rest) return std::nullopt;
    units += *rest;
  }
  return ResourceAmount::FromUnits(units);
}

// Sets one member from its text; false if the text makes no sense.
bool Read(std::string_view text, std::string* value) {
  if (text.size() > limits::kNameBytesMax) return false;
  *value = text;
  return true;
}
template <typename T>
requires std::is_integral_v<T>
bool Read(std::string_view text, T* value) {
  const auto parsed = ParseInteger<T>(text);
  if (parsed) *value = *parsed;
  return parsed.has_value();
}
bool Read(std::string_view text, bool* value) {
  *value = text == "1";
  return text == "0" || text == "1";
}
bool Read(std::string_view text, double* value) {
  const auto parsed = ParseTime(text);
  if (parsed) *value = *parsed;
  return parsed.has_value();
}
bool Read(std::string_view text, TaskState* value) {
  const auto parsed = TaskStateFromName(text);
  if (parsed) *value = *parsed;
  return parsed.has_value();
}
bool Read(std::string_view text, ActorState* value) {
  const auto parsed = ActorStateFromName(text);
  if (parsed) *value = *parsed;
  return parsed.has_value();
}

template <typename Tag, size_t kBytes>
bool Read(std::string_view text, Id<Tag, kBytes>* value) {
  const auto parsed = Id<Tag, kBytes>::FromHexString(text);
  if (parsed) *value = *parsed;
  return parsed.has_value();
}

// Reads the fields of one hash into members, remembering the first that makes no sense.
class FieldReader {
 public:
  explicit FieldReader(const Fields& fields) : fields_(fields) {}

  // A field that must be there.
  template <typename T>
  void Require(std::string_view name, T* value) {
    if (!Allow(name, value))
      Fail(Status::ProtocolError("the control server holds a record without '" + std::string(name) +
                                 "'"));
  }
  // A field that may be missing; returns whether it is there.
  template <typename T>
  bool Allow(std::string_view name, T* value) {
    const std::string* text = Find(name);
    if (text == nullptr) return false;
    if (!Read(*text, value)) Fail(Nonsense(name, *text));
    return true;
  }
  // A field that holds raw bytes.
  bool AllowBytes(std::string_view name, size_t size_max, std::string* value) {
    const std::string* bytes = Find(name);
    if (bytes == nullptr) return false;
    if (bytes->size() > size_max) Fail(Nonsense(name, "too long"));
    *value = *bytes;
    return true;
  }
  void Fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  const Status& status() const { return status_; }

 private:
  const std::string* Find(std::string_view name) const {
    for (const auto& [field, text] : fields_) {
      if (field == name) return &text;
    }
    return nullptr;
  }

  const Fields& fields_;
  Status status_;
};

template <typename Record>
Result<Record> Finish(const FieldReader& reader, Record record) {
  if (!reader.status().ok()) return reader.status();
  return record;
}

void Add(Fields* fields, std::string_view name, std::string text) {
  fields->emplace_back(name, std::move(text));
}

// ---- lines of the error list ---------------------------------------------------------------

constexpr size_t kErrorLineFields = 6;

void AppendEscaped(std::string* line, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '\\':
        *line += "\\\\";
        break;
      case '\t':
        *line += "\\t";
        break;
      case '\n':
        *line += "\\n";
        break;
      default:
        *line += c;
    }
  }
}

// Nothing if a backslash is followed by something AppendEscaped does not write.
std::optional<std::vector<std::string>> SplitEscaped(std::string_view line) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\t') {
      if (parts.size() == kErrorLineFields) return std::nullopt;
      parts.emplace_back();
    } else if (line[i] != '\\') {
      parts.back() += line[i];
    } else {
      ++i;
      const size_t which =
          i < line.size() ? std::string_view("\\tn").find(line[i]) : std::string_view::npos;
      if (which == std::string_view::npos) return std::nullopt;
      parts.back() += "\\\t\n"[which];
    }
  }
  return parts;
}

}  // namespace

std::string TimeText(double seconds) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.6f", seconds);
  return text;
}

Fields NodeFields(const NodeRecord& node) {
  Fields fields;
  Add(&fields, schema::kHost, node.host);
  Add(&fields, schema::kPid, std::to_string(node.pid));
  for (const auto& [name, amount] : node.total.items()) {
    Add(&fields, std::string(schema::kResourcePrefix) + name, AmountText(amount));
  }
  Add(&fields, schema::kPoolBytes, std::to_string(node.pool_bytes));
  Add(&fields, schema::kStartedAt, TimeText(node.started_at));
  Add(&fields, schema::kHeartbeatAt, TimeText(node.heartbeat_at));
  Add(&fields, schema::kAlive, node.alive ? "1" : "0");
  return fields;
}

Result<NodeRecord> ParseNode(const NodeId& id, const Fields& fields) {
  FieldReader reader(fields);
  NodeRecord node;
  node.id = id;
  reader.Require(schema::kHost, &node.host);
  reader.Require(schema::kPid, &node.pid);
  reader.Require(schema::kPoolBytes, &node.pool_bytes);
  reader.Require(schema::kStartedAt, &node.started_at);
  reader.Require(schema::kHeartbeatAt, &node.heartbeat_at);
  reader.Require(schema::kAlive, &node.alive);
  for (const auto& [field, text] : fields) {
    if (!std::string_view(field).starts_with(schema::kResourcePrefix)) continue;
    const std::string_view name = std::string_view(field).substr(schema::kResourcePrefix.size());
    const auto amount = ParseAmount(text);
    if (name.empty() || name.size() > limits::kNameBytesMax || !amount) {
      reader.Fail(Nonsense(field, text));
    } else {
      node.total.Set(name, *amount);
    }
  }
  return Finish(reader, std::move(node));
}

Fields DriverFields(const DriverRecord& driver) {
  Fields fields;
  Add(&fields, schema::kNodeField, driver.node.Hex());
  Add(&fields, schema::kPid, std::to_string(driver.pid));
  Add(&fields, schema::kStartedAt, TimeText(driver.started_at));
  Add(&fields, schema::kEndedAt, TimeText(driver.ended_at));
  return fields;
}

Result<DriverRecord> ParseDriver(const DriverId& id, const Fields& fields) {
  FieldReader reader(fields);
  DriverRecord driver;
  driver.id = id;
  reader.Require(schema::kNodeField, &driver.node);
  reader.Require(schema::kPid, &driver.pid);
  reader.Require(schema::kStartedAt, &driver.started_at);
  reader.Require(schema::kEndedAt, &driver.ended_at);
  return Finish(reader, std::move(driver));
}

Fields FunctionFields(const DriverId& driver, const FunctionRecord& function) {
  Fields fields;
  Add(&fields, schema::kDriverField, driver.Hex());
  Add(&fields, schema::kName, function.name);
  Add(&fields, schema::kPickled, function.pickled);
  return fields;
}

Result<FunctionRecord> ParseFunction(const FunctionId& id, const Fields& fields) {
  FieldReader reader(fields);
  FunctionRecord function;
  function.id = id;
  reader.Require(schema::kName, &function.name);
  if (!reader.AllowBytes(schema::kPickled, limits::kFunctionBytesMax, &function.pickled)) {
    reader.Fail(Nonsense(schema::kPickled, "missing"));
  }
  return Finish(reader, std::move(function));
}

Fields TaskFields(const TaskRecord& task) {
  Fields fields;
  if (!task.driver.IsNil()) Add(&fields, schema::kDriverField, task.driver.Hex());
  if (!task.function.IsNil()) Add(&fields, schema::kFunctionField, task.function.Hex());
  if (!task.node.IsNil()) Add(&fields, schema::kNodeField, task.node.Hex());
  if (!task.name.empty()) Add(&fields, schema::kName, task.name);
  Add(&fields, schema::kState, std::string(TaskStateName(task.state)));
  Add(&fields, schema::kAttempt, std::to_string(task.attempt));
  if (!task.spec.empty()) Add(&fields, schema::kSpec, task.spec);
  return fields;
}

Result<TaskRecord> ParseTask(const TaskId& id, const Fields& fields) {
  FieldReader reader(fields);
  TaskRecord task;
  task.id = id;
  reader.Allow(schema::kDriverField, &task.driver);
  reader.Allow(schema::kFunctionField, &task.function);
  reader.Allow(schema::kNodeField, &task.node);
  reader.Allow(schema::kName, &task.name);
  reader.Require(schema::kState, &task.state);
  reader.Require(schema::kAttempt, &task.attempt);
  reader.AllowBytes(schema::kSpec, limits::kFrameBytesMax, &task.spec);
  return Finish(reader, std::move(task));
}

void MergeTask(const TaskRecord& update, TaskRecord* task) {
  if (!update.driver.IsNil()) task->driver = update.driver;
  if (!update.function.IsNil()) task->function = update.function;
  if (!update.node.IsNil()) task->node = update.node;
  if (!update.name.empty()) task->name = update.name;
  task->state = update.state;
  task->attempt = update.attempt;
  if (!update.spec.empty()) task->spec = update.spec;
}

Fields ActorFields(const ActorRecord& actor) {
  Fields fields;
  Add(&fields, schema::kDriverField, actor.driver.Hex());
  Add(&fields, schema::kNodeField, actor.node.Hex());
  Add(&fields, schema::kClassField, actor.class_name);
  Add(&fields, schema::kName, actor.name);
  Add(&fields, schema::kState, std::string(ActorStateName(actor.state)));
  Add(&fields, schema::kRestarts, std::to_string(actor.restarts));
  Add(&fields, schema::kCause, actor.cause);
  return fields;
}

Result<ActorRecord> ParseActor(const TaskId& id, const Fields& fields) {
  FieldReader reader(fields);
  ActorRecord actor;
  actor.id = id;
  reader.Require(schema::kDriverField, &actor.driver);
  reader.Require(schema::kNodeField, &actor.node);
  reader.Require(schema::kClassField, &actor.class_name);
  reader.Require(schema::kName, &actor.name);
  reader.Require(schema::kState, &actor.state);
  reader.Require(schema::kRestarts, &actor.restarts);
  reader.Require(schema::kCause, &actor.cause);
  return Finish(reader, std::move(actor));
}

std::pair<std::string, std::string> LocationField(const NodeId& node, uint64_t size) {
  return {node.Hex(), std::to_string(size)};
}

Result<ObjectRecord> ParseObject(const ObjectId& id, const Fields& fields) {
  ObjectRecord object;
  object.id = id;
  for (const auto& [field, text] : fields) {
    const auto node = NodeId::FromHexString(field);
    if (!node) continue;
    const auto size = ParseInteger<uint64_t>(text);
    if (!size) return Nonsense(field, text);
    object.size = std::max(object.size, *size);
    object.locations.push_back(*node);
  }
  std::sort(object.locations.begin(), object.locations.end());
  const auto copies = std::unique(object.locations.begin(), object.locations.end());
  object.locations.erase(copies, object.locations.end());
  return object;
}

std::string ErrorLine(std::string_view serial, const ErrorRecord& error) {
  std::string line;
  AppendEscaped(&line, serial);
  line += '\t' + TimeText(error.time) + '\t' + error.task.Hex() + '\t';
  AppendEscaped(&line, std::string_view(error.name).substr(0, limits::kNameBytesMax));
  line += '\t';
  AppendEscaped(&line, std::string_view(error.kind).substr(0, limits::kNameBytesMax));
  line += '\t';
  AppendEscaped(&line, std::string_view(error.text).substr(0, limits::kErrorBytesMax));
  return line;
}

Result<NumberedError> ParseErrorLine(const DriverId& driver, std::string_view line) {
  auto parts = SplitEscaped(line);
  if (!parts || parts->size() != kErrorLineFields || (*parts)[0].empty()) {
    return Nonsense("error", line);
  }
  NumberedError numbered;
  numbered.serial = std::move((*parts)[0]);
  ErrorRecord& error = numbered.error;
  error.driver = driver;
  if (!Read((*parts)[1], &error.time)) return Nonsense("error time", (*parts)[1]);
  if (!Read((*parts)[2], &error.task)) return Nonsense("error task", (*parts)[2]);
  if (!Read((*parts)[3], &error.name)) return Nonsense("error name", (*parts)[3]);
  if (!Read((*parts)[4], &error.kind)) return Nonsense("error kind", (*parts)[4]);
  if ((*parts)[5].size() > limits::kErrorBytesMax) return Nonsense("error text", "too long");
  error.text = std::move((*parts)[5]);
  return numbered;
}

std::pair<std::string, std::string> CounterField(std::string_view writer, std::string_view name,
                                                 int64_t total) {
  return {std::string(writer) + ":" + std::string(name), std::to_string(total)};
}

Result<std::map<std::string, int64_t>> ParseCounters(const Fields& fields) {
  std::map<std::string, int64_t> totals;
  for (const auto& [field, text] : fields) {
    const size_t colon = field.find(':');
    const auto total = ParseInteger<int64_t>(text);
    if (colon == std::string::npos || colon + 1 == field.size() || !total)
      return Nonsense(field, text);
    int64_t& sum = totals[field.substr(colon + 1)];
    if (__builtin_add_overflow(sum, *total, &sum)) return Nonsense(field, text);
  }
  return totals;
}

}  // namespace rayx::control
