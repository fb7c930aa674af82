import pytest

import rayx
from rayx.command import main as command
from rayx.command import standing, start
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord


@pytest.fixture
def started(monkeypatch):
    """What `rayx start` would have started."""
    calls = []

    def fake(options, address, port, key_file):
        calls.append((options, address, port))
        return SessionRecord(
            f"{address}:{port or 7}",
            "/tmp/rayx-1",
            ProcessIdentity(1, 1),
            1.0,
            "0.1.0",
            "3.11.7",
            key_file,
        )

    monkeypatch.setattr(standing, "start", fake)
    return calls


def test_options_are_those_of_init(started, capsys):
    typed = "--num-cpus=2.5 --num-gpus=1 --num-workers=3 --num-redis-shards=2"
    typed += ' --object-store-memory=1048576 --resources={"disk":0.5} --port=6379'
    assert command.main(["start", "--head", *typed.split()]) == 0
    ((options, address, port),) = started
    assert (options.num_cpus, options.num_gpus, options.num_workers) == (2.5, 1, 3)
    assert (options.redis_shards, options.object_store_bytes) == (2, 1 << 20)
    assert options.resources == {"disk": 0.5}
    assert (address, port) == ("127.0.0.1", 6379)
    out = capsys.readouterr().out
    assert 'redis_address="127.0.0.1:6379"\n' in out
    assert 'rayx.init(redis_address="127.0.0.1:6379")\n' in out
    assert "Other machines cannot join it yet" in out and "key" not in out


def test_a_key_is_made_once(started, capsys, tmp_path):
    path = tmp_path / "own" / "key"
    for told in (f"A key was made: {path}\n", ""):
        assert command.main(["start", "--head", f"--key-file={path}"]) == 0
        out = capsys.readouterr().out
        assert out.startswith(told + "The session serves")
        assert f"Its key is {path}. Nothing is protected by it yet." in out
    path.chmod(0o640)
    assert command.main(["start", "--head", f"--key-file={path}"]) == 1
    assert f"`chmod 600 {path}`" in capsys.readouterr().err
    assert len(started) == 2


@pytest.mark.parametrize("name", ["--port", "--redis-port", "--object-manager-port"])
def test_the_port_has_several_names(started, name):
    command.main(["start", "--head", f"{name}=6379", "--port=6379"])
    assert started[0][2] == 6379


def test_loopback_may_be_said(started):
    for address in ("127.0.0.1", "localhost"):
        assert command.main(["start", "--head", f"--node-ip-address={address}"]) == 0
    assert [address for _, address, _ in started] == ["127.0.0.1"] * 2


def test_an_address_for_others_is_not_there_yet(started, monkeypatch, capsys):
    from rayx.launch import machine

    monkeypatch.setattr(machine, "addresses", lambda: ["192.0.2.7"])
    assert command.main(["start", "--head", "--node-ip-address=192.0.2.7"]) == 1
    assert "no encrypted connections between machines yet" in capsys.readouterr().err
    assert started == []


def test_a_machine_that_joins_is_not_there_yet(started, capsys):
    assert command.main(["start", "--redis-address=192.0.2.7:1"]) == 1
    assert "needs several machines" in capsys.readouterr().err
    assert started == []


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
    assert start.said_as_options(text) == said


def test_what_the_machine_does_not_allow_is_said_so_too(started, monkeypatch, capsys):
    def fail(*arguments):
        raise rayx.StartError("give rayx.init a smaller object_store_memory")

    monkeypatch.setattr(standing, "start", fail)
    assert command.main(["start", "--head"]) == 1
    assert (
        capsys.readouterr().err == "rayx start: give rayx start a smaller --object-store-memory\n"
    )
