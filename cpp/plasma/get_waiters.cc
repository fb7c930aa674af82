#include "plasma/get_waiters.h"

#include <algorithm>

namespace rayx::plasma {
namespace {

auto Find(auto& waiters, ClientId client) {
  return std::find_if(waiters.begin(), waiters.end(), [client](const GetWaiters::Waiter& waiter) {
    return waiter.client == client;
  });
}

}  // namespace

void GetWaiters::Add(ClientId client, bool pin) {
  const auto waiter = Find(waiters_, client);
  if (waiter == waiters_.end()) {
    waiters_.push_back({client, pin});
  } else {
    waiter->pin |= pin;
    waiter->is_deferred = false;
  }
}

void GetWaiters::Defer(ClientId client) {
  if (!Contains(client)) waiters_.push_back({client, /*pin=*/false, /*is_deferred=*/true});
}

void GetWaiters::Settle(ClientId client, Settlement how) {
  const auto waiter = Find(waiters_, client);
  if (waiter == waiters_.end() || !waiter->is_deferred) return;
  waiter->is_deferred = false;
  if (how == Settlement::kDelivered) waiters_.erase(waiter);
}

bool GetWaiters::Remove(ClientId client) {
  const auto waiter = Find(waiters_, client);
  if (waiter == waiters_.end()) return false;
  waiters_.erase(waiter);
  return true;
}

bool GetWaiters::Contains(ClientId client) const {
  return Find(waiters_, client) != waiters_.end();
}

}  // namespace rayx::plasma
