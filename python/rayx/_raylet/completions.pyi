"""Objects in the order in which they become available."""

from typing import final

from rayx.node_client import CompletionQueue

@final
class Completions(CompletionQueue):
    """Moves when somebody reads the node's socket, as `take` does.

    Whoever waits for `fileno()` instead (an event loop) must also watch `client.fileno()`, and call
    `client.poll()` when that can be read.
    """
