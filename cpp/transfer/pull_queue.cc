#include "transfer/pull_queue.h"

#include <iterator>

#include "common/base/check.h"
#include "transfer/mutation.h"

namespace rayx::transfer {
namespace {

// Of what is pulled, in a text for people.
constexpr size_t kShownMax = 10;

}  // namespace

// ---- bundles ------------------------------------------------------------------------------------

void PullQueue::Want(BundleId bundle, Rank rank, const std::vector<Wanted>& wanted) {
  bundles_.Add(bundle, rank, wanted);
  rooms_are_due_ = true;
}

void PullQueue::Leave(BundleId bundle) {
  bundles_.Remove(bundle);
  rooms_are_due_ = true;
}

void PullQueue::SetIsHere(const ObjectId& id, bool is_here) {
  const auto found = pulls_.find(id);
  if (is_here && found != pulls_.end() && !found->second.is_abandoned) Abandon(id);
  bundles_.SetIsHere(id, is_here);
  rooms_are_due_ = true;
}

// ---- the home -----------------------------------------------------------------------------------

void PullQueue::AskHome(const ObjectId& id, Pull& pull, const NodeId& failed) {
  pull.question = failed;
  AskIfDue(id, pull);
}

void PullQueue::AskIfDue(const ObjectId& id, Pull& pull) {
  if (!pull.question || !pull.written.empty()) return;
  pull.number = ++last_number_;
  effects_.emplace_back(AskSource{.id = id,
                                  .number = pull.number,
                                  .failed = *std::exchange(pull.question, std::nullopt),
                                  .has_progressed = std::exchange(pull.has_progressed, false)});
}

void PullQueue::On(const UseSource& message) {
  const auto found = pulls_.find(message.id);
  if (found == pulls_.end() || found->second.is_abandoned || message.size_bytes == 0) return;
  Pull& pull = found->second;
  if (pull.number != message.number && !RAYX_TRANSFER_MUTATION(kTrustOldAnswer)) return;
  pull.answered = std::exchange(pull.number, 0);
  const bool is_other = pull.version && *pull.version != message.version;
  if ((is_other && !RAYX_TRANSFER_MUTATION(kMixVersions)) ||
      pull.size_bytes != message.size_bytes) {
    // It is begun anew, in a room of the right size.
    bundles_.Resize(message.id, message.size_bytes);
    return Abandon(message.id);
  }
  pull.version = message.version;
  pull.source = message.source;
  sources_[pull.source].turns.push_back(message.id);
  if (RAYX_TRANSFER_MUTATION(kStartOver)) pull.chunks = ChunkMap(pull.size_bytes, chunk_bytes_);
}

void PullQueue::On(const LeaveSource& message) {
  const auto found = pulls_.find(message.id);
  if (found == pulls_.end() || found->second.is_abandoned) return;
  Pull& pull = found->second;
  if (pull.source.IsNil() || pull.answered != message.number) return;
  SayLeave(message.id, pull);
  Detach(pull);
  AskHome(message.id, pull, {});
}

void PullQueue::On(const NoSource& message) {
  const auto found = pulls_.find(message.id);
  if (found == pulls_.end() || found->second.is_abandoned) return;
  if (found->second.number != message.number) return;
  found->second.number = 0;
  Abandon(message.id);
  bundles_.OnLost(message.id);
  effects_.emplace_back(Lost{message.id});
}

// ---- sources ------------------------------------------------------------------------------------

bool PullQueue::Begin(const NodeId& source, const ChunkName& name) {
  const auto found = pulls_.find(name.id);
  if (found == pulls_.end()) return false;
  Pull& pull = found->second;
  if (pull.is_abandoned || pull.source != source || !pull.asked.contains(name.chunk)) return false;
  if (pull.version != name.version && !RAYX_TRANSFER_MUTATION(kMixVersions)) return false;
  return pull.written.insert(name.chunk).second;
}

void PullQueue::OnChunk(const NodeId& source, const ChunkName& name, bool is_whole) {
  const auto found = pulls_.find(name.id);
  RAYX_CHECK(found != pulls_.end() || RAYX_TRANSFER_MUTATION(kDropWhileWritten));
  if (found == pulls_.end()) return;
  Pull& pull = found->second;
  pull.written.erase(name.chunk);
  if (pull.is_abandoned) return EndIfIdle(name.id);
  if (pull.source == source && pull.asked.erase(name.chunk) > 0) {
    --asked_;
    --sources_.at(source).asked;
    // It is asked for again, if its source does not turn out to be lost.
    if (!is_whole) sources_.at(source).turns.push_back(name.id);
  }
  // It was written into the room of this pull, whoever is its source by now.
  if (is_whole && pull.chunks.Add(name.chunk)) {
    pull.has_progressed = true;
    rooms_->OnChunkHere(name);
    if (pull.chunks.is_whole()) return Finish(name.id);
  }
  AskIfDue(name.id, pull);
}

void PullQueue::On(const NodeId& source, const CopyMissing& message) {
  const auto found = pulls_.find(message.id);
  if (found == pulls_.end() || found->second.source != source) return;
  if (found->second.version != message.version) return;
  // What it was asked for since it said so it may have by now.
  SayLeave(message.id, found->second);
  Detach(found->second);
  AskHome(message.id, found->second, source);
}

void PullQueue::OnSourceLost(const NodeId& source) {
  for (auto& [id, pull] : pulls_) {
    if (pull.source != source) continue;
    Detach(pull);
    if (!pull.is_abandoned) AskHome(id, pull, source);
  }
}

void PullQueue::SayLeave(const ObjectId& id, const Pull& pull) {
  if (pull.source.IsNil() || RAYX_TRANSFER_MUTATION(kForgetLeave)) return;
  effects_.emplace_back(ForSource{pull.source, LeaveCopy{id}});
}

void PullQueue::Detach(Pull& pull) {
  if (!RAYX_TRANSFER_MUTATION(kForgetAsked) && !pull.asked.empty()) {
    asked_ -= pull.asked.size();
    sources_.at(pull.source).asked -= pull.asked.size();
  }
  pull.asked.clear();
  pull.source = {};
}

void PullQueue::Finish(const ObjectId& id) {
  const auto found = pulls_.find(id);
  Pull& pull = found->second;
  // Nothing is asked for that is being written.
  RAYX_CHECK(pull.written.empty());
  const Version version = *pull.version;
  SayLeave(id, pull);
  Detach(pull);
  pulls_.erase(found);
  bundles_.SetIsHere(id, true);
  rooms_are_due_ = true;
  rooms_->OnWhole(id, version);
  effects_.emplace_back(CopyWhole{.id = id, .version = version});
}

// ---- the turn -----------------------------------------------------------------------------------

void PullQueue::Turn(uint64_t bytes) {
  for (const ObjectId& id : bundles_.TakeUnwanted()) {
    const auto found = pulls_.find(id);
    if (found != pulls_.end() && !found->second.is_abandoned) Abandon(id);
  }
  // In most turns nothing but chunks has come.
  const bool has_changed = std::exchange(rooms_are_due_, false) || bytes != bytes_;
  if (has_changed || waits_for_room_) {
    bytes_ = bytes;
    bundles_.Admit(bytes);
    holds_for_first_only_ = false;
    waits_for_room_ = !MakeRooms();
  }
  AskForChunks();
}

bool PullQueue::MakeRooms() {
  while (const std::optional<BundleQueue::Due> due = bundles_.NextDue()) {
    // One that was abandoned comes back when its old room is gone. No other is made before: it
    // could take what this one waits for.
    if (pulls_.contains(due->id)) return false;
    const bool has_room =
        due->is_of_first ? MakeRoomForFirst(*due) : rooms_->Make(due->id, due->size_bytes);
    if (!has_room) return false;
    bundles_.OnComing(due->id);
    const ChunkMap chunks(due->size_bytes, chunk_bytes_);
    Pull& pull = pulls_.emplace(due->id, Pull{.size_bytes = due->size_bytes, .chunks = chunks})
                     .first->second;
    AskHome(due->id, pull, {});
  }
  return true;
}

bool PullQueue::MakeRoomForFirst(const BundleQueue::Due& due) {
  if (rooms_->Make(due.id, due.size_bytes)) return true;
  holds_for_first_only_ = true;
  while (!rooms_->Make(due.id, due.size_bytes)) {
    if (!AbandonOne()) return false;
  }
  return true;
}

// The last.
bool PullQueue::AbandonOne() {
  const ObjectId* last = nullptr;
  for (const auto& [id, pull] : pulls_) {
    if (pull.is_abandoned || bundles_.IsOfFirst(id)) continue;
    if (last == nullptr || bundles_.IsBefore(*last, id)) last = &id;
  }
  if (last == nullptr) return false;
  Abandon(ObjectId(*last));
  return true;
}

void PullQueue::Abandon(const ObjectId& id) {
  Pull& pull = pulls_.at(id);
  SayLeave(id, pull);
  Detach(pull);
  pull.is_abandoned = true;
  bundles_.OnAbandoned(id);
  effects_.emplace_back(CopyDropped{.id = id, .was_whole = false});
  EndIfIdle(id);
}

void PullQueue::EndIfIdle(const ObjectId& id) {
  const auto found = pulls_.find(id);
  if (!found->second.written.empty() && !RAYX_TRANSFER_MUTATION(kDropWhileWritten)) return;
  pulls_.erase(found);
  rooms_->Drop(id);
  // It may be wanted still.
  rooms_are_due_ = true;
}

// One chunk of each source in turn.
void PullQueue::AskForChunks() {
  auto at = sources_.upper_bound(last_source_);
  for (size_t idle = 0; idle < sources_.size() && asked_ < kAskedMax;) {
    if (at == sources_.end()) at = sources_.begin();
    auto& [node, source] = *at;
    if (AskOne(node, source)) {
      idle = 0;
      last_source_ = node;
    } else {
      ++idle;
    }
    const bool is_over = source.asked == 0 && source.turns.empty();
    at = is_over ? sources_.erase(at) : std::next(at);
    if (is_over) idle = 0;
  }
}

bool PullQueue::AskOne(const NodeId& node, Source& source) {
  while (source.asked < kAskedOfSourceMax && !source.turns.empty()) {
    const ObjectId id = source.turns.front();
    source.turns.pop_front();
    const auto found = pulls_.find(id);
    if (found == pulls_.end() || found->second.source != node) continue;
    Pull& pull = found->second;
    std::optional<uint32_t> chunk = pull.chunks.NextMissing(0);
    // What is being written has come from a source that it had before.
    while (chunk && (pull.asked.contains(*chunk) || pull.written.contains(*chunk))) {
      chunk = pull.chunks.NextMissing(*chunk + 1);
    }
    if (!chunk) continue;
    source.turns.push_back(id);
    pull.asked.insert(*chunk);
    ++source.asked;
    ++asked_;
    effects_.emplace_back(
        ForSource{node, AskChunk{{.id = id, .version = *pull.version, .chunk = *chunk}}});
    return true;
  }
  return false;
}

// ---- what is there ------------------------------------------------------------------------------

bool PullQueue::IsPulling(const ObjectId& id) const { return pulls_.contains(id); }

const ChunkMap* PullQueue::PartOf(const ObjectId& id, Version version) const {
  const auto found = pulls_.find(id);
  if (found == pulls_.end() || found->second.is_abandoned) return nullptr;
  const bool is_other = found->second.version != version;
  return is_other && !RAYX_TRANSFER_MUTATION(kServeAnyVersion) ? nullptr : &found->second.chunks;
}

std::string PullQueue::DebugText() const {
  std::string text = "values that are pulled: " + std::to_string(pulls_.size()) +
                     (waits_for_room_ ? ", and some wait for room in the pool\n" : "\n");
  size_t shown = 0;
  for (const auto& [id, pull] : pulls_) {
    if (++shown > kShownMax) return text + "  ...\n";
    text += "  " + id.Hex() + ", " + std::to_string(pull.chunks.missing()) + " of " +
            std::to_string(pull.chunks.count()) + " chunks missing, ";
    if (pull.is_abandoned) {
      text += "given up while it is written\n";
    } else if (pull.question) {
      text += "asks for a source when nothing is written any more\n";
    } else if (pull.source.IsNil()) {
      text += "waits for a source (question " + std::to_string(pull.number) + ")\n";
    } else {
      text += std::to_string(pull.asked.size()) + " asked of node " + pull.source.Hex() + "\n";
    }
  }
  return text;
}

}  // namespace rayx::transfer
