// rayx-limits: what the mechanisms under any task engine cost on this machine, as one JSON object
// of figures. benchmarks/README.md tells what each name means. Takes a few seconds.
#include <cstdio>
#include <string_view>

#include "limits/cpus.h"
#include "limits/memory_copy.h"
#include "limits/report.h"
#include "limits/round_trip.h"
#include "limits/wake_up.h"

int main(int argc, char** argv) {
  if (argc > 1) {
    const bool asked = std::string_view(argv[1]) == "--help";
    std::fputs("rayx-limits: prints what this machine can do, as JSON; takes no arguments\n",
               asked ? stdout : stderr);
    return asked ? 0 : 2;
  }
  const rayx::limits::Cpus cpus = rayx::limits::Cpus::OfThisProcess();
  rayx::limits::Report report;
  // Processes are forked before any thread is started.
  rayx::limits::MeasureRoundTrips(cpus, report);
  rayx::limits::MeasureWakeUps(cpus, report);
  rayx::limits::MeasureMemoryCopies(report);
  report.Print(stdout);
  return 0;
}
