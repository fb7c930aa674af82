// A modelled network: connections that carry packets in order, each after its own time, until they
// are cut.
//
// A process has a place (its address). What arrives for it is handed to `arrive`, in the order of
// the simulated time. The network keeps the time, too.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cluster/session_book.h"
#include "cluster/wire_values.h"
#include "sim/cluster/conditions.h"
#include "sim/dice.h"
#include "sim/trace.h"

namespace rayx::cluster_sim {

// The end of a connection, or that the other side has closed it.
struct Closed {};
using Packet = std::variant<cluster::Notice, cluster::Frame, Closed>;

struct Arrival {
  cluster::ConnectionId connection = cluster::kNoConnection;
  std::variant<cluster::DialOutcome, Packet> what;
};

class Network {
 public:
  using Arrive = std::function<void(size_t place, Arrival arrival)>;
  Network(const Conditions& conditions, sim::Dice* dice, sim::Trace* trace, Arrive arrive);

  // --- time ---
  int64_t now_ms() const { return now_ms_; }
  void At(int64_t at_ms, std::function<void()> what);
  // The next thing happens. False if nothing is left to happen before the time, which it then is.
  bool Step(int64_t until_ms);

  // --- what processes do ---
  void Dial(size_t place, const cluster::Dial& dial, size_t target);
  void Send(size_t place, cluster::ConnectionId connection, Packet packet);
  void Close(size_t place, cluster::ConnectionId connection);
  // Nothing that arrives on it is of interest to its holder any more.
  bool IsClosed(cluster::ConnectionId connection) const;

  // --- what befalls them ---
  // The process ends; its machine says so to the others, or is gone as well.
  void Kill(size_t place, bool has_reset);
  void Start(size_t place);
  // Nothing passes from one place to the other until then; both ways if told so. TCP tries again.
  void Block(size_t from, size_t to, int64_t until_ms);
  // Cuts any connection.
  void CutOne(bool half_open);
  // Everything gets through from now on.
  void Heal();

  // Connections of which a process holds an end, by the places of both ends.
  std::map<std::pair<size_t, size_t>, size_t> OpenConnections() const;
  // When the last connection was made half-open, between any two.
  int64_t half_open_ms() const { return half_open_ms_; }

 private:
  struct End {
    size_t place = 0;
    cluster::ConnectionId id = cluster::kNoConnection;
    bool is_open = true;
    bool has_heard = false;
    // What was sent to it arrives not before.
    int64_t arrival_ms = 0;
  };
  // ends[0] has dialled; of a doubled one, nobody holds it.
  struct Wire {
    End ends[2];
    bool is_cut = false;
    int packets_left = -1;  // it is cut behind so many
    size_t doubled_by = 0;  // another wire; 0: none
  };
  struct Event {
    int64_t at_ms;
    uint64_t number;
    std::function<void()> what;
    bool operator>(const Event& other) const {
      return std::pair(at_ms, number) > std::pair(other.at_ms, other.number);
    }
  };
  struct Place {
    bool is_running = true;
    bool is_silent = false;  // the machine is gone
    uint64_t life = 0;       // counts its processes
  };

  int64_t Latency();
  // When what is sent now gets through, if it takes `latency`; TCP tries again after 0.2, 0.6, 1.4
  // s and so on.
  int64_t Passes(size_t from, size_t to, int64_t latency_ms, int64_t retry_ms) const;
  void Connect(size_t place, const cluster::Dial& dial, size_t target);
  size_t AddWire(size_t from, size_t to);
  void Deliver(size_t wire, size_t end, Packet packet);
  void Post(size_t wire, size_t end, Packet packet);
  void Cut(size_t wire, bool half_open);
  void TellClosed(size_t wire, size_t end);

  const Conditions& conditions_;
  sim::Dice& dice_;
  sim::Trace& trace_;
  const Arrive arrive_;
  int64_t now_ms_ = 0;
  uint64_t last_event_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<Place> places_;
  std::map<std::pair<size_t, size_t>, int64_t> blocked_until_ms_;
  std::vector<Wire> wires_{1};  // 0 is none
  // The wire and the end of each connection, by its number.
  std::vector<std::pair<size_t, size_t>> ends_{{0, 0}};
  int64_t half_open_ms_ = -1000000;
  bool is_healed_ = false;
};

}  // namespace rayx::cluster_sim
