#include "daemon/records/record_keeper.h"

#include <utility>

#include "common/base/limits.h"

namespace rayx::daemon {

RecordKeeper::RecordKeeper(control::Tables* tables, NodeId node) : tables_(tables), node_(node) {}

void RecordKeeper::OnTaskEnded(const TaskId& id, bool failed) {
  ++(failed ? tasks_failed_ : tasks_done_);
  if (!recorded_tasks_.empty() && recorded_tasks_.erase(id) != 0) tables_->tasks().Remove(id);
}

void RecordKeeper::OnObjectDeleted(const ObjectId& id) {
  if (!recorded_objects_.empty() && recorded_objects_.erase(id) != 0) {
    tables_->objects().RemoveLocation(id, node_);
  }
}

void RecordKeeper::Flush(int64_t now_ms) {
  const auto due = NextFlushMs();
  if (!due || now_ms < *due) return;
  last_flush_ms_ = now_ms;
  // Removals of what was recorded before come first. In a burst of short tasks, most have ended
  // before their record would be written.
  size_t written = tables_->behind() ? limits::kControlRecordsPerFlush : 0;
  size_t looks = limits::kControlLooksPerFlush;
  for (; !new_tasks_.empty() && looks > 0; new_tasks_.pop_front(), --looks) {
    const std::optional<control::TaskRecord> record = sources_.task(new_tasks_.front());
    if (!record) continue;
    if (written >= limits::kControlRecordsPerFlush) break;
    tables_->tasks().Put(*record);
    recorded_tasks_.insert(record->id);
    ++written;
  }
  for (; !new_objects_.empty() && looks > 0; new_objects_.pop_front(), --looks) {
    const ObjectId id = new_objects_.front();
    const std::optional<uint64_t> size = sources_.object_size(id);
    if (!size) continue;
    if (written >= limits::kControlRecordsPerFlush) break;
    if (!recorded_objects_.insert(id).second) continue;
    tables_->objects().AddLocation(id, node_, *size);
    ++written;
  }
  if (tasks_done_ > 0) tables_->counters().Add("tasks_done", std::exchange(tasks_done_, 0));
  if (tasks_failed_ > 0) tables_->counters().Add("tasks_failed", std::exchange(tasks_failed_, 0));
}

std::optional<int64_t> RecordKeeper::NextFlushMs() const {
  if (new_tasks_.empty() && new_objects_.empty() && tasks_done_ == 0 && tasks_failed_ == 0) {
    return std::nullopt;
  }
  return last_flush_ms_ + limits::kControlFlushMs;
}

}  // namespace rayx::daemon
