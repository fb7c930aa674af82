import pytest

from rayx.runs.ranks import Rank

STEP = {
    "SLURM_JOB_ID": "77",
    "SLURM_STEP_ID": "3",
    "SLURM_PROCID": "2",
    "SLURM_STEP_NUM_TASKS": "4",
}


def test_a_task_of_srun_is_a_rank():
    given = STEP | {"SLURM_LAUNCH_NODE_IPADDR": "192.0.2.7", "SLURM_CPUS_PER_TASK": "8"}
    assert Rank.of(given) == Rank(2, 4, "slurm-77.3", "192.0.2.7", 8)
    assert Rank.of(STEP) == Rank(2, 4, "slurm-77.3", "", None)


def test_a_task_that_has_its_node_alone_has_its_cpus():
    given = STEP | {"SLURM_CPUS_ON_NODE": "16", "SLURM_STEP_NUM_NODES": "4"}
    assert Rank.of(given).cpus == 16
    assert Rank.of(given | {"SLURM_CPUS_PER_TASK": "3"}).cpus == 3
    assert Rank.of(given | {"SLURM_STEP_NUM_NODES": "2"}).cpus is None


@pytest.mark.parametrize("missing", STEP)
def test_nothing_is_a_rank_without_all_of_it(missing):
    assert Rank.of({name: value for name, value in STEP.items() if name != missing}) is None


def test_a_batch_script_is_no_rank():
    """It runs once, whatever it was given."""
    batch = {"SLURM_JOB_ID": "77", "SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_NNODES": "4"}
    assert Rank.of(batch) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("SLURM_PROCID", "4"), ("SLURM_PROCID", "-1"), ("SLURM_STEP_NUM_TASKS", "many")],
)
def test_what_makes_no_sense_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        Rank.of(STEP | {name: value})
