#include "daemon/codecs/actor_codec.h"

#include <utility>

#include "common/base/limits.h"
#include "common/protocol/generated/remote_generated.h"
#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"
#include "daemon/codecs/remote_reader.h"
#include "daemon/codecs/remote_writer.h"

namespace rayx::daemon {

namespace remote = node::remote;

namespace {

namespace wired = protocol::remote;
using ActorType = protocol::PeerMessageType;

// ---- to the wire --------------------------------------------------------------------------------

size_t RoomForSpec(const TaskSpec& spec) { return kRemoteMessageBytes + spec.encoded.size(); }
size_t RoomForValue(const std::optional<remote::Value>& value) {
  return 2 * kRemoteMessageBytes + (value ? RoomFor(*value) : 0);
}

// Each field is named by the structured binding: whoever adds one to a struct is led here.
class ActorWriter : public RemoteWriter {
 public:
  using RemoteWriter::RemoteWriter;

  ActorType Add(const remote::MakeActor& message) {
    const auto& [spec, attempt, state] = message;
    const auto bytes = Spec(spec);
    const auto options = EncodeOptions(&builder_, spec.options);
    return Finish(
        wired::CreateMakeActor(builder_, bytes, attempt, options, state ? ToWire(*state) : nullptr),
        ActorType::MakeActor);
  }
  ActorType Add(const remote::CallActor& message) {
    const auto& [spec, caller] = message;
    const auto bytes = Spec(spec);
    const auto options = EncodeOptions(&builder_, spec.options);
    return Finish(wired::CreateCallActor(builder_, bytes, options,
                                         caller.node.IsNil() ? nullptr : ToWire(caller.node),
                                         caller.client.value(), caller.run),
                  ActorType::CallActor);
  }
  ActorType Add(const remote::StopActor& message) {
    const auto& [driver, actor, kill, reason] = message;
    const auto words = Text(reason);
    return Finish(wired::CreateStopActor(builder_, ToWire(driver), ToWire(actor), kill, words),
                  ActorType::StopActor);
  }
  ActorType Add(const remote::ActorMade& message) {
    const auto& [actor, attempt, restarts, result] = message;
    const auto value = result ? Write(*result) : 0;
    return Finish(wired::CreateActorMade(builder_, ToWire(actor), attempt, restarts, value),
                  ActorType::ActorMade);
  }
  ActorType Add(const remote::ActorEnded& message) {
    const auto& [actor, attempt, outcome, restarts, cause, result] = message;
    const auto words = Text(cause);
    const auto value = result ? Write(*result) : 0;
    return Finish(
        wired::CreateActorEnded(builder_, ToWire(actor), attempt,
                                static_cast<wired::Outcome>(outcome), restarts, words, value),
        ActorType::ActorEnded);
  }
  ActorType Add(const remote::CallEnded& message) {
    const auto& [actor, call, failed, results] = message;
    const auto values = results.empty() ? 0 : Write(results);
    return Finish(wired::CreateCallEnded(builder_, ToWire(actor), ToWire(call), failed, values),
                  ActorType::CallEnded);
  }
  ActorType Add(const remote::ActorSaved& message) {
    const auto& [actor, attempt, state] = message;
    return Finish(wired::CreateActorSaved(builder_, ToWire(actor), attempt, ToWire(state)),
                  ActorType::ActorSaved);
  }
  ActorType Add(const remote::FindActor& message) {
    const auto& [driver, number, name] = message;
    const auto text = builder_.CreateString(name);
    return Finish(wired::CreateFindActor(builder_, ToWire(driver), number, text),
                  ActorType::FindActor);
  }
  ActorType Add(const remote::ActorFound& message) {
    const auto& [driver, number, creation] = message;
    const auto bytes = creation ? Spec(*creation) : 0;
    const auto options = creation ? EncodeOptions(&builder_, creation->options) : 0;
    return Finish(wired::CreateActorFound(builder_, ToWire(driver), number, bytes, options),
                  ActorType::ActorFound);
  }
};

template <typename Message>
cluster::Message Written(const Message& message, size_t room) {
  ActorWriter writer(room);
  const ActorType type = writer.Add(message);
  return {.type = static_cast<uint16_t>(type), .payload = writer.Take()};
}

// ---- from the wire ------------------------------------------------------------------------------

class ActorReader : public RemoteReader {
 public:
  using RemoteReader::RemoteReader;

  template <typename Wire, typename Made>
  Status Read(remote::Message* message) {
    const Wire* wire = Verified<Wire>();
    return wire == nullptr ? SaidWrong("malformed") : Fill(*wire, &message->emplace<Made>());
  }

 private:
  Status Fill(const wired::MakeActor& wire, remote::MakeActor* made) {
    made->attempt = wire.attempt();
    RAYX_RETURN_IF_ERROR(State(wire.state(), &made->state));
    return Spec(*wire.spec(), wire.options(), &made->spec);
  }
  Status Fill(const wired::CallActor& wire, remote::CallActor* made) {
    if (wire.caller_node() != nullptr) made->caller.node = FromWire<NodeId>(*wire.caller_node());
    made->caller.client = ClientId(wire.caller_client());
    made->caller.run = wire.caller_run();
    return Spec(*wire.spec(), wire.options(), &made->spec);
  }
  Status Fill(const wired::StopActor& wire, remote::StopActor* made) {
    made->kill = wire.kill();
    RAYX_RETURN_IF_ERROR(Actor(*wire.actor(), &made->actor));
    RAYX_RETURN_IF_ERROR(Bytes(wire.reason(), limits::kErrorBytesMax, "reason", &made->reason));
    return Driver(*wire.driver(), &made->driver);
  }
  Status Fill(const wired::ActorMade& wire, remote::ActorMade* made) {
    made->attempt = wire.attempt();
    made->restarts = wire.restarts();
    RAYX_RETURN_IF_ERROR(Result(wire.result(), &made->result));
    return Actor(*wire.actor(), &made->actor);
  }
  Status Fill(const wired::ActorEnded& wire, remote::ActorEnded* made) {
    if (wire.outcome() > wired::Outcome::MAX) return SaidWrong("an unknown outcome");
    made->attempt = wire.attempt();
    made->outcome = static_cast<remote::Outcome>(wire.outcome());
    made->restarts = wire.restarts();
    RAYX_RETURN_IF_ERROR(Bytes(wire.cause(), limits::kErrorBytesMax, "cause", &made->cause));
    RAYX_RETURN_IF_ERROR(Result(wire.result(), &made->result));
    const bool is_unmade = made->outcome == remote::Outcome::kNotRun;
    if ((is_unmade || made->outcome == remote::Outcome::kMoved) && made->result) {
      return SaidWrong("a result of an actor that was not made, or moves");
    }
    return Actor(*wire.actor(), &made->actor);
  }
  Status Fill(const wired::CallEnded& wire, remote::CallEnded* made) {
    made->failed = wire.failed();
    RAYX_RETURN_IF_ERROR(Actor(*wire.actor(), &made->actor));
    made->call = FromWire<TaskId>(*wire.call());
    RAYX_RETURN_IF_ERROR(CheckNamed(made->call, "call"));
    RAYX_RETURN_IF_ERROR(Values(wire.results(), limits::kReturnsMax, &made->results));
    for (const remote::Value& value : made->results) RAYX_RETURN_IF_ERROR(CheckVersion(value));
    return Status::Ok();
  }
  Status Fill(const wired::ActorSaved& wire, remote::ActorSaved* made) {
    made->attempt = wire.attempt();
    made->state = FromWire(*wire.state());
    RAYX_RETURN_IF_ERROR(CheckNamed(made->state, "state"));
    return Actor(*wire.actor(), &made->actor);
  }
  Status Fill(const wired::FindActor& wire, remote::FindActor* made) {
    made->number = wire.number();
    RAYX_RETURN_IF_ERROR(Name(wire.name(), &made->name));
    return Driver(*wire.driver(), &made->driver);
  }
  Status Fill(const wired::ActorFound& wire, remote::ActorFound* made) {
    made->number = wire.number();
    RAYX_RETURN_IF_ERROR(Driver(*wire.driver(), &made->driver));
    if (wire.spec() == nullptr) return Status::Ok();
    return Spec(*wire.spec(), wire.options(), &made->creation.emplace());
  }

  static Status Actor(const protocol::Id16& wire, TaskId* made) {
    *made = FromWire<TaskId>(wire);
    return CheckNamed(*made, "actor");
  }
  static Status State(const protocol::Id20* wire, std::optional<ObjectId>* made) {
    if (wire == nullptr) return Status::Ok();
    *made = FromWire(*wire);
    return CheckNamed(**made, "state");
  }
  Status Result(const wired::Value* wire, std::optional<remote::Value>* made) {
    if (wire == nullptr) return Status::Ok();
    RAYX_RETURN_IF_ERROR(RemoteReader::Read(*wire, &made->emplace()));
    return CheckVersion(**made);
  }
};

}  // namespace

cluster::Message EncodeAboutActors(const remote::MakeActor& message) {
  return Written(message, RoomForSpec(message.spec));
}
cluster::Message EncodeAboutActors(const remote::CallActor& message) {
  return Written(message, RoomForSpec(message.spec));
}
cluster::Message EncodeAboutActors(const remote::StopActor& message) {
  return Written(message, 2 * kRemoteMessageBytes);
}
cluster::Message EncodeAboutActors(const remote::ActorMade& message) {
  return Written(message, RoomForValue(message.result));
}
cluster::Message EncodeAboutActors(const remote::ActorEnded& message) {
  return Written(message, RoomForValue(message.result));
}
cluster::Message EncodeAboutActors(const remote::CallEnded& message) {
  return Written(message, RoomFor(message.results) + kRemoteMessageBytes);
}
cluster::Message EncodeAboutActors(const remote::ActorSaved& message) {
  return Written(message, kRemoteMessageBytes);
}
cluster::Message EncodeAboutActors(const remote::FindActor& message) {
  return Written(message, 2 * kRemoteMessageBytes);
}
cluster::Message EncodeAboutActors(const remote::ActorFound& message) {
  return Written(message, message.creation ? RoomForSpec(*message.creation) : kRemoteMessageBytes);
}

bool IsAboutActors(ActorType type) {
  return type >= ActorType::MakeActor && type <= ActorType::ActorSaved;
}

Status ReadAboutActors(ActorType type, std::span<const uint8_t> payload, remote::Message* message) {
  ActorReader reader(payload);
  switch (type) {
    case ActorType::MakeActor:
      return reader.Read<wired::MakeActor, remote::MakeActor>(message);
    case ActorType::CallActor:
      return reader.Read<wired::CallActor, remote::CallActor>(message);
    case ActorType::StopActor:
      return reader.Read<wired::StopActor, remote::StopActor>(message);
    case ActorType::ActorMade:
      return reader.Read<wired::ActorMade, remote::ActorMade>(message);
    case ActorType::ActorEnded:
      return reader.Read<wired::ActorEnded, remote::ActorEnded>(message);
    case ActorType::CallEnded:
      return reader.Read<wired::CallEnded, remote::CallEnded>(message);
    case ActorType::ActorSaved:
      return reader.Read<wired::ActorSaved, remote::ActorSaved>(message);
    case ActorType::FindActor:
      return reader.Read<wired::FindActor, remote::FindActor>(message);
    default:
      return reader.Read<wired::ActorFound, remote::ActorFound>(message);
  }
}

}  // namespace rayx::daemon
