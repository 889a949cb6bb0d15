"""Faults: scripted failures of chosen requests, and random ones."""

import re

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, Final

import attrs

from attrs.validators import and_, ge, in_, instance_of, lt, optional

from hubbatch.simulator.faults.conditions import Seen, When, check_whole
from hubbatch.simulator.faults.quirks import DEFAULTS, QUIRKS, Quirks


Value = bool | str | Iterable[str]

CUTS: Final = ("drop_before", "drop_after_commit", "truncate")
POLICIES: Final = ("TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY")
ENDINGS: Final = ("status", "proxy", *CUTS)
KINDS: Final = (*ENDINGS, "delay", "stray", *QUIRKS)

# RFC 9110: a name is a token; a value is visible ASCII, spaces and tabs.
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")


def _check_number(_: object, field: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{field.name!r} must be a number from 0 on (got {value!r})")


def _check_headers(_: object, field: Any, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"{field.name!r} must be an object (got {value!r})")
    for name, header in value.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{field.name!r}: {name!r} is not a valid header name")
        if not isinstance(header, str) or not _HEADER_VALUE.fullmatch(header):
            raise ValueError(
                f"{field.name!r}: {name} must be one line of ASCII (got {header!r})"
            )


# Any: the type of `optional` does not accept a validator of None.
_COUNT: Any = optional(check_whole)
_STATUS = and_(check_whole, ge(200), lt(600))


@attrs.frozen
class Fault:
    """A failure that strikes the next `times` requests that match `when`.

    Args:
        kind: The kind of failure. `status` answers with `status`; `proxy` answers with
            `status` and a page that is not HubSpot's; `drop_before` closes the socket
            without processing the request; `drop_after_commit` processes it, then
            closes the socket; `truncate` sends half of the body; `delay` answers
            `seconds` later; `stray` sends the answer again on the connection, `seconds`
            later. The name of a quirk sets that quirk to `value`.
        times: The number of requests to strike; None for no limit.
        when: Which requests match; a function receives a description of the request.
        status: The status of `status` and `proxy`.
        body: The body: a string is sent as HTML, anything else as JSON. By default
            the usual body of the status.
        empty: Whether to send no body.
        policy: The policy that a 429 reports.
        retry_after: The `Retry-After` header, in seconds.
        headers: Additional headers.
        seconds: The delay of `delay` and `stray`.
        value: The value of a quirk.
        lasts: Seconds after the first strike at which the fault ends.

    Raises:
        ValueError: If a value is not allowed.
        TypeError: If `headers` or `empty` has the wrong type.
    """

    kind: str = attrs.field(validator=in_(KINDS))
    times: int | None = attrs.field(default=1, validator=_COUNT)
    when: When | Callable[[Seen], bool] = attrs.field(default=When(), kw_only=True)
    status: int = attrs.field(default=503, validator=_STATUS, kw_only=True)
    body: Any = attrs.field(default=None, kw_only=True)
    empty: bool = attrs.field(default=False, validator=instance_of(bool), kw_only=True)
    policy: str = attrs.field(
        default="TEN_SECONDLY_ROLLING", validator=in_(POLICIES), kw_only=True
    )
    retry_after: float | None = attrs.field(
        default=None, validator=optional(_check_number), kw_only=True
    )
    headers: Mapping[str, str] = attrs.field(
        factory=dict,
        validator=_check_headers,
        kw_only=True,
    )
    seconds: float = attrs.field(default=1.0, validator=_check_number, kw_only=True)
    value: Value = attrs.field(default=True, kw_only=True)
    lasts: float | None = attrs.field(
        default=None, validator=optional(_check_number), kw_only=True
    )

    @value.validator
    def _check_value(self, _: object, value: Any) -> None:
        if self.kind in QUIRKS:
            try:
                Quirks(**{self.kind: value})
            except (TypeError, ValueError) as error:
                raise ValueError(f"'value': {error.args[0]}") from None


@attrs.frozen
class Strike:
    """The effect of the faults on one request.

    Attributes:
        ending: The fault that replaces or cuts the answer, if any.
        seconds: The delay of the answer.
        stray: The delay of the repeated answer; None if it is not repeated.
        quirks: The quirks that apply.
    """

    ending: Fault | None = None
    seconds: float = 0.0
    stray: float | None = None
    quirks: Quirks = DEFAULTS


@attrs.define
class _Armed:
    """A fault and its counters.

    Attributes:
        left: The strikes left; infinite without a limit.
        matched: The matching requests so far, counted to skip `when.skip` of them.
        since: The time of the first strike.
    """

    fault: Fault
    left: float
    matched: int = 0
    since: float | None = None

    def strikes(self, seen: Seen) -> bool:
        when = self.fault.when
        if self._is_over(seen.at) or not when(seen):
            return False
        self.matched += 1
        return not isinstance(when, When) or self.matched > when.skip

    def strike(self, at: float) -> None:
        self.left -= 1
        if self.since is None:
            self.since = at

    def _is_over(self, at: float) -> bool:
        lasts = self.fault.lasts
        late = lasts is not None and self.since is not None and at >= self.since + lasts
        return late or self.left <= 0


# The default kinds of chaos: throttling, a failing back end, a failing network.
CHAOS: Final = (
    Fault("status", status=429),
    Fault("status", status=429, policy="SECONDLY"),
    Fault("status", status=500, empty=True),
    Fault("status", status=502),
    Fault("status", status=503),
    Fault("status", status=504),
    Fault("status", status=423),
    Fault("drop_before"),
    Fault("drop_after_commit"),
    Fault("truncate"),
)


@attrs.define
class Faults:
    """The armed faults in the order they were added, the chaos and the quirks.

    If several faults exclude each other, the first one added strikes.

    Attributes:
        quirks: The quirks of requests that no fault changes.
        struck: The faults that have struck, one entry per strike.
    """

    random: Random
    quirks: Quirks = DEFAULTS
    struck: list[Fault] = attrs.field(init=False, factory=list)
    _armed: list[_Armed] = attrs.field(init=False, factory=list)
    _rate: float = attrs.field(init=False, default=0.0)
    _kinds: tuple[Fault, ...] = attrs.field(init=False, default=CHAOS)

    def add(self, fault: Fault) -> None:
        """Arm a fault for the requests that follow."""
        left = float("inf") if fault.times is None else fault.times
        self._armed.append(_Armed(fault, left))

    def chaos(self, rate: float, kinds: tuple[Fault, ...] = CHAOS) -> None:
        """Fail a share of the requests, each with a kind that the seed chooses.

        Args:
            rate: The share, from 0 to 1.
            kinds: The faults to choose from.

        Raises:
            ValueError: If the rate is not between 0 and 1.
        """
        if not 0 <= rate <= 1:
            raise ValueError(f"rate must be between 0 and 1 (got {rate})")
        self._rate, self._kinds = rate, kinds

    def set(self, **quirks: Any) -> None:
        """Change quirks for all requests that follow.

        Raises:
            TypeError: If a quirk is unknown.
            ValueError: If a value is not allowed.
        """
        self.quirks = attrs.evolve(self.quirks, **quirks)

    def clear(self) -> None:
        """Disarm all faults and stop the chaos; quirks stay as they are."""
        self._armed.clear()
        self._rate = 0.0

    def strike(self, seen: Seen) -> Strike:
        """Return the effect of the faults on a request, and count the strikes."""
        ending: Fault | None = None
        seconds = 0.0
        stray: float | None = None
        changes: dict[str, Any] = {}
        for armed in self._armed:
            if ending is not None and armed.fault.kind in ENDINGS:
                continue
            if not armed.strikes(seen):
                continue
            armed.strike(seen.at)
            self.struck.append(armed.fault)
            if armed.fault.kind in ENDINGS:
                ending = armed.fault
            elif armed.fault.kind == "delay":
                seconds += armed.fault.seconds
            elif armed.fault.kind == "stray":
                stray = armed.fault.seconds
            else:
                changes[armed.fault.kind] = armed.fault.value
        if self._rate and ending is None and self.random.random() < self._rate:
            ending = self.random.choice(self._kinds)
            self.struck.append(ending)
        quirks = attrs.evolve(self.quirks, **changes) if changes else self.quirks
        return Strike(ending, seconds, stray, quirks)
