"""When a request may leave: a client's gate to the windows of its account."""

import asyncio

from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractAsyncContextManager

from attrs import Factory, define, evolve, frozen

from hubbatch.core.days import Day, Reserve
from hubbatch.core.pacing import RateLimit, Slot
from hubbatch.errors import DailyLimitReached

from .lines import Lane
from .pacers import SharedLimit
from .sharing import Shared, remember, shared
from .turnstile import Turnstile


__all__ = ["Gate", "Lane", "Limits", "Permit"]

_NO_RESERVE = Reserve()


@frozen
class Limits:
    """What the gate knows now.

    Attributes:
        max_requests: how many requests may leave in any `interval` seconds.
        interval: the length of the rolling window, in seconds.
        used: how many of them are taken at the moment.
        held_for: seconds until a 429's hold ends; zero if there is none.
        daily_remaining: what HubSpot said last is left of the day, if it says so.
        daily_limit: how many calls a day has, if HubSpot says so.
        used_by_others: how many requests of another process or program seem to be in
            the same window; `max_requests` is lower for it.
        families: the same of calls that are counted apart, e.g. `associations`, once
            there was one.
    """

    max_requests: int
    interval: float
    used: int
    held_for: float
    daily_remaining: int | None
    daily_limit: int | None = None
    used_by_others: int = 0
    families: Mapping[str, "Limits"] = Factory(dict)


@define(eq=False)
class Permit:
    """Leave to send one request now. Say when it is written, and when answered."""

    _shared: Shared
    _turnstile: Turnstile
    _slot: Slot

    def sent(self) -> None:
        """The first byte of the request is being written."""
        self._turnstile.sent(self._slot)

    def answered(self, headers: Mapping[str, str] | None) -> None:
        """An answer came (or, with None, a request that was sent got none)."""
        # Again and again, so that two loops' clocks are compared by a recent instant.
        self._shared.enter()
        if headers is not None:
            now = _now()
            self._turnstile.answered(self._slot, headers)
            self._shared.day.answered(min(self._slot.sent_at, now), headers, now)

    def throttled(self) -> None:
        """The answer was a 429 of the window."""
        self._turnstile.throttled(self._slot)


class _Leave(AbstractAsyncContextManager[Permit | None]):
    """To enter it is to wait for a permit; to exit, to give it back.

    A class, since a generator would take three times as many calls.
    """

    def __init__(
        self,
        gate: "Gate",
        state: Shared,
        turnstile: Turnstile,
        lane: Lane,
        wanted: Callable[[], bool],
    ) -> None:
        self._gate = gate
        self._room = gate.room
        self._state = state
        self._turnstile = turnstile
        self._lane = lane
        self._wanted = wanted
        self._slot: Slot | None = None

    async def __aenter__(self) -> Permit | None:
        turnstile = self._turnstile
        self._room.users += 1
        try:
            self._slot = await turnstile.wait(self._lane, self._room, self._may_leave)
            # Others may have taken the work since the slot was handed over.
            if self._slot is None or not self._wanted():
                return None
        except BaseException:
            self._give_back()
            # Whoever else of this client waits, in whatever window, may have its room.
            self._state.freed()
            raise
        self._gate.granted += 1
        return Permit(self._state, turnstile, self._slot)

    async def __aexit__(self, *_: object) -> None:
        self._give_back()

    def _may_leave(self) -> bool:
        return self._wanted() and self._room.within_day()

    def _give_back(self) -> None:
        if self._slot is not None:
            self._turnstile.give_back(self._slot)
            self._room.give_back()
            self._state.freed()
        self._room.users -= 1


@define(eq=False)
class _Room:
    """What one client has under way in one event loop.

    Attributes:
        free: how many more may be under way.
        users: how many have a permit, or wait for one.
    """

    free: int
    _reserve: Reserve
    _day: Day
    users: int = 0

    def has_room(self) -> bool:
        """Say whether one more may be under way, and is not to wait for the day."""
        if self.free <= 0 or not self._reserve:
            return self.free > 0
        return self._day.allows(self._reserve, _now()) != "wait"

    def take(self) -> None:
        """Note that one more is on its way."""
        self.free -= 1
        self._day.outstanding += 1

    def give_back(self) -> None:
        """Note that one of them is over."""
        self.free += 1
        self._day.outstanding -= 1

    def within_day(self) -> bool:
        """Say that the day allows one more.

        Raises:
            DailyLimitReached: when no more than the reserve is left of it.
        """
        day = self._day
        if self._reserve and day.allows(self._reserve, _now()) == "end":
            raise DailyLimitReached(
                f"The account has {day.remaining:,} calls left today, and "
                f"daily_reserve keeps {day.kept(self._reserve):,}."
            )
        return True


class Gate:
    """Hands out permits to one client: so many at a time, and within the limits.

    The windows and the day belong to the account, and clients that have the same key
    share them: then the lowest of their ceilings holds for all of them. Who has a
    limit that processes share keeps it by that, and has windows of its own.

    Attributes:
        ceiling: what its windows never exceed.
        granted: how many permits it has given.
        room: what it has under way.
    """

    def __init__(
        self,
        rate_limit: RateLimit | SharedLimit | None,
        max_concurrency: int,
        *,
        reserve: Reserve = _NO_RESERVE,
        key: Hashable = None,
    ) -> None:
        shared_limit = rate_limit if isinstance(rate_limit, SharedLimit) else None
        own = None if isinstance(rate_limit, SharedLimit) else rate_limit
        self.ceiling: RateLimit | None = shared_limit.limit if shared_limit else own
        self.granted: int = 0
        self.room: _Room = _Room(max_concurrency, reserve, Day())
        self._max_concurrency = max_concurrency
        self._reserve = reserve
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beneath = shared_limit.pacer if shared_limit else None
        self._key = object() if shared_limit else key
        self._state: Shared | None = None
        self._found: Hashable = None

    def permit(
        self, lane: Lane, wanted: Callable[[], bool], family: str = "objects"
    ) -> AbstractAsyncContextManager[Permit | None]:
        """Wait for leave to send, or give None when it is no longer wanted.

        None costs nothing: somebody else has taken the work meanwhile.

        Raises:
            DailyLimitReached: when no more than the reserve is left of the day.
        """
        state = self._shared()
        return _Leave(self, state, state.turnstile(family), lane, wanted)

    def hold(self, seconds: float, family: str = "objects") -> None:
        """Let nobody out for so long; a hold is never shortened."""
        self._shared().turnstile(family).hold(seconds)

    @property
    def told(self) -> bool:
        """Whether HubSpot has told the limit of most calls."""
        return self._shared().turnstile("objects").told

    def day_ends(self, seconds: float) -> None:
        """Note that the account's next day begins in so many seconds."""
        self._shared().day.ends_at = _now() + seconds

    def limit(self, family: str) -> RateLimit:
        """Give the limit that is kept now."""
        return self._shared().turnstile(family).limit()

    def limits(self) -> Limits:
        """Show what the gate knows now."""
        state = self._shared()
        state.turnstile("objects")
        families = {name: self._shown(name) for name in state.turnstiles}
        return evolve(families.pop("objects"), families=families)

    def _shown(self, family: str) -> Limits:
        state = self._shared()
        turnstile = state.turnstile(family)
        limit = turnstile.limit()
        return Limits(
            limit.max_requests,
            limit.interval,
            turnstile.window.used(_now()),
            turnstile.held_for(),
            state.day.remaining,
            state.day.limit,
            turnstile.others(),
        )

    # ---- what is shared

    def identify(self, key: Hashable) -> None:
        """Share with the clients of a key that has been found out, once it is idle.

        A key that was known from the beginning stays.
        """
        self._found = key if self._key is None else None

    def belong_to(self, key: Hashable) -> None:
        """Share with the clients of this key, whatever else they have in common."""
        self._key = key

    def without_reserve(self) -> "Gate":
        """Make a gate for a question that is worth a call of the reserve."""
        gate = Gate(self.ceiling, 1)
        gate._use(self._shared())
        return gate

    def let_go(self) -> None:
        """Have the windows remembered until they are empty, for who comes next."""
        if self._state is not None:
            remember(self._shared())

    def close(self) -> None:
        """Use it no more."""
        self.let_go()
        if self._state is not None:
            self._state.leave(self)

    async def aclose(self) -> None:
        """Use it no more, and let go of what is beneath."""
        self.close()
        if self._state is not None:
            await self._state.aclose()

    def _shared(self) -> Shared:
        if self._state is None or self._loop is not asyncio.get_running_loop():
            own = self._state or Shared(beneath=self._beneath)
            state = self._use(shared(self._key, own))
            state.join(self)
            return state
        if self._found is not None and not self.room.users:
            self._state.leave(self)
            self._key, self._found = self._found, None
            self._use(shared(self._key, self._state)).join(self)
        return self._state

    def _use(self, state: Shared) -> Shared:
        self._state, self._loop = state, asyncio.get_running_loop()
        self.room = _Room(self._max_concurrency, self._reserve, state.day)
        return state


def _now() -> float:
    return asyncio.get_running_loop().time()
