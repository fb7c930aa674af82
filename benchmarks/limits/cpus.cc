#include "limits/cpus.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "limits/system_call.h"

namespace rayx::limits {

Cpus Cpus::OfThisProcess() {
  cpu_set_t set;
  Checked(sched_getaffinity(0, sizeof(set), &set), "sched_getaffinity");
  std::vector<int> allowed;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) allowed.push_back(cpu);
  }
  return Cpus(std::move(allowed));
}

std::vector<Placement> Cpus::placements() const {
  if (allowed_.size() < 2) return {Placement::kFree, Placement::kSameCpu};
  return {Placement::kFree, Placement::kSameCpu, Placement::kCrossCpu};
}

void Cpus::Place(Placement placement, int number) const {
  cpu_set_t set;
  CPU_ZERO(&set);
  switch (placement) {
    case Placement::kFree:
      for (const int cpu : allowed_) CPU_SET(cpu, &set);
      break;
    case Placement::kSameCpu:
      CPU_SET(allowed_[0], &set);
      break;
    case Placement::kCrossCpu:
      CPU_SET(allowed_[number % 2 == 0 ? 0 : 1], &set);
      break;
  }
  Checked(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

std::string Name(Placement placement) {
  switch (placement) {
    case Placement::kFree:
      return "free";
    case Placement::kSameCpu:
      return "same_cpu";
    case Placement::kCrossCpu:
      return "cross_cpu";
  }
  return "";
}

pid_t Child::Fork() {
  const pid_t parent = getpid();
  const pid_t pid = Checked(fork(), "fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) Exit();  // it died before the line above
  }
  return pid;
}

// Not exit(): what the parent has not printed yet is not the child's to print.
void Child::Exit() { _exit(0); }

Child::~Child() { waitpid(pid_, nullptr, 0); }

}  // namespace rayx::limits
