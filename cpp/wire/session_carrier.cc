#include "wire/session_carrier.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "common/base/overload.h"

namespace rayx::wire {
namespace {

using cluster::ConnectionId;

}  // namespace

SessionCarrier::SessionCarrier(EventLoop* loop, const NodeId& self, Reach reach, Handlers handlers)
    : loop_(loop),
      reach_(std::move(reach)),
      handlers_(std::move(handlers)),
      book_({.self = self}) {}

SessionCarrier::~SessionCarrier() = default;

SessionCarrier::Link* SessionCarrier::FindLink(ConnectionId id) {
  const auto found = links_.find(id);
  return found == links_.end() ? nullptr : &found->second;
}

// ---- sessions -----------------------------------------------------------------------------------

// What the book does and what the handlers are told of it is a turn apart, and in that turn a
// session may end and the next one begin.

bool SessionCarrier::Open(const NodeId& peer) {
  if (told_.contains(peer)) return Find(peer) != nullptr;
  if (!book_.Open(peer)) return false;
  Begin(peer, book_.Find(peer)->summary().session);
  return true;
}

bool SessionCarrier::Send(const NodeId& peer, cluster::Message message) {
  return Find(peer) != nullptr && book_.Send(peer, std::move(message));
}

const cluster::PeerSession* SessionCarrier::Find(const NodeId& peer) const {
  const auto told = told_.find(peer);
  if (told == told_.end()) return nullptr;
  const cluster::PeerSession* session = book_.Find(peer);
  return session != nullptr && session->summary().session == told->second ? session : nullptr;
}

// One that Open has found, which the other side had begun, is told by then.
void SessionCarrier::Begin(const NodeId& peer, uint64_t session) {
  if (told_.emplace(peer, session).second) handlers_.on_begun(peer);
}

void SessionCarrier::End(const cluster::SessionEnded& ended) {
  // One that had ended before Open began the next one was never told of.
  const auto told = told_.find(ended.peer);
  if (told == told_.end() || told->second != ended.session) return;
  told_.erase(told);
  handlers_.on_ended(ended);
}

// ---- connections --------------------------------------------------------------------------------

ConnectionId SessionCarrier::Add(std::unique_ptr<ByteStream> stream,
                                 std::optional<cluster::Dial> dial) {
  const ConnectionId id(++last_id_);
  Link& link = links_[id];
  link.dial = dial;
  link.connection = std::make_unique<Connection>(
      loop_, std::move(stream), limits::kFrameBytesMax,
      Connection::Handlers{.on_frames = [this, id] { OnFrames(id); },
                           .on_closed = [this, id](const Status& why) { OnClosed(id, why); },
                           .on_dirty = [this, id] { dirty_.push_back(id); }});
  return id;
}

void SessionCarrier::Take(std::unique_ptr<ByteStream> stream) {
  const ConnectionId id = Add(std::move(stream), std::nullopt);
  links_[id].hello_timer = loop_->CallAt(loop_->now_ms() + limits::kHelloTimeoutMs, [this, id] {
    Close(id, Status::TimedOut("no hello of a session"));
  });
}

void SessionCarrier::StartDial(const cluster::Dial& dial) {
  GiveUpDial(dial.peer);
  // The number is known before there is a connection, which may be admitted at once.
  const ConnectionId id(last_id_ + 1);
  Result<std::unique_ptr<ByteStream>> stream =
      reach_(dial.peer, {.on_admitted = [this, id](const NodeAdmission&) { OnAdmitted(id); },
                         .on_refused =
                             [this](const NodeRefusal& refusal) {
                               if (refusal.declared_dead) handlers_.on_declared_dead();
                             }});
  if (!stream.ok()) {
    book_.OnDialEnded({.peer = dial.peer,
                       .attempt = dial.attempt,
                       .connection = cluster::kNoConnection,
                       .is_refused = stream.status().code() == StatusCode::kNotFound});
    return;
  }
  Add(std::move(*stream), dial);
  // Nothing is sent yet that would make the stream greet.
  links_[id].connection->ReadNow();
}

// A dial ends with the next one to the peer, and with the session: without that, those whose
// packets vanish would stay until the kernel gives up, and those that are never welcomed for good.
// That they have come to nothing is known, so what is told of their end is ignored.
void SessionCarrier::GiveUpDial(const NodeId& peer) {
  for (auto& [id, link] : links_) {
    if (!link.dial || link.dial->peer != peer) continue;
    link.connection->Close(Status::TimedOut("the dial has been given up"));
  }
}

void SessionCarrier::OnAdmitted(ConnectionId id) {
  Link* link = FindLink(id);
  if (link == nullptr || !link->dial) return;
  const cluster::Dial dial = *std::exchange(link->dial, std::nullopt);
  link->peer = dial.peer;
  book_.OnDialEnded({.peer = dial.peer, .attempt = dial.attempt, .connection = id});
}

void SessionCarrier::OnClosed(ConnectionId id, const Status& reason) {
  closed_.push_back(id);
  Link* link = FindLink(id);
  if (link == nullptr) return;
  link->hello_timer.reset();
  if (!link->dial) return book_.OnClosed(id);
  const cluster::Dial dial = *std::exchange(link->dial, std::nullopt);
  book_.OnDialEnded({.peer = dial.peer,
                     .attempt = dial.attempt,
                     .connection = cluster::kNoConnection,
                     .is_refused = reason.code() == StatusCode::kNotFound});
}

void SessionCarrier::Close(ConnectionId id, Status reason) {
  if (Link* link = FindLink(id)) link->connection->Close(std::move(reason));
}

// ---- what arrives -------------------------------------------------------------------------------

void SessionCarrier::OnFrames(ConnectionId id) {
  book_.OnBytes(id);
  while (Link* link = FindLink(id)) {
    const std::optional<Frame> frame = link->connection->NextFrame();
    if (!frame || !OnFrame(id, *frame)) return;
  }
}

bool SessionCarrier::OnFrame(ConnectionId id, const Frame& frame) {
  const auto decoded = DecodeSessionFrame(frame);
  if (!decoded.ok()) {
    Close(id, decoded.status());
    return false;
  }
  if (const auto* notice = std::get_if<cluster::Notice>(&*decoded)) {
    Link& link = *FindLink(id);
    link.hello_timer.reset();
    if (const auto* hello = std::get_if<cluster::Hello>(notice)) link.peer = hello->node;
    book_.OnNotice(id, *notice);
    return true;
  }
  const auto& message = std::get<IncomingMessage>(*decoded);
  const NodeId peer = FindLink(id)->peer;
  if (!told_.contains(peer)) {
    Close(id, Status::ProtocolError("a message in a session that has not begun"));
    return false;
  }
  if (book_.OnFrame(id, message.numbers, message.payload.size())) {
    handlers_.on_message(peer, message.type, message.payload);
  }
  return true;
}

// ---- the turn -----------------------------------------------------------------------------------

void SessionCarrier::OnTurn() {
  book_.OnTurn(loop_->now_ms());
  // What an effect leads to may want more of the book.
  for (cluster::Effects effects = book_.TakeEffects(); !effects.empty();
       effects = book_.TakeEffects()) {
    for (const cluster::Effect& effect : effects) CarryOut(effect);
  }
  WriteFrames();
  for (const ConnectionId id : std::exchange(dirty_, {})) {
    if (Link* link = FindLink(id)) link->connection->Flush();
  }
  for (const ConnectionId id : std::exchange(closed_, {})) links_.erase(id);
}

void SessionCarrier::CarryOut(const cluster::Effect& effect) {
  std::visit(Overload{
                 [this](const cluster::Dial& dial) { StartDial(dial); },
                 [this](const cluster::SendNotice& said) {
                   Link* link = FindLink(said.connection);
                   if (link == nullptr) return;
                   const EncodedFrame frame = Encode(said.notice);
                   link->connection->Send(frame.type, frame.payload);
                 },
                 [this](const cluster::FramesReady& ready) {
                   if (Link* link = FindLink(ready.connection)) link->has_frames = true;
                 },
                 [this](const cluster::CloseConnection& close) {
                   Close(close.connection,
                         Status::Disconnected("the session does not want it any more"));
                 },
                 [this](const cluster::SessionBegun& begun) { Begin(begun.peer, begun.session); },
                 [this](const cluster::SessionEnded& ended) {
                   GiveUpDial(ended.peer);
                   End(ended);
                 },
                 [this](const cluster::DeclaredDead&) { handlers_.on_declared_dead(); },
             },
             effect);
}

// What is kept for a reconnect is not kept a second time in a connection's buffer.
void SessionCarrier::WriteFrames() {
  for (auto& [id, link] : links_) {
    while (link.has_frames && link.connection->backlog_bytes() < limits::kPeerBacklogBytesSoft) {
      const std::optional<cluster::Frame> frame = book_.NextFrame(id);
      if (!frame) {
        link.has_frames = false;
        break;
      }
      const EncodedFrame encoded = Encode(*frame);
      link.connection->Send(encoded.type, encoded.payload);
    }
  }
}

}  // namespace rayx::wire
