"""Which of how many processes this is, of those that a launcher has started with one command line.

>>> rank = Rank.of({"SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4",
...                 "SLURM_JOB_ID": "77", "SLURM_STEP_ID": "0"})
>>> rank.number, rank.tasks, rank.name
(1, 4, 'slurm-77.0')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_JOB, _STEP = "SLURM_JOB_ID", "SLURM_STEP_ID"
_NUMBER, _COUNT = "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"


class Rank(NamedTuple):
    """One of them. The first is 0."""

    number: int
    tasks: int
    #: The same for all of them, and for no others of this user.
    name: str
    #: An address that the network between their machines has; empty if the launcher tells none.
    beacon: str = ""
    #: The CPUs that the launcher has given this process; None if it tells none.
    cpus: int | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Rank | None:
        """None where no launcher has started several. ValueError if what it tells has no sense.

        A batch script of Slurm is no rank, although it has most of the variables of one: what it
        runs without `srun` runs once.
        """
        if not all(environment.get(name) for name in (_NUMBER, _COUNT, _JOB, _STEP)):
            return None
        number, count = (_whole(name, environment[name]) for name in (_NUMBER, _COUNT))
        if number >= count:
            raise ValueError(f"{_NUMBER}={number} is no rank of {_COUNT}={count}")
        per_task = environment.get("SLURM_CPUS_PER_TASK")
        # Of a step that has one task a node, what the job has of the node is the task's.
        is_alone = environment.get("SLURM_STEP_NUM_NODES") == environment[_COUNT]
        name = "SLURM_CPUS_PER_TASK" if per_task or not is_alone else "SLURM_CPUS_ON_NODE"
        cpus = environment.get(name)
        return cls(
            number,
            count,
            f"slurm-{environment[_JOB]}.{environment[_STEP]}",
            environment.get("SLURM_LAUNCH_NODE_IPADDR", ""),
            _whole(name, cpus) if cpus else None,
        )


def _whole(name: str, text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{name}={text!r} is no number")
    return int(text)
