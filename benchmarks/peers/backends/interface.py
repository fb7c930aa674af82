"""What the steps ask of a backend.

Methods on hot paths return the library's own callables (`remote` gives `f.remote`, not a wrapper
of it), so that the adapter costs nothing where microseconds are counted.

What a backend does not have raises NotOffered, before anything is measured: the default of all
methods that are not abstract.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any

#: A promise of the backend's own type.
Reference = Any
Submit = Callable[..., Reference]


class NotOffered(Exception):
    """The backend has no such thing."""


class Backend(ABC):
    """One library, with one session of it."""

    #: A reference given as an argument becomes its value on the way to the task.
    takes_references = True

    # ---- the session ---------------------------------------------------------------------------

    @abstractmethod
    def load(self) -> None:
        """Imports the library."""

    @abstractmethod
    def start(self, num_cpus: int) -> None:
        """Starts a session with this many workers."""

    @abstractmethod
    def stop(self) -> None:
        """Ends the session."""

    # ---- tasks ---------------------------------------------------------------------------------

    @abstractmethod
    def remote(self, function: Callable[..., Any]) -> Submit:
        """What submits a call of `function` and returns a reference to its result."""

    @abstractmethod
    def get(self, references: Sequence[Reference]) -> list[Any]:
        """Their values, in order."""

    @abstractmethod
    def get_one(self, reference: Reference) -> Any:
        """Its value."""

    def wait_any(self, references: Collection[Reference]) -> Collection[Reference]:
        """Waits until at least one is there; returns those that still are not."""
        raise NotOffered("no wait for the first of several")

    def remote_with_returns(self, function: Callable[..., Any], count: int) -> Submit:
        """As `remote`, with as many references as the function returns values."""
        raise NotOffered("one result a task")

    def nested(self) -> Submit:
        """Submits a task that itself submits and gets as many no-op tasks as its argument says."""
        raise NotOffered("no tasks from tasks")

    # ---- objects -------------------------------------------------------------------------------

    def put(self, value: Any) -> Reference:
        """Stores a value for tasks to share."""
        raise NotOffered("no object store")

    def put_array(self, array: Any) -> Reference:
        """Stores a numpy array."""
        return self.put(array)

    def get_array(self, reference: Reference) -> Any:
        """Something that holds the stored array, and is or contains it as its last item."""
        return self.get_one(reference)

    def release(self, reference: Reference) -> None:  # noqa: B027 - as a rule, dropping is enough
        """Called before the last reference to an array is dropped, where dropping is not enough."""

    # ---- actors --------------------------------------------------------------------------------

    def start_actor(self) -> Any:
        """An actor of class workload.Counter, in a process of its own if the backend allows it."""
        raise NotOffered("no actors")

    def actor_method(self, actor: Any, name: str) -> Submit:
        """What submits a call of a method and returns a reference, for `actor_get`."""
        raise NotOffered("no asynchronous calls of actors")

    def actor_get(self, references: Sequence[Reference]) -> list[Any]:
        """Values of calls."""
        return self.get(references)

    def actor_call(self, actor: Any, name: str) -> Callable[..., Any]:
        """What calls a method and returns its value."""
        submit = self.actor_method(actor, name)
        return lambda *arguments: self.actor_get([submit(*arguments)])[0]

    def actor_caller(self) -> Submit:
        """Submits a task (actors, count) that calls each actor so often and gets the results."""
        raise NotOffered("no calls of actors from tasks")

    def stop_actors(self, actors: Sequence[Any]) -> None:  # noqa: B027 - as above
        """Ends them, where dropping them is not enough."""
