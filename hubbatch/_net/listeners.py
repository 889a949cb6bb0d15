"""Listeners, which receive every event and cannot affect the batch."""

import asyncio

from collections.abc import Callable, Iterable
from typing import TypeAlias

from hubbatch._outcomes.events import Event

from .event_log import EventLogger, logger


Listener: TypeAlias = Callable[[Event], None]
"""A function that is called with every event; its result is ignored."""


class Listeners:
    """Calls every listener with every event.

    The log is always one of them. A listener that raises is reported once in the log;
    its exceptions do not propagate.
    """

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self._event_logger = EventLogger()
        self._listeners: tuple[Listener, ...] = (self._event_logger, *listeners)
        self._reported: set[int] = set()

    def wants(self, kind: type[Event]) -> bool:
        """Return whether any listener or log handler wants events of this kind."""
        return len(self._listeners) > 1 or self._event_logger.wants(kind)

    def notify(self, event: Event) -> None:
        """Call every listener with an event."""
        for listener in self._listeners:
            try:
                listener(event)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- a listener may raise anything, even the error of a cancelled future
                self._report(listener, event, error)

    def _report(self, listener: Listener, event: Event, error: BaseException) -> None:
        if id(listener) in self._reported:
            return
        self._reported.add(id(listener))
        # Only the type: the message of an error may hold anything.
        logger.warning(
            "A listener raised %s on %s; the batch continues. Not reported again.",
            type(error).__name__,
            type(event).__name__,
        )
