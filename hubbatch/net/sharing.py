"""What the clients of one account share in one event loop."""

import asyncio

from collections.abc import Callable, Hashable
from copy import copy
from typing import Protocol
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from attrs import define, field

from hubbatch.core.days import Day
from hubbatch.core.pacing import LAG, RateLimit

from .loops import Home
from .pacers import Pacer
from .turnstile import Turnstile


class Sharer(Protocol):
    """A client as the others see it."""

    ceiling: RateLimit | None


@define(eq=False)
class Shared:
    """An account's windows, by family, and its day.

    Attributes:
        day: what is left of the day.
        turnstiles: the windows that somebody has used.
        beneath: makes a limiter that processes share.
    """

    day: Day = field(factory=Day)
    turnstiles: dict[str, Turnstile] = field(factory=dict)
    beneath: Callable[[str], Pacer] | None = None
    _sharers: WeakSet[Sharer] = field(factory=WeakSet, repr=False)
    _absorbed: WeakSet["Shared"] = field(factory=WeakSet, repr=False)
    _home: Home = field(factory=lambda: Home("this client"), repr=False)

    def enter(self) -> None:
        """Go on in the running loop, with all that is known of the windows and the day.

        Raises:
            RuntimeError: if it is in use in another loop that is not closed.
        """
        shift = self._home.enter()
        if shift is not None:
            self.day = copy(self.day)
            self.day.move(shift)
            self.turnstiles = {
                name: one.moved(shift) for name, one in self.turnstiles.items()
            }

    def absorb(self, other: "Shared") -> None:
        """Add what others have used, who join; once."""
        if other in self._absorbed:
            return
        self._absorbed.add(other)
        for name, turnstile in other.turnstiles.items():
            self.turnstile(name).absorb(turnstile)

    def turnstile(self, family: str) -> Turnstile:
        """Give the window of a family."""
        if family not in self.turnstiles:
            self.turnstiles[family] = Turnstile(family, self._ceiling(), self.beneath)
        return self.turnstiles[family]

    def join(self, sharer: Sharer) -> None:
        """Let one more use it, under its ceiling too."""
        self._sharers.add(sharer)
        self._keep_under()

    def leave(self, sharer: Sharer) -> None:
        """Note that somebody uses it no more."""
        self._sharers.discard(sharer)
        if self._sharers:
            self._keep_under()

    def freed(self) -> None:
        """Note that a client has room again, for whatever family."""
        for turnstile in self.turnstiles.values():
            turnstile.freed()

    async def aclose(self) -> None:
        """Let go of the limiters beneath for which nobody waits."""
        for turnstile in self.turnstiles.values():
            await turnstile.aclose()

    def _keep_under(self) -> None:
        for turnstile in self.turnstiles.values():
            turnstile.keep_under(self._ceiling())

    def _ceiling(self) -> RateLimit | None:
        """Find the lowest ceiling; who has none goes by the others'."""
        given = [sharer.ceiling for sharer in self._sharers]
        return min(filter(None, given), key=_rate, default=None)


_everywhere: WeakKeyDictionary[
    asyncio.AbstractEventLoop, WeakValueDictionary[Hashable, Shared]
] = WeakKeyDictionary()


def shared(key: Hashable, own: Shared | None = None) -> Shared:
    """Find what the clients of one key share in the running loop.

    Whoever is the first may bring its own, and what later ones bring is added. It is
    forgotten with the last of them, and clients without a key share nothing.

    Raises:
        RuntimeError: if its own is in use in another loop that is not closed.
    """
    own = own or Shared()
    own.enter()
    if key is None:
        return own
    here = _everywhere.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    state = here.setdefault(key, own)
    if state is not own:
        state.absorb(own)
    return state


def remember(state: Shared) -> None:
    """Keep it for the length of its windows, for a client that comes next."""
    windows = [turnstile.window.interval for turnstile in state.turnstiles.values()]
    if windows:
        loop = asyncio.get_running_loop()
        loop.call_later(max(windows) + LAG, _forget, state)


_closing: set[asyncio.Task[None]] = set()


def _forget(state: Shared) -> None:
    """Hold it no longer; a client that was let go has closed nothing."""
    if state.beneath is not None:
        task = asyncio.get_running_loop().create_task(state.aclose())
        _closing.add(task)
        task.add_done_callback(_closing.discard)


def _rate(limit: RateLimit) -> float:
    share = limit.share()
    return share.max_requests / share.interval
