"""Descriptors 0 to 2 of a driver that was started without some of them.

The system gives a new socket the lowest number that is free. If that is one of these three, what a
library prints goes into it, and a child that is started with streams of its own loses it. So the
numbers are taken before a session opens anything.
"""

from __future__ import annotations

import os


def occupy() -> list[int]:
    """Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed; which ones.

    They stay open, and children inherit them as they would real ones. `sys.stdin`, `sys.stdout` and
    `sys.stderr` stay what they are.
    """
    occupied = []
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            # The lowest number that is free, unless another thread has just taken it.
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != fd:
                os.close(opened)
                continue
            os.set_inheritable(fd, True)
            occupied.append(fd)
    return occupied
