"""Makes C++ of the Cython modules of a package, all in one process and its forks.

    python cythonize.py OUTPUT_DIRECTORY INCLUDE_DIRECTORY SOURCE... [DECLARATION.pxd...]

To start Cython for each module takes several times as long, as each reads the same parts of Cython,
and the declarations of the same standard libraries. These are read once, here; each module is made
in a fork, so that none sees what another one has declared. A module whose C++ is newer than its
source and all declarations is left alone.
"""

import contextlib
import gc
import os
import re
import sys

from Cython.Compiler import Options
from Cython.Compiler.Main import CompilationOptions, Context, default_options, run_pipeline

# Of standard libraries only: all that is read here is included by all modules.
STANDARD = re.compile(r"^(?:from|cimport) ((?:cpython|libc|libcpp|posix)\b[\w.]*)", re.MULTILINE)


def options(source: str, output: str, include: str) -> CompilationOptions:
    return CompilationOptions(
        default_options,
        cplus=True,
        language_level=3,
        include_path=[include],
        output_file=output,
        # Without `binding` a method is called as quickly as one that is written in C.
        compiler_directives={**Options.extra_warnings, "binding": False},
    )


def read_standard_declarations(context: Context, files: list[str]) -> None:
    names = set()
    for path in files:
        with open(path) as file:
            names.update(STANDARD.findall(file.read()))
    for name in sorted(names):
        context.find_module(name)


def make(source: str, output: str, include: str, context: Context) -> int:
    """In a fork. Returns its exit code."""
    context.options = options(source, output, include)
    failed = True
    try:
        failed = bool(run_pipeline(source, context.options, None, context).num_errors)
    finally:
        if failed:
            # Cython has written that it failed, which would pass for made the next time.
            with contextlib.suppress(FileNotFoundError):
                os.remove(output)
    return int(failed)


def main(directory: str, include: str, files: list[str]) -> int:
    shared = [__file__, *(path for path in files if path.endswith(".pxd"))]
    newest = max(map(os.path.getmtime, shared))
    stale = []
    for source in files:
        output = os.path.join(directory, os.path.basename(source).removesuffix(".pyx") + ".cc")
        if source.endswith(".pyx") and not (
            os.path.exists(output)
            and os.path.getmtime(output) > max(os.path.getmtime(source), newest)
        ):
            stale.append((source, output))
    if not stale:
        return 0
    # Cython's trees are full of circles, and live until it ends: to look for garbage is a third of
    # the time.
    gc.disable()
    context = Context.from_options(options(*stale[0], include))
    context.setup_errors(context.options, None)
    read_standard_declarations(context, files)
    for source, output in stale:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = make(source, output, include, context)
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
