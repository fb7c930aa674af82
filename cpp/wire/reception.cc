#include "wire/reception.h"

#include <span>
#include <utility>

#include "common/base/limits.h"

namespace rayx::wire {

Reception::Reception(EventLoop* loop, std::string python_version, Handlers handlers)
    : loop_(loop), python_version_(std::move(python_version)), handlers_(std::move(handlers)) {}

Reception::~Reception() = default;

void Reception::Receive(std::unique_ptr<ByteStream> stream, std::string name) {
  const uint64_t number = ++last_number_;
  Guest& guest = guests_[number];
  guest.name = std::move(name);
  guest.stream = std::move(stream);
  const auto serve = [this, number] { Serve(number); };
  guest.watcher = loop_->Watch(guest.stream->fd(), serve, serve);
  guest.timer = loop_->CallAt(loop_->now_ms() + limits::kHelloTimeoutMs, [this, number] {
    TurnAway(number, "it has not said in time who it is");
  });
  // What has come with the proof, the socket does not tell again.
  Serve(number);
}

void Reception::Serve(uint64_t number) {
  Guest& guest = guests_.at(number);
  if (guest.answer.empty()) {
    const Result<bool> whole = guest.first.ReadFrom(guest.stream.get());
    if (!whole.ok()) return TurnAway(number, whole.status().message());
    if (!*whole) return guest.watcher->WantWrite(guest.stream->read_wants_write());
    Answer(&guest);
  }
  const Result<bool> written = WriteAnswer(&guest);
  if (!written.ok()) return TurnAway(number, written.status().message());
  if (*written) return HandOn(number);
  guest.watcher->WantWrite(!guest.stream->write_wants_read());
}

void Reception::Answer(Guest* guest) {
  const Result<NodeGreeting> greeting = DecodeGreeting(guest->first.frame(), python_version_);
  std::variant<NodeAdmission, NodeRefusal> answer;
  if (greeting.ok()) {
    answer = handlers_.decide(*greeting);
  } else {
    answer = NodeRefusal{.reason = greeting.status().message()};
  }
  if (const auto* refusal = std::get_if<NodeRefusal>(&answer)) {
    handlers_.turned_away(guest->name, refusal->reason);
  } else {
    guest->welcome = *greeting;
  }
  guest->answer = std::visit([](const auto& given) { return EncodeAnswer(given); }, answer);
}

Result<bool> Reception::WriteAnswer(Guest* guest) {
  while (guest->answered < guest->answer.size()) {
    const Result<size_t> wrote =
        guest->stream->Write(std::span(guest->answer).subspan(guest->answered), {});
    if (!wrote.ok()) return wrote.status();
    if (*wrote == 0) return false;
    guest->answered += *wrote;
  }
  return true;
}

void Reception::HandOn(uint64_t number) {
  Guest guest = std::move(guests_.at(number));
  guests_.erase(number);
  guest.watcher.reset();
  if (guest.welcome) handlers_.welcomed(*guest.welcome, std::move(guest.stream));
}

void Reception::TurnAway(uint64_t number, const std::string& why) {
  const Guest guest = std::move(guests_.at(number));
  guests_.erase(number);
  // Of one that is refused, the reason has been told.
  if (guest.answer.empty()) handlers_.turned_away(guest.name, why);
}

}  // namespace rayx::wire
