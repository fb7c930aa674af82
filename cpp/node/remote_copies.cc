#include "node/remote_copies.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <variant>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "node/mutation.h"

namespace rayx::node {

using plasma::Sharing;
using transfer::Version;

namespace {

// Where the versions of a node begin: far from those of any other one, whatever their ids. The last
// step of splitmix64 (Steele, Lea and Flood, 2014), which is one-to-one, over both halves of the
// id.
uint64_t FirstVersionOf(const NodeId& node) {
  const auto mix = [](uint64_t word) {
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
  };
  uint64_t halves[2];
  static_assert(sizeof(halves) == NodeId::kSize);
  std::memcpy(halves, node.data(), sizeof(halves));
  return mix(mix(halves[0] + 1) ^ halves[1]);
}

}  // namespace

// ---- what this node wants, and has --------------------------------------------------------------

void RemoteCopies::Want(const ObjectId& id, uint64_t size_bytes, ClientId home) {
  Copy& copy = copies_[id];
  if (copy.bundle != 0 || failed_.contains(id)) return;
  copy.home = home;
  copy.bundle = ++last_bundle_;
  transfers_.pulls().Want(copy.bundle, {.urgency = 0, .number = copy.bundle},
                          {{.id = id, .size_bytes = size_bytes}});
}

void RemoteCopies::Leave(Copy& copy) {
  if (copy.bundle != 0) transfers_.pulls().Leave(std::exchange(copy.bundle, 0));
}

Version RemoteCopies::VersionOf(const ObjectId& id, ClientId home) {
  Copy& copy = copies_[id];
  const Sharing* sharing = shared_.Find(id);
  if (sharing != nullptr && sharing->version != 0) {
    copy.home = home;
    return sharing->version;
  }
  // The one before is gone, of which the store has not said so.
  SayDropped(id, copy);
  copy.home = home;
  copy.told = FirstVersionOf(shell_.others->self()) + ++last_version_;
  shared_.SetVersion(id, copy.told);
  return copy.told;
}

void RemoteCopies::SayDropped(const ObjectId& id, Copy& copy) {
  // That it is whole may have been decided, and not said.
  (void)CarryOut();
  if (copy.told != 0) SayToHome(transfer::CopyDropped{.id = id, .was_whole = true});
  copy.told = 0;
}

void RemoteCopies::OnMade(const ObjectId& id, Version version, uint64_t size_bytes,
                          const NodeId& node) {
  copies_[id].home = kNoClient;
  directory_.OnMade(id, version, size_bytes, node);
}

void RemoteCopies::ListOwn(const ObjectId& id) {
  const Sharing* sharing = shared_.Find(id);
  if (sharing != nullptr && !sharing->home.IsNil()) return;
  const std::optional<plasma::ObjectLocation> here = store_->Find(id);
  if (!here || here->is_inline || here->is_elsewhere) return;
  directory_.OnMade(id, VersionOf(id, kNoClient), here->size, shell_.others->self());
}

std::vector<ObjectId> RemoteCopies::ContainedIn(const ObjectId& id) {
  if (RAYX_MUTATION(kForgetInsideCopy)) return {};
  if (store_->IsSealed(id)) return store_->ContainedIn(id);
  const Sharing* sharing = shared_.Find(id);
  return sharing == nullptr ? std::vector<ObjectId>() : sharing->contained;
}

// ---- what the store has decided -----------------------------------------------------------------

void RemoteCopies::SetIsHere(const ObjectId& id) {
  const auto found = copies_.find(id);
  if (found == copies_.end() || found->second.bundle == 0) return;
  if (RAYX_MUTATION(kForgetHere)) return;
  transfers_.pulls().SetIsHere(id, true);
  Leave(found->second);
}

void RemoteCopies::Forget(const ObjectId& id) {
  const auto found = copies_.find(id);
  if (found == copies_.end() || RAYX_MUTATION(kForgetEndOfCopy)) return;
  Copy& copy = found->second;
  Leave(copy);
  failed_.erase(id);
  // The object may have come to be, and have a value, once more.
  const std::optional<plasma::ObjectLocation> next = store_->Find(id);
  const Sharing* sharing = shared_.Find(id);
  const bool is_told = next && sharing != nullptr && sharing->version == copy.told;
  if (is_told && copy.told != 0) return;
  SayDropped(id, copy);
  if (next && next->is_elsewhere && copy.home.IsNil()) return;
  directory_.Forget(id);
  copies_.erase(found);
}

void RemoteCopies::OnWhole(const ObjectId& id, Version version) {
  Copy& copy = copies_.at(id);
  done_.emplace_back(id, std::exchange(copy.bundle, 0));
  copy.told = version;
  owner_->OnCopied(id, std::exchange(copy.contained, {}), version);
}

void RemoteCopies::OnUnneeded(const ObjectId& id) {
  // Somebody may have come to need it since.
  const Sharing* sharing = shared_.Find(id);
  if (sharing != nullptr && sharing->is_wanted_here) return;
  const auto found = copies_.find(id);
  if (found != copies_.end()) Leave(found->second);
}

// ---- what other nodes say -----------------------------------------------------------------------

void RemoteCopies::On(ClientId from, const transfer::AskSource& message) {
  if (!directory_.Contains(message.id)) ListOwn(message.id);
  directory_.On(sessions_->NodeOf(from), message);
}

void RemoteCopies::On(ClientId from, const transfer::CopyWhole& message) {
  directory_.On(sessions_->NodeOf(from), message);
}

void RemoteCopies::On(ClientId from, const transfer::CopyDropped& message) {
  directory_.On(sessions_->NodeOf(from), message);
}

void RemoteCopies::On(ClientId from, const remote::UseSource& message) {
  const auto found = copies_.find(message.source.id);
  if (found == copies_.end() || found->second.home != from) return;
  found->second.contained = message.contained;
  transfers_.pulls().On(message.source);
}

void RemoteCopies::On(ClientId from, const transfer::LeaveSource& message) {
  const auto found = copies_.find(message.id);
  if (found != copies_.end() && found->second.home == from) transfers_.pulls().On(message);
}

void RemoteCopies::On(ClientId from, const transfer::NoSource& message) {
  const auto found = copies_.find(message.id);
  if (found != copies_.end() && found->second.home == from) transfers_.pulls().On(message);
}

// ---- the turn -----------------------------------------------------------------------------------

bool RemoteCopies::Turn(int64_t now_ms) {
  // Who asks for what is not here is answered.
  if (empty()) return CarryOut();
  directory_.OnTurn(now_ms);
  const bool has_told = TellFailures(now_ms) || !done_.empty();
  for (const auto& [id, bundle] : std::exchange(done_, {})) {
    transfers_.pulls().Leave(bundle);
    // Who reads it has pinned it by now. If nobody else needs it, it ends.
    pool_.LetGo(id);
  }
  if (!transfers_.pulls().empty()) transfers_.pulls().Turn(pool_.BytesForCopies());
  if (transfers_.pulls().waits_for_room()) room_ms_ = now_ms + limits::kCopyRetryMs;
  return CarryOut() || has_told;
}

bool RemoteCopies::CarryOut() {
  const std::vector<transfer::PullQueue::Effect> effects = transfers_.pulls().TakeEffects();
  for (const auto& effect : effects) {
    std::visit([this](const auto& one) { Say(one); }, effect);
  }
  const std::vector<transfer::Directory::Answer> answers = directory_.TakeAnswers();
  for (const transfer::Directory::Answer& answer : answers) Answer(answer.to, answer.message);
  const auto missing = transfers_.serves().TakeMissing();
  for (const auto& [reader, message] : missing) shell_.others->SendOnStream(reader, message);
  return !effects.empty() || !answers.empty() || !missing.empty();
}

template <typename ToHome>
void RemoteCopies::SayToHome(const ToHome& message) {
  const auto found = copies_.find(message.id);
  if (found == copies_.end()) return;
  if (!found->second.home.IsNil()) return owner_->Send(found->second.home, message);
  directory_.On(shell_.others->self(), message);
}

void RemoteCopies::Say(const transfer::AskSource& message) { SayToHome(message); }
void RemoteCopies::Say(const transfer::CopyWhole& message) { SayToHome(message); }
void RemoteCopies::Say(const transfer::CopyDropped& message) { SayToHome(message); }

void RemoteCopies::Say(const transfer::PullQueue::ForSource& message) {
  std::visit([&](const auto& said) { shell_.others->SendOnStream(message.source, said); },
             message.message);
}

void RemoteCopies::Say(const transfer::PullQueue::Lost& message) {
  const auto found = copies_.find(message.id);
  if (found == copies_.end() || found->second.bundle == 0) return;
  if (RAYX_MUTATION(kForgetLostCopy)) return;
  Leave(found->second);
  failed_.insert(message.id);
}

void RemoteCopies::Answer(const NodeId& node, const transfer::FromHome& message) {
  if (node == shell_.others->self()) {
    if (const auto* use = std::get_if<transfer::UseSource>(&message)) {
      const auto found = copies_.find(use->id);
      if (found != copies_.end()) found->second.contained = ContainedIn(use->id);
    }
    return std::visit([this](const auto& one) { transfers_.pulls().On(one); }, message);
  }
  const ClientId session = sessions_->With(node);
  if (const auto* use = std::get_if<transfer::UseSource>(&message)) {
    return owner_->Send(session,
                        remote::UseSource{.source = *use, .contained = ContainedIn(use->id)});
  }
  if (const auto* leave = std::get_if<transfer::LeaveSource>(&message)) {
    return owner_->Send(session, *leave);
  }
  owner_->Send(session, std::get<transfer::NoSource>(message));
}

bool RemoteCopies::TellFailures(int64_t now_ms) {
  if (failed_.empty() || now_ms < retry_ms_) return false;
  retry_ms_ = now_ms + limits::kCopyRetryMs;
  for (const ObjectId& id : std::exchange(failed_, {})) owner_->OnCopyFailed(id);
  return true;
}

std::optional<int64_t> RemoteCopies::NextTickMs() const {
  std::optional<int64_t> next = directory_.NextTickMs();
  const auto add = [&next](int64_t due_ms) { next = next ? std::min(*next, due_ms) : due_ms; };
  if (!failed_.empty()) add(retry_ms_);
  if (transfers_.pulls().waits_for_room()) add(room_ms_);
  return next;
}

std::string RemoteCopies::DebugText() const {
  return transfers_.pulls().DebugText() + directory_.DebugText();
}

}  // namespace rayx::node
