#include "control/redis_link.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/log.h"

namespace rayx::control {
namespace {

// Errors by which the server says that it cannot serve now, but may later: it loads its data, its
// memory or disk is full, it has been made a replica. The command is kept and sent again after a
// pause.
bool IsPassing(const Reply& reply) {
  static constexpr std::array<std::string_view, 8> kPassing = {
      "LOADING", "OOM", "MISCONF", "BUSY", "READONLY", "MASTERDOWN", "NOAUTH", "TRYAGAIN"};
  if (!reply.Is(Reply::Type::kError)) return false;
  const std::string_view word = std::string_view(reply.text).substr(0, reply.text.find(' '));
  return std::find(kPassing.begin(), kPassing.end(), word) != kPassing.end();
}

}  // namespace

RedisLink::RedisLink(EventLoop* loop, RedisEndpoint endpoint)
    : loop_(loop), connection_(loop, std::move(endpoint), this) {}

RedisLink::~RedisLink() = default;

// ---- commands in -----------------------------------------------------------------------------

void RedisLink::Write(Words words, Loss loss) {
  Command command;
  AppendCommand(words, &command.bytes);
  command.loss = loss;
  Push(std::move(command));
}

void RedisLink::Read(Words words, Done done, int64_t timeout_ms) {
  if (connection_.refused()) return done(connection_.health());
  Command command;
  AppendCommand(words, &command.bytes);
  command.done = std::move(done);
  command.deadline_ms = loop_->now_ms() + timeout_ms;
  SetDeadlineTimer(command.deadline_ms);
  Push(std::move(command));
}

void RedisLink::Push(Command command) {
  queued_bytes_ += command.bytes.size();
  if (command.loss == Loss::kMayBeDropped) ++droppable_;
  queue_.push_back(std::move(command));
  if (queue_.size() > limits::kControlQueueCommandsMax ||
      queued_bytes_ > limits::kControlQueueBytesMax) {
    DropSome();
  }
}

// Drops the older half of what may be dropped, so that the next pass over the queue is far away.
void RedisLink::DropSome() {
  if (droppable_ == 0) return;
  const size_t wanted = (droppable_ + 1) / 2;
  size_t dropped = 0;
  std::deque<Command> kept;
  for (size_t i = 0; i < queue_.size(); ++i) {
    Command& command = queue_[i];
    if (i >= sent_ && dropped < wanted && command.loss == Loss::kMayBeDropped) {
      queued_bytes_ -= command.bytes.size();
      ++dropped;
    } else {
      kept.push_back(std::move(command));
    }
  }
  queue_ = std::move(kept);
  droppable_ -= dropped;
  lost_writes_ += dropped;
  LogWarning("too much waits for the control server at " + connection_.path() + ": dropped " +
             std::to_string(dropped) + " old updates of tasks and objects");
}

void RedisLink::KeepQueued() {
  for (Command& command : queue_) command.loss = Loss::kMustArrive;
  droppable_ = 0;
}

void RedisLink::Flush() {
  if (!connection_.ready()) return;
  while (sent_ < queue_.size() && connection_.backlog_bytes() < limits::kControlBacklogBytes) {
    const Command& command = queue_[sent_++];
    if (command.loss == Loss::kMayBeDropped) --droppable_;
    connection_.Send(command.bytes);
  }
  connection_.Flush();
}

// ---- the connection's events -----------------------------------------------------------------

void RedisLink::OnReady() {
  if (std::exchange(was_ready_, true) && on_again_) TellAgain();
  Flush();
}

// Nothing of the queue is sent at this moment, so that it may be put into another order.
void RedisLink::TellAgain() {
  const auto is_read = [](const Command& command) { return command.deadline_ms != 0; };
  const auto first = std::stable_partition(queue_.begin(), queue_.end(), std::not_fn(is_read));
  const auto waiting = queue_.end() - first;
  on_again_();
  // What was told may have pushed out some of the writes in front.
  const auto reads = std::find_if(queue_.begin(), queue_.end(), is_read);
  std::rotate(reads, reads + waiting, queue_.end());
}

void RedisLink::OnWritten() {
  if (sent_ < queue_.size()) Flush();
}

void RedisLink::OnReply(Reply reply) {
  if (sent_ == 0) {
    return connection_.Fail(Status::ProtocolError("it sent a reply that nobody asked for"));
  }
  if (IsPassing(reply)) return connection_.Fail(Status::Unavailable("it sent " + reply.Describe()));
  connection_.ConfirmGood();
  Command command = std::move(queue_.front());
  queue_.pop_front();
  --sent_;
  queued_bytes_ -= command.bytes.size();
  const bool is_error = reply.Is(Reply::Type::kError);
  if (!command.done) {
    if (is_error && command.deadline_ms == 0) LogRefusedWrite(reply);
  } else if (is_error) {
    command.done(
        Status::ProtocolError("the control server answered a question with " + reply.Describe()));
  } else {
    command.done(std::move(reply));
  }
}

void RedisLink::LogRefusedWrite(const Reply& reply) {
  ++lost_writes_;
  // A fault of the program or of somebody else's hands on the server; either may repeat a thousand
  // times a second.
  if (std::has_single_bit(lost_writes_)) {
    LogError("the control server at " + connection_.path() + " refused a write with " +
             reply.Describe() + " (" + std::to_string(lost_writes_) + " lost so far)");
  }
}

void RedisLink::OnLost() {
  for (size_t i = 0; i < sent_; ++i) {
    if (queue_[i].loss == Loss::kMayBeDropped) ++droppable_;
  }
  sent_ = 0;
  if (connection_.refused()) {
    FailReads([](const Command&) { return true; }, connection_.health());
  }
}

// ---- reads that wait too long ----------------------------------------------------------------

void RedisLink::SetDeadlineTimer(int64_t deadline_ms) {
  if (deadline_timer_ != nullptr && timer_deadline_ms_ <= deadline_ms) return;
  timer_deadline_ms_ = deadline_ms;
  deadline_timer_ = loop_->CallAt(deadline_ms, [this] { FailLateReads(); });
}

void RedisLink::FailLateReads() {
  deadline_timer_.reset();
  const int64_t now_ms = loop_->now_ms();
  const Status why = connection_.ready()
                         ? Status::Unavailable("the control server at " + connection_.path() +
                                               " did not answer in time")
                         : connection_.health();
  FailReads([now_ms](const Command& command) { return command.deadline_ms <= now_ms; }, why);
  for (const Command& command : queue_) {
    if (command.done) SetDeadlineTimer(command.deadline_ms);
  }
}

void RedisLink::FailReads(const std::function<bool(const Command&)>& which, const Status& why) {
  std::vector<Done> failed;
  std::deque<Command> kept;
  for (size_t i = 0; i < queue_.size(); ++i) {
    Command& command = queue_[i];
    if (command.done && which(command)) {
      failed.push_back(std::exchange(command.done, nullptr));
      // What is on its way will be answered, so its place in the queue stays.
      if (i >= sent_) {
        queued_bytes_ -= command.bytes.size();
        continue;
      }
    }
    kept.push_back(std::move(command));
  }
  queue_ = std::move(kept);
  // Only now: they may queue further commands.
  for (const Done& done : failed) done(why);
}

}  // namespace rayx::control
