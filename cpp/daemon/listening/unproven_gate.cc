#include "daemon/listening/unproven_gate.h"

#include <algorithm>
#include <utility>

namespace rayx::daemon {
namespace {

UnprovenGate::Admission NotAdmitted(std::string why) {
  UnprovenGate::Admission refusal;
  refusal.refusal = std::move(why);
  return refusal;
}

}  // namespace

UnprovenGate::Network UnprovenGate::NetworkOf(const PeerAddress& address) {
  constexpr std::array<uint8_t, 12> kFour{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  Network network = address;
  if (!std::equal(kFour.begin(), kFour.end(), address.begin())) {
    std::fill(network.begin() + 8, network.end(), uint8_t{0});
  }
  return network;
}

size_t UnprovenGate::CountOf(const Network& network) const {
  return static_cast<size_t>(
      std::count_if(unproven_.begin(), unproven_.end(),
                    [&](const auto& entry) { return entry.second.network == network; }));
}

std::map<UnprovenGate::Place, UnprovenGate::Unproven>::iterator UnprovenGate::Displaceable(
    const Network& network, int64_t now_ms) {
  const size_t own = CountOf(network) + 1;
  return std::find_if(unproven_.begin(), unproven_.end(), [&](const auto& entry) {
    return now_ms >= entry.second.since_ms + limits::kUnprovenGraceMs &&
           CountOf(entry.second.network) >= own;
  });
}

UnprovenGate::Admission UnprovenGate::Admit(const PeerAddress& address, int64_t now_ms) {
  const Network network = NetworkOf(address);
  const auto guesser = guessers_.find(network);
  if (guesser != guessers_.end() && now_ms < guesser->second.until_ms) {
    return NotAdmitted("its address came with a wrong key " +
                       std::to_string(guesser->second.delay_ms) + " ms ago or less");
  }
  if (CountOf(network) >= limits::kUnprovenPerAddressMax) {
    return NotAdmitted(std::to_string(limits::kUnprovenPerAddressMax) +
                       " connections of its address have not proven the key yet");
  }
  Admission admission;
  if (unproven_.size() >= limits::kUnprovenMax) {
    const auto displaced = Displaceable(network, now_ms);
    if (displaced == unproven_.end()) {
      return NotAdmitted(std::to_string(limits::kUnprovenMax) +
                         " connections have not proven the key yet");
    }
    admission.displaced = displaced->first;
    unproven_.erase(displaced);
  }
  admission.place = ++last_place_;
  unproven_.emplace(last_place_, Unproven{network, now_ms});
  return admission;
}

void UnprovenGate::OnProven(Place place) {
  const auto found = unproven_.find(place);
  if (found == unproven_.end()) return;
  guessers_.erase(found->second.network);
  unproven_.erase(found);
}

void UnprovenGate::OnGone(Place place) { unproven_.erase(place); }

void UnprovenGate::OnWrongKey(Place place, int64_t now_ms) {
  const auto found = unproven_.find(place);
  if (found == unproven_.end()) return;
  const Network network = found->second.network;
  unproven_.erase(found);
  if (!guessers_.contains(network) && guessers_.size() >= limits::kGuessersMax) {
    ForgetOneGuesser(now_ms);
  }
  Guesser& guesser = guessers_[network];
  // Who has waited for as long as it could have to begins anew.
  const bool is_new =
      guesser.delay_ms == 0 || now_ms >= guesser.until_ms + limits::kWrongKeyDelayMsMax;
  guesser.delay_ms = is_new ? limits::kWrongKeyDelayMsMin
                            : std::min(2 * guesser.delay_ms, limits::kWrongKeyDelayMsMax);
  guesser.until_ms = now_ms + guesser.delay_ms;
}

// The one that would be free first.
void UnprovenGate::ForgetOneGuesser(int64_t now_ms) {
  std::erase_if(guessers_, [&](const auto& entry) {
    return now_ms >= entry.second.until_ms + limits::kWrongKeyDelayMsMax;
  });
  if (guessers_.size() < limits::kGuessersMax) return;
  guessers_.erase(std::min_element(
      guessers_.begin(), guessers_.end(),
      [](const auto& a, const auto& b) { return a.second.until_ms < b.second.until_ms; }));
}

std::vector<UnprovenGate::Place> UnprovenGate::TakeExpired(int64_t now_ms) {
  std::vector<Place> expired;
  while (!unproven_.empty() && now_ms >= *next_expiry_ms()) {
    expired.push_back(unproven_.begin()->first);
    unproven_.erase(unproven_.begin());
  }
  return expired;
}

std::optional<int64_t> UnprovenGate::next_expiry_ms() const {
  if (unproven_.empty()) return std::nullopt;
  return unproven_.begin()->second.since_ms + limits::kHelloTimeoutMs;
}

}  // namespace rayx::daemon
