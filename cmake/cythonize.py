"""Makes C++ of the Cython modules of a package, all in one process.

    python cythonize.py OUTPUT_DIRECTORY INCLUDE_DIRECTORY SOURCE... [DECLARATION.pxd...]

To start Cython for each module takes three times as long, as each reads the same declarations and
the same parts of Cython. A module whose C++ is newer than its source and all declarations is left
alone.
"""

import contextlib
import os
import sys

from Cython.Compiler import Options
from Cython.Compiler.Main import CompilationOptions, compile_single, default_options


def main(output: str, include: str, files: list[str]) -> int:
    sources = [path for path in files if path.endswith(".pyx")]
    shared = [__file__, *(path for path in files if path.endswith(".pxd"))]
    newest = max(map(os.path.getmtime, shared))
    # Without `binding` a method is called as quickly as one that is written in C.
    directives = {**Options.extra_warnings, "binding": False}
    for source in sources:
        made = os.path.join(output, os.path.basename(source).removesuffix(".pyx") + ".cc")
        if os.path.exists(made) and os.path.getmtime(made) > max(os.path.getmtime(source), newest):
            continue
        options = CompilationOptions(
            default_options,
            cplus=True,
            language_level=3,
            include_path=[include],
            output_file=made,
            compiler_directives=directives,
        )
        if compile_single(source, options, None).num_errors:
            # Cython has written that it failed, which would pass for made the next time.
            with contextlib.suppress(FileNotFoundError):
                os.remove(made)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
