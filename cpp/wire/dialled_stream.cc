#include "wire/dialled_stream.h"

#include <utility>
#include <variant>

namespace rayx::wire {

DialledStream::DialledStream(std::unique_ptr<ByteStream> below, const NodeId& listener,
                             std::vector<uint8_t> greeting, Events events)
    : below_(std::move(below)),
      listener_(listener),
      greeting_(std::move(greeting)),
      events_(std::move(events)) {}

Status DialledStream::Greet() {
  if (!failure_.ok() || admitted_) return failure_;
  while (!has_greeted()) {
    const Result<size_t> wrote = below_->Write(std::span(greeting_).subspan(greeted_), {});
    if (!wrote.ok()) return failure_ = wrote.status();
    if (*wrote == 0) break;
    greeted_ += *wrote;
  }
  // Also before all is written: a peer that refuses us at once tells why.
  const Result<bool> whole = answer_.ReadFrom(below_.get());
  if (!whole.ok()) return failure_ = whole.status();
  return *whole ? failure_ = OnAnswer() : Status::Ok();
}

Status DialledStream::OnAnswer() {
  const auto answer = DecodeAnswer(answer_.frame());
  if (!answer.ok()) return answer.status();
  if (const auto* refusal = std::get_if<NodeRefusal>(&*answer)) {
    if (events_.on_refused) events_.on_refused(*refusal);
    return Status::Unavailable("the node that was dialled refuses this one: " + refusal->reason);
  }
  const auto& admission = std::get<NodeAdmission>(*answer);
  if (!listener_.IsNil() && admission.node != listener_) {
    return Status::NotFound("another node answers at the address of the one that was dialled");
  }
  admitted_ = true;
  if (events_.on_admitted) events_.on_admitted(admission);
  return Status::Ok();
}

Result<ReadOutcome> DialledStream::Read(std::span<uint8_t> room) {
  if (const Status status = Greet(); !status.ok()) return status;
  if (admitted_) return below_->Read(room);
  ReadOutcome outcome;
  outcome.would_block = true;
  return outcome;
}

Result<size_t> DialledStream::Write(std::span<const uint8_t> bytes, std::span<const int> fds) {
  if (const Status status = Greet(); !status.ok()) return status;
  return admitted_ ? below_->Write(bytes, fds) : Result<size_t>(size_t{0});
}

bool DialledStream::read_wants_write() const {
  if (below_->read_wants_write()) return true;
  return !has_greeted() && !below_->write_wants_read();
}

bool DialledStream::write_wants_read() const {
  if (admitted_) return below_->write_wants_read();
  // The answer is waited for; but first the greeting must leave.
  return !read_wants_write();
}

bool DialledStream::holds_bytes() const { return below_->holds_bytes(); }

}  // namespace rayx::wire
