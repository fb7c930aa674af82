// One example of every message, with all fields set to values that are not their defaults and
// differ from each other. They are the golden files, the seeds of the fuzzers and the material of
// benchmarks.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/protocol/generated/messages_generated.h"
#include "common/protocol/wire_ids.h"

namespace rayx {

// An id of bytes first, first + 1, ….
template <typename IdType>
IdType ExampleId(uint8_t first) {
  IdType id;
  for (size_t i = 0; i < IdType::kSize; ++i) {
    id.mutable_data()[i] = static_cast<uint8_t>(first + i);
  }
  return id;
}

// No call below builds two parts of a message in its arguments: compilers differ in which they
// evaluate first, and the bytes would differ with them.
class ExampleMessages {
 public:
  // The encoded example of that type; empty if it has none.
  std::vector<uint8_t> Encode(protocol::MessageType type) {
    builder_.Clear();
    const flatbuffers::Offset<void> root = Build(type);
    if (root.IsNull()) return {};
    builder_.Finish(root);
    return {builder_.GetBufferPointer(), builder_.GetBufferPointer() + builder_.GetSize()};
  }

 private:
  using Type = protocol::MessageType;
  using Any = flatbuffers::Offset<void>;

  Any Build(Type type) {
    const auto number = static_cast<uint16_t>(type);
    if (number < 10) return BuildHandshake(type);
    if (number < 30) return BuildTask(type);
    if (number < 50) return BuildObject(type);
    return BuildOther(type);
  }

  Any BuildHandshake(Type type) {
    switch (type) {
      case Type::Hello: {
        const auto python = Text("3.11.7");
        return protocol::CreateHello(builder_, limits::kProtocolVersion, protocol::Role::Worker,
                                     4321, ToWire(driver_), 17, python, Bytes({1, 2, 3}))
            .Union();
      }
      case Type::Welcome:
        return protocol::CreateWelcome(builder_, limits::kProtocolVersion, ToWire(node_), 1 << 30,
                                       Text("/run/user/1000/rayx/s1"))
            .Union();
      case Type::Refused:
        return protocol::CreateRefused(builder_, Text("version 2 is not version 1")).Union();
      default:
        return {};
    }
  }

  Any BuildTask(Type type) {
    switch (type) {
      case Type::SubmitTask:
        return TaskSpec().Union();
      case Type::ExportFunction: {
        const auto name = Text("module.work");
        const auto pickled = Bytes({0x80, 5, 1});
        return protocol::CreateExportFunction(builder_, ToWire(function_), name, pickled, Ids({98}))
            .Union();
      }
      case Type::FetchFunction:
        return protocol::CreateFetchFunction(builder_, ToWire(function_)).Union();
      case Type::ForgetFunction:
        return protocol::CreateForgetFunction(builder_, ToWire(function_)).Union();
      case Type::FunctionContent:
        return protocol::CreateFunctionContent(builder_, ToWire(function_), Bytes({0x80, 5, 2}))
            .Union();
      case Type::RunTask:
      case Type::TaskGiven:
        return RunTask().Union();
      case Type::OpenChannel:
        return protocol::CreateOpenChannel(builder_).Union();
      case Type::LeaseGranted:
        return protocol::CreateLeaseGranted(builder_, true, ToWire(task_), 17, 2).Union();
      case Type::TaskDone:
        return TaskDone().Union();
      case Type::Blocked:
        return protocol::CreateBlocked(builder_).Union();
      case Type::Unblocked:
        return protocol::CreateUnblocked(builder_).Union();
      case Type::ExitWorker:
        return protocol::CreateExitWorker(builder_).Union();
      case Type::CancelTask:
        return protocol::CreateCancelTask(builder_, ToWire(task_), true).Union();
      case Type::KillActor:
        return protocol::CreateKillActor(builder_, ToWire(task_)).Union();
      case Type::AddWorkerSetup: {
        const auto setup = protocol::CreateWorkerSetup(builder_, Bytes({0x80, 5, 3}));
        return protocol::CreateAddWorkerSetup(builder_, setup).Union();
      }
      default:
        return {};
    }
  }

  Any BuildObject(Type type) {
    switch (type) {
      case Type::PutObject: {
        const auto data = Bytes({5, 6});
        return protocol::CreatePutObject(builder_, ToWire(object_), data, Ids({90})).Union();
      }
      case Type::CreateObject:
        return protocol::CreateCreateObject(builder_, 7, ToWire(object_), 4096, true).Union();
      case Type::ObjectCreated:
        return protocol::CreateObjectCreated(builder_, 7, protocol::Outcome::StoreFull,
                                             Text("no room"), 128, true, true)
            .Union();
      case Type::PutReserved: {
        const auto contained = Ids({90, 91});
        return protocol::CreatePutReserved(builder_, ToWire(object_), 128, 4096, contained, true)
            .Union();
      }
      case Type::SealObject:
        return protocol::CreateSealObject(builder_, ToWire(object_), Ids({91, 92})).Union();
      case Type::AbortObject:
        return protocol::CreateAbortObject(builder_, ToWire(object_)).Union();
      case Type::GetObjects:
        return protocol::CreateGetObjects(builder_, Ids({93, 94}), true, 96).Union();
      case Type::ObjectsReady:
        return protocol::CreateObjectsReady(builder_, Values(), 97).Union();
      case Type::ReleaseObjects: {
        const auto unreferenced = Ids({95});
        return protocol::CreateReleaseObjects(builder_, unreferenced, Ids({96, 97})).Union();
      }
      case Type::AddReferences:
        return protocol::CreateAddReferences(builder_, Ids({98})).Union();
      default:
        return {};
    }
  }

  Any BuildOther(Type type) {
    switch (type) {
      case Type::Query:
        return Query().Union();
      case Type::Answer:
        return Answer().Union();
      case Type::OutputLines: {
        const auto name = Text("work");
        return protocol::CreateOutputLines(builder_, 4321, name, true, Bytes({'h', 'i'}),
                                           ToWire(node_))
            .Union();
      }
      case Type::TaskFailed:
        return protocol::CreateTaskFailed(builder_, Text("ValueError: no")).Union();
      case Type::Drain:
        return protocol::CreateDrain(builder_).Union();
      case Type::Drained:
        return protocol::CreateDrained(builder_).Union();
      case Type::ForkWorker:
        return protocol::CreateForkWorker(builder_, 17).Union();
      case Type::WorkerForked:
        return protocol::CreateWorkerForked(builder_, 17, -1, 11).Union();
      case Type::WorkerExited:
        return protocol::CreateWorkerExited(builder_, 4321, 9).Union();
      case Type::TemplateReady:
        return protocol::CreateTemplateReady(builder_, 4320).Union();
      default:
        return {};
    }
  }

  flatbuffers::Offset<protocol::TaskSpec> TaskSpec() {
    const auto args = Bytes({1, 1, 0, 0});
    const auto name = Text("module.work");
    const auto dependencies = Ids({60, 61});
    const auto contained = Ids({62});
    const auto resources = Resources();
    const auto method = Text("add");
    const auto actor_name = Text("counter");
    const auto actor_info = Bytes({0x80, 5, 4});
    const auto options = protocol::CreateCallOptions(builder_, -1, 3, -4, 1500, 16);
    return protocol::CreateTaskSpec(builder_, ToWire(task_), ToWire(driver_), ToWire(function_),
                                    name, args, true, dependencies, contained, 1, resources,
                                    protocol::TaskKind::ActorCall, ToWire(actor_), method,
                                    actor_name, actor_info, options, 6);
  }

  flatbuffers::Offset<protocol::RunTask> RunTask() {
    const std::vector<uint8_t> spec = ExampleMessages().Encode(Type::SubmitTask);
    // Read where it lies by the worker, so aligned like a message of its own.
    builder_.ForceVectorAlignment(spec.size(), 1, 8);
    const auto nested = builder_.CreateVector(spec);
    const auto values = Values();
    const auto config = Bytes({9, 9});
    const auto gpus = builder_.CreateVector(std::vector<uint32_t>{0, 2});
    const auto setup = protocol::CreateWorkerSetup(builder_, Bytes({0x80, 5, 3}));
    const auto setups = builder_.CreateVector(&setup, 1);
    return protocol::CreateRunTask(builder_, 33, 2, nested, values, config, gpus, setups,
                                   ToWire(state_));
  }

  flatbuffers::Offset<protocol::TaskDone> TaskDone() {
    const auto data = Bytes({4, 5, 6});
    const auto result = protocol::CreateResultValue(builder_, 1, data, Ids({70}));
    const auto results = builder_.CreateVector(&result, 1);
    return protocol::CreateTaskDone(builder_, 33, ToWire(task_), results, Text("Traceback"), true,
                                    true, ToWire(state_), true);
  }

  flatbuffers::Offset<protocol::Query> Query() {
    const auto question = protocol::CreateNamedActorQuestion(builder_, Text("counter"));
    return protocol::CreateQuery(builder_, 8, protocol::Question::NamedActor, question.Union());
  }

  // As a whole: the outcome of one without a reply is another.
  flatbuffers::Offset<protocol::Answer> Answer() {
    const auto name = Text("work");
    const auto kind = Text("TaskError");
    const auto text = Text("Traceback");
    const auto error = protocol::CreateErrorRecord(builder_, ToWire(driver_), ToWire(task_), name,
                                                   kind, text, 1.5e9);
    const auto reply = protocol::CreateErrorsReply(builder_, builder_.CreateVector(&error, 1));
    const auto message = Text("none");
    return protocol::CreateAnswer(builder_, 8, protocol::Outcome::NotFound, message,
                                  protocol::Reply::Errors, reply.Union());
  }

  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<protocol::ObjectValue>>> Values() {
    std::vector<flatbuffers::Offset<protocol::ObjectValue>> values;
    values.push_back(
        protocol::CreateObjectValue(builder_, ToWire(object_), Bytes({7, 8}), 64, 2, true));
    return builder_.CreateVector(values);
  }
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<protocol::ResourceItem>>>
  Resources() {
    std::vector<flatbuffers::Offset<protocol::ResourceItem>> items;
    items.push_back(protocol::CreateResourceItem(builder_, Text("CPU"), 20000));
    items.push_back(protocol::CreateResourceItem(builder_, Text("GPU"), 5000));
    return builder_.CreateVector(items);
  }
  flatbuffers::Offset<flatbuffers::String> Text(const char* text) {
    return builder_.CreateString(text);
  }
  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> Bytes(const std::vector<uint8_t>& bytes) {
    return builder_.CreateVector(bytes);
  }
  flatbuffers::Offset<flatbuffers::Vector<const protocol::Id20*>> Ids(
      const std::vector<uint8_t>& firsts) {
    std::vector<ObjectId> ids;
    for (const uint8_t first : firsts) ids.push_back(ExampleId<ObjectId>(first));
    return ToWire(builder_, ids);
  }

  flatbuffers::FlatBufferBuilder builder_;
  const TaskId task_ = ExampleId<TaskId>(10);
  const TaskId actor_ = ExampleId<TaskId>(15);
  const DriverId driver_ = ExampleId<DriverId>(20);
  const FunctionId function_ = ExampleId<FunctionId>(30);
  const NodeId node_ = ExampleId<NodeId>(40);
  const ObjectId state_ = ExampleId<ObjectId>(45);
  const ObjectId object_ = ExampleId<ObjectId>(50);
};

}  // namespace rayx
