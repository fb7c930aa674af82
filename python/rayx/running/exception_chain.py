"""An exception together with those that led to it, which pickle leaves behind.

What `raise … from` and `raise` in an `except` note on an exception is no part of its pickle; here
it is, as much of it as can be pickled.

>>> error = ValueError("bad line")
>>> error.__cause__ = KeyError("x")
>>> pickled, _ = pickled_with(error, lambda one: (pickle.dumps(one), []))
>>> pickle.loads(pickled).__cause__
KeyError('x')
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import Any

from rayx.text import value_text

#: Makes the pickle of one exception, None if it has none, and the ids in it.
PickleOne = Callable[[Any], tuple[bytes | None, list[Any]]]

# Of each exception: the places of its cause and its context in the chain, and whether the latter is
# to be shown.
_Links = tuple[int | None, int | None, bool]

# A loop that fails again and again, each time in the handler of the last failure, makes long ones.
_LENGTH_MAX = 20

# As BaseException has them, whatever a class has in their place, or forbids to be set.
_cause = BaseException.__dict__["__cause__"]
_context = BaseException.__dict__["__context__"]
_suppress = BaseException.__dict__["__suppress_context__"]


def pickled_with(error: Any, pickle_one: PickleOne) -> tuple[bytes | None, list[Any]]:
    """As `pickle_one(error)`, with its causes and contexts if it has any. None has none."""
    chain = [] if error is None else _chain_of(error)
    if len(chain) <= 1:
        return pickle_one(error)
    pickled, contained = [], []
    for one in chain:
        alone, ids = pickle_one(one)
        pickled.append(alone)
        contained += ids
    if pickled[0] is None:
        return None, []
    places = {id(one): place for place, one in enumerate(chain)}
    links: list[_Links] = [
        (
            places.get(id(_cause.__get__(one))),
            places.get(id(_context.__get__(one))),
            _suppress.__get__(one),
        )
        for one in chain
    ]
    return pickle.dumps(_Chain(pickled, links), protocol=5), contained


def _chain_of(error: BaseException) -> list[BaseException]:
    """The exception, then what led to it; each once, the nearest first."""
    chain = [error]
    for one in chain:  # which grows
        if len(chain) >= _LENGTH_MAX:
            break
        for other in (_cause.__get__(one), _context.__get__(one)):
            if other is not None and not any(other is known for known in chain):
                chain.append(other)
    return chain


class _Chain:
    """Pickles as the first exception, linked to the others."""

    def __init__(self, pickled: Sequence[bytes | None], links: Sequence[_Links]) -> None:
        self._pickled = pickled
        self._links = links

    def __reduce__(self) -> tuple[Any, ...]:
        return linked, (self._pickled, self._links)


def linked(pickled: Sequence[bytes | None], links: Sequence[_Links]) -> BaseException:
    """What a chain is pickled as a call of. Of those that cannot be unpickled, only the first is
    missed: then this raises."""
    first: BaseException = pickle.loads(pickled[0])  # type: ignore[arg-type]
    chain = [first, *map(_unpickled, pickled[1:])]
    for one, (cause, context, suppresses) in zip(chain, links, strict=True):
        if one is not None:
            _cause.__set__(one, None if cause is None else chain[cause])
            _context.__set__(one, None if context is None else chain[context])
            _suppress.__set__(one, suppresses)
    return first


def _unpickled(pickled: bytes | None) -> BaseException | None:
    try:
        found = None if pickled is None else pickle.loads(pickled)
    except value_text.STOPS:
        raise
    except BaseException:  # whatever its class does
        return None
    return found if issubclass(type(found), BaseException) else None
