from argparse import Namespace

import pytest

from rayx.command import node_options


def options(**given):
    names = ("num_redis_shards", "num_gpus", "num_workers", "object_store_memory", "resources")
    return Namespace(**(dict.fromkeys((*names, "num_cpus")) | given))


def test_what_was_typed_is_read():
    checked = node_options.checked(
        options(num_cpus="1.5", resources='{"disk": 2}'), None, "rayx run"
    )
    assert (checked.num_cpus, checked.resources) == (1.5, {"disk": 2.0})


def test_options_that_a_command_has_not_have_their_defaults():
    given = options(num_cpus="2")
    del given.num_redis_shards
    assert node_options.checked(given, None, "rayx run").redis_shards == 1
    assert node_options.port(Namespace(port="7000")) == 7000
    assert node_options.port(Namespace(port=None)) == 0


def test_mistakes_name_the_option():
    with pytest.raises(TypeError, match="--num-cpus must be a number"):
        node_options.checked(options(num_cpus="two"), None, "rayx run")
    broken = options()
    broken.resources = "{"
    with pytest.raises(ValueError, match="--resources must be JSON"):
        node_options.checked(broken, None, "rayx run")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("num_cpus must be between", "--num-cpus must be between"),
        ("resources must be a dictionary", "--resources must be a dictionary"),
        ("resources['a'] must be", "--resources['a'] must be"),
        ("give GPU as num_gpus=1, not in resources", "give GPU as --num-gpus=1, not in resources"),
        (
            "give rayx.init a smaller object_store_memory.",
            "give rayx start a smaller --object-store-memory.",
        ),
    ],
)
def test_messages_name_what_was_typed(text, said):
    assert node_options.said_as_options(text, "rayx start") == said
