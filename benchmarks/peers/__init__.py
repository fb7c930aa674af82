"""Measures rayx beside its peers; `benchmarks/compare.py` is the program, README.md tells the rest.

catalogue   what is measured: metrics, the steps that measure them, groups of steps
options     the command line
schedule    who measures what when: rounds, interleaved
peer_python which backends are there, in which Python
round_process, session_processes
            one backend's process for one group of steps: started, timed, ended, left clean
measure_round
            the program of that process
backends/   one adapter for each peer
steps/      the measurements, written once for all backends
results     samples to medians and ratios
floors      what the machine could do, beside what the backends do
markdown    the tables
"""
