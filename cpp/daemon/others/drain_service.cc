#include "daemon/others/drain_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/log.h"

namespace rayx::daemon {
namespace {

// To look costs a look at all objects.
constexpr int64_t kLookMs = 50;
// Who asks does so again within this time.
constexpr int64_t kAskedAgainMs = 1000;

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
  if (options_.leave_at_ms == 0 || others_ == nullptr) return;
  begin_ms_ = options_.leave_at_ms - options_.grace_ms;
}

void DrainService::Begin(std::optional<int64_t> grace_ms, const std::string& why) {
  if (others_ == nullptr) return;
  const int64_t now_ms = loop_->now_ms();
  int64_t end_ms = now_ms + grace_ms.value_or(options_.grace_ms);
  if (options_.leave_at_ms != 0) end_ms = std::min(end_ms, options_.leave_at_ms);
  begin_ms_.reset();
  if (has_begun()) {
    end_ms_ = std::min(*end_ms_, end_ms);
    return;
  }
  end_ms_ = end_ms;
  LogInfo("the node is drained (" + why + "), for " + std::to_string(end_ms - now_ms) +
          " ms at most");
  drain().Begin();
  on_begun_();
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
  const bool is_asked = asked_ms_ && now_ms - *asked_ms_ < kAskedAgainMs && !has_told_end_;
  if (now_left == node::NodeDrain::Left() && is_heard && (!is_asked || is_late)) {
    return "it was drained, and nothing of others was left";
  }
  if (!is_late) return std::nullopt;
  return "it was drained, and when its time was up, there was left: " + TextOf(now_left);
}

std::optional<int64_t> DrainService::NextTickMs() const {
  return has_begun() ? std::min(look_ms_, *end_ms_) : begin_ms_;
}

DrainService::Progress DrainService::Tell() {
  const int64_t now_ms = loop_->now_ms();
  asked_ms_ = now_ms;
  const node::NodeDrain::Left now_left = drain().left();
  has_told_end_ = now_left == node::NodeDrain::Left();
  return {.ms = std::max<int64_t>(0, *end_ms_ - now_ms), .left = now_left};
}

}  // namespace rayx::daemon
