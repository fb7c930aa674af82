"""ssh and its kin between the machines of a test: what docs/clusters.md has people type.

By the name under which it is called (links to it stand in PATH) it is one of

    ssh [-o OPTION]... [-T] -- HOST COMMAND
    scp -p HOST:FILE FILE
    parallel-ssh -h HOSTS [-P] [-i] [-I] [-t SECONDS] [COMMAND...]
    parallel-scp -h HOSTS FILE FILE
    parallel-rsync -h HOSTS -r FROM/ TO
    pip install …                          which is only noted in the home, as pip-said

The machines stand in RAYX_TEST_MACHINES: for each address, the pid of a process in its network, and
its home and other variables. They share the files of this machine, so that a path in one's home is
the same path in another's.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

MACHINES = json.loads(os.environ.get("RAYX_TEST_MACHINES", "{}"))
HOME = os.environ["HOME"]


def home_of(host):
    return Path(MACHINES[host.rpartition("@")[2]]["variables"]["HOME"])


def shell(host, command, **options):
    """Runs it there, as ssh does: in the home, without what this shell knows."""
    machine = MACHINES[host]
    argv = ["nsenter", f"--net=/proc/{machine['pid']}/ns/net", "--", "/bin/sh", *command]
    return subprocess.run(argv, env=machine["variables"], cwd=home_of(host), **options).returncode


def hosts_and_rest(arguments, with_value, alone):
    """The hosts of the file that -h names, the options that were given, and what follows them."""
    hosts, options = [], set()
    while arguments and arguments[0].startswith("-"):
        option = arguments.pop(0)
        if option == "-h":
            hosts = Path(arguments.pop(0)).read_text().split()
        elif option in with_value:
            arguments.pop(0)
        elif option not in alone:
            sys.exit(f"{option} is no option that this knows")
        options.add(option)
    return hosts, options, arguments


def ssh(arguments):
    """The command has this one's standard streams, and its exit code is this one's."""
    while (option := arguments.pop(0)) != "--":
        if option == "-o":
            arguments.pop(0)
        elif option != "-T":
            sys.exit(f"{option} is no option that this knows")
    host, command = arguments
    if host.rpartition("@")[2] not in MACHINES:
        print(f"ssh: Could not resolve hostname {host}", file=sys.stderr)
        return 255
    return shell(host.rpartition("@")[2], ["-c", command])


def scp(arguments):
    option, source, target = arguments
    host, _, path = source.partition(":")
    assert option == "-p"
    shutil.copy2(home_of(host) / path, target)


def parallel_ssh(arguments):
    hosts, options, command = hosts_and_rest(arguments, ("-t",), ("-P", "-i", "-I"))
    words = ["-c", " ".join(command)] if command else []
    given = sys.stdin.read() if "-I" in options else ""
    return max(shell(host, words, input=given, text=True) for host in hosts)


def parallel_scp(arguments):
    hosts, _, (source, target) = hosts_and_rest(arguments, (), ())
    for host in hosts:
        # The mode goes with a file, as far as the other machine's umask lets it.
        shutil.copy(source, home_of(host) / target)


def parallel_rsync(arguments):
    hosts, options, (source, target) = hosts_and_rest(arguments, (), ("-r",))
    assert options == {"-h", "-r"} and os.path.isabs(target)
    for host in hosts:
        place = home_of(host) / os.path.relpath(target, HOME)
        shutil.copytree(source, place, dirs_exist_ok=True)


def pip(arguments):
    with open(f"{HOME}/pip-said", "a") as file:
        file.write(" ".join(arguments) + "\n")


if __name__ == "__main__":
    name = Path(sys.argv[0]).name.replace("-", "_")
    sys.exit(globals()[name](sys.argv[1:]))
