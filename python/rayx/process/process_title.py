"""What `ps`, `top` and `htop` show of workers: "rayx-worker", or "rayx-actor Counter".

The title is written over the command line that the process was started with, and is cut to its
length; workers are forks of their template, and so have its place. `ps -e` and `top` show the name
of the first thread instead, of 15 bytes: "rayx-Counter".

Tasks are not named: most are over before anybody could look, and it would cost each of them a
microsecond or two.
"""

from __future__ import annotations

import ctypes

#: Of workers that have no actor. cpp/common/process/process_tree.cc knows what begins with "rayx-".
WORKER = "rayx-worker"
TEMPLATE = "rayx-template"

_PR_SET_NAME = 15
# Counted from behind the name in /proc/self/stat, which may contain anything.
_ARGUMENTS_START = 45
_ARGUMENTS_END = 46

_libc = ctypes.CDLL(None)  # once, for all forks of the template: to make one takes a while

# Where the command line is: its address and its length in bytes. None: not found yet, or not to be.
_place: tuple[int, int] | None = None


def name_template() -> None:
    """In the template: finds the place of the titles of its forks. Its command line stays."""
    _find_place()
    _libc.prctl(_PR_SET_NAME, TEMPLATE.encode(), 0, 0, 0)


def _find_place() -> None:
    global _place
    try:
        with open("/proc/self/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        start, end = int(fields[_ARGUMENTS_START]), int(fields[_ARGUMENTS_END])
        with open("/proc/self/cmdline", "rb") as file:
            command = file.read()
    except (OSError, IndexError, ValueError):
        return
    # Nothing is written where nothing is known.
    if (
        start > 0
        and end - start == len(command)
        and ctypes.string_at(start, end - start) == command
    ):
        _place = start, end - start


def set_title(title: str) -> None:
    """Shows this title from now on, as far as there is room for it."""
    _write(title, title)


def set_actor(class_name: str) -> None:
    """This worker has an actor of that class."""
    _write(f"rayx-actor {class_name}", f"rayx-{class_name}")


def _write(title: str, short: str) -> None:
    if _place is not None:
        start, size = _place
        # The last byte stays zero: else the kernel takes what follows for more of the title.
        ctypes.memmove(start, _bytes(title)[: size - 1].ljust(size, b"\0"), size)
    _libc.prctl(_PR_SET_NAME, _bytes(short)[:15], 0, 0, 0)


def _bytes(title: str) -> bytes:
    return title.encode(errors="replace").replace(b"\0", b" ")
