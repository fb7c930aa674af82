#include "daemon/network/head_contact.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/limits.h"

namespace rayx::daemon {

HeadContact::HeadContact(EventLoop* loop, NodeStreams* streams, HostPort head, int64_t patience_ms,
                         Done done)
    : loop_(loop),
      streams_(streams),
      head_(std::move(head)),
      give_up_ms_(loop->now_ms() + patience_ms),
      done_(std::move(done)),
      pause_ms_(limits::kPeerRedialMs) {
  timer_ = loop_->CallAt(loop_->now_ms(), [this] { Dial(); });
}

HeadContact::~HeadContact() = default;

void HeadContact::Dial() {
  Result<std::unique_ptr<ByteStream>> stream = streams_->Dial(
      {.address = head_, .node = {}},
      {.on_admitted = [this](const wire::NodeAdmission& said) { answer_ = {.admission = said}; },
       .on_refused =
           [this](const wire::NodeRefusal& said) {
             answer_ = {.admission = Status::InvalidArgument("the node at " + head_.Text() +
                                                             " refuses this one: " + said.reason),
                        .declared_dead = said.declared_dead};
           }});
  if (!stream.ok()) return Fail(stream.status());
  stream_ = std::move(*stream);
  timer_ = loop_->CallAt(loop_->now_ms() + limits::kHeadAnswerMs, [this] {
    Fail(Status::TimedOut("no answer within " + std::to_string(limits::kHeadAnswerMs / 1000) +
                          " s; does a firewall drop what comes to the port?"));
  });
  const auto ready = [this] { OnReady(); };
  watcher_ = loop_->Watch(stream_->fd(), ready, ready);
  // Until it is connected.
  watcher_->WantWrite(true);
}

void HeadContact::OnReady() {
  std::array<uint8_t, 1> room;
  const Result<ReadOutcome> read = stream_->Read(room);
  if (answer_) return Tell(*answer_);
  if (!read.ok()) return Fail(read.status());
  watcher_->WantWrite(stream_->read_wants_write());
}

void HeadContact::Fail(const Status& why) {
  watcher_.reset();
  stream_.reset();
  const int64_t now_ms = loop_->now_ms();
  if (now_ms + pause_ms_ > give_up_ms_) {
    return Tell(
        {.admission = Status::Unavailable("the head at " + head_.Text() +
                                          " cannot be reached: " + why.message() + Advice(why))});
  }
  timer_ = loop_->CallAt(now_ms + pause_ms_, [this] { Dial(); });
  pause_ms_ = std::min(2 * pause_ms_, limits::kHeadRedialMsMax);
}

// A node with a key and one without understand nothing of each other, and hang up.
std::string HeadContact::Advice(const Status& why) const {
  if (why.code() != StatusCode::kDisconnected) return "";
  return streams_->tls() != nullptr ? ". If that cluster was started with --insecure, join it with "
                                      "--insecure"
                                    : ". If that cluster has a key, join it without --insecure";
}

void HeadContact::Tell(Answer answer) {
  watcher_.reset();
  stream_.reset();
  timer_ = loop_->CallAt(loop_->now_ms(), [this, answer = std::move(answer)] {
    // Copies, since `done_` may destroy this object, and the function that runs.
    const Done done = done_;
    const Answer told = answer;
    done(told);
  });
}

}  // namespace rayx::daemon
