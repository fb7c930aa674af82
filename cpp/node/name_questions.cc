#include "node/name_questions.h"

#include <utility>
#include <vector>

namespace rayx::node {

void NameQuestions::Ask(const Peer& peer, const std::string& name, Done done) {
  const ClientId home = parts_.drivers->HomeOf(peer.driver);
  if (home.IsNil()) return done(parts_.actors->FindNamed(peer, name));
  const uint64_t number = ++last_;
  asked_[number] = {.home = home, .asker = peer.id, .done = std::move(done)};
  parts_.remote->Send(home,
                      remote::FindActor{.driver = peer.driver, .number = number, .name = name});
}

Status NameQuestions::OnFind(ClientId from, const remote::FindActor& question) {
  remote::ActorFound answer{.driver = question.driver, .number = question.number};
  // Of a driver that has ended there is nothing.
  const auto actor = parts_.scheduler->FindNamedActor(question.driver, question.name);
  const TaskSpec* creation = actor ? parts_.scheduler->FindTask(*actor) : nullptr;
  // The name covers the object as long as the actor lives, and nobody needs that of a dead one.
  if (creation != nullptr) answer.creation = *creation;
  parts_.remote->Send(from, std::move(answer));
  return Status::Ok();
}

Status NameQuestions::OnFound(ClientId from, const remote::ActorFound& answer) {
  const auto it = asked_.find(answer.number);
  if (it == asked_.end() || it->second.home != from) {
    return Status::ProtocolError("ActorFound that nobody has asked for");
  }
  const Asked asked = std::move(it->second);
  asked_.erase(it);
  if (shell_.peers->FindPeer(asked.asker) == nullptr) return Status::Ok();
  const bool is_known = answer.creation && parts_.drivers->HomeOf(answer.driver) == from;
  if (is_known) {
    const ObjectId object[] = {ActorBook::ObjectOf(answer.creation->id)};
    parts_.store->AddClientReference(asked.asker, object[0]);
    parts_.remote->Named(from, object);
  }
  asked.done(is_known ? &*answer.creation : nullptr);
  return Status::Ok();
}

void NameQuestions::OnSessionEnded(ClientId session) {
  std::vector<Asked> ended;
  std::erase_if(asked_, [&](auto& entry) {
    if (entry.second.home != session) return false;
    ended.push_back(std::move(entry.second));
    return true;
  });
  for (const Asked& asked : ended) {
    if (shell_.peers->FindPeer(asked.asker) != nullptr) asked.done(nullptr);
  }
}

}  // namespace rayx::node
