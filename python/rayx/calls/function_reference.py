"""What the copies of one remote function or class share: who it is, and that it can be called here.

>>> twice = FunctionReference(bytes(16), "twice", lambda x: 2 * x)
>>> twice.name, twice.object_id is None
('twice', True)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rayx import session
from rayx._raylet import FUNCTION_INDEX

if TYPE_CHECKING:
    from rayx._raylet import ObjectID
    from rayx.node_client import NodeClient

_OBJECT_INDEX = FUNCTION_INDEX.to_bytes(4, "little")


class FunctionReference:
    """A remote function or class in this process; all that `options` makes of it have the same.

    The node keeps a function for as long as somebody refers to the object that stands for it. This
    does, from when the function has been sent, or has come inside a value.
    """

    __slots__ = (
        "__weakref__",
        "_fetched",
        "client",
        "function",
        "function_id",
        "name",
        "object_id",
        "successor",
    )

    def __init__(self, function_id: bytes, name: str, function: Callable[..., Any] | None) -> None:
        self.function_id = function_id
        self.name = name
        #: None in a process that knows the function by its id only.
        self.function = function
        #: To whose node it has been sent: before, nobody there could run it.
        self.client: NodeClient | None = None
        self.object_id: ObjectID[Any] | None = None
        #: Where somebody types: the same function with what it refers to by now.
        self.successor: FunctionReference | None = None
        self._fetched: Callable[..., Any] | None = None

    def current(self) -> FunctionReference:
        """This one; or another, if what the function refers to has been defined anew since.

        The same for all that share this one: a function and what its `options` has returned.
        """
        reference = self
        while reference.successor is not None:
            reference = reference.successor
        if not hasattr(sys, "ps1"):  # nobody types here
            return reference
        from rayx.values import redefinitions

        renewed = redefinitions.current_id(reference.function_id)
        if renewed != reference.function_id:
            reference.successor = FunctionReference(renewed, reference.name, reference.function)
            reference = reference.successor
        return reference

    def refer(self, client: NodeClient) -> None:
        """Takes a reference to the object that stands for the function."""
        self.object_id = client.object_id(object_binary(self.function_id))

    def release(self) -> None:
        """The session is over."""
        self.client = self.object_id = self._fetched = None

    def pickled(self) -> bytes:
        """By what others know the function. What is pickled keeps it from being forgotten."""
        owner = session.current()
        if self.client is not owner.client:
            owner.functions.export(self)
        assert self.object_id is not None
        session.note_pickled(self.object_id)
        return self.function_id

    def loaded(self) -> Callable[..., Any]:
        """The function itself; from the node if need be."""
        if self.function is not None:
            return self.function
        owner = session.current()
        if self.client is not owner.client:
            self._fetched = None
            owner.functions.export(self)
        if self._fetched is not None:
            return self._fetched
        found = owner.functions.fetch(self.function_id)
        if not owner.functions.keeps_loaded:
            # Not in `function`: what was never ours is not ours to send.
            self._fetched = found
        return found


def object_binary(function_id: bytes) -> bytes:
    """The id of the object that stands for a function."""
    return function_id + _OBJECT_INDEX


def function_of(binary: bytes) -> bytes | None:
    """The function for which the object of this id stands; None if it is another object.

    >>> function_of(object_binary(bytes(16))) == bytes(16)
    True
    """
    return binary[:-4] if binary.endswith(_OBJECT_INDEX) else None


def received(function_id: bytes, name: str) -> FunctionReference:
    """A function that has come inside a value."""
    made = FunctionReference(function_id, name, None)
    owner = session.peek()
    if owner is not None and not owner.forked:
        made.refer(owner.client)
        made.client = owner.client
    return made
