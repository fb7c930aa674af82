#pragma once

#include "limits/cpus.h"
#include "limits/report.h"

namespace rayx::limits {

// What it costs to wake a process that sleeps, and to be woken by it: `wake_<placement>_p50_us` and
// `_p99_us`, by eventfds, which carry nothing. A wake-up that crosses CPUs costs far more than a
// message, since the other CPU sleeps too.
void MeasureWakeUps(const Cpus& cpus, Report& report);

}  // namespace rayx::limits
