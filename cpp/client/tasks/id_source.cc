#include "client/tasks/id_source.h"

#include <cstring>

namespace rayx {
namespace {

// Puts of one attempt before a fresh owner is needed, and attempts that fit above them in 31 bits.
constexpr uint32_t kPutBits = 20;
constexpr uint32_t kPutsPerAttempt = 1u << kPutBits;
constexpr uint32_t kAttemptsMax = ObjectId::kPutBit >> kPutBits;

// SplitMix64 (Steele, Lea, Flood 2014): a permutation of 64-bit words that looks random.
uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

TaskId Derive(uint64_t seed, const TaskId& parent, uint32_t attempt, uint64_t number) {
  uint64_t words[2];
  std::memcpy(words, parent.data(), sizeof(words));
  uint64_t low = Mix(seed);
  for (const uint64_t word : {words[0], words[1], uint64_t{attempt}, number}) low = Mix(low ^ word);
  const uint64_t high = Mix(~low);
  words[0] = low;
  words[1] = high;
  return TaskId::FromBytes(reinterpret_cast<const uint8_t*>(words));
}

}  // namespace

IdSource::IdSource() { process_.id = random_.Next<TaskId>(); }

void IdSource::Seed(uint64_t seed, bool with_process) {
  const std::lock_guard lock(mutex_);
  seed_ = seed;
  process_ = Owner();
  process_.seeded = with_process;
  process_.id = FreshTask(&process_);
}

void IdSource::BeginTask(const TaskId& task, uint32_t attempt) {
  const std::lock_guard lock(mutex_);
  task_ = Owner();
  task_.seed_parent = task;
  task_.attempt = attempt;
  if (attempt >= kAttemptsMax) {
    task_.id = FreshTask(&task_);
    return;
  }
  task_.id = task;
  task_.put = attempt << kPutBits;
  task_.put_end = task_.put + kPutsPerAttempt;
}

TaskId IdSource::NextTask(bool in_task) {
  const std::lock_guard lock(mutex_);
  return FreshTask(OwnerOf(in_task));
}

ObjectId IdSource::NextPut(bool in_task) {
  const std::lock_guard lock(mutex_);
  Owner* const owner = OwnerOf(in_task);
  if (owner->put == owner->put_end) {
    owner->id = FreshTask(owner);
    owner->put = 0;
    owner->put_end = ObjectId::kPutBit;
  }
  return ObjectId::ForPut(owner->id, owner->put++);
}

TaskId IdSource::FreshTask(Owner* owner) {
  if (!seed_ || !owner->seeded) return random_.Next<TaskId>();
  return Derive(*seed_, owner->seed_parent, owner->attempt, owner->tasks++);
}

}  // namespace rayx
