// Some nodes, each a real NodeCore, with sessions between them and modelled clients: what can
// happen to objects that cross from one node to another.
//
// Nothing is decided by chance here: Choices() says what can happen next, and somebody chooses: a
// seed (objects_simulation.h), or an explorer that tries all of it (objects_explorer_test.cc).
//
// A *loan* stands for a task that the home gives away: it refers to ids at the home until its end
// is heard there, which brings a result.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "node/node_core.h"
#include "sim/nodes/bulk_streams.h"
#include "sim/value.h"

namespace rayx::sim {

// How much of each there is.
struct ObjectBounds {
  size_t nodes = 3;
  // Each node is the home of ids; else only the first is.
  bool is_any_home = false;
  size_t puts = 1;
  size_t tasks = 0;  // objects whose value comes later, made by their node
  size_t loans = 1;
  size_t crashes = 0;
  size_t cuts = 0;
  size_t stream_cuts = 0;
  // What may be large is: values lie in the pools and are copied.
  bool with_large = true;
  // A turn follows each event at once.
  bool is_prompt = true;
};

class ObjectsWorld final : private BulkStreams::Ends {
 public:
  struct Choice {
    std::string text;
    std::function<void()> happens;
    // Of things that keep the world busy, as chance takes them.
    size_t weight = 1;
  };

  explicit ObjectsWorld(const ObjectBounds& bounds);
  ~ObjectsWorld();

  enum class Phase {
    kOpen,      // anything
    kSettling,  // what is under way arrives, and what was begun ends
    kClosing,   // and everybody lets go of what he holds
  };
  // All that can happen now, in an order that depends on the state alone.
  std::vector<Choice> Choices(Phase phase);
  // Everybody asks for all that he holds.
  void AskForAll();
  // What must be so after each step.
  void Check();
  // Nothing is on its way: each node has been told what it should know, and every value that is
  // waited for has come.
  void CheckAtRest();
  // And nobody holds anything.
  void CheckEmpty();

  // The first rule that was broken; empty if none was.
  const std::string& broken() const { return broken_; }
  size_t chunks() const { return bulk_.chunks(); }
  // Two worlds with the same text go on in the same ways.
  std::string Fingerprint() const;
  size_t messages() const { return messages_; }
  size_t values_got() const { return values_got_; }

 private:
  class Node;
  // A process: of a driver at the home, or a worker that runs what is lent to its node.
  struct Client {
    node::Peer peer;
    size_t node = 0;
    size_t home = 0;
    std::set<ObjectId> held;
    std::map<ObjectId, Value> got;
    std::set<ObjectId> asked;
  };
  struct Loan {
    size_t home = 0;
    size_t guest = 0;
    uint64_t session = 0;
    std::vector<ObjectId> ids;
    ObjectId result;
    bool runs = false;
    bool over = false;
  };
  struct LoanBegun {
    size_t loan;
  };
  struct LoanEnded {
    size_t loan;
    node::remote::Value result;
  };
  using Frame = std::variant<node::remote::Message, LoanBegun, LoanEnded>;
  // What one node has to another.
  struct Side {
    ClientId session = kNoClient;
    uint64_t number = 0;       // of the session; both sides agree
    std::deque<Frame> frames;  // to the other node, under way
    bool is_open = false;
  };
  struct Fact {
    size_t home = 0;
    size_t maker = 0;
    bool is_made = false;
    bool is_hurt = false;
    Value value;
  };

  // --- BulkStreams::Ends ---
  node::NodeCore& CoreOf(size_t node) override;
  std::map<uint64_t, std::string>& PoolOf(size_t node) override;
  NodeId IdOf(size_t node) const override;
  bool IsAlive(size_t node) const override;
  void Break(const std::string& rule) override;

  Side& SideOf(size_t node, size_t other) { return sides_.at({node, other}); }
  void Connect(size_t a, size_t b);
  void AddClient(size_t node, size_t home);
  void GatherClient(Client& client, Phase phase, std::vector<Choice>* choices);
  void GatherLoans(Phase phase, std::vector<Choice>* choices);
  void GatherNodes(std::vector<Choice>* choices);
  void GatherHarm(std::vector<Choice>* choices);
  void Deliver(size_t from, size_t to);
  void Hear(size_t node, size_t from, const LoanBegun& frame);
  void Hear(size_t node, size_t from, LoanEnded& frame);
  void Put(Client& client, bool is_large, const std::vector<ObjectId>& contained);
  void Lend(Client& client, size_t guest, const std::vector<ObjectId>& ids);
  void EndLoan(size_t index, bool is_large, const std::vector<ObjectId>& contained);
  // The value is made at the node: by the client, or, if that is null, by somebody who goes then.
  void Make(size_t node, Client* client, const ObjectId& id, bool is_large);
  void Ask(Client& client, const ObjectId& id);
  void Take(Client& client, const ObjectId& id);
  void Drop(Client& client, const ObjectId& id);
  void Crash(size_t node);
  void Cut(size_t a, size_t b);
  void EndSession(size_t node, size_t other);
  void Hurt(size_t home, size_t maker);
  void After(size_t node);
  // Until somebody has something to do by then. Nothing if nobody ever has.
  void GatherTime(std::vector<Choice>* choices);
  std::string TextOf(const Frame& frame) const;
  bool IsInFlight(const ObjectId& id) const;
  void CheckTold(size_t guest, size_t home);

  ObjectBounds left_;
  const ObjectBounds bounds_;
  std::string broken_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<std::pair<size_t, size_t>, Side> sides_;
  BulkStreams bulk_{this};
  int64_t now_ms_ = 0;
  std::deque<Client> clients_;
  std::deque<Loan> loans_;
  std::map<ObjectId, Fact> facts_;
  // Values that are still to be made, by whom.
  std::set<ObjectId> due_;
  ClientId last_client_ = kNoClient;
  uint64_t last_session_ = 0;
  uint64_t last_number_ = 0;
  size_t messages_ = 0;
  size_t values_got_ = 0;
};

}  // namespace rayx::sim
