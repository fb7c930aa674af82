"""What docs/clusters.md has people type is typed: on hosts, with ssh and its kin played.

Its addresses, 192.0.2.N, are those of the hosts.
"""

import json
import os
import re
import sys
from pathlib import Path

import pytest
from cluster_machines import Machines
from hosts import refusal
from session_watch import all_pids, read

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "clusters.md"
PLAYED = ("scp", "parallel-ssh", "parallel-scp", "parallel-rsync")
BLOCK = re.compile(r"^```(\{code-block\} \w+|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"(head|other)\$ (.*)")


def blocks():
    text = PAGE.read_text().replace("192.0.2.", "10.77.0.")
    return BLOCK.findall(text)


def files():
    """What the page shows as files: their names, and what is in them."""
    found = {}
    for kind, block in blocks():
        if kind != "console":
            caption, _, content = block.partition("\n\n")
            found[caption.removeprefix(":caption: ")] = content
    return found


def commands():
    """(where, what is typed, what is shown of its output) in the order of the page."""
    found = []
    for kind, block in blocks():
        for line in block.splitlines() if kind == "console" else ():
            if typed := TYPED.fullmatch(line):
                found.append((typed[1], typed[2], []))
            else:
                found[-1][2].append(line)
    return found


def furnish(machines, place):
    """Each has the page's files, a Python in venv, and the programs that are played."""
    bin_directory = place / "bin"
    bin_directory.mkdir()
    program = Path(__file__).with_name("remote_programs.py")
    for name in (*PLAYED, "pip"):
        (bin_directory / name).write_text(f"#!{sys.executable}\n{program.read_text()}")
        (bin_directory / name).chmod(0o755)
    for machine in machines:
        own = machine.home / "venv" / "bin"
        own.mkdir(parents=True)
        (own / "rayx").write_text(f'#!/bin/sh\nexec {sys.executable} -m rayx "$@"\n')
        (own / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        for name in ("rayx", "python"):
            (own / name).chmod(0o755)
        (own / "pip").symlink_to(bin_directory / "pip")
        for name, content in files().items():
            (machine.home / name).write_text(content)
        machine.environment |= {"PATH": f"{own}:{bin_directory}:/usr/sbin:/usr/bin:/sbin:/bin"}
    told = {
        machine.address: {"pid": machine.host.pid, "variables": machine.environment}
        for machine in machines
    }
    for machine in machines:
        machine.environment["RAYX_TEST_MACHINES"] = json.dumps(told)
    return {"head": machines[0], "other": machines[1]}


def test_the_page_has_what_it_needs():
    assert {"where.py", "start_node.sh"} <= set(files())
    typed = [command for _, command, _ in commands()]
    for beginning in (
        "rayx start --head",
        "rayx start --redis",
        "scp",
        "parallel-ssh",
        "rayx stop",
    ):
        assert any(command.startswith(beginning) for command in typed), beginning


@pytest.mark.time_limit(120)
@pytest.mark.slow
def test_all_that_is_typed_works(tmp_path):
    with Machines(3) as machines:
        by_name = furnish(machines, tmp_path)
        head = by_name["head"]
        (head.home / "project").mkdir()
        (head.home / "project" / "model.py").write_text("own = 1\n")
        for where, typed, shown in commands():
            machine = by_name[where]
            if typed == "cat workers.txt":
                (machine.home / "workers.txt").write_text("\n".join(shown) + "\n")
            ran = machine.run(["/bin/sh", "-c", typed], cwd=machine.home)
            assert ran.returncode == 0, f"{where}$ {typed}\n{ran.stdout}{ran.stderr}"
            if typed.startswith(("python", "cat")):
                assert ran.stdout.splitlines() == shown
            if typed == "rayx status":
                last = ran.stdout
        # The last look was at all three.
        for machine in machines:
            assert re.search(rf" at {re.escape(machine.address)}[: ]", last)
            assert read(str(machine.home / "pip-said")) == "install --upgrade rayx\n"
        for machine in machines[1:]:
            assert (machine.home / "project" / "model.py").read_text() == "own = 1\n"
            assert machine.key.stat().st_mode & 0o777 == 0o600
        place = str(head.home.parent)
        left = [pid for pid in all_pids() if place in read(f"/proc/{pid}/cmdline")]
        assert not [pid for pid in left if pid != os.getpid()], left
