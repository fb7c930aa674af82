// All fields of the messages between nodes, for tests that compare what was said with what arrived.
#pragma once

#include <algorithm>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "node/remote_messages.h"

namespace rayx::daemon {

namespace remote = node::remote;

// A field that is added to a struct does not compile here before it is named; then no example has
// it, until one does; and then it must have travelled.

inline auto Fields(const remote::Function& it) {
  const auto& [driver, name, pickled, is_recursive] = it;
  return std::tie(driver, name, pickled, is_recursive);
}
inline auto Fields(const remote::Value& it) {
  const auto& [id, is_inline, data, size_bytes, version, places, contained, function] = it;
  return std::tie(id, is_inline, data, size_bytes, version, places, contained, function);
}
inline auto Fields(const TaskSpec& it) {
  const auto& [id, driver, function, name, dependencies, contained, resources, return_count, kind,
               actor, actor_name, options, run, encoded] = it;
  return std::tie(id, driver, function, name, dependencies, contained, resources, return_count,
                  kind, actor, actor_name, options, run, encoded);
}
inline auto Fields(const remote::Announce& it) {
  const auto& [is_pending, value] = it;
  return std::tie(is_pending, value);
}
inline auto Fields(const remote::ObjectsReady& it) {
  const auto& [values] = it;
  return std::tie(values);
}
inline auto Fields(const remote::DriverInfo& it) {
  const auto& [driver, config, setups] = it;
  return std::tie(driver, config, setups);
}
inline auto Fields(const remote::DrainDriver& it) {
  const auto& [driver] = it;
  return std::tie(driver);
}
inline auto Fields(const remote::DriverDrained& it) {
  const auto& [driver] = it;
  return std::tie(driver);
}
inline auto Fields(const remote::DriverGone& it) {
  const auto& [driver] = it;
  return std::tie(driver);
}
inline auto Fields(const remote::MakeActor& it) {
  const auto& [spec, attempt, state] = it;
  return std::tie(spec, attempt, state);
}
inline auto Fields(const CallerId& it) {
  const auto& [node, client, run] = it;
  return std::tie(node, client, run);
}
inline auto Fields(const remote::CallActor& it) {
  const auto& [spec, caller] = it;
  return std::tie(spec, caller);
}
inline auto Fields(const remote::StopActor& it) {
  const auto& [driver, actor, kill, reason] = it;
  return std::tie(driver, actor, kill, reason);
}
inline auto Fields(const remote::ActorMade& it) {
  const auto& [actor, attempt, restarts, result] = it;
  return std::tie(actor, attempt, restarts, result);
}
inline auto Fields(const remote::ActorEnded& it) {
  const auto& [actor, attempt, outcome, restarts, cause, result] = it;
  return std::tie(actor, attempt, outcome, restarts, cause, result);
}
inline auto Fields(const remote::CallEnded& it) {
  const auto& [actor, call, failed, results] = it;
  return std::tie(actor, call, failed, results);
}
inline auto Fields(const remote::ActorSaved& it) {
  const auto& [actor, attempt, state] = it;
  return std::tie(actor, attempt, state);
}
inline auto Fields(const remote::FindActor& it) {
  const auto& [driver, number, name] = it;
  return std::tie(driver, number, name);
}
inline auto Fields(const remote::ActorFound& it) {
  const auto& [driver, number, creation] = it;
  return std::tie(driver, number, creation);
}
inline auto Fields(const remote::RunTask& it) {
  const auto& [spec, attempt] = it;
  return std::tie(spec, attempt);
}
inline auto Fields(const remote::TaskEnded& it) {
  const auto& [task, attempt, outcome, failed, results] = it;
  return std::tie(task, attempt, outcome, failed, results);
}
inline auto Fields(const remote::SubmitTask& it) {
  const auto& [spec, client] = it;
  return std::tie(spec, client);
}
inline auto Fields(const remote::CancelTask& it) {
  const auto& [driver, task, force] = it;
  return std::tie(driver, task, force);
}
inline auto Fields(const remote::KillActor& it) {
  const auto& [driver, actor] = it;
  return std::tie(driver, actor);
}
inline auto Fields(const remote::MoveActor& it) {
  const auto& [driver, actor] = it;
  return std::tie(driver, actor);
}
inline auto Fields(const remote::NodeDrains&) { return std::tuple(); }
inline auto Fields(const remote::DrainHeard&) { return std::tuple(); }
inline auto Fields(const remote::TakeOver& it) {
  const auto& [ids] = it;
  return std::tie(ids);
}
inline auto Fields(const remote::Printed& it) {
  const auto& [driver, pid, function, is_stderr, text] = it;
  return std::tie(driver, pid, function, is_stderr, text);
}
inline auto Fields(const remote::TaskFailed& it) {
  const auto& [driver, task, name, kind, text] = it;
  return std::tie(driver, task, name, kind, text);
}
inline auto Fields(const transfer::AskSource& it) {
  const auto& [id, number, failed, has_progressed] = it;
  return std::tie(id, number, failed, has_progressed);
}
inline auto Fields(const transfer::CopyWhole& it) {
  const auto& [id, version] = it;
  return std::tie(id, version);
}
inline auto Fields(const transfer::CopyDropped& it) {
  const auto& [id, was_whole] = it;
  return std::tie(id, was_whole);
}
inline auto Fields(const transfer::UseSource& it) {
  const auto& [id, number, version, size_bytes, source] = it;
  return std::tie(id, number, version, size_bytes, source);
}
inline auto Fields(const remote::UseSource& it) {
  const auto& [source, contained] = it;
  return std::tie(source, contained);
}
inline auto Fields(const transfer::LeaveSource& it) {
  const auto& [id, number] = it;
  return std::tie(id, number);
}
inline auto Fields(const transfer::NoSource& it) {
  const auto& [id, number] = it;
  return std::tie(id, number);
}
template <typename Ids>
requires requires(const Ids& it) { it.ids; }
auto Fields(const Ids& it) {
  const auto& [ids] = it;
  return std::tie(ids);
}

template <typename One>
concept HasFields = requires(const One& it) {
  Fields(it);
};

template <typename One>
bool IsSame(const One& a, const One& b) {
  if constexpr (HasFields<One>) {
    return std::apply(
        [&](const auto&... of_a) {
          return std::apply([&](const auto&... of_b) { return (IsSame(of_a, of_b) && ...); },
                            Fields(b));
        },
        Fields(a));
  } else if constexpr (requires { a.has_value(); }) {
    return a.has_value() == b.has_value() && (!a || IsSame(*a, *b));
  } else if constexpr (std::is_same_v<One, std::vector<remote::Value>>) {
    return std::ranges::equal(a, b, IsSame<remote::Value>);
  } else {
    return a == b;
  }
}

// Which fields of all examples together are something else than a default: a bit each.
template <typename One>
void NoteFields(const One& it, std::vector<bool>* seen) {
  const One nothing{};
  const auto of_it = Fields(it);
  const auto of_nothing = Fields(nothing);
  seen->resize(std::tuple_size_v<decltype(of_it)>);
  [&]<size_t... kAt>(std::index_sequence<kAt...>) {
    ((IsSame(std::get<kAt>(of_it), std::get<kAt>(of_nothing)) ? void() : void((*seen)[kAt] = true)),
     ...);
  }
  (std::make_index_sequence<std::tuple_size_v<decltype(of_it)>>());
}

}  // namespace rayx::daemon
