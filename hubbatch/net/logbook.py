"""What is written to the log: the events, and nothing that they do not hold.

The logger is `hubbatch`. What happens to a chunk or a failed input is DEBUG; a batch
that is over INFO, or WARNING if not every input succeeded (DEBUG if it carried single
calls: there are many); a retry or a 429
WARNING, but when 429s repeat within a minute all but the first are DEBUG. Every record
has the fields of its event as attributes (`extra`): account, operation, category, code,
correlation_id and so on. There is never a property's value, a message of HubSpot (it
quotes values) or a token.
"""

import asyncio
import logging

from collections.abc import Mapping
from math import inf

from attrs import asdict, define, field

from hubbatch.core.events import (
    BatchBegun,
    BatchEnded,
    ChunkAnswered,
    ChunkIsolated,
    ChunkRetried,
    ChunkSent,
    ChunkSettled,
    ChunkThrottled,
    Event,
    InputFailed,
)
from hubbatch.core.outcomes import Summary
from hubbatch.core.visible import visible


logger: logging.Logger = logging.getLogger("hubbatch")
logger.addHandler(logging.NullHandler())

# Seconds during which another 429 is no news.
_REPEATED = 60.0

_BATCH = "%(operation)s of account %(account)s, batch %(batch)d: "
_CHUNK = f"{_BATCH}%(inputs)d inputs from %(first_index)d on "
_CAUSE = "status %(status)s, category %(category)s, correlation id %(correlation_id)s"

_LINES: Mapping[type[Event], tuple[int, str]] = {
    BatchBegun: (logging.DEBUG, f"{_BATCH}begins"),
    ChunkSent: (
        logging.DEBUG,
        f"{_CHUNK}leave, attempt %(attempt)d, after waiting %(waited).3f s",
    ),
    ChunkAnswered: (
        logging.DEBUG,
        f"{_CHUNK}were answered with %(status)s after %(seconds).3f s",
    ),
    ChunkSettled: (
        logging.DEBUG,
        f"{_CHUNK}are settled: %(succeeded)d succeeded, %(failed)d failed",
    ),
    ChunkIsolated: (
        logging.DEBUG,
        f"{_CHUNK}were refused and leave again in %(parts)d parts: {_CAUSE}",
    ),
    ChunkRetried: (
        logging.WARNING,
        f"{_CHUNK}leave again in %(wait).1f s: {_CAUSE}",
    ),
    ChunkThrottled: (
        logging.WARNING,
        (
            f"{_CHUNK}were answered with 429 (%(policy)s): nothing leaves for "
            "%(retry_after).1f s"
        ),
    ),
    InputFailed: (
        logging.DEBUG,
        (
            f"{_BATCH}input %(index)d: %(status)s, category %(category)s, "
            "code %(code)s, property %(property_name)s, "
            "correlation id %(correlation_id)s"
        ),
    ),
    BatchEnded: (
        logging.WARNING,
        (
            f"{_BATCH}ended after %(seconds).1f s (error: %(error)s): of "
            "%(inputs)d inputs %(succeeded)d succeeded, %(failed)d failed, "
            "%(unknown)d are unknown, "
            "%(not_sent)d were not sent; %(requests)d requests"
        ),
    ),
}


@define(eq=False)
class EventLogger:
    """A listener that writes every event to the log, at the level of its kind."""

    _said: dict[str | None, float] = field(factory=dict, init=False)

    def wants(self, kind: type[Event]) -> bool:
        """Say whether anything of such an event would be written."""
        return kind in _LINES and logger.isEnabledFor(_LINES[kind][0])

    def __call__(self, event: Event) -> None:
        """Write a line about an event."""
        if type(event) not in _LINES:
            return
        level, line = _LINES[type(event)]
        level = min(level, self._level(event))
        if logger.isEnabledFor(level):
            told = asdict(event)
            told |= told.pop("summary", {})
            # A line of the log stays one line, and moves no cursor.
            told = {
                name: visible(value) if type(value) is str else value
                for name, value in told.items()
            }
            # %(name)s is filled in only if a handler wants the line.
            logger.log(level, line, told, extra=told)

    def _level(self, event: Event) -> int:
        """Give the highest level that an event deserves."""
        match event:
            case BatchEnded(lane="single") | ChunkRetried(status=429):
                return logging.DEBUG  # many of them; told by ChunkThrottled
            case BatchEnded(error=None, summary=Summary() as told):
                fine = told.succeeded == told.inputs
                return logging.INFO if fine else logging.WARNING
            case ChunkThrottled():
                now = asyncio.get_running_loop().time()
                # The clock of another event loop may be behind.
                since = now - self._said.get(event.account, -inf)
                news = not 0 <= since < _REPEATED
                if news:
                    self._said[event.account] = now
                return logging.WARNING if news else logging.DEBUG
            case _:
                return logging.CRITICAL
