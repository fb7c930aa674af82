#pragma once

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace rayx::limits {

// The figures, by name. Names end in their unit.
class Report {
 public:
  void Add(std::string name, double figure);

  // Adds `<name>_p50_us` and `<name>_p99_us` of durations in seconds, of which there is at least
  // one.
  void AddPercentiles(const std::string& name, std::vector<double> seconds);

  // As one JSON object.
  void Print(std::FILE* file) const;

 private:
  std::vector<std::pair<std::string, double>> figures_;
};

}  // namespace rayx::limits
