// Nodes and clients, and what can happen next.
#include <algorithm>
#include <utility>

#include "sim/nodes/objects_node.h"

namespace rayx::sim {

ObjectsWorld::ObjectsWorld(const ObjectBounds& bounds) : left_(bounds), bounds_(bounds) {
  for (size_t node = 0; node < bounds.nodes; ++node) {
    nodes_.push_back(std::make_unique<Node>(this, node));
  }
  for (size_t a = 0; a < bounds.nodes; ++a) {
    if (a == 0 || bounds.is_any_home) AddClient(a, a);
    for (size_t b = 0; b < bounds.nodes; ++b) {
      if (b == a) continue;
      if (a == 0 || bounds.is_any_home) AddClient(b, a);
      sides_[{a, b}];
    }
  }
  for (size_t a = 0; a < bounds.nodes; ++a) {
    for (size_t b = a + 1; b < bounds.nodes; ++b) Connect(a, b);
  }
}

ObjectsWorld::~ObjectsWorld() = default;

void ObjectsWorld::Break(const std::string& rule) {
  if (broken_.empty()) broken_ = rule;
}

node::NodeCore& ObjectsWorld::CoreOf(size_t node) { return nodes_[node]->core(); }
std::map<uint64_t, std::string>& ObjectsWorld::PoolOf(size_t node) { return nodes_[node]->pool; }
NodeId ObjectsWorld::IdOf(size_t node) const { return NodeNumber(node); }
bool ObjectsWorld::IsAlive(size_t node) const { return nodes_[node]->is_alive; }

void ObjectsWorld::AddClient(size_t node, size_t home) {
  Client& client = clients_.emplace_back();
  client.peer.id = ++last_client_;
  client.node = node;
  client.home = home;
}

void ObjectsWorld::Connect(size_t a, size_t b) {
  const uint64_t number = ++last_session_;
  for (const auto& [node, other] : {std::pair(a, b), std::pair(b, a)}) {
    Side& side = SideOf(node, other);
    side.frames.clear();
    side.session = ++last_client_;
    side.number = number;
    side.is_open = true;
    nodes_[node]->core().objects().remote().OnSessionBegun(side.session, NodeNumber(other));
  }
}

void ObjectsWorld::After(size_t node) {
  nodes_[node]->is_due = true;
  if (bounds_.is_prompt && nodes_[node]->is_alive) nodes_[node]->Turn();
}

// --- what can happen ---

std::vector<ObjectsWorld::Choice> ObjectsWorld::Choices(Phase phase) {
  std::vector<Choice> choices;
  if (phase != Phase::kSettling) {
    for (Client& client : clients_) {
      if (nodes_[client.node]->is_alive) GatherClient(client, phase, &choices);
    }
  }
  GatherLoans(phase, &choices);
  GatherNodes(&choices);
  if (phase == Phase::kOpen) GatherHarm(&choices);
  if (phase == Phase::kOpen || choices.empty()) GatherTime(&choices);
  return choices;
}

void ObjectsWorld::GatherClient(Client& client, Phase phase, std::vector<Choice>* choices) {
  const std::string name = "c" + client.peer.id.ToString();
  const auto add = [&](const std::string& text, std::function<void()> happens, size_t weight = 4) {
    choices->push_back({name + " " + text,
                        [this, &client, happens] {
                          const size_t node = client.node;
                          happens();
                          After(node);
                        },
                        weight});
  };
  for (const ObjectId& id : client.held) {
    add(
        "drops " + NameOf(id), [this, &client, id] { Drop(client, id); }, 1);
  }
  if (phase != Phase::kOpen) return;
  const std::vector<ObjectId> held(client.held.begin(), client.held.end());
  std::vector<std::vector<ObjectId>> sets{{}};
  if (!held.empty()) sets.push_back({held.front()});
  if (held.size() > 1) sets.push_back({held.back(), held[held.size() / 2 - 1]});
  for (const auto& contained : sets) {
    for (const bool is_large : {false, true}) {
      if (left_.puts == 0 || (is_large && !left_.with_large)) continue;
      add((is_large ? "puts large" : "puts") + NamesOf(contained),
          [this, &client, is_large, contained] {
            --left_.puts;
            Put(client, is_large, contained);
          });
    }
  }
  for (const ObjectId& id : held) {
    if (!client.asked.contains(id)) {
      add("asks for " + NameOf(id), [this, &client, id] { Ask(client, id); });
    }
    const auto got = client.got.find(id);
    if (got == client.got.end()) continue;
    for (const ObjectId& inner : got->second.contained) {
      if (client.held.contains(inner)) continue;
      add("takes " + NameOf(inner), [this, &client, inner] { Take(client, inner); });
    }
  }
  if (left_.tasks > 0) {
    add("submits", [this, &client] {
      --left_.tasks;
      const ObjectId id = ObjectId::ForReturn(testing::TaskNumber(++last_number_), 0);
      facts_[id] = {.home = client.home,
                    .maker = client.node,
                    .is_made = false,
                    .is_hurt = false,
                    .value = {.id = id}};
      due_.insert(id);
      client.held.insert(id);
      nodes_[client.node]->core().store().AddClientReference(client.peer.id, id);
    });
  }
  if (left_.loans == 0 || client.node != client.home) return;
  for (size_t guest = 0; guest < nodes_.size(); ++guest) {
    if (guest == client.home || !SideOf(client.home, guest).is_open) continue;
    for (const auto& ids : sets) {
      add(
          "lends" + NamesOf(ids) + " to " + std::to_string(guest),
          [this, &client, guest, ids] {
            --left_.loans;
            Lend(client, guest, ids);
          },
          10);
    }
  }
}

void ObjectsWorld::GatherLoans(Phase phase, std::vector<Choice>* choices) {
  for (const ObjectId& id : due_) {
    const size_t node = facts_.at(id).maker;
    for (const bool is_large : {false, true}) {
      if (is_large && !left_.with_large) continue;
      choices->push_back({"makes " + NameOf(id), [this, id, node, is_large] {
                            due_.erase(id);
                            Make(node, nullptr, id, is_large);
                            After(node);
                          }});
    }
  }
  for (size_t i = 0; i < loans_.size(); ++i) {
    const Loan& loan = loans_[i];
    if (!loan.runs) continue;
    for (Client& client : clients_) {
      if (client.node != loan.guest || client.home != loan.home) continue;
      for (const ObjectId& id : loan.ids) {
        if (client.held.contains(id) || phase != Phase::kOpen) continue;
        choices->push_back({"loan gives " + NameOf(id),
                            [this, &client, id] {
                              Take(client, id);
                              After(client.node);
                            },
                            12});
      }
      // Only what is older: nothing that contains itself by way of others ever goes.
      std::vector<ObjectId> held;
      for (const ObjectId& id : client.held) {
        if (testing::NumberOf(id.Task()) < testing::NumberOf(loan.result.Task()))
          held.push_back(id);
      }
      std::vector<std::vector<ObjectId>> sets{{}};
      if (!held.empty()) sets.push_back({held.front()});
      if (held.size() > 1) sets.push_back(held);
      for (const auto& contained : sets) {
        for (const bool is_large : {false, true}) {
          if (is_large && !left_.with_large) continue;
          choices->push_back(
              {std::string("loan ends") + (is_large ? " large" : "") + NamesOf(contained),
               [this, i, is_large, contained] {
                 const size_t node = loans_[i].guest;
                 EndLoan(i, is_large, contained);
                 After(node);
               },
               2});
        }
      }
    }
  }
}

void ObjectsWorld::GatherNodes(std::vector<Choice>* choices) {
  for (size_t node = 0; node < nodes_.size(); ++node) {
    if (!nodes_[node]->is_alive) continue;
    if (nodes_[node]->is_due && !bounds_.is_prompt) {
      choices->push_back(
          {"turn of " + std::to_string(node), [this, node] { nodes_[node]->Turn(); }, 18});
    }
    for (size_t from = 0; from < nodes_.size(); ++from) {
      if (from == node) continue;
      Side& mine = SideOf(node, from);
      Side& theirs = SideOf(from, node);
      if (!mine.is_open) continue;
      if (theirs.number == mine.number && !theirs.frames.empty()) {
        choices->push_back({std::to_string(node) + " hears " + std::to_string(from) + ": " +
                                TextOf(theirs.frames.front()),
                            [this, from, node] {
                              Deliver(from, node);
                              After(node);
                            },
                            18});
      }
      if (!theirs.is_open || !nodes_[from]->is_alive) {
        choices->push_back({std::to_string(node) + " ends session with " + std::to_string(from),
                            [this, node, from] {
                              EndSession(node, from);
                              After(node);
                            }});
      }
    }
  }
  for (const BulkStreams::Arrival& arrival : bulk_.Arrivals()) {
    choices->push_back({arrival.text,
                        [this, arrival] {
                          arrival.happens();
                          After(arrival.node);
                        },
                        18});
  }
  // The next session, when both sides have ended the former.
  for (auto& [ends, side] : sides_) {
    const auto [a, b] = ends;
    if (a > b || side.is_open || SideOf(b, a).is_open) continue;
    if (!nodes_[a]->is_alive || !nodes_[b]->is_alive) continue;
    choices->push_back({"session of " + std::to_string(a) + " and " + std::to_string(b),
                        [this, a = a, b = b] { Connect(a, b); }});
  }
}

void ObjectsWorld::GatherHarm(std::vector<Choice>* choices) {
  for (size_t node = 0; node < nodes_.size() && left_.crashes > 0; ++node) {
    if (!nodes_[node]->is_alive) continue;
    choices->push_back({"crash of " + std::to_string(node), [this, node] {
                          --left_.crashes;
                          Crash(node);
                        }});
  }
  for (const auto& [puller, source] : bulk_.Open()) {
    if (left_.stream_cuts == 0) break;
    choices->push_back({"cut of bulk " + std::to_string(puller) + " from " + std::to_string(source),
                        [this, puller = puller, source = source] {
                          --left_.stream_cuts;
                          bulk_.Cut(puller, source);
                        }});
  }
  for (auto& [ends, side] : sides_) {
    if (left_.cuts == 0) return;
    const auto [a, b] = ends;
    if (!side.is_open || !SideOf(b, a).is_open) continue;
    if (!nodes_[a]->is_alive || !nodes_[b]->is_alive) continue;
    choices->push_back(
        {"node " + std::to_string(a) + " gives up " + std::to_string(b), [this, a = a, b = b] {
           --left_.cuts;
           EndSession(a, b);
           After(a);
         }});
  }
}

void ObjectsWorld::GatherTime(std::vector<Choice>* choices) {
  std::optional<int64_t> next;
  for (const auto& node : nodes_) {
    if (!node->is_alive) continue;
    const std::optional<int64_t> its = node->core().NextTickMs();
    if (its && (!next || *its < *next)) next = its;
  }
  if (!next) return;
  choices->push_back({"time passes", [this, at = std::max(*next, now_ms_ + 1)] {
                        now_ms_ = at;
                        for (size_t node = 0; node < nodes_.size(); ++node) After(node);
                      }});
}

}  // namespace rayx::sim
