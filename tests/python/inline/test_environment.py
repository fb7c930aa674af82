import os

from rayx.inline.environment import InlineEnvironment


def test_devices_while_a_task_runs(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    threads = os.environ.get("OMP_NUM_THREADS")
    environment = InlineEnvironment(has_gpus=True)
    with environment.within([1]) as outer:
        assert outer.apply([1], 4.0) == [1]
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
        with environment.within([]):
            assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    assert os.environ.get("OMP_NUM_THREADS") == threads


def test_names_that_the_user_gave(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    environment = InlineEnvironment(has_gpus=True)
    with environment.within([1]) as within:
        assert within.apply([1], 1.0) == [7]
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4,7"


def test_without_gpus_the_user_s_are_left_alone(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    with InlineEnvironment(has_gpus=False).within([]):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "4,7"
