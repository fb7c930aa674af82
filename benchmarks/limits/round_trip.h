#pragma once

#include "limits/cpus.h"
#include "limits/report.h"

namespace rayx::limits {

// What messages of 64 bytes between processes cost, over Unix stream sockets:
//
//   unix_1hop   driver <-> worker
//   unix_2hop   driver <-> daemon <-> worker
//
// `_<placement>_p50_us` and `_p99_us`: there and back, one message at a time.
// `_piped_per_s`: 64 messages under way, each read and written alone; processes run anywhere.
void MeasureRoundTrips(const Cpus& cpus, Report& report);

}  // namespace rayx::limits
