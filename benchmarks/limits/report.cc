#include "limits/report.h"

#include <algorithm>

namespace rayx::limits {

void Report::Add(std::string name, double figure) {
  figures_.emplace_back(std::move(name), figure);
}

void Report::AddPercentiles(const std::string& name, std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const size_t last = seconds.size() - 1;
  Add(name + "_p50_us", seconds[last / 2] * 1e6);
  Add(name + "_p99_us", seconds[last * 99 / 100] * 1e6);
}

void Report::Print(std::FILE* file) const {
  const char* separator = "{";
  for (const auto& [name, figure] : figures_) {
    std::fprintf(file, "%s\n  \"%s\": %.6g", separator, name.c_str(), figure);
    separator = ",";
  }
  std::fputs("\n}\n", file);
}

}  // namespace rayx::limits
