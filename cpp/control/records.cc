#include "control/records.h"

#include <algorithm>
#include <optional>

#include "common/base/limits.h"
#include "control/field_text.h"
#include "control/schema.h"

namespace rayx::control {
namespace {

constexpr size_t kBadTextShown = 40;

Status Nonsense(std::string_view field, std::string_view text) {
  return Status::ProtocolError("the control server holds a record whose field '" +
                               std::string(field.substr(0, kBadTextShown)) + "' is '" +
                               std::string(text.substr(0, kBadTextShown)) + "'");
}

// ---- layouts: the fields of each record, said once -------------------------------------------
//
// A visitor is told of each member: All, a field that is always there; Some, one that is left out
// while the member is empty; Bytes, raw bytes up to a size (kOptional: left out while empty).
// FieldWriter writes them, FieldReader reads them, Merger gives one record's members to another.

constexpr bool kOptional = true;

constexpr auto kNodeLayout = [](auto& visitor, auto&... node) {
  visitor.All(schema::kHost, node.host...);
  visitor.All(schema::kPort, node.port...);
  visitor.All(schema::kPid, node.pid...);
  visitor.Amounts(schema::kResourcePrefix, node.total...);
  visitor.All(schema::kPoolBytes, node.pool_bytes...);
  visitor.All(schema::kStartedAt, node.started_at...);
  visitor.All(schema::kHeartbeatAt, node.heartbeat_at...);
  visitor.All(schema::kAlive, node.alive...);
};

constexpr auto kDriverLayout = [](auto& visitor, auto&... driver) {
  visitor.All(schema::kNodeField, driver.node...);
  visitor.All(schema::kPid, driver.pid...);
  visitor.All(schema::kStartedAt, driver.started_at...);
  visitor.All(schema::kEndedAt, driver.ended_at...);
};

constexpr auto kFunctionLayout = [](auto& visitor, auto&... function) {
  visitor.All(schema::kName, function.name...);
  visitor.Bytes(schema::kPickled, limits::kFunctionBytesMax, !kOptional, function.pickled...);
};

constexpr auto kTaskLayout = [](auto& visitor, auto&... task) {
  visitor.Some(schema::kDriverField, task.driver...);
  visitor.Some(schema::kFunctionField, task.function...);
  visitor.Some(schema::kNodeField, task.node...);
  visitor.Some(schema::kName, task.name...);
  visitor.All(schema::kState, task.state...);
  visitor.All(schema::kAttempt, task.attempt...);
  visitor.Bytes(schema::kSpec, limits::kFrameBytesMax, kOptional, task.spec...);
};

constexpr auto kActorLayout = [](auto& visitor, auto&... actor) {
  visitor.All(schema::kDriverField, actor.driver...);
  visitor.All(schema::kNodeField, actor.node...);
  visitor.All(schema::kClassField, actor.class_name...);
  visitor.All(schema::kName, actor.name...);
  visitor.All(schema::kState, actor.state...);
  visitor.All(schema::kRestarts, actor.restarts...);
  visitor.All(schema::kCause, actor.cause...);
};

// ---- visitors --------------------------------------------------------------------------------

bool IsEmpty(const std::string& text) { return text.empty(); }
template <typename Tag, size_t kBytes>
bool IsEmpty(const Id<Tag, kBytes>& id) {
  return id.IsNil();
}

class FieldWriter {
 public:
  template <typename T>
  void All(std::string_view name, const T& value) {
    Add(std::string(name), TextOf(value));
  }
  template <typename T>
  void Some(std::string_view name, const T& value) {
    if (!IsEmpty(value)) All(name, value);
  }
  void Bytes(std::string_view name, size_t, bool optional, const std::string& bytes) {
    if (!optional || !bytes.empty()) Add(std::string(name), bytes);
  }
  void Amounts(std::string_view prefix, const ResourceSet& amounts) {
    for (const auto& [name, amount] : amounts.items()) {
      Add(std::string(prefix) + name, TextOf(amount));
    }
  }
  Fields Take() { return std::move(fields_); }

 private:
  void Add(std::string name, std::string text) {
    fields_.emplace_back(std::move(name), std::move(text));
  }

  Fields fields_;
};

// Remembers the first field that is missing or makes no sense.
class FieldReader {
 public:
  explicit FieldReader(const Fields& fields) : fields_(fields) {}

  template <typename T>
  void All(std::string_view name, T& value) {
    const std::string* text = Find(name);
    if (text == nullptr) return FailMissing(name);
    if (!ReadText(*text, &value)) Fail(Nonsense(name, *text));
  }
  template <typename T>
  void Some(std::string_view name, T& value) {
    if (Find(name) != nullptr) All(name, value);
  }
  void Bytes(std::string_view name, size_t size_max, bool optional, std::string& value) {
    const std::string* bytes = Find(name);
    if (bytes == nullptr) return optional ? void() : FailMissing(name);
    if (bytes->size() > size_max) return Fail(Nonsense(name, "too long"));
    value = *bytes;
  }
  void Amounts(std::string_view prefix, ResourceSet& amounts) {
    for (const auto& [field, text] : fields_) {
      if (!std::string_view(field).starts_with(prefix)) continue;
      const std::string_view name = std::string_view(field).substr(prefix.size());
      ResourceAmount amount;
      if (name.empty() || name.size() > limits::kNameBytesMax || !ReadText(text, &amount)) {
        Fail(Nonsense(field, text));
      } else {
        amounts.Set(name, amount);
      }
    }
  }
  const Status& status() const { return status_; }

 private:
  const std::string* Find(std::string_view name) const {
    for (const auto& [field, text] : fields_) {
      if (field == name) return &text;
    }
    return nullptr;
  }
  void FailMissing(std::string_view name) {
    Fail(Status::ProtocolError("the control server holds a record without '" + std::string(name) +
                               "'"));
  }
  void Fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  const Fields& fields_;
  Status status_;
};

class Merger {
 public:
  template <typename T>
  void All(std::string_view, const T& from, T& to) {
    to = from;
  }
  template <typename T>
  void Some(std::string_view, const T& from, T& to) {
    if (!IsEmpty(from)) to = from;
  }
  void Bytes(std::string_view, size_t, bool optional, const std::string& from, std::string& to) {
    if (!optional || !from.empty()) to = from;
  }
};

template <typename Layout, typename Record>
Fields Written(const Layout& layout, const Record& record) {
  FieldWriter writer;
  layout(writer, record);
  return writer.Take();
}

template <typename Record, typename Layout, typename RecordId>
Result<Record> Parsed(const Layout& layout, const RecordId& id, const Fields& fields) {
  FieldReader reader(fields);
  Record record;
  record.id = id;
  layout(reader, record);
  if (!reader.status().ok()) return reader.status();
  return record;
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

Fields NodeFields(const NodeRecord& node) { return Written(kNodeLayout, node); }
Result<NodeRecord> ParseNode(const NodeId& id, const Fields& fields) {
  return Parsed<NodeRecord>(kNodeLayout, id, fields);
}

Fields DriverFields(const DriverRecord& driver) { return Written(kDriverLayout, driver); }
Result<DriverRecord> ParseDriver(const DriverId& id, const Fields& fields) {
  return Parsed<DriverRecord>(kDriverLayout, id, fields);
}

Fields FunctionFields(const DriverId& driver, const FunctionRecord& function) {
  Fields fields = Written(kFunctionLayout, function);
  fields.emplace_back(schema::kDriverField, TextOf(driver));
  return fields;
}
Result<FunctionRecord> ParseFunction(const FunctionId& id, const Fields& fields) {
  return Parsed<FunctionRecord>(kFunctionLayout, id, fields);
}

Fields TaskFields(const TaskRecord& task) { return Written(kTaskLayout, task); }
Result<TaskRecord> ParseTask(const TaskId& id, const Fields& fields) {
  return Parsed<TaskRecord>(kTaskLayout, id, fields);
}
void MergeTask(const TaskRecord& update, TaskRecord* task) {
  Merger merger;
  kTaskLayout(merger, update, *task);
}

Fields ActorFields(const ActorRecord& actor) { return Written(kActorLayout, actor); }
Result<ActorRecord> ParseActor(const TaskId& id, const Fields& fields) {
  return Parsed<ActorRecord>(kActorLayout, id, fields);
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
  line += '\t' + TextOf(error.time) + '\t' + error.task.Hex() + '\t';
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
  if (!ReadText((*parts)[1], &error.time)) return Nonsense("error time", (*parts)[1]);
  if (!ReadText((*parts)[2], &error.task)) return Nonsense("error task", (*parts)[2]);
  if (!ReadText((*parts)[3], &error.name)) return Nonsense("error name", (*parts)[3]);
  if (!ReadText((*parts)[4], &error.kind)) return Nonsense("error kind", (*parts)[4]);
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
