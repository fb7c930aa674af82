import pytest

import rayx
from rayx.launch import machine
from rayx.launch.init_options import InitOptions, with_address


def test_defaults(monkeypatch):
    monkeypatch.setattr(machine, "cpu_count", lambda: 3)
    monkeypatch.setattr(machine, "memory_bytes", lambda: 3 << 30)
    options = InitOptions.checked()
    assert (options.num_cpus, options.num_gpus, options.num_workers) == (3.0, 0.0, 3)
    assert options.object_store_bytes == 1 << 30
    assert options.redis_shards == 1
    assert options.driver_mode == rayx.SCRIPT_MODE


def test_what_is_given_is_taken():
    options = InitOptions.checked(
        num_cpus=1.5, num_gpus=2, num_workers=0, resources={"a": 1}, object_store_memory=1 << 21
    )
    assert (options.num_cpus, options.num_gpus, options.num_workers) == (1.5, 2.0, 0)
    assert options.resources == {"a": 1.0}
    assert options.object_store_bytes == 1 << 21
    assert InitOptions.checked(num_cpus=1.5).num_workers == 2


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"redis_address": 5}, TypeError, "redis_address must be a string"),
        (
            {"redis_address": "tmp/x"},
            ValueError,
            "redis_address='tmp/x' is no address of a session",
        ),
        ({"redis_address": "unix:x"}, ValueError, "rayx start --head` has printed, such as"),
        ({"redis_address": "127.0.0.1:0"}, ValueError, "is no address of a session"),
        ({"redis_address": "127.0.0.1:65536"}, ValueError, "is no address of a session"),
        ({"redis_address": "127.0.0.1:-1"}, ValueError, "is no address of a session"),
        ({"redis_address": ":6379"}, ValueError, "is no address of a session"),
        ({"redis_address": "unix:6379"}, ValueError, "is no address of a session"),
        ({"redis_address": "2001:db8::7:1"}, ValueError, "IPv6 addresses in brackets"),
        ({"redis_address": "[head]:1"}, ValueError, "is no address of a session"),
        ({"node_ip_address": "192.0.2.1"}, ValueError, "of this machine, whose.*127.0.0.1"),
        ({"node_ip_address": 5}, TypeError, "node_ip_address must be a string"),
        ({"driver_mode": 1}, ValueError, "SCRIPT_MODE, rayx.SILENT_MODE or .*PYTHON_MODE, not 1"),
        ({"driver_mode": True}, ValueError, "driver_mode"),
        ({"driver_mode": "script"}, ValueError, "driver_mode"),
        ({"redirect_output": 1}, TypeError, "True or False"),
        ({"object_id_seed": -1}, ValueError, "object_id_seed"),
        ({"object_id_seed": "a"}, TypeError, "whole number"),
        ({"num_workers": 1.5}, TypeError, "num_workers"),
        ({"num_workers": 10**6}, ValueError, "between 0 and 4,096"),
        ({"num_cpus": -1}, ValueError, "num_cpus"),
        ({"num_gpus": "1"}, TypeError, "num_gpus"),
        ({"num_gpus": 0.5}, ValueError, "num_gpus must be a whole number, not 0.5"),
        ({"num_redis_shards": 0}, ValueError, "num_redis_shards"),
        ({"resources": {"CPU": 1}}, ValueError, "num_cpus"),
        ({"object_store_memory": 1000}, ValueError, "between 1,048,576"),
        ({"object_store_memory": 1 << 60}, ValueError, "more than the"),
        ({"object_store_memory": 1e9}, TypeError, "whole number"),
        ({"hints": 1}, TypeError, "hints must be True or False, not 1"),
        ({"preload": "numpy"}, TypeError, r"preload must be a list .*\['numpy'\], not 'numpy'"),
        ({"preload": [5]}, TypeError, "preload must hold names of modules, not 5 of type int"),
        ({"preload": ["a b"]}, ValueError, "preload: 'a b' is not the name of a module"),
    ],
)
def test_refuses(arguments, error, text):
    with pytest.raises(error, match=text):
        InitOptions.checked(**arguments)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"num_workers": 1}, "num_workers"),
        ({"num_redis_shards": 2}, "num_redis_shards"),
        ({"redirect_output": True}, "redirect_output"),
        ({"redis_address": "h:1"}, "redis_address"),
        ({"node_ip_address": "1.2.3.4"}, "node_ip_address"),
    ],
)
def test_python_mode_has_no_processes(arguments, named):
    with pytest.raises(ValueError, match=f"^{named} cannot be given together with .*PYTHON_MODE"):
        InitOptions.checked(driver_mode=rayx.PYTHON_MODE, **arguments)


@pytest.mark.parametrize(
    "argument",
    [
        {"object_id_seed": 1},
        {"num_cpus": 1},
        {"num_gpus": 0},
        {"num_workers": 1},
        {"num_redis_shards": 1},
        {"redirect_output": True},
        {"resources": {"a": 1}},
        {"object_store_memory": 1 << 21},
        {"preload": ["json"]},
    ],
)
def test_a_cluster_has_what_it_has(argument):
    (name,) = argument
    with pytest.raises(ValueError, match=f"^{name} cannot be given together with redis_address"):
        InitOptions.checked(redis_address="unix:/a/rayx-1/control-0/redis.sock", **argument)


@pytest.mark.parametrize("prefix", ["unix:", ""])
def test_a_session_to_join(prefix):
    address = f"{prefix}/a/rayx-1/control-0/redis.sock"
    options = InitOptions.checked(redis_address=address, driver_mode=rayx.SILENT_MODE)
    assert options.redis_address == address
    assert InitOptions.checked().redis_address is None


@pytest.mark.parametrize("address", [None, "127.0.0.1", "localhost", "::1"])
def test_the_node_is_this_machine(address):
    assert InitOptions.checked(node_ip_address=address).node_ip_address == "127.0.0.1"


def test_any_address_of_this_machine_will_do(monkeypatch):
    monkeypatch.setattr(machine, "addresses", lambda: ["127.0.0.1", "192.0.2.7"])
    assert InitOptions.checked(node_ip_address="192.0.2.7").node_ip_address == "192.0.2.7"


def test_modes_and_modules():
    options = InitOptions.checked(
        driver_mode=rayx.PYTHON_MODE, num_gpus=2.0, preload=["json", "os.path", "json"]
    )
    assert options.driver_mode == rayx.PYTHON_MODE
    assert options.num_gpus == 2.0
    assert options.preload == ("json", "os.path")


@pytest.mark.parametrize("given", ["127.0.0.1:6379", "localhost:6379", "[::1]:06379"])
def test_an_address_of_this_machine(given):
    assert InitOptions.checked(redis_address=given).redis_address == "127.0.0.1:6379"


@pytest.mark.parametrize("given", ["192.0.2.7:1", "head:1", "[2001:db8::7]:1"])
def test_an_address_of_a_cluster(given):
    options = InitOptions.checked(redis_address=given)
    assert (options.redis_address, options.node_ip_address) == (given, "")


def test_the_node_that_is_joined_may_be_named(monkeypatch):
    monkeypatch.setattr(machine, "addresses", lambda: ["192.0.2.7", "2001:db8::7"])
    for given, address in (("192.0.2.7", "192.0.2.7"), ("[2001:db8::7]", "2001:db8::7")):
        options = InitOptions.checked(redis_address="head:1", node_ip_address=given)
        assert options.node_ip_address == address


# ---- what the environment says -------------------------------------------------------------------

ADDRESS = {"RAYX_REDIS_ADDRESS": "192.0.2.7:6379"}


def test_the_environment_names_the_session_if_the_program_does_not():
    given = {"redis_address": None, "num_cpus": 2, "redirect_output": True, "hints": True}
    told, ignored = with_address(given, ADDRESS)
    assert told["redis_address"] == "192.0.2.7:6379"
    assert sorted(ignored) == ["num_cpus", "redirect_output"]
    assert (told["num_cpus"], told["redirect_output"]) == (None, False)
    assert InitOptions.checked(**told).redis_address == "192.0.2.7:6379"
    for kept in ({"redis_address": "192.0.2.8:1"}, {"driver_mode": rayx.PYTHON_MODE}):
        assert with_address(given | kept, ADDRESS) == (given | kept, [])
    assert with_address(given, {}) == (given, [])


def test_an_environment_that_names_no_session_is_refused():
    with pytest.raises(ValueError, match="RAYX_REDIS_ADDRESS='there' is no address of a session"):
        with_address({}, {"RAYX_REDIS_ADDRESS": "there"})


def test_the_environment_names_the_directory_of_a_run():
    environment = ADDRESS | {"RAYX_WORKING_DIR": "/srv/project"}
    assert with_address({}, environment)[0]["working_dir"] == "/srv/project"
    assert with_address({"working_dir": "/own"}, environment)[0]["working_dir"] == "/own"
    assert "working_dir" not in with_address({}, {"RAYX_WORKING_DIR": "/srv"})[0]


def test_a_working_directory(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    assert InitOptions.checked(working_dir=tmp_path / "link").working_dir == str(tmp_path)
    for wrong, error in ((tmp_path / "no", ValueError), (7, TypeError), (b"/tmp", TypeError)):
        with pytest.raises(error, match="working_dir"):
            InitOptions.checked(working_dir=wrong)
