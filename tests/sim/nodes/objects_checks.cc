// What must be so, and how it looks.
#include <algorithm>

#include "common/base/overload.h"
#include "sim/nodes/objects_node.h"

namespace rayx::sim {

// --- what must be so ---

bool ObjectsWorld::IsInFlight(const ObjectId& id) const {
  const auto has = [&](const node::remote::Value& value) { return value.id == id; };
  for (const auto& [ends, side] : sides_) {
    for (const Frame& frame : side.frames) {
      if (const auto* ended = std::get_if<LoanEnded>(&frame)) {
        if (has(ended->result)) return true;
      }
      const auto* message = std::get_if<node::remote::Message>(&frame);
      if (message == nullptr) continue;
      if (const auto* ready = std::get_if<node::remote::ObjectsReady>(message)) {
        if (std::any_of(ready->values.begin(), ready->values.end(), has)) return true;
      }
      if (const auto* announce = std::get_if<node::remote::Announce>(message)) {
        if (!announce->is_pending && has(announce->value)) return true;
      }
    }
  }
  return false;
}

void ObjectsWorld::Check() {
  // No value goes to which somebody refers.
  for (const Client& client : clients_) {
    const bool is_home = client.home == client.node;
    // Of a worker, as long as its home counts it.
    if (!is_home && !SideOf(client.home, client.node).is_open) continue;
    for (const ObjectId& id : client.held) {
      const Fact& fact = facts_.at(id);
      if (!fact.is_made || fact.is_hurt) continue;
      const bool is_somewhere = std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& node) {
        return node->is_alive && node->core().store().IsSealed(id);
      });
      if (is_somewhere || IsInFlight(id)) continue;
      return Break("the value of " + NameOf(id) + " is gone, and c" + client.peer.id.ToString() +
                   " refers to it");
    }
  }
  for (const auto& [ends, side] : sides_) CheckTold(ends.first, ends.second);
}

// What the home knows of the guest is what the guest has told, when nothing is under way.
void ObjectsWorld::CheckTold(size_t guest, size_t home) {
  const Side& side = SideOf(guest, home);
  const Side& back = SideOf(home, guest);
  if (!side.is_open || !back.is_open || !side.frames.empty()) return;
  if (!nodes_[guest]->is_alive || !nodes_[home]->is_alive) return;
  plasma::SharedObjects& here = nodes_[guest]->core().objects().remote().shared();
  plasma::SharedObjects& there = nodes_[home]->core().objects().remote().shared();
  const plasma::ReferenceNews::News news = here.news().Of(side.session);
  for (const auto& [id, fact] : facts_) {
    if (fact.home != home) continue;
    const plasma::Sharing* sharing = here.Find(id);
    bool told = sharing != nullptr && sharing->told;
    if (std::find(news.added.begin(), news.added.end(), id) != news.added.end()) told = false;
    if (std::find(news.removed.begin(), news.removed.end(), id) != news.removed.end()) told = true;
    if (sharing != nullptr && sharing->home != side.session) Break("an id has two homes");
    if (told == there.IsReferencedBy(id, back.session)) continue;
    return Break("node " + std::to_string(home) + (told ? " does not know" : " believes") +
                 " that node " + std::to_string(guest) + " refers to " + NameOf(id));
  }
}

void ObjectsWorld::CheckAtRest() {
  for (const Client& client : clients_) {
    for (const ObjectId& id : client.asked) {
      if (client.got.contains(id) || !nodes_[client.node]->is_alive) continue;
      node::NodeCore& core = nodes_[client.node]->core();
      return Break("c" + client.peer.id.ToString() + " waits for " + NameOf(id) + " for ever; " +
                   plasma::StoreText(core.store().Stats(), core.store().Summaries(), 10) +
                   core.objects().remote().copies().DebugText());
    }
  }
}

void ObjectsWorld::CheckEmpty() {
  for (size_t node = 0; node < nodes_.size(); ++node) {
    if (!nodes_[node]->is_alive) continue;
    node::NodeCore& core = nodes_[node]->core();
    if (core.store().Stats().objects > 0) {
      return Break("objects are left at node " + std::to_string(node) + ":\n" +
                   plasma::StoreText(core.store().Stats(), core.store().Summaries(), 10));
    }
    if (!core.objects().remote().shared().news().empty()) return Break("news are left");
    const node::RemoteCopies& copies = core.objects().remote().copies();
    if (!copies.empty()) {
      return Break("copies are left at node " + std::to_string(node) + ": " + copies.DebugText());
    }
  }
}

std::string ObjectsWorld::TextOf(const Frame& frame) const {
  namespace remote = node::remote;
  const auto value_text = [](const remote::Value& value) {
    return " " + NameOf(value.id) + (value.is_inline ? "" : " large") + " with" +
           NamesOf(value.contained);
  };
  return std::visit(
      Overload{[&](const LoanBegun& loan) { return "loan " + std::to_string(loan.loan); },
               [&](const LoanEnded& loan) {
                 return "end of loan " + std::to_string(loan.loan) + value_text(loan.result);
               },
               [&](const remote::Message& message) {
                 return std::visit(
                     Overload{
                         [](const remote::AddReferences& add) { return "add" + NamesOf(add.ids); },
                         [](const remote::RemoveReferences& gone) {
                           return "remove" + NamesOf(gone.ids);
                         },
                         [&](const remote::Announce& made) {
                           return (made.is_pending ? "pending" : "announce") +
                                  value_text(made.value);
                         },
                         [](const remote::DropCopies& drop) { return "drop" + NamesOf(drop.ids); },
                         [](const remote::GetObjects& get) { return "get" + NamesOf(get.ids); },
                         [&](const remote::ObjectsReady& ready) {
                           std::string text = "ready";
                           for (const remote::Value& value : ready.values)
                             text += value_text(value);
                           return text;
                         },
                         [](const auto&) { return std::string("of tasks"); }},
                     message);
               }},
      frame);
}

std::string ObjectsWorld::Fingerprint() const {
  std::string text = std::to_string(left_.puts) + " " + std::to_string(left_.tasks) + " " +
                     std::to_string(left_.loans) + " " + std::to_string(left_.crashes) + " " +
                     std::to_string(left_.cuts) + " " + std::to_string(left_.stream_cuts) +
                     bulk_.Fingerprint() + "\n";
  for (const auto& node : nodes_) {
    text += node->is_alive ? "node" : "dead";
    if (!node->is_alive) continue;
    plasma::SharedObjects& shared = node->core().objects().remote().shared();
    for (const auto& [id, fact] : facts_) {
      const std::vector<plasma::ObjectSummary> all = node->core().store().Summaries();
      const auto found = std::find_if(all.begin(), all.end(),
                                      [&id = id](const auto& one) { return one.id == id; });
      if (found == all.end()) continue;
      text += " " + NameOf(id) + ":" + std::to_string(static_cast<int>(found->state)) + "," +
              std::to_string(found->client_references) + "," +
              std::to_string(found->counted_references);
      for (const auto& [ends, side] : sides_) {
        text += shared.IsReferencedBy(id, side.session) ? "s" + side.session.ToString() : "";
      }
      const plasma::Sharing* sharing = shared.Find(id);
      if (sharing == nullptr) continue;
      text += "/" + sharing->home.ToString() + (sharing->told ? "t" : "") +
              (sharing->kept ? "k" : "") + (sharing->asked ? "a" : "") +
              (sharing->is_wanted_here ? "w" : "") +
              std::to_string(static_cast<int>(sharing->announced)) +
              std::to_string(sharing->places.size()) + (sharing->maker.IsNil() ? "" : "m");
    }
    text += node->core().objects().remote().copies().DebugText();
    for (const auto& [ends, side] : sides_) {
      const auto news = shared.news().Of(side.session);
      text += " +" + NamesOf(news.added) + " -" + NamesOf(news.removed);
    }
    text += "\n";
  }
  for (const Client& client : clients_) {
    text += "client";
    for (const ObjectId& id : client.held) {
      text += " " + NameOf(id) + (client.asked.contains(id) ? "a" : "") +
              (client.got.contains(id) ? "g" : "");
    }
  }
  for (const auto& [id, fact] : facts_) {
    text += "\n" + NameOf(id) + (fact.is_made ? "m" : "") + (fact.is_hurt ? "h" : "") +
            NamesOf(fact.value.contained);
  }
  for (const Loan& loan : loans_) {
    text += "\nloan " + std::to_string(loan.guest) + NamesOf(loan.ids) + (loan.runs ? "r" : "") +
            (loan.over ? "o" : "");
  }
  for (const auto& [ends, side] : sides_) {
    text += side.is_open ? "\nopen" : "\nclosed";
    for (const Frame& frame : side.frames) text += "; " + TextOf(frame);
  }
  return text;
}

}  // namespace rayx::sim
