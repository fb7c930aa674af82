#include "daemon/codecs/remote_codec.h"

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/limits.h"
#include "common/protocol/generated/nodes_generated.h"
#include "common/protocol/generated/remote_generated.h"
#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"
#include "daemon/codecs/actor_codec.h"
#include "daemon/codecs/copy_codec.h"
#include "daemon/codecs/remote_reader.h"
#include "daemon/codecs/remote_writer.h"

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
static_assert(static_cast<int>(remote::Outcome::kMoved) == static_cast<int>(said::Outcome::Moved));
static_assert(said::Outcome::MAX == said::Outcome::Moved);

// ---- to the wire --------------------------------------------------------------------------------

// A bit more than it takes, so that its buffer need not grow.
template <typename Message>
size_t RoomFor(const Message& message) {
  if constexpr (requires { message.ids; }) {
    return kRemoteMessageBytes + message.ids.size() * ObjectId::kSize;
  } else if constexpr (requires { message.spec; }) {
    return kRemoteMessageBytes + message.spec.encoded.size();
  } else if constexpr (requires { message.results; }) {
    return rayx::daemon::RoomFor(message.results);
  } else {
    return 2 * kRemoteMessageBytes;
  }
}
size_t RoomFor(const remote::Announce& message) {
  return kRemoteMessageBytes + rayx::daemon::RoomFor(message.value);
}
size_t RoomFor(const remote::ObjectsReady& message) {
  return rayx::daemon::RoomFor(message.values);
}

// Each field is named by the structured binding: whoever adds one to a struct is led here.
class Encoder : public RemoteWriter {
 public:
  using RemoteWriter::RemoteWriter;

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
  Type operator()(const remote::MoveActor& message) {
    const auto& [driver, actor] = message;
    return Finish(said::CreateMoveActor(builder_, ToWire(driver), ToWire(actor)), Type::MoveActor);
  }
  Type operator()(const remote::NodeDrains&) {
    return Finish(said::CreateNodeDrains(builder_), Type::NodeDrains);
  }
  Type operator()(const remote::DrainHeard&) {
    return Finish(said::CreateDrainHeard(builder_), Type::DrainHeard);
  }
  Type operator()(const remote::TakeOver& message) {
    const auto& [ids] = message;
    return Finish(said::CreateTakeOver(builder_, ToWire(builder_, ids)), Type::TakeOver);
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
};

// ---- from the wire ------------------------------------------------------------------------------

Status Wrong(const std::string& text) { return SaidWrong(text); }

// Reads one message. Fields that are required are there: the verifier has seen to it.
class Decoder : public RemoteReader {
 public:
  using RemoteReader::RemoteReader;

  template <typename Said, typename Made>
  Status Read(remote::Message* message) {
    const Said* said = Verified<Said>();
    return said == nullptr ? Wrong("malformed") : Read(*said, &message->emplace<Made>());
  }

 private:
  using RemoteReader::Read;

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
    if (wire.outcome() >= said::Outcome::Moved) return Wrong("an unknown outcome");
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
    return ReadOfActor(wire, made);
  }
  Status Read(const said::MoveActor& wire, remote::MoveActor* made) {
    return ReadOfActor(wire, made);
  }
  template <typename Said, typename Made>
  Status ReadOfActor(const Said& wire, Made* made) {
    made->actor = FromWire<TaskId>(*wire.actor());
    RAYX_RETURN_IF_ERROR(CheckNamed(made->actor, "actor"));
    return Driver(*wire.driver(), &made->driver);
  }
  Status Read(const said::NodeDrains&, remote::NodeDrains*) { return Status::Ok(); }
  Status Read(const said::DrainHeard&, remote::DrainHeard*) { return Status::Ok(); }
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
    case Type::MoveActor:
      return decoder.Read<said::MoveActor, remote::MoveActor>(message);
    case Type::NodeDrains:
      return decoder.Read<said::NodeDrains, remote::NodeDrains>(message);
    case Type::DrainHeard:
      return decoder.Read<said::DrainHeard, remote::DrainHeard>(message);
    case Type::TakeOver:
      return decoder.Read<said::TakeOver, remote::TakeOver>(message);
    case Type::Printed:
      return decoder.Read<said::Printed, remote::Printed>(message);
    case Type::TaskFailed:
      return decoder.Read<said::TaskFailed, remote::TaskFailed>(message);
    default:
      return IsAboutActors(type) ? ReadAboutActors(type, payload, message)
                                 : ReadAboutCopies(type, payload, message);
  }
}

}  // namespace

cluster::Message Encode(const remote::Message& message) {
  return std::visit(
      [](const auto& one) -> cluster::Message {
        using Message = std::remove_cvref_t<decltype(one)>;
        if constexpr (AboutActors<Message>) {
          return EncodeAboutActors(one);
        } else {
          Encoder encoder(RoomFor(one));
          const Type type = encoder(one);
          return {.type = static_cast<uint16_t>(type), .payload = encoder.Take()};
        }
      },
      message);
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
