// rayx._simulation: the simulator for Python (python/rayx/simulation.py).
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "sim/simulation.h"

namespace py = pybind11;

namespace {

rayx::sim::Report SimulateFor(uint64_t seed, size_t tasks, size_t trace_lines) {
  const py::gil_scoped_release release;
  return rayx::sim::Simulate({.seed = seed, .tasks = tasks, .trace_lines = trace_lines});
}

}  // namespace

PYBIND11_MODULE(_simulation, module) {
  using rayx::sim::Report;
  module.doc() = "Whole lives of a node from seeds, around the real core.";
  py::class_<Report>(module, "Report", "What happened in one life of a node.")
      .def_readonly("seed", &Report::seed)
      .def_readonly("broken", &Report::broken, "The first rule that was broken; empty if none was.")
      .def_readonly("trace_hash", &Report::trace_hash, "Of all events, in order.")
      .def_readonly("events", &Report::events)
      .def_readonly("simulated_ms", &Report::simulated_ms)
      .def_readonly("tasks", &Report::tasks)
      .def_readonly("failed", &Report::failed)
      .def_readonly("calls", &Report::calls)
      .def_readonly("actors", &Report::actors)
      .def_readonly("streams", &Report::streams)
      .def_readonly("retried", &Report::retried)
      .def_readonly("cancelled", &Report::cancelled)
      .def_readonly("trace", &Report::trace, "The last events, as lines.");
  module.def("simulate", &SimulateFor, py::arg("seed"), py::arg("tasks"),
             py::arg("trace_lines") = 0, "Runs one life; the same arguments give the same.");
}
