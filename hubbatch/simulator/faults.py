"""Scripted trouble, and the moods in which HubSpot was seen."""

import re

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, Final

import attrs

from attrs.validators import and_, ge, in_, instance_of, lt, optional

from hubbatch.simulator.quirks import AS_USUAL, QUIRKS, Quirks
from hubbatch.simulator.whens import Seen, When, whole


Value = bool | str | Iterable[str]

CUTS: Final = ("drop_before", "drop_after_commit", "truncate")
POLICIES: Final = ("TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY")
ENDINGS: Final = ("status", "proxy", *CUTS)
KINDS: Final = (*ENDINGS, "delay", "stray", *QUIRKS)

# RFC 9110: a token, and what is visible, with spaces and tabs between.
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_TEXT: Final = re.compile(r"[\t\x20-\x7e]*")


def _amount(_: object, field: Any, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{field.name!r} must be a number (got {value!r})")


def _sendable(_: object, field: Any, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"{field.name!r} must be an object (got {value!r})")
    for name, text in value.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{field.name!r}: {name!r} is no name of a header")
        if not isinstance(text, str) or not _HEADER_TEXT.fullmatch(text):
            told = f"{field.name!r}: {name} must be one line of text (got {text!r})"
            raise ValueError(told)


# attrs cannot say that a validator takes None as well.
_COUNT: Any = optional(whole)
_STATUS = and_(whole, ge(200), lt(600))


@attrs.frozen
class Fault:
    """One kind of trouble, for so many requests (`times=None`: for all of them).

    Kinds: `status` answers with `status`; `proxy` answers with `status` and a page
    that is not HubSpot's; `drop_before` closes the socket and does nothing;
    `drop_after_commit` does it all and then closes the socket; `truncate` stops in the
    middle of the body; `delay` answers `seconds` later; `stray` sends the answer a
    second time on its connection, `seconds` later. The name of a quirk changes that
    quirk to `value`. `lasts` ends a fault so many seconds after
    it struck first.
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
        default=None, validator=optional(_amount), kw_only=True
    )
    headers: Mapping[str, str] = attrs.field(
        factory=dict,
        validator=_sendable,
        kw_only=True,
    )
    seconds: float = attrs.field(default=1.0, validator=_amount, kw_only=True)
    value: Value = attrs.field(default=True, kw_only=True)
    lasts: float | None = attrs.field(
        default=None, validator=optional(_amount), kw_only=True
    )

    @value.validator
    def _check_value(self, _: object, value: Any) -> None:
        if self.kind in QUIRKS:
            try:
                Quirks(**{self.kind: value})
            except (TypeError, ValueError) as error:
                raise ValueError(f"'value': {error.args[0]}") from None


@attrs.frozen
class Struck:
    """What the faults made of one request."""

    ending: Fault | None = None
    seconds: float = 0.0
    stray: float | None = None
    quirks: Quirks = AS_USUAL


@attrs.define
class _Armed:
    fault: Fault
    left: float
    passed: int = 0
    since: float | None = None

    def strikes(self, seen: Seen) -> bool:
        when = self.fault.when
        if self._over(seen.at) or not when(seen):
            return False
        self.passed += 1
        return not isinstance(when, When) or self.passed > when.skip

    def strike(self, at: float) -> None:
        self.left -= 1
        if self.since is None:
            self.since = at

    def _over(self, at: float) -> bool:
        lasts = self.fault.lasts
        late = lasts is not None and self.since is not None and at >= self.since + lasts
        return late or self.left <= 0


# What a bad hour looks like: throttling, a failing back end, a failing network.
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
    """The script: faults in the order they were added, chance, and the quirks."""

    random: Random
    quirks: Quirks = AS_USUAL
    struck: list[Fault] = attrs.field(init=False, factory=list)
    _armed: list[_Armed] = attrs.field(init=False, factory=list)
    _rate: float = attrs.field(init=False, default=0.0)
    _kinds: tuple[Fault, ...] = attrs.field(init=False, default=CHAOS)

    def add(self, fault: Fault) -> None:
        """Arm a fault."""
        left = float("inf") if fault.times is None else fault.times
        self._armed.append(_Armed(fault, left))

    def chaos(self, rate: float, kinds: tuple[Fault, ...] = CHAOS) -> None:
        """Let this share of the requests fail, each in a way chosen by the seed."""
        if not 0 <= rate <= 1:
            raise ValueError(f"a rate is between 0 and 1, not {rate}")
        self._rate, self._kinds = rate, kinds

    def set(self, **quirks: Any) -> None:
        """Change how HubSpot behaves from now on."""
        self.quirks = attrs.evolve(self.quirks, **quirks)

    def clear(self) -> None:
        """Disarm everything; the quirks stay."""
        self._armed.clear()
        self._rate = 0.0

    def strike(self, seen: Seen) -> Struck:
        """Say what happens to a request, and count it."""
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
        return Struck(ending, seconds, stray, quirks)
