#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace rayx::limits {

// Where the processes of a measurement run.
enum class Placement { kFree, kSameCpu, kCrossCpu };

// The CPUs that this process may use.
class Cpus {
 public:
  static Cpus OfThisProcess();

  // The placements that are possible here: without a second CPU, nothing crosses.
  std::vector<Placement> placements() const;

  // Binds this process to its place; the neighbours in a chain of messages have numbers that differ
  // by one. kFree lets it run anywhere.
  void Place(Placement placement, int number) const;

 private:
  explicit Cpus(std::vector<int> allowed) : allowed_(std::move(allowed)) {}

  std::vector<int> allowed_;
};

// "free", "same_cpu", "cross_cpu".
std::string Name(Placement placement);

// A forked process that runs `body` and exits. The destructor waits for it, so whatever it waits
// for must have ended before.
class Child {
 public:
  template <typename Body>
  explicit Child(Body body) : pid_(Fork()) {
    if (pid_ == 0) {
      body();
      Exit();
    }
  }
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

 private:
  static pid_t Fork();
  [[noreturn]] static void Exit();

  pid_t pid_;
};

}  // namespace rayx::limits
