#include "daemon/others/remote_codec.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/limits.h"
#include "common/protocol/generated/nodes_generated.h"
#include "common/protocol/generated/remote_generated.h"
#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"
#include "daemon/others/copy_codec.h"

namespace rayx::daemon {
namespace {

namespace remote = node::remote;
namespace said = protocol::remote;
using Type = protocol::PeerMessageType;
template <typename Wire>
using Vector = flatbuffers::Vector<Wire>;
template <typename Wire>
using Offset = flatbuffers::Offset<Wire>;

// The enums of the core and of the schema have the same values.
static_assert(static_cast<int>(remote::Outcome::kEnded) == static_cast<int>(said::Outcome::Ended));
static_assert(static_cast<int>(remote::Outcome::kCrashed) ==
              static_cast<int>(said::Outcome::Crashed));
static_assert(static_cast<int>(remote::Outcome::kNotRun) ==
              static_cast<int>(said::Outcome::NotRun));
static_assert(said::Outcome::MAX == said::Outcome::NotRun);

// ---- to the wire --------------------------------------------------------------------------------

// What a message takes beside its bytes and ids, and a value in one.
constexpr size_t kMessageBytes = 128;
constexpr size_t kValueBytes = 96;

// A bit more than it takes, so that its buffer need not grow.
template <typename Message>
size_t RoomFor(const Message& message) {
  if constexpr (requires { message.ids; }) {
    return kMessageBytes + message.ids.size() * ObjectId::kSize;
  } else if constexpr (requires { message.spec; }) {
    return kMessageBytes + message.spec.encoded.size();
  } else {
    return 2 * kMessageBytes;
  }
}
size_t RoomFor(const remote::Value& value) {
  const size_t function = value.function ? value.function->pickled.size() + kValueBytes : 0;
  return kValueBytes + value.data.size() + value.places.size() * NodeId::kSize +
         value.contained.size() * ObjectId::kSize + function;
}
size_t RoomFor(const std::vector<remote::Value>& values) {
  size_t sum = kMessageBytes;
  for (const remote::Value& value : values) sum += RoomFor(value) + sizeof(uint32_t);
  return sum;
}
size_t RoomFor(const remote::Announce& message) { return kMessageBytes + RoomFor(message.value); }
size_t RoomFor(const remote::ObjectsReady& message) { return RoomFor(message.values); }
size_t RoomFor(const remote::TaskEnded& message) { return RoomFor(message.results); }

// Each field is named by the structured binding: whoever adds one to a struct is led here.
class Encoder {
 public:
  explicit Encoder(size_t size) : builder_(size) {}

  Type operator()(const remote::AddReferences& message) {
    const auto& [ids] = message;
    return Finish(said::CreateAddReferences(builder_, ToWire(builder_, ids)), Type::AddReferences);
  }
  Type operator()(const remote::RemoveReferences& message) {
    const auto& [ids] = message;
    return Finish(said::CreateRemoveReferences(builder_, ToWire(builder_, ids)),
                  Type::RemoveReferences);
  }
  Type operator()(const remote::Announce& message) {
    const auto& [is_pending, value] = message;
    return Finish(said::CreateAnnounce(builder_, is_pending, Write(value)), Type::Announce);
  }
  Type operator()(const remote::DropCopies& message) {
    const auto& [ids] = message;
    return Finish(said::CreateDropCopies(builder_, ToWire(builder_, ids)), Type::DropCopies);
  }
  Type operator()(const remote::GetObjects& message) {
    const auto& [ids] = message;
    return Finish(said::CreateGetObjects(builder_, ToWire(builder_, ids)), Type::GetObjects);
  }
  Type operator()(const remote::ObjectsReady& message) {
    const auto& [values] = message;
    return Finish(said::CreateObjectsReady(builder_, Write(values)), Type::ObjectsReady);
  }
  template <AboutCopies Message>
  Type operator()(const Message& message) {
    return rayx::daemon::Write(message, &builder_);
  }
  Type operator()(const remote::DriverInfo& message) {
    const auto& [driver, config, setups] = message;
    std::vector<Offset<said::Setup>> made;
    made.reserve(setups.size());
    for (const std::string& setup : setups) {
      made.push_back(said::CreateSetup(builder_, Bytes(setup)));
    }
    const auto written = made.empty() ? 0 : builder_.CreateVector(made);
    const auto bytes = config.empty() ? 0 : Bytes(config);
    return Finish(said::CreateDriverInfo(builder_, ToWire(driver), bytes, written),
                  Type::DriverInfo);
  }
  Type operator()(const remote::DrainDriver& message) {
    const auto& [driver] = message;
    return Finish(said::CreateDrainDriver(builder_, ToWire(driver)), Type::DrainDriver);
  }
  Type operator()(const remote::DriverDrained& message) {
    const auto& [driver] = message;
    return Finish(said::CreateDriverDrained(builder_, ToWire(driver)), Type::DriverDrained);
  }
  Type operator()(const remote::DriverGone& message) {
    const auto& [driver] = message;
    return Finish(said::CreateDriverGone(builder_, ToWire(driver)), Type::DriverGone);
  }
  Type operator()(const remote::RunTask& message) {
    const auto& [spec, attempt] = message;
    const auto bytes = Spec(spec);
    const auto options = EncodeOptions(&builder_, spec.options);
    return Finish(said::CreateRunTask(builder_, bytes, attempt, options), Type::RunTask);
  }
  Type operator()(const remote::TaskEnded& message) {
    const auto& [task, attempt, outcome, failed, results] = message;
    const auto written = results.empty() ? 0 : Write(results);
    return Finish(said::CreateTaskEnded(builder_, ToWire(task), attempt,
                                        static_cast<said::Outcome>(outcome), failed, written),
                  Type::TaskEnded);
  }
  Type operator()(const remote::SubmitTask& message) {
    const auto& [spec, client] = message;
    const auto bytes = Spec(spec);
    const auto options = EncodeOptions(&builder_, spec.options);
    return Finish(said::CreateSubmitTask(builder_, bytes, client.value(), options),
                  Type::SubmitTask);
  }
  Type operator()(const remote::CancelTask& message) {
    const auto& [driver, task, force] = message;
    return Finish(said::CreateCancelTask(builder_, ToWire(driver), ToWire(task), force),
                  Type::CancelTask);
  }
  Type operator()(const remote::KillActor& message) {
    const auto& [driver, actor] = message;
    return Finish(said::CreateKillActor(builder_, ToWire(driver), ToWire(actor)), Type::KillActor);
  }
  Type operator()(const remote::Printed& message) {
    const auto& [driver, pid, function, is_stderr, text] = message;
    const auto name = Text(function);
    const auto bytes = Bytes(text);
    return Finish(said::CreatePrinted(builder_, ToWire(driver), pid, name, is_stderr, bytes),
                  Type::Printed);
  }
  Type operator()(const remote::TaskFailed& message) {
    const auto& [driver, task, name, kind, text] = message;
    const auto of = Text(name);
    const auto what = Text(kind);
    const auto words = Text(text);
    return Finish(said::CreateTaskFailed(builder_, ToWire(driver), ToWire(task), of, what, words),
                  Type::TaskFailed);
  }

  // The buffer itself, without a copy.
  cluster::SharedBytes Take() {
    const auto buffer = std::make_shared<const flatbuffers::DetachedBuffer>(builder_.Release());
    return {std::shared_ptr<const uint8_t>(buffer, buffer->data()), buffer->size()};
  }

 private:
  template <typename Table>
  Type Finish(Offset<Table> table, Type type) {
    builder_.Finish(table);
    return type;
  }
  Offset<Vector<uint8_t>> Bytes(std::string_view bytes) {
    return builder_.CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  Offset<flatbuffers::String> Text(std::string_view text) {
    return text.empty() ? 0 : builder_.CreateString(text);
  }
  Offset<Vector<uint8_t>> Spec(const TaskSpec& spec) {
    // As if it were a message of its own.
    builder_.ForceVectorAlignment(spec.encoded.size(), 1, 8);
    return Bytes(spec.encoded);
  }
  Offset<said::Function> Write(const remote::Function& function) {
    const auto& [driver, name, pickled, is_recursive] = function;
    const auto text = builder_.CreateString(name);
    const auto bytes = Bytes(pickled);
    return said::CreateFunction(builder_, ToWire(driver), text, bytes, is_recursive);
  }
  Offset<said::Value> Write(const remote::Value& value) {
    const auto& [id, is_inline, data, size_bytes, version, places, contained, function] = value;
    const auto bytes = is_inline ? Bytes(data) : 0;
    const auto nodes =
        places.empty() ? 0
                       : builder_.CreateVectorOfStructs(
                             reinterpret_cast<const protocol::Id16*>(places.data()), places.size());
    const auto inside = contained.empty() ? 0 : ToWire(builder_, contained);
    const auto what = function ? Write(*function) : 0;
    return said::CreateValue(builder_, ToWire(id), bytes, is_inline ? 0 : size_bytes, nodes, inside,
                             what, version);
  }
  Offset<Vector<Offset<said::Value>>> Write(const std::vector<remote::Value>& values) {
    std::vector<Offset<said::Value>> written;
    written.reserve(values.size());
    for (const remote::Value& value : values) written.push_back(Write(value));
    return builder_.CreateVector(written);
  }

  flatbuffers::FlatBufferBuilder builder_;
};

// ---- from the wire ------------------------------------------------------------------------------

// A value and its function for each result that a task may have.
constexpr flatbuffers::uoffset_t kTablesMax = 2 * limits::kReturnsMax + 2;
Status Wrong(const std::string& text) { return Status::ProtocolError(text); }

template <typename AnyId>
Status CheckNamed(const AnyId& id, const char* what) {
  return id.IsNil() ? Wrong("a nil " + std::string(what)) : Status::Ok();
}

// Reads one message. Fields that are required are there: the verifier has seen to it.
class Decoder {
 public:
  explicit Decoder(std::span<const uint8_t> payload)
      : payload_(payload), unread_bytes_(payload.size()) {}

  template <typename Said, typename Made>
  Status Read(remote::Message* message) {
    flatbuffers::Verifier verifier(payload_.data(), payload_.size(), /*_max_depth=*/8, kTablesMax);
    if (!verifier.VerifyBuffer<Said>()) return Wrong("malformed");
    return Read(*flatbuffers::GetRoot<Said>(payload_.data()), &message->emplace<Made>());
  }

 private:
  template <typename Said, typename Made>
  requires requires(const Said& wire, Made made) {
    wire.ids();
    made.ids;
  }
  Status Read(const Said& wire, Made* made) {
    // However many a frame has room for.
    return Ids(wire.ids(), limits::kFrameBytesMax, "object", &made->ids);
  }
  Status Read(const said::Announce& wire, remote::Announce* made) {
    made->is_pending = wire.is_pending();
    RAYX_RETURN_IF_ERROR(Read(*wire.value(), &made->value));
    const remote::Value& value = made->value;
    const bool says_more = value.is_inline || value.size_bytes > 0 || value.version > 0 ||
                           !value.places.empty() || !value.contained.empty() || value.function;
    if (!made->is_pending) return CheckVersion(value);
    return says_more ? Wrong("a value that is not there yet, with its bytes") : Status::Ok();
  }
  Status Read(const said::ObjectsReady& wire, remote::ObjectsReady* made) {
    return Values(wire.values(), limits::kIdsPerMessageMax, &made->values);
  }
  Status Read(const said::DriverInfo& wire, remote::DriverInfo* made) {
    RAYX_RETURN_IF_ERROR(Driver(*wire.driver(), &made->driver));
    RAYX_RETURN_IF_ERROR(
        Bytes(wire.config(), limits::kHelloBytesMax, "configuration", &made->config));
    if (wire.setups() == nullptr) return Status::Ok();
    if (wire.setups()->size() > limits::kWorkerSetupsMax) return Wrong("too many setups");
    made->setups.resize(wire.setups()->size());
    for (flatbuffers::uoffset_t i = 0; i < wire.setups()->size(); ++i) {
      RAYX_RETURN_IF_ERROR(Bytes(wire.setups()->Get(i)->pickled(), limits::kFunctionBytesMax,
                                 "setup", &made->setups[i]));
    }
    return Status::Ok();
  }
  Status Read(const said::DrainDriver& wire, remote::DrainDriver* made) {
    return Driver(*wire.driver(), &made->driver);
  }
  Status Read(const said::DriverDrained& wire, remote::DriverDrained* made) {
    return Driver(*wire.driver(), &made->driver);
  }
  Status Read(const said::DriverGone& wire, remote::DriverGone* made) {
    return Driver(*wire.driver(), &made->driver);
  }
  Status Read(const said::RunTask& wire, remote::RunTask* made) {
    made->attempt = wire.attempt();
    return Spec(*wire.spec(), wire.options(), &made->spec);
  }
  Status Read(const said::TaskEnded& wire, remote::TaskEnded* made) {
    made->task = FromWire<TaskId>(*wire.task());
    RAYX_RETURN_IF_ERROR(CheckNamed(made->task, "task"));
    if (wire.outcome() > said::Outcome::MAX) return Wrong("an unknown outcome");
    made->attempt = wire.attempt();
    made->outcome = static_cast<remote::Outcome>(wire.outcome());
    made->failed = wire.failed();
    RAYX_RETURN_IF_ERROR(Values(wire.results(), limits::kReturnsMax, &made->results));
    for (const remote::Value& value : made->results) RAYX_RETURN_IF_ERROR(CheckVersion(value));
    if (made->outcome == remote::Outcome::kNotRun && !made->results.empty()) {
      return Wrong("results of a task that has not run");
    }
    return Status::Ok();
  }
  Status Read(const said::SubmitTask& wire, remote::SubmitTask* made) {
    made->client = ClientId(wire.client());
    return Spec(*wire.spec(), wire.options(), &made->spec);
  }
  Status Read(const said::CancelTask& wire, remote::CancelTask* made) {
    made->task = FromWire<TaskId>(*wire.task());
    made->force = wire.force();
    return Driver(*wire.driver(), &made->driver);
  }
  Status Read(const said::KillActor& wire, remote::KillActor* made) {
    made->actor = FromWire<TaskId>(*wire.actor());
    RAYX_RETURN_IF_ERROR(CheckNamed(made->actor, "actor"));
    return Driver(*wire.driver(), &made->driver);
  }
  Status Read(const said::Printed& wire, remote::Printed* made) {
    made->pid = wire.pid();
    made->is_stderr = wire.is_stderr();
    RAYX_RETURN_IF_ERROR(Driver(*wire.driver(), &made->driver));
    RAYX_RETURN_IF_ERROR(Name(wire.function(), &made->function));
    return Bytes(wire.text(), limits::kFrameBytesMax, "text", &made->text);
  }
  Status Read(const said::TaskFailed& wire, remote::TaskFailed* made) {
    made->task = FromWire<TaskId>(*wire.task());
    RAYX_RETURN_IF_ERROR(Driver(*wire.driver(), &made->driver));
    RAYX_RETURN_IF_ERROR(Name(wire.name(), &made->name));
    RAYX_RETURN_IF_ERROR(Name(wire.kind(), &made->kind));
    return Bytes(wire.text(), limits::kErrorBytesMax, "text", &made->text);
  }

  Status Read(const said::Function& wire, remote::Function* made) {
    made->is_recursive = wire.is_recursive();
    RAYX_RETURN_IF_ERROR(Driver(*wire.driver(), &made->driver));
    RAYX_RETURN_IF_ERROR(Name(wire.name(), &made->name));
    return Bytes(wire.pickled(), limits::kFunctionBytesMax, "function", &made->pickled);
  }
  Status Read(const said::Value& wire, remote::Value* made) {
    made->id = FromWire(*wire.id());
    RAYX_RETURN_IF_ERROR(CheckNamed(made->id, "object"));
    made->is_inline = wire.data() != nullptr;
    RAYX_RETURN_IF_ERROR(
        Bytes(wire.data(), limits::kInlineObjectBytesMax, "inline value", &made->data));
    made->size_bytes = made->is_inline ? made->data.size() : wire.size_bytes();
    if (made->size_bytes > kValueBytesMax) return Wrong("a size that no value has");
    RAYX_RETURN_IF_ERROR(Ids(wire.places(), limits::kFrameBytesMax, "node", &made->places));
    made->version = wire.version();
    if (made->is_inline && (wire.size_bytes() > 0 || made->version > 0 || !made->places.empty())) {
      return Wrong("an inline value that is elsewhere, too");
    }
    RAYX_RETURN_IF_ERROR(
        Ids(wire.contained(), limits::kIdsPerMessageMax, "object in a value", &made->contained));
    if (wire.function() == nullptr) return Status::Ok();
    if (!made->id.IsFunction()) return Wrong("a function of an object that stands for none");
    return Read(*wire.function(), &made->function.emplace());
  }

  // Of a value that its home hears of from who has made it.
  static Status CheckVersion(const remote::Value& value) {
    if (value.is_inline || (value.version > 0 && value.size_bytes > 0)) return Status::Ok();
    return Wrong("a large value without a version, or without a size");
  }
  Status Values(const Vector<Offset<said::Value>>* wire, size_t most,
                std::vector<remote::Value>* made) {
    if (wire == nullptr) return Status::Ok();
    if (wire->size() > most) return Wrong("too many values");
    made->resize(wire->size());
    for (flatbuffers::uoffset_t i = 0; i < wire->size(); ++i) {
      RAYX_RETURN_IF_ERROR(Read(*wire->Get(i), &(*made)[i]));
    }
    return Status::Ok();
  }
  Status Spec(const Vector<uint8_t>& wire, const protocol::CallOptions* options, TaskSpec* made) {
    if (wire.size() > limits::kTaskSpecBytesMax) return Wrong("a TaskSpec that is too large");
    RAYX_RETURN_IF_ERROR(Spend(wire.size()));
    // To the one that is aligned, as it was made.
    if ((wire.data() - payload_.data()) % 8 != 0) return Wrong("a TaskSpec that is not aligned");
    Result<TaskSpec> spec = ParseTaskSpec(BytesOf(wire));
    if (!spec.ok()) return spec.status();
    *made = std::move(*spec);
    RAYX_RETURN_IF_ERROR(CheckNamed(made->id, "task"));
    RAYX_RETURN_IF_ERROR(CheckNamed(made->driver, "driver"));
    made->options = DecodeOptions(options);
    const Status fits = CheckOptions(made->options, made->kind, made->return_count);
    return fits.ok() ? fits : Wrong(fits.message());
  }

  Status Driver(const protocol::Id16& wire, DriverId* made) {
    *made = FromWire<DriverId>(wire);
    return CheckNamed(*made, "driver");
  }
  template <typename Wire, typename AnyId>
  Status Ids(const Vector<const Wire*>* wire, size_t most, const char* what,
             std::vector<AnyId>* made) {
    if (wire == nullptr) return Status::Ok();
    if (wire->size() > most) return Wrong("too many ids: of each " + std::string(what));
    RAYX_RETURN_IF_ERROR(Spend(wire->size() * sizeof(Wire)));
    const auto* ids = reinterpret_cast<const AnyId*>(wire->Data());
    made->assign(ids, ids + wire->size());
    for (const AnyId& id : *made) RAYX_RETURN_IF_ERROR(CheckNamed(id, what));
    return Status::Ok();
  }
  // A string, or a vector of bytes.
  template <typename Wire>
  Status Bytes(const Wire* wire, size_t most, const char* what, std::string* made) {
    if (wire == nullptr) return Status::Ok();
    if (wire->size() > most) return Wrong("too large: the " + std::string(what));
    RAYX_RETURN_IF_ERROR(Spend(wire->size()));
    made->assign(reinterpret_cast<const char*>(wire->Data()), wire->size());
    return Status::Ok();
  }
  Status Name(const flatbuffers::String* wire, std::string* made) {
    return Bytes(wire, limits::kNameBytesMax, "name", made);
  }
  // Offsets of a table may all lead to the same bytes, so that a small message would say much.
  Status Spend(size_t bytes) {
    if (bytes > unread_bytes_) return Wrong("some of its bytes are said more than once");
    unread_bytes_ -= bytes;
    return Status::Ok();
  }

  const std::span<const uint8_t> payload_;
  size_t unread_bytes_;
};

Status Decode(Type type, std::span<const uint8_t> payload, remote::Message* message) {
  Decoder decoder(payload);
  switch (type) {
    case Type::AddReferences:
      return decoder.Read<said::AddReferences, remote::AddReferences>(message);
    case Type::RemoveReferences:
      return decoder.Read<said::RemoveReferences, remote::RemoveReferences>(message);
    case Type::Announce:
      return decoder.Read<said::Announce, remote::Announce>(message);
    case Type::DropCopies:
      return decoder.Read<said::DropCopies, remote::DropCopies>(message);
    case Type::GetObjects:
      return decoder.Read<said::GetObjects, remote::GetObjects>(message);
    case Type::ObjectsReady:
      return decoder.Read<said::ObjectsReady, remote::ObjectsReady>(message);
    case Type::DriverInfo:
      return decoder.Read<said::DriverInfo, remote::DriverInfo>(message);
    case Type::DrainDriver:
      return decoder.Read<said::DrainDriver, remote::DrainDriver>(message);
    case Type::DriverDrained:
      return decoder.Read<said::DriverDrained, remote::DriverDrained>(message);
    case Type::DriverGone:
      return decoder.Read<said::DriverGone, remote::DriverGone>(message);
    case Type::RunTask:
      return decoder.Read<said::RunTask, remote::RunTask>(message);
    case Type::TaskEnded:
      return decoder.Read<said::TaskEnded, remote::TaskEnded>(message);
    case Type::SubmitTask:
      return decoder.Read<said::SubmitTask, remote::SubmitTask>(message);
    case Type::CancelTask:
      return decoder.Read<said::CancelTask, remote::CancelTask>(message);
    case Type::KillActor:
      return decoder.Read<said::KillActor, remote::KillActor>(message);
    case Type::Printed:
      return decoder.Read<said::Printed, remote::Printed>(message);
    case Type::TaskFailed:
      return decoder.Read<said::TaskFailed, remote::TaskFailed>(message);
    default:
      return ReadAboutCopies(type, payload, message);
  }
}

}  // namespace

cluster::Message Encode(const remote::Message& message) {
  Encoder encoder(std::visit([](const auto& one) { return RoomFor(one); }, message));
  const Type type = std::visit(encoder, message);
  return {.type = static_cast<uint16_t>(type), .payload = encoder.Take()};
}

Result<remote::Message> DecodeRemoteMessage(uint16_t type, std::span<const uint8_t> payload) {
  // Read where it is returned: a TaskSpec is some 300 bytes to move.
  Result<remote::Message> message{remote::Message()};
  const Status read = Decode(static_cast<Type>(type), payload, &*message);
  if (read.ok()) return message;
  const char* name = protocol::EnumNamePeerMessageType(static_cast<Type>(type));
  return Wrong("message " + std::to_string(type) + " " + name + ": " + read.message());
}

}  // namespace rayx::daemon
