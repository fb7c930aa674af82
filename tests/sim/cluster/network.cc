#include "sim/cluster/network.h"

#include <algorithm>

#include "common/base/limits.h"

namespace rayx::cluster_sim {
namespace {

using cluster::ConnectionId;

std::string TextOf(const Packet& packet) {
  if (const auto* notice = std::get_if<cluster::Notice>(&packet)) return cluster::TextOf(*notice);
  if (const auto* frame = std::get_if<cluster::Frame>(&packet)) {
    return "frame " + std::to_string(frame->numbers.number) + ", processed " +
           std::to_string(frame->numbers.processed);
  }
  return "closed";
}

}  // namespace

Network::Network(const Conditions& conditions, sim::Dice* dice, sim::Trace* trace, Arrive arrive)
    : conditions_(conditions),
      dice_(*dice),
      trace_(*trace),
      arrive_(std::move(arrive)),
      places_(conditions.nodes) {}

// ---- time
// ------------------------------------------------------------------------------------------

void Network::At(int64_t at_ms, std::function<void()> what) {
  events_.push({std::max(at_ms, now_ms_), ++last_event_, std::move(what)});
}

bool Network::Step(int64_t until_ms) {
  if (events_.empty() || events_.top().at_ms > until_ms) {
    now_ms_ = std::max(now_ms_, until_ms);
    return false;
  }
  const Event event = events_.top();
  events_.pop();
  now_ms_ = event.at_ms;
  event.what();
  return true;
}

int64_t Network::Latency() {
  const int64_t usual = 1 + static_cast<int64_t>(dice_.Below(conditions_.latency_ms));
  if (!conditions_.has_delays || is_healed_ || !dice_.OneIn(30)) return usual;
  return usual + static_cast<int64_t>(dice_.Below(1500));
}

int64_t Network::Passes(size_t from, size_t to, int64_t latency_ms, int64_t retry_ms) const {
  const auto blocked = blocked_until_ms_.find({from, to});
  const int64_t until = blocked == blocked_until_ms_.end() ? 0 : blocked->second;
  int64_t at = now_ms_;
  for (int64_t pause = retry_ms; at < until; pause *= 2) at += pause;
  return at + latency_ms;
}

// ---- connections
// ---------------------------------------------------------------------------------------

void Network::Dial(size_t place, const cluster::Dial& dial, size_t target) {
  // The first packet must get there, and its answer back; lost ones are sent again after 1, 3 s.
  const int64_t there = Passes(place, target, Latency(), 1000);
  const int64_t back = Passes(target, place, Latency(), 1000);
  // By then whoever dials has long given it up.
  if (std::max(there, back) > now_ms_ + 5000) return;
  if (conditions_.dials_one_way && place < target) return;
  At(std::max(there, back), [this, place, dial, target, life = places_[place].life] {
    const bool is_wanted = places_[place].is_running && places_[place].life == life;
    if (is_wanted) Connect(place, dial, target);
  });
}

void Network::Connect(size_t place, const cluster::Dial& dial, size_t target) {
  if (places_[target].is_silent) return;
  cluster::DialOutcome outcome{.peer = dial.peer, .attempt = dial.attempt};
  if (!places_[target].is_running) {
    outcome.is_refused = true;
    return arrive_(place, {cluster::kNoConnection, outcome});
  }
  const size_t wire = AddWire(place, target);
  outcome.connection = wires_[wire].ends[0].id;
  if (conditions_.cuts_early && !is_healed_ && dice_.OneIn(4)) {
    wires_[wire].packets_left = static_cast<int>(dice_.Below(8));
  }
  if (conditions_.doubles && !is_healed_ && dice_.OneIn(3)) {
    const size_t doubled_by = AddWire(place, target);
    wires_[doubled_by].ends[0].is_open = false;
    wires_[wire].doubled_by = doubled_by;
    At(now_ms_ + static_cast<int64_t>(dice_.Below(8000)),
       [this, doubled_by] { Cut(doubled_by, false); });
  }
  arrive_(place, {outcome.connection, outcome});
}

size_t Network::AddWire(size_t from, size_t to) {
  Wire wire;
  for (const size_t end : {0, 1}) {
    wire.ends[end].place = end == 0 ? from : to;
    wire.ends[end].id = ConnectionId(ends_.size());
    ends_.emplace_back(wires_.size(), end);
  }
  wires_.push_back(wire);
  // Who has taken a connection wants to hear a hello on it.
  const size_t number = wires_.size() - 1;
  At(now_ms_ + limits::kHelloTimeoutMs, [this, number] {
    const End& accepted = wires_[number].ends[1];
    if (!accepted.has_heard) Close(accepted.place, accepted.id);
  });
  return number;
}

void Network::Send(size_t /*place*/, ConnectionId connection, Packet packet) {
  const auto [wire, end] = ends_[connection.value()];
  Post(wire, 1 - end, packet);
  const size_t doubled_by = wires_[wire].doubled_by;
  if (end == 0 && doubled_by != 0) Post(doubled_by, 1, std::move(packet));
}

void Network::Post(size_t wire, size_t end, Packet packet) {
  Wire& to = wires_[wire];
  if (to.is_cut) return;
  if (to.packets_left == 0) return Cut(wire, conditions_.has_half_open && dice_.OneIn(3));
  if (to.packets_left > 0) --to.packets_left;
  const int64_t passes =
      Passes(to.ends[1 - end].place, to.ends[end].place, Latency(), int64_t{200});
  to.ends[end].arrival_ms = std::max(to.ends[end].arrival_ms, passes);
  At(to.ends[end].arrival_ms, [this, wire, end, packet = std::move(packet)]() mutable {
    if (!wires_[wire].is_cut) Deliver(wire, end, std::move(packet));
  });
}

void Network::Deliver(size_t wire, size_t end, Packet packet) {
  End& to = wires_[wire].ends[end];
  if (!to.is_open || !places_[to.place].is_running) return;
  to.has_heard = true;
  trace_.Note(now_ms_,
              "to " + std::to_string(to.place) + " on " + to.id.ToString() + ": " + TextOf(packet));
  arrive_(to.place, {to.id, std::move(packet)});
}

void Network::Close(size_t /*place*/, ConnectionId connection) {
  const auto [wire, end] = ends_[connection.value()];
  if (!wires_[wire].ends[end].is_open) return;
  wires_[wire].ends[end].is_open = false;
  // What was sent is lost with it, if there was something to read: that is a reset.
  if (dice_.OneIn(4)) {
    TellClosed(wire, 1 - end);
    wires_[wire].is_cut = true;
  } else {
    Send(0, connection, Closed{});
  }
}

bool Network::IsClosed(ConnectionId connection) const {
  const auto [wire, end] = ends_[connection.value()];
  return !wires_[wire].ends[end].is_open;
}

void Network::TellClosed(size_t wire, size_t end) {
  const End& to = wires_[wire].ends[end];
  if (!to.is_open) return;
  const int64_t at = Passes(wires_[wire].ends[1 - end].place, to.place, Latency(), 200);
  At(at, [this, wire, end] { Deliver(wire, end, Closed{}); });
}

void Network::Cut(size_t wire, bool half_open) {
  if (wires_[wire].is_cut) return;
  if (half_open && conditions_.is_gentle() && now_ms_ < half_open_ms_ + 7000) half_open = false;
  trace_.Note(now_ms_,
              std::string(half_open ? "half-open " : "cut ") + wires_[wire].ends[0].id.ToString());
  wires_[wire].is_cut = true;
  const size_t deaf = dice_.Below(3);  // one end, or both
  for (const size_t end : {0, 1}) {
    if (!half_open || (deaf != end && deaf != 2)) TellClosed(wire, end);
  }
  if (half_open) half_open_ms_ = now_ms_;
}

// ---- what befalls processes
// -------------------------------------------------------------------------

void Network::Kill(size_t place, bool has_reset) {
  places_[place].is_running = false;
  places_[place].is_silent = !has_reset;
  for (size_t wire = 1; wire < wires_.size(); ++wire) {
    for (const size_t end : {0, 1}) {
      End& gone = wires_[wire].ends[end];
      if (gone.place != place || !gone.is_open) continue;
      gone.is_open = false;
      if (has_reset) TellClosed(wire, 1 - end);
      wires_[wire].is_cut = true;
    }
  }
}

void Network::Start(size_t place) {
  // A machine that is back refuses what it does not know.
  for (size_t wire = 1; wire < wires_.size() && places_[place].is_silent; ++wire) {
    for (const size_t end : {0, 1}) {
      if (wires_[wire].ends[end].place == place) TellClosed(wire, 1 - end);
    }
  }
  places_[place] = {.life = places_[place].life + 1};
}

void Network::Block(size_t from, size_t to, int64_t until_ms) {
  int64_t& until = blocked_until_ms_[{from, to}];
  until = std::max(until, until_ms);
}

void Network::Heal() {
  is_healed_ = true;
  blocked_until_ms_.clear();
}

void Network::CutOne(bool half_open) {
  std::vector<size_t> candidates;
  for (size_t wire = 1; wire < wires_.size(); ++wire) {
    const Wire& known = wires_[wire];
    if (!known.is_cut && (known.ends[0].is_open || known.ends[1].is_open)) {
      candidates.push_back(wire);
    }
  }
  if (!candidates.empty()) Cut(dice_.Of(candidates), half_open);
}

std::map<std::pair<size_t, size_t>, size_t> Network::OpenConnections() const {
  std::map<std::pair<size_t, size_t>, size_t> open;
  for (const Wire& wire : wires_) {
    const size_t low = std::min(wire.ends[0].place, wire.ends[1].place);
    const size_t high = std::max(wire.ends[0].place, wire.ends[1].place);
    if (wire.ends[0].is_open && low != high) ++open[{low, high}];
    if (wire.ends[1].is_open && low != high) ++open[{low, high}];
  }
  return open;
}

}  // namespace rayx::cluster_sim
