import pytest

import rayx
from rayx.command import main as command
from rayx.launch import machine
from rayx.launch.processes import Standing
from rayx.records import cluster_key, host_port
from rayx.records.host_port import HostPort
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord
from rayx.standing import sessions


@pytest.fixture
def started(monkeypatch):
    """What `rayx start` would have started."""
    calls = []

    def fake(options, where):
        calls.append((options, where))
        return SessionRecord(
            str(HostPort(where.address, where.port or 7)),
            "/tmp/rayx-1",
            ProcessIdentity(1, 1),
            1.0,
            "0.1.0",
            "3.11.7",
            where.key_file,
            where.head,
            where.insecure,
        )

    monkeypatch.setattr(sessions, "start", fake)
    return calls


@pytest.fixture
def home(tmp_path, monkeypatch):
    """This user's, and an address of this machine that others can reach."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(machine, "addresses", lambda: ["127.0.0.1", "192.0.2.7", "2001:db8::7"])
    monkeypatch.setattr(host_port, "own_address_towards", lambda address: "192.0.2.7")
    return tmp_path


def test_options_are_those_of_init(started, capsys):
    typed = "--num-cpus=2.5 --num-gpus=1 --num-workers=3 --num-redis-shards=2"
    typed += ' --object-store-memory=1048576 --resources={"disk":0.5} --port=6379'
    assert command.main(["start", "--head", *typed.split()]) == 0
    ((options, where),) = started
    assert (options.num_cpus, options.num_gpus, options.num_workers) == (2.5, 1, 3)
    assert (options.redis_shards, options.object_store_bytes) == (2, 1 << 20)
    assert options.resources == {"disk": 0.5}
    assert where == Standing("127.0.0.1", 6379)
    out = capsys.readouterr().out
    assert 'redis_address="127.0.0.1:6379"\n' in out
    assert 'rayx.init(redis_address="127.0.0.1:6379")\n' in out
    assert "Other machines cannot reach it" in out and "key" not in out


def test_a_key_is_made_once(started, capsys, tmp_path):
    path = tmp_path / "own" / "key"
    for told in (f"A key was made: {path}\n", ""):
        assert command.main(["start", "--head", f"--key-file={path}"]) == 0
        out = capsys.readouterr().out
        assert out.startswith(told + "The cluster serves")
        assert f"Its key is {path}\n" in out
    path.chmod(0o640)
    assert command.main(["start", "--head", f"--key-file={path}"]) == 1
    assert f"`chmod 600 {path}`" in capsys.readouterr().err
    assert len(started) == 2


def test_a_head_that_others_can_reach_has_a_key(started, capsys, home):
    assert command.main(["start", "--head", "--node-ip-address=[2001:db8::7]"]) == 0
    ((_, where),) = started
    path = home / ".rayx" / "cluster.key"
    assert where == Standing("2001:db8::7", 0, str(path))
    cluster_key.read(path)
    out = capsys.readouterr()
    assert out.err == ""
    assert f"A key was made: {path}\n" in out.out
    assert 'redis_address="[2001:db8::7]:7"\n' in out.out
    assert "\n    rayx start --redis-address=[2001:db8::7]:7\n" in out.out


def test_a_node_joins(started, capsys, home):
    path = home / ".rayx" / "cluster.key"
    assert command.main(["start", "--redis-address=192.0.2.1:6379"]) == 1
    err = capsys.readouterr().err
    assert f"there is no key at {path}" in err and not path.parent.exists()
    assert "\n    mkdir -p -m 700 ~/.rayx\n    scp -p " in err
    assert "@192.0.2.1:.rayx/cluster.key ~/.rayx/cluster.key\n" in err
    cluster_key.make(path)
    typed = "--redis-address=192.0.2.1:6379 --num-cpus=3 --object-manager-port=9"
    assert command.main(["start", *typed.split()]) == 0
    out = capsys.readouterr().out
    assert "has joined the cluster at 192.0.2.1:6379, as the node 192.0.2.7:9" in out
    assert 'rayx.init(redis_address="192.0.2.1:6379")' in out
    assert "--node-ip-address names another" in out
    typed += " --node-ip-address=2001:db8::7 --redis-address=[2001:db8::1]:6379"
    assert command.main(["start", *typed.split()]) == 0
    assert "--node-ip-address" not in capsys.readouterr().out
    assert [where for _, where in started] == [
        Standing("192.0.2.7", 9, str(path), "192.0.2.1:6379"),
        Standing("2001:db8::7", 9, str(path), "[2001:db8::1]:6379"),
    ]
    assert started[0][0].num_cpus == 3


def test_insecure_is_loud_and_said_twice(started, capsys, home):
    insecure = ["start", "--head", "--node-ip-address=192.0.2.7", "--insecure"]
    assert command.main(insecure) == 2
    out, err = capsys.readouterr()
    assert out == "" and "--insecure is refused for 192.0.2.7, which other machines" in err
    assert command.main([*insecure, "--insecure-network"]) == 0
    out, err = capsys.readouterr()
    assert "WARNING: --insecure" in err and "can reach 192.0.2.7" in err
    assert "    rayx start --redis-address=192.0.2.7:7 --insecure --insecure-network\n" in out
    assert "scp" not in out
    assert command.main(["start", "--head", "--insecure"]) == 0
    assert "    rayx start --redis-address=127.0.0.1:7 --insecure\n" in capsys.readouterr().out
    joining = ["start", "--redis-address=192.0.2.1:6379", "--insecure"]
    assert command.main(joining) == 2
    assert command.main([*joining, "--insecure-network"]) == 0
    assert [where for _, where in started] == [
        Standing("192.0.2.7", 0, insecure=True),
        Standing("127.0.0.1", 0, insecure=True),
        Standing("192.0.2.7", 0, head="192.0.2.1:6379", insecure=True),
    ]
    assert not (home / ".rayx").exists()


@pytest.mark.parametrize("name", ["--port", "--redis-port", "--object-manager-port"])
def test_the_port_has_several_names(started, name):
    command.main(["start", "--head", f"{name}=6379", "--port=6379"])
    assert started[0][1].port == 6379


def test_loopback_may_be_said(started):
    for address in ("127.0.0.1", "localhost"):
        assert command.main(["start", "--head", f"--node-ip-address={address}"]) == 0
    assert [where.address for _, where in started] == ["127.0.0.1"] * 2


def test_what_the_machine_does_not_allow_is_said_so_too(started, monkeypatch, capsys):
    def fail(*arguments):
        raise rayx.StartError("give rayx.init a smaller object_store_memory")

    monkeypatch.setattr(sessions, "start", fail)
    assert command.main(["start", "--head"]) == 1
    assert (
        capsys.readouterr().err == "rayx start: give rayx start a smaller --object-store-memory\n"
    )
