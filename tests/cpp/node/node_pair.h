// Two nodes with a session between them, each a NodeRecorder: a home, which offers all tasks, and a
// guest. What one sends the other hears when Run is called.
#pragma once

#include <deque>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "node/node_recorder.h"

namespace rayx::node {

class NodePair {
 public:
  // Of the first session, at both nodes.
  static constexpr ClientId kSession{1000};
  static NodeId kHome() { return testing::NumberedId<NodeId>(1); }
  static NodeId kGuest() { return testing::NumberedId<NodeId>(2); }

  NodePair() { Join(); }

  NodeRecorder& home() { return home_; }
  NodeRecorder& guest() { return guest_; }

  // A session begins, and ends at both nodes.
  void Join() {
    session_ = ClientId(session_.value() + 1);
    Tasks(home_).OnSessionBegun(session_, kGuest());
    Tasks(guest_).OnSessionBegun(session_, kHome());
  }
  void Cut() {
    to_home_.messages.clear();
    to_guest_.messages.clear();
    Tasks(home_).OnSessionEnded(session_, {.reason = "it was cut", .is_unheard = is_unreachable});
    Tasks(guest_).OnSessionEnded(session_, {.reason = "it was cut"});
  }
  // Both take turns until nothing is under way. What the guest's shell was asked.
  Lines Run() {
    Lines asked;
    do {
      Hear(home_, to_home_.messages);
      if (is_unreachable) to_guest_.messages.clear();
      Hear(guest_, to_guest_.messages);
      for (std::string& line : home_.Turn()) told_.push_back(std::move(line));
      for (std::string& line : guest_.Turn()) asked.push_back(std::move(line));
    } while (!to_home_.messages.empty() || !to_guest_.messages.empty());
    return asked;
  }
  // The one that there is, at both nodes.
  ClientId session() const { return session_; }
  // What the home's shell was asked, since the last time.
  Lines told() { return std::exchange(told_, {}); }
  // Who places tasks was told, since the beginning.
  const Lines& offers() const { return to_guest_.offers; }

  // Nothing that the home says reaches the guest.
  bool is_unreachable = false;
  // Whether the sessions take more than what is sent anyway.
  bool has_room = true;
  // Whether the guest gives tasks to their home that it could run.
  bool guest_offers = false;

 private:
  // What a node sends to the other.
  struct Link final : OtherNodes {
    Link(NodeId node, const NodePair* pair) : node_(node), pair_(pair) {}
    NodeId self() const override { return node_; }
    void Send(ClientId session, remote::Message message) override {
      if (session == pair_->session_) messages.push_back(std::move(message));
    }
    bool HasRoom(ClientId) const override { return pair_->has_room; }
    void SendOnStream(const NodeId&, const transfer::OnStream&) override {}
    bool HasOthers() const override { return true; }
    bool ShouldOffer(const TaskSpec&) override { return node_ == kHome() || pair_->guest_offers; }
    void Offer(const TaskOffer& offer) override {
      offers.push_back("offer t" + std::to_string(testing::NumberOf(offer.task)) + " as " +
                       std::to_string(offer.attempt));
    }
    void Withdraw(const TaskId& task, uint32_t) override {
      offers.push_back("withdraw t" + std::to_string(testing::NumberOf(task)));
    }

    std::deque<remote::Message> messages;
    Lines offers;

   private:
    const NodeId node_;
    const NodePair* const pair_;
  };

  static RemoteTasks& Tasks(NodeRecorder& node) { return node.core().tasks().remote(); }
  void Hear(NodeRecorder& node, std::deque<remote::Message>& messages) {
    while (!messages.empty()) {
      remote::Message message = std::move(messages.front());
      messages.pop_front();
      const Status status = Tasks(node).OnMessage(session_, std::move(message));
      RAYX_CHECK_MSG(status.ok(), status.ToString());
    }
  }

  ClientId session_{kSession.value() - 1};
  Lines told_;
  Link to_guest_{kHome(), this};
  Link to_home_{kGuest(), this};
  NodeRecorder home_{2, &to_guest_};
  NodeRecorder guest_{2, &to_home_};
};

}  // namespace rayx::node
