#include "client/tasks/worker_queue.h"

#include <iterator>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/connection/message.h"
#include "client/memory/object_memory.h"
#include "common/base/resources.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

// What the spans of a task point into.
struct TaskMemory {
  explicit TaskMemory(std::span<const uint8_t> payload) : message(payload) {}
  MessageCopy message;
  std::optional<MessageCopy> spec;  // if it is not aligned inside the message
  ObjectView args;                  // likewise
};

Status FillValues(const protocol::RunTask& message, const std::shared_ptr<const TaskMemory>& memory,
                  const PoolReader& pool, RunnableTask* task) {
  task->values.resize(task->dependencies.size());
  if (message.values() == nullptr) return Status::Ok();
  std::unordered_map<ObjectId, ObjectView> views;
  for (const protocol::ObjectValue* value : *message.values()) {
    const ObjectId id = FromWire(*value->id());
    if (value->data() != nullptr) {
      views[id] = AlignedObject(memory, BytesOf(*value->data()));
    } else if (value->pinned()) {
      Result<ObjectView> view = pool.Pinned(id, value->offset(), value->size());
      if (!view.ok()) return view.status();
      views[id] = std::move(*view);
    }
  }
  for (size_t i = 0; i < task->dependencies.size(); ++i) {
    const auto found = views.find(task->dependencies[i]);
    if (found != views.end()) task->values[i] = found->second;
  }
  return Status::Ok();
}

// What a creation or a call has beyond a function's call. False if it has no meaning.
bool ReadActorFields(const protocol::TaskSpec& spec, RunnableTask* task) {
  switch (spec.kind()) {
    case protocol::TaskKind::Function:
      return true;
    case protocol::TaskKind::ActorCreation:
      task->kind = TaskKind::kActorCreation;
      return true;
    case protocol::TaskKind::ActorCall:
      if (spec.actor_id() == nullptr || spec.method() == nullptr) return false;
      task->kind = TaskKind::kActorCall;
      task->actor = FromWire<TaskId>(*spec.actor_id());
      task->method = spec.method()->str();
      return true;
  }
  return false;
}

double CpusOf(const protocol::TaskSpec& spec) {
  if (spec.kind() == protocol::TaskKind::ActorCall) return 0;
  if (spec.resources() == nullptr) return 1;
  for (const protocol::ResourceItem* item : *spec.resources()) {
    if (item->name()->string_view() == kCpu) {
      return ResourceAmount::FromUnits(item->units()).ToDouble();
    }
  }
  return 0;
}

void ReadSurroundings(const protocol::RunTask& message, RunnableTask* task) {
  if (message.driver_config() != nullptr) {
    const std::span<const uint8_t> config = BytesOf(*message.driver_config());
    task->driver_config.emplace(config.begin(), config.end());
  }
  if (message.gpus() != nullptr) task->gpus.assign(message.gpus()->begin(), message.gpus()->end());
  if (message.state() != nullptr) task->state = FromWire(*message.state());
  if (message.setups() == nullptr) return;
  for (const protocol::WorkerSetup* setup : *message.setups()) {
    const std::span<const uint8_t> pickled = BytesOf(*setup->pickled());
    task->setups.emplace_back(pickled.begin(), pickled.end());
  }
}

}  // namespace

Result<RunnableTask> DecodeRunTask(std::span<const uint8_t> payload, const PoolReader& pool) {
  const auto memory = std::make_shared<TaskMemory>(payload);
  const auto* message = VerifiedMessage<protocol::RunTask>(memory->message.bytes());
  if (message == nullptr) return MalformedMessage("RunTask");
  std::span<const uint8_t> encoded = BytesOf(*message->spec());
  if ((reinterpret_cast<uintptr_t>(encoded.data()) & (sizeof(uint64_t) - 1)) != 0) {
    memory->spec.emplace(encoded);
    encoded = memory->spec->bytes();
  }
  const auto* spec = VerifiedMessage<protocol::TaskSpec>(encoded);
  if (spec == nullptr) return MalformedMessage("TaskSpec");

  RunnableTask task;
  task.sequence = message->sequence();
  task.attempt = message->attempt();
  task.id = FromWire<TaskId>(*spec->task_id());
  task.driver = FromWire<DriverId>(*spec->driver_id());
  task.function = FromWire<FunctionId>(*spec->function_id());
  task.name = spec->name()->str();
  task.return_count = spec->return_count();
  task.args_in_store = spec->args_in_store();
  task.dependencies = FromWire(spec->dependencies());
  if (task.args_in_store && task.dependencies.empty()) return MalformedMessage("TaskSpec");
  if (spec->args() != nullptr && spec->args()->size() > 0) {
    // A view without an owner, since `memory` may not own itself; the task owns both.
    memory->args = AlignedObject(nullptr, BytesOf(*spec->args()));
    task.args = memory->args.bytes();
  }
  task.cpus = CpusOf(*spec);
  task.options = DecodeOptions(spec->options());
  if (!ReadActorFields(*spec, &task)) return MalformedMessage("TaskSpec");
  ReadSurroundings(*message, &task);
  RAYX_RETURN_IF_ERROR(FillValues(*message, memory, pool, &task));
  task.memory = memory;
  return task;
}

void WorkerQueue::OnRunTask(RunnableTask task) {
  (task.from_client ? given_ : tasks_).push_back(std::move(task));
}

std::optional<RunnableTask> WorkerQueue::Pop(const Begin& begin) {
  while (!ended_ && size() > 0) {
    const bool is_given =
        tasks_.empty() || (!given_.empty() && given_.front().sequence < tasks_.front().sequence);
    std::deque<RunnableTask>& from = is_given ? given_ : tasks_;
    const ClaimWord::Claim claim = begin(from.front().sequence);
    if (claim == ClaimWord::Claim::kNotYet) break;
    RunnableTask task = std::move(from.front());
    from.pop_front();
    if (claim == ClaimWord::Claim::kOurs) {
      HandOnNews(&task);
      return task;
    }
    KeepNews(&task);
  }
  return std::nullopt;
}

void WorkerQueue::KeepNews(RunnableTask* dropped) {
  HandOnNews(dropped);
  if (!dropped->driver_config && dropped->setups.empty()) return;
  news_ = {dropped->driver, std::move(dropped->driver_config), std::move(dropped->setups)};
}

void WorkerQueue::HandOnNews(RunnableTask* task) {
  if (!news_) return;
  News news = *std::exchange(news_, std::nullopt);
  if (news.driver != task->driver) return;
  if (!task->driver_config) task->driver_config = std::move(news.config);
  news.setups.insert(news.setups.end(), std::make_move_iterator(task->setups.begin()),
                     std::make_move_iterator(task->setups.end()));
  task->setups = std::move(news.setups);
}

}  // namespace rayx
