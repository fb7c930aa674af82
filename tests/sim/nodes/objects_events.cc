// What happens to objects, one thing at a time.
#include <algorithm>
#include <utility>

#include "common/base/overload.h"
#include "sim/nodes/objects_node.h"

namespace rayx::sim {

using node::BytesOf;

namespace {

constexpr uint64_t kLargeBytes = 256;

}  // namespace

// --- what happens ---

void ObjectsWorld::Put(Client& client, bool is_large, const std::vector<ObjectId>& contained) {
  const ObjectId id = ObjectId::ForPut(testing::TaskNumber(++last_number_), 0);
  facts_[id] = {.home = client.home,
                .maker = client.node,
                .is_made = false,
                .is_hurt = false,
                .value = {.id = id, .contained = contained}};
  client.held.insert(id);
  Make(client.node, &client, id, is_large);
}

void ObjectsWorld::Make(size_t node, Client* client, const ObjectId& id, bool is_large) {
  Fact& fact = facts_.at(id);
  fact.is_made = true;
  node::NodeCore& core = nodes_[node]->core();
  const std::string bytes = Encode(fact.value);
  const std::vector<ObjectId>& contained = fact.value.contained;
  if (!is_large) {
    const ClientId maker = client == nullptr ? kNoClient : client->peer.id;
    if (!core.store().PutInline(maker, id, BytesOf(bytes), contained).ok()) Break("a second value");
    return;
  }
  const ClientId maker = client == nullptr ? ++last_client_ : client->peer.id;
  const Result<uint64_t> offset = core.store().Create(maker, id, kLargeBytes);
  if (!offset.ok()) return Break("no room: " + offset.status().ToString());
  nodes_[node]->pool[offset.value()] = bytes;
  if (!core.store().Seal(maker, id, contained).ok()) Break("a second value");
  if (client == nullptr) (void)core.store().RemoveClientReference(maker, id);
}

void ObjectsWorld::Ask(Client& client, const ObjectId& id) {
  if (!client.asked.insert(id).second) return;
  nodes_[client.node]->core().objects().OnGet(client.peer, std::span(&id, 1), true, 0);
}

void ObjectsWorld::AskForAll() {
  for (Client& client : clients_) {
    if (!nodes_[client.node]->is_alive) continue;
    for (const ObjectId& id : client.held) Ask(client, id);
    After(client.node);
  }
}

void ObjectsWorld::Take(Client& client, const ObjectId& id) {
  client.held.insert(id);
  nodes_[client.node]->core().objects().OnAddReferences(client.peer, std::span(&id, 1));
}

void ObjectsWorld::Drop(Client& client, const ObjectId& id) {
  client.held.erase(id);
  client.got.erase(id);
  client.asked.erase(id);
  const Status released =
      nodes_[client.node]->core().objects().OnRelease(client.peer, {}, std::span(&id, 1));
  if (!released.ok()) Break(released.ToString());
}

void ObjectsWorld::Lend(Client& client, size_t guest, const std::vector<ObjectId>& ids) {
  Loan& loan = loans_.emplace_back();
  loan.home = client.home;
  loan.guest = guest;
  loan.ids = ids;
  loan.session = SideOf(client.home, guest).number;
  loan.result = ObjectId::ForReturn(testing::TaskNumber(++last_number_), 0);
  facts_[loan.result] = {.home = client.home,
                         .maker = guest,
                         .is_made = false,
                         .is_hurt = false,
                         .value = {.id = loan.result}};
  plasma::ObjectStore& store = nodes_[client.home]->core().store();
  for (const ObjectId& id : ids) store.AddReference(id);
  store.AddClientReference(client.peer.id, loan.result);
  client.held.insert(loan.result);
  node::RemoteObjects& remote = nodes_[client.home]->core().objects().remote();
  remote.Flush(SideOf(client.home, guest).session);
  SideOf(client.home, guest).frames.emplace_back(LoanBegun{loans_.size() - 1});
}

void ObjectsWorld::Deliver(size_t from, size_t to) {
  Side& side = SideOf(from, to);
  Frame frame = std::move(side.frames.front());
  side.frames.pop_front();
  std::visit(Overload{[&](node::remote::Message& message) {
                        const Status status = nodes_[to]->core().objects().remote().OnMessage(
                            SideOf(to, from).session, std::move(message));
                        if (!status.ok()) Break("refused: " + status.ToString());
                      },
                      [&](LoanBegun& loan) { Hear(to, from, loan); },
                      [&](LoanEnded& loan) { Hear(to, from, loan); }},
             frame);
}

void ObjectsWorld::Hear(size_t node, size_t from, const LoanBegun& frame) {
  Loan& loan = loans_[frame.loan];
  loan.runs = true;
  node::NodeCore& core = nodes_[node]->core();
  for (const ObjectId& id : loan.ids) core.store().AddReference(id);
  core.objects().remote().Named(SideOf(node, from).session, loan.ids);
  core.objects().remote().ExpectResult(SideOf(node, from).session, loan.result);
}

void ObjectsWorld::EndLoan(size_t index, bool is_large, const std::vector<ObjectId>& contained) {
  Loan& loan = loans_[index];
  loan.runs = false;
  Side& side = SideOf(loan.guest, loan.home);
  node::NodeCore& core = nodes_[loan.guest]->core();
  facts_.at(loan.result).value.contained = contained;
  Make(loan.guest, nullptr, loan.result, is_large);
  for (const ObjectId& id : loan.ids) core.store().RemoveReference(id);
  LoanEnded ended{index, core.objects().remote().TakeResult(side.session, loan.result)};
  core.objects().remote().Flush(side.session);
  side.frames.emplace_back(std::move(ended));
  core.objects().remote().OnResultSent(side.session, loan.result);
}

void ObjectsWorld::Hear(size_t node, size_t from, LoanEnded& frame) {
  Loan& loan = loans_[frame.loan];
  node::NodeCore& core = nodes_[node]->core();
  const Status accepted = core.objects().remote().Accept(SideOf(node, from).session, frame.result);
  if (!accepted.ok()) Break("refused: " + accepted.ToString());
  for (const ObjectId& id : loan.ids) core.store().RemoveReference(id);
  loan.over = true;
}

// --- harm ---

void ObjectsWorld::Hurt(size_t home, size_t maker) {
  for (auto& [id, fact] : facts_) {
    if (fact.home == home && (fact.maker == maker || home == maker)) fact.is_hurt = true;
  }
}

void ObjectsWorld::Crash(size_t node) {
  nodes_[node]->is_alive = false;
  bulk_.CutAllOf(node);
  Hurt(node, node);
  for (size_t other = 0; other < nodes_.size(); ++other) {
    Hurt(other, node);
    if (other != node) SideOf(node, other).is_open = false;
  }
  std::erase_if(due_, [&](const ObjectId& id) { return facts_.at(id).maker == node; });
  for (Client& client : clients_) {
    if (client.node == node) client.held.clear();
  }
  for (Loan& loan : loans_) loan.runs = loan.runs && loan.guest != node;
}

void ObjectsWorld::EndSession(size_t node, size_t other) {
  Side& side = SideOf(node, other);
  side.is_open = false;
  bulk_.Cut(node, other);
  bulk_.Cut(other, node);
  Hurt(node, other);
  Hurt(other, node);
  node::NodeCore& core = nodes_[node]->core();
  core.objects().remote().OnSessionEnded(side.session, "it was cut off");
  for (Loan& loan : loans_) {
    if (loan.session != side.number) continue;
    if (loan.home == node && !loan.over) {
      const std::string error = EncodeSystemError(SystemErrorCode::kObjectLost, "its node is gone");
      (void)core.store().PutInline(kNoClient, loan.result, BytesOf(error), {});
      for (const ObjectId& id : loan.ids) core.store().RemoveReference(id);
      loan.over = true;
    } else if (loan.guest == node && loan.runs) {
      loan.runs = false;
      for (const ObjectId& id : loan.ids) core.store().RemoveReference(id);
    }
  }
  // The workers of its drivers end.
  std::erase_if(due_, [&](const ObjectId& id) {
    const Fact& fact = facts_.at(id);
    return fact.maker == node && fact.home == other;
  });
  for (Client& client : clients_) {
    if (client.node != node || client.home != other) continue;
    core.store().OnClientGone(client.peer.id);
    client.peer = {};
    client.peer.id = ++last_client_;
    client.held.clear();
    client.got.clear();
    client.asked.clear();
  }
}

}  // namespace rayx::sim
