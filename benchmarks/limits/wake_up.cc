#include "limits/wake_up.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

#include "limits/stopwatch.h"
#include "limits/system_call.h"

namespace rayx::limits {
namespace {

constexpr int kWakeUps = 5000;
constexpr uint64_t kWake = 1;
constexpr uint64_t kEnd = 1000;

// A bell that one process rings and another waits for.
class Bell {
 public:
  Bell() : fd_(Checked(eventfd(0, EFD_CLOEXEC), "eventfd")) {}
  ~Bell() { close(fd_); }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  void Ring(uint64_t value) const {
    Checked(write(fd_, &value, sizeof(value)), "write to an eventfd");
  }

  uint64_t Wait() const {
    uint64_t value = 0;
    Checked(read(fd_, &value, sizeof(value)), "read of an eventfd");
    return value;
  }

 private:
  int fd_;
};

std::vector<double> TimeWakeUps(const Cpus& cpus, Placement placement) {
  const Bell there;
  const Bell back;
  const Child sleeper([&] {
    cpus.Place(placement, 1);
    while (there.Wait() != kEnd) back.Ring(kWake);
  });
  cpus.Place(placement, 0);
  std::vector<double> seconds;
  seconds.reserve(kWakeUps);
  for (int i = 0; i < kWakeUps; ++i) {
    const Stopwatch stopwatch;
    there.Ring(kWake);
    back.Wait();
    seconds.push_back(stopwatch.seconds());
  }
  there.Ring(kEnd);
  return seconds;
}

}  // namespace

void MeasureWakeUps(const Cpus& cpus, Report& report) {
  for (const Placement placement : cpus.placements()) {
    report.AddPercentiles("wake_" + Name(placement), TimeWakeUps(cpus, placement));
  }
  cpus.Place(Placement::kFree, 0);
}

}  // namespace rayx::limits
