import pytest

from rayx._raylet import RayletError
from rayx.inline.absent import NoProcesses
from rayx.inline.client import InlineClient


def test_nothing_is_asked_of_others():
    client = InlineClient({"CPU": 1.0}, 1 << 20)
    assert isinstance(client, NoProcesses)
    assert client.lend_cpus() == 0
    client.return_cpus(0)
    client.poll()
    client.seed_ids(1)
    assert client.fileno() == -1
    assert client.interrupt() == (0, 0)
    with pytest.raises(RayletError, match="no workers in PYTHON_MODE"):
        client.next_task(lambda function_ids: None)
