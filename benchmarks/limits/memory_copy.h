#pragma once

#include "limits/report.h"

namespace rayx::limits {

// How fast 100 MiB are copied, in GB/s:
//
//   copy_warm[_nt][_2threads]    into pages that were touched before; `nt`: past the caches, with
//                                non-temporal stores (x86 only)
//   anon_cold                    into new anonymous memory
//   memfd_cold                   into a new memfd, through a mapping, which faults page by page
//   memfd_cold_write[_2threads]  into a new memfd, by pwrite
void MeasureMemoryCopies(Report& report);

}  // namespace rayx::limits
