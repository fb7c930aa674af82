"""How a driver logs, so that the records of its tasks are not lost for want of a handler.

    capture()            in the driver: the level and the format of its root logger
    apply(captured)      in a worker

The worker's root logger gets a handler for this, which steps aside for those of the user: code that
calls `logging.basicConfig`, or adds a handler, has its way as in any program.
"""

from __future__ import annotations

import functools
import pickle
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from rayx.values import importable

if TYPE_CHECKING:
    import logging

# Loggers of which the level is told.
_LOGGERS_MAX = 500


class LogSettings(NamedTuple):
    """What a driver has configured. Can be compared and pickled."""

    #: The root logger's level.
    level: int
    #: The level of the handler that prints its records.
    handler_level: int
    #: The handler's formatter, pickled; None if it has none.
    formatter: bytes | None
    #: The levels of other loggers, by name, where one is set.
    levels: tuple[tuple[str, int], ...]


def capture() -> LogSettings | None:
    """Of this process; None if its root logger has no handler, as in a worker from the start."""
    logging: Any = sys.modules.get("logging")
    if logging is None or not logging.root.handlers:
        return None
    root = logging.root
    handler = _printing_handler(root.handlers, logging)
    loggers = root.manager.loggerDict.copy().items()
    levels = [
        (name, one.level) for name, one in loggers if isinstance(one, logging.Logger) and one.level
    ]
    return LogSettings(
        root.level, handler.level, _pickle(handler.formatter), tuple(levels[:_LOGGERS_MAX])
    )


def _printing_handler(handlers: list[Any], logging: Any) -> Any:
    """The one whose records are seen, else the first."""
    for handler in handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(
            handler, logging.FileHandler
        ):
            return handler
    return handlers[0]


def _pickle(formatter: Any) -> bytes | None:
    if formatter is None:
        return None
    import logging

    try:
        if importable.by_others(type(formatter)):
            return pickle.dumps(formatter, protocol=5)
    except Exception:  # it refers to what stays here
        pass
    return pickle.dumps(logging.Formatter(getattr(formatter, "_fmt", None), validate=False))


class _Applied:
    """What this worker has taken over last; what it has changed itself since is its own."""

    settings: LogSettings | None = None
    handler: logging.Handler | None = None


def apply(settings: LogSettings | None) -> None:
    """Has this worker log as its driver does, where it does not say otherwise itself."""
    before, _Applied.settings = _Applied.settings, settings
    if settings is None:
        return
    import logging

    if _Applied.handler is None:
        if logging.root.handlers:
            return
        _Applied.handler = _add_handler(logging)
    _Applied.handler.setLevel(settings.handler_level)
    _Applied.handler.setFormatter(_load(settings.formatter))
    untouched = logging.WARNING if before is None else before.level
    if logging.root.level == untouched:
        logging.root.setLevel(settings.level)
    known = dict(before.levels) if before is not None else {}
    for name, level in settings.levels:
        logger = logging.getLogger(name)
        if logger.level == known.get(name, logging.NOTSET):
            logger.setLevel(level)


def _add_handler(logging: Any) -> logging.Handler:
    root = logging.root

    class FallbackHandler(logging.StreamHandler):  # type: ignore[misc]
        """Prints what no handler of the user's does."""

        def emit(self, record: Any) -> None:
            if all(one is self for one in root.handlers):
                super().emit(record)

    handler = FallbackHandler()
    root.addHandler(handler)
    configure = logging.basicConfig

    @functools.wraps(configure)
    def basic_config(**given: Any) -> None:
        root.removeHandler(handler)  # else there is one, and nothing would be configured
        configure(**given)

    logging.basicConfig = basic_config
    made: Any = handler
    return made  # type: ignore[no-any-return]


def _load(formatter: bytes | None) -> logging.Formatter | None:
    try:
        loaded: logging.Formatter | None = None if formatter is None else pickle.loads(formatter)
    except Exception:  # its module is not to be had here
        return None
    return loaded
