"""How many threads the numerical libraries of this process use, once they are loaded.

They read variables of the environment when they are loaded, and never again. So what the worker
template has preloaded, or a task that had other CPUs has imported, is told by the libraries' own
functions:

    prepare()                                     in the template, before it forks
    apply(2, {"OMP_NUM_THREADS", ...})            in a worker, when its tasks have other CPUs

OpenMP keeps the number for each thread. Threads that a user starts have the one that was in the
environment when the library was loaded, which for preloaded ones is 1.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, MutableMapping, Set
from typing import Any

#: Read by libraries that start threads of their own, when they are imported.
VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

# The variable that a shared library obeys, how the names of its file begin, and how its function is
# called (it takes a C int): builds of OpenBLAS rename theirs.
_SHARED_LIBRARIES = (
    (
        "OPENBLAS_NUM_THREADS",
        ("libopenblas", "libscipy_openblas"),
        (
            "openblas_set_num_threads",
            "openblas_set_num_threads64_",
            "scipy_openblas_set_num_threads",
            "scipy_openblas_set_num_threads64_",
        ),
    ),
    ("MKL_NUM_THREADS", ("libmkl_rt",), ("MKL_Set_Num_Threads",)),
    ("OMP_NUM_THREADS", ("libgomp", "libomp", "libiomp"), ("omp_set_num_threads",)),
)
# Of packages that have a pool of their own: the variable, the module, its function.
_MODULES = (
    ("OMP_NUM_THREADS", "torch", "set_num_threads"),
    ("OMP_NUM_THREADS", "pyarrow", "set_cpu_count"),
    ("NUMEXPR_NUM_THREADS", "numexpr", "set_num_threads"),
)

_Setter = tuple[str, Callable[[int], Any]]

# What was found when so many modules were loaded: there is nothing new while the number is the
# same. Forks have it from the template.
_found: list[_Setter] = []
_modules_then = 0


@contextlib.contextmanager
def one_thread(variables: MutableMapping[str, str]) -> Iterator[None]:
    """What is imported meanwhile starts with one thread, unless the user has set its variable."""
    ours = [name for name in VARIABLES if name not in variables]
    for name in ours:
        variables[name] = "1"
    try:
        yield
    finally:
        for name in ours:
            variables.pop(name, None)


def prepare() -> None:
    """Finds the libraries that are loaded, so that forks need not."""
    global _modules_then
    if len(sys.modules) != _modules_then:
        _found[:] = [*_shared_libraries(), *_modules()]
        _modules_then = len(sys.modules)


def apply(threads: int, variables: Set[str]) -> None:
    """Has the libraries that obey these variables use so many threads from now on."""
    prepare()
    for variable, set_threads in _found:
        if variable in variables:
            with contextlib.suppress(Exception):  # a library of its own mind
                set_threads(threads)


def _modules() -> Iterator[_Setter]:
    for variable, module, function in _MODULES:
        set_threads = getattr(sys.modules.get(module), function, None)
        if set_threads is not None:
            yield variable, set_threads


def _shared_libraries() -> Iterator[_Setter]:
    for path in _loaded_files():
        for variable, beginnings, functions in _SHARED_LIBRARIES:
            if os.path.basename(path).startswith(beginnings):
                found = _function(path, functions)
                if found is not None:
                    yield variable, found


def _function(path: str, names: tuple[str, ...]) -> Callable[[int], Any] | None:
    import ctypes  # the template has; a driver has no use for it

    try:
        library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:  # mapped, but not as a library
        return None
    for name in names:
        function: Any = getattr(library, name, None)
        if function is not None:
            function.argtypes, function.restype = [ctypes.c_int], None
            set_threads: Callable[[int], Any] = function
            return set_threads
    return None


def _loaded_files() -> list[str]:
    """The files that are mapped as code or data, each once."""
    try:
        with open("/proc/self/maps", errors="surrogateescape") as maps:
            # "7f…-7f… r-xp 00000000 08:01 123   /path with spaces"
            lines = [line.rstrip("\n").split(None, 5) for line in maps if ".so" in line]
    except OSError:
        return []
    return list(dict.fromkeys(fields[5] for fields in lines if len(fields) == 6))
