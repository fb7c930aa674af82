"""`python -m rayx`: the program `rayx`, of this Python."""

import sys

from rayx.command.main import main

if __name__ == "__main__":
    sys.exit(main())
