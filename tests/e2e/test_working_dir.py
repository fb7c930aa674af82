"""`rayx.init(working_dir=…)`: modules and files of a driver on other machines."""

import json
import sys

import pytest
from cluster_machines import Machines
from hosts import refusal

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

PROGRAM = """
import json, os, sys
import rayx

where = sys.argv[2]
sys.path.insert(0, where)
rayx.init(redis_address=sys.argv[1], working_dir=where)
import helper

@rayx.remote(num_cpus=1)
def looks():
    import pathlib
    import helper
    return {
        "at": rayx.services.get_node_ip_address(),
        "cwd": os.getcwd(),
        "files": sorted(str(path) for path in pathlib.Path().rglob("*") if path.is_file()),
        "helper": helper.__file__,
        "said": helper.say(),
    }

@rayx.remote(resources={"there": 1})
class Looks:
    def looks(self):
        return helper.say(), os.getcwd()

there = {"resources": {"there": 0.1}}
told = rayx.get([looks.remote(), *(looks.options(**there).remote() for _ in range(4))], timeout=30)
print(json.dumps([told, rayx.get(Looks.remote().looks.remote(), timeout=30)]))
"""


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    (root / "data").mkdir(parents=True)
    (root / "helper.py").write_text("def say():\n    return open('data/words').read()\n")
    (root / "data" / "words").write_text("hello")
    (root / "large.bin").write_bytes(bytes(100))
    (root / ".rayxignore").write_text("*.bin\n")
    return root


@pytest.fixture
def pair():
    with Machines(2) as machines:
        one, two = machines
        head = one.start(f"--node-ip-address={one.address}", "--port=6379")
        two.copy_key(one)
        member = two.start(f"--redis-address={head.cluster}", '--resources={"there": 4}')
        yield one, two, head, member


def test_tasks_elsewhere_have_the_files_of_the_driver(pair, project):
    one, two, head, member = pair
    out, _ = one.run_program(PROGRAM, head.cluster, str(project))
    (here, *there), actor = json.loads(out)
    assert here["at"] == one.address and here["cwd"] == str(project)
    assert "large.bin" in here["files"], "it is the directory itself"
    for told in there:
        assert told["at"] == two.address
        assert told["cwd"].startswith(member.directory)
        assert told["files"] == [".rayxignore", "data/words", "helper.py"]
        assert told["helper"] == told["cwd"] + "/helper.py"
        assert told["said"] == "hello"
    assert len({told["cwd"] for told in there}) == 1
    assert actor == ["hello", there[0]["cwd"]]
    # Another program with the same files uses what is there.
    again, _ = one.run_program(PROGRAM, head.cluster, str(project))
    assert json.loads(again)[0][1]["cwd"] == there[0]["cwd"]
    (project / "data" / "words").write_text("changed")
    changed, _ = one.run_program(PROGRAM, head.cluster, str(project))
    assert json.loads(changed)[1][0] == "changed"


def test_too_much_is_refused_before_anything_begins(pair, project):
    one, _, head, _ = pair
    (project / ".rayxignore").unlink()
    (project / "huge").touch()
    with open(project / "huge", "ab") as file:
        file.truncate(300 << 20)
    ran = one.run(
        [sys.executable, "-c", PROGRAM, head.cluster, str(project)],
    )
    assert ran.returncode == 1
    assert "huge (314,572,800 bytes)" in ran.stderr


def test_a_cluster_has_the_directory_that_rayx_run_names(project, tmp_path):
    source = PROGRAM.replace(
        "rayx.init(redis_address=sys.argv[1], working_dir=where)", "rayx.init()"
    )
    program = tmp_path / "program.py"
    program.write_text(source.replace("num_cpus=1", "").replace('"there"', '"CPU2"'))
    with Machines(1) as (one,):
        ran = one.run(
            [sys.executable, "-m", "rayx", "run", "--nodes=2", f"--working-dir={project}"]
            + ["--object-store-memory=33554432", '--resources={"CPU2": 2}', "--"]
            + [sys.executable, str(program), "unused", str(project)]
        )
        assert ran.returncode == 0, ran.stderr
        told, _ = json.loads(ran.stdout)
        assert {one["said"] for one in told} == {"hello"}
