#include "daemon/others/drain_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/log.h"

namespace rayx::daemon {
namespace {

// To look costs a look at all objects.
constexpr int64_t kLookMs = 50;

std::string TextOf(const node::NodeDrain::Left& left) {
  std::string text;
  for (const auto& [count, what] :
       {std::pair(left.tasks, "tasks"), std::pair(left.actors, "actors"),
        std::pair(left.calls, "calls"), std::pair(left.values, "objects"),
        std::pair(left.drivers, "drivers")}) {
    if (count == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace

void DrainService::Start() {
  if (options_.lifetime_ms == 0 || others_ == nullptr) return;
  begin_ms_ = loop_->now_ms() + std::max<int64_t>(0, options_.lifetime_ms - options_.grace_ms);
}

void DrainService::Begin(std::optional<int64_t> grace_ms, const std::string& why) {
  if (others_ == nullptr) return;
  const int64_t now_ms = loop_->now_ms();
  const int64_t end_ms = now_ms + grace_ms.value_or(options_.grace_ms);
  begin_ms_.reset();
  if (has_begun()) {
    end_ms_ = std::min(*end_ms_, end_ms);
    return;
  }
  end_ms_ = end_ms;
  LogInfo("the node is drained (" + why + "), for " + std::to_string(end_ms - now_ms) +
          " ms at most");
  drain().Begin();
}

std::optional<std::string> DrainService::OnTurn() {
  const int64_t now_ms = loop_->now_ms();
  if (begin_ms_ && now_ms >= *begin_ms_) Begin(std::nullopt, "its lifetime ends");
  if (!has_begun()) return std::nullopt;
  const bool is_late = now_ms >= *end_ms_;
  if (now_ms < look_ms_ && !is_late) return std::nullopt;
  look_ms_ = now_ms + kLookMs;
  const node::NodeDrain::Left now_left = drain().left();
  const bool is_heard = others_->Drain();
  if (now_left == node::NodeDrain::Left() && is_heard) {
    return "it was drained, and nothing of others was left";
  }
  if (!is_late) return std::nullopt;
  return "it was drained, and when its time was up, there was left: " + TextOf(now_left);
}

std::optional<int64_t> DrainService::NextTickMs() const {
  return has_begun() ? std::min(look_ms_, *end_ms_) : begin_ms_;
}

DrainService::Progress DrainService::progress() const {
  return {.ms = std::max<int64_t>(0, *end_ms_ - loop_->now_ms()), .left = drain().left()};
}

}  // namespace rayx::daemon
