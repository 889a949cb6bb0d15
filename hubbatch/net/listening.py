"""Listeners: they see what happens, and cannot change it."""

import asyncio

from collections.abc import Callable, Iterable

from hubbatch.core.events import Event

from .logbook import EventLogger, logger


Listener = Callable[[Event], None]


class Listeners:
    """Tells every listener of every event; one that raises is reported once.

    The log listens to all of them.
    """

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self._logbook = EventLogger()
        self._listeners: tuple[Listener, ...] = (self._logbook, *listeners)
        self._reported: set[int] = set()

    def wants(self, kind: type[Event]) -> bool:
        """Say whether anybody listens to such events, or would write them down."""
        return len(self._listeners) > 1 or self._logbook.wants(kind)

    def tell(self, event: Event) -> None:
        """Tell all of them; nothing that they raise gets out."""
        for listener in self._listeners:
            try:
                listener(event)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 -- a listener may be anything, and ask a cancelled future
                self._report(listener, event, error)

    def _report(self, listener: Listener, event: Event, error: BaseException) -> None:
        if id(listener) in self._reported:
            return
        self._reported.add(id(listener))
        # The type alone: the text of an error may hold anything.
        logger.warning(
            "A listener raised %s on %s; the batch goes on. Not reported again.",
            type(error).__name__,
            type(event).__name__,
        )
