"""The log: it contains the events and nothing else.

The logger is `hubbatch`, without handlers: Python then prints warnings and errors to
standard error if the application configures no logging, or only that of its server (as
uvicorn does). The levels:

* DEBUG: events of chunks, and failed inputs.
* INFO: the end of a batch; WARNING if not every input succeeded, unless the caller
  stopped it (`break`, a cancellation); DEBUG if it carried single calls (there are
  many).
* WARNING: a retry, and a 429. Further 429s within a minute are DEBUG.

Every record has the fields of its event as attributes (`extra`): account, operation,
category, code, correlation_id and so on. Its line omits those that are None. Logs never
contain property values, HubSpot's messages (they quote values) or tokens.
"""

import asyncio
import logging

from collections.abc import Mapping, Sequence
from math import inf

from attrs import asdict, field

from hubbatch._classes import define
from hubbatch._escapes import visible
from hubbatch._outcomes.events import (
    BatchBegun,
    BatchEnded,
    ChunkAnswered,
    ChunkIsolated,
    ChunkRetried,
    ChunkSent,
    ChunkSettled,
    ChunkThrottled,
    Event,
    HubSpotDown,
    InputFailed,
)
from hubbatch._outcomes.outcome import Summary


logger: logging.Logger = logging.getLogger("hubbatch")

# For this many seconds after a 429 is logged as a warning, further ones are DEBUG.
_QUIET_SECONDS = 60.0

_INPUTS = "%(inputs)d inputs from index %(first_index)d"
_COUNTS = (
    "of %(inputs)d inputs %(succeeded)d succeeded, %(failed)d failed, "
    "%(unknown)d are unknown, %(not_sent)d were not sent; %(requests)d requests"
)
_CAUSE = ("status", "category", "correlation_id")

# The level of an event, its sentence, and the fields to add in parentheses.
_LINES: Mapping[type[Event], tuple[int, str, Sequence[str]]] = {
    BatchBegun: (logging.DEBUG, "started", ()),
    ChunkSent: (
        logging.DEBUG,
        f"{_INPUTS} were sent, attempt %(attempt)d, after waiting %(waited).3f s",
        (),
    ),
    ChunkAnswered: (
        logging.DEBUG,
        f"the request for {_INPUTS} ended after %(seconds).3f s",
        ("status",),
    ),
    ChunkSettled: (
        logging.DEBUG,
        f"{_INPUTS} have outcomes: %(succeeded)d succeeded, %(failed)d failed",
        (),
    ),
    ChunkIsolated: (
        logging.DEBUG,
        f"{_INPUTS} were refused and are sent again in %(parts)d parts",
        _CAUSE,
    ),
    ChunkRetried: (
        logging.WARNING,
        f"{_INPUTS} are retried in %(wait).1f s",
        _CAUSE,
    ),
    ChunkThrottled: (
        logging.WARNING,
        (
            f"{_INPUTS} were answered with 429: no request is sent for "
            "%(retry_after).1f s"
        ),
        ("policy",),
    ),
    HubSpotDown: (
        logging.WARNING,
        (
            "HubSpot is down: the next request is sent in %(wait).1f s, and the batch "
            "ends after %(left).0f s without an answer"
        ),
        _CAUSE,
    ),
    InputFailed: (
        logging.DEBUG,
        "the outcome of input %(index)d is %(status)s",
        ("category", "code", "property_name", "correlation_id"),
    ),
    BatchEnded: (
        logging.WARNING,
        f"ended after %(seconds).1f s: {_COUNTS}",
        ("error",),
    ),
}

# The `error` of a batch that its caller stopped: by leaving the stream, or otherwise.
_STOPPED = asyncio.CancelledError.__name__
_STOPPED_LINE = f"stopped by its caller after %(seconds).1f s: {_COUNTS}"


@define(eq=False)
class EventLogger:
    """A listener that writes every event to the log, at the level for its kind."""

    # When the last 429 of each account was logged as a warning, on the loop's clock.
    _warned_at: dict[str | None, float] = field(factory=dict, init=False)

    def wants(self, kind: type[Event]) -> bool:
        """Return whether an event of this kind would be logged."""
        return kind in _LINES and logger.isEnabledFor(_LINES[kind][0])

    def __call__(self, event: Event) -> None:
        """Log an event as one line."""
        if type(event) not in _LINES:
            return
        level, sentence, details = _LINES[type(event)]
        level = min(level, self._level(event))
        if not logger.isEnabledFor(level):
            return
        fields = asdict(event)
        fields |= fields.pop("summary", {})
        # Control characters are escaped: they could forge lines or move the cursor.
        fields = {
            name: visible(value) if type(value) is str else value
            for name, value in fields.items()
        }
        if fields.get("error") == _STOPPED:
            sentence, details = _STOPPED_LINE, ()
        # %(name)s is filled in only if a handler wants the line.
        logger.log(level, _line(sentence, details, fields), fields, extra=fields)

    def _level(self, event: Event) -> int:
        """Return the highest level for an event."""
        match event:
            case BatchEnded(lane="single") | ChunkRetried(status=429):
                return logging.DEBUG  # there are many, or ChunkThrottled warns
            case BatchEnded(error=error) if error == _STOPPED:
                return logging.INFO
            case BatchEnded(error=None, summary=Summary() as summary):
                success = summary.succeeded == summary.inputs
                return logging.INFO if success else logging.WARNING
            case ChunkThrottled():
                now = asyncio.get_running_loop().time()
                # The clock of another event loop may be behind.
                since = now - self._warned_at.get(event.account, -inf)
                first = not 0 <= since < _QUIET_SECONDS
                if first:
                    self._warned_at[event.account] = now
                return logging.WARNING if first else logging.DEBUG
            case _:
                return logging.CRITICAL


def _line(sentence: str, details: Sequence[str], fields: Mapping[str, object]) -> str:
    """Return a line with placeholders; what is not known is omitted."""
    account = "" if fields["account"] is None else " of account %(account)s"
    known = [
        f"{name.replace('_', ' ')} %({name})s"
        for name in details
        if fields[name] is not None
    ]
    if "status" in details and fields["status"] is None:
        known = ["no answer"]
    line = f"%(operation)s{account}, batch %(batch)d: {sentence}"
    return f"{line} ({', '.join(known)})" if known else line
