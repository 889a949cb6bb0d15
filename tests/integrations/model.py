"""A model in Python of what the Redis scripts do, and a Redis that runs it."""

import asyncio

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from math import ceil, inf

import attrs

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotConnected

from hubbatch.integrations._redis.scripts import HOLD


@attrs.define
class SharedWindow:
    """One shared window; instants are whole microseconds.

    It forgets nothing of its own, so that a test can look at all that was granted.
    """

    log: list[int] = attrs.field(factory=list)
    held: int = 0
    doubted: int = 0
    seen: int | None = None  # the last instant; None if there is no state
    ahead: int = 0
    gone: int = 0  # entries that had left the window by then were removed
    lost: int = 0  # and this many other entries

    def lose(self) -> None:
        """Lose everything, like a restarted Redis."""
        self.lost = len(self.log)
        self.held = self.doubted = self.ahead = self.gone = 0
        self.seen = None

    def now(self, time: int, window: int, own: int) -> int:
        fresh, now = self.seen is None, time + self.ahead
        if self.seen is not None and now < self.seen:
            self.ahead += self.seen - now
            now = self.seen
        self.seen = now
        if fresh and own:
            self.doubted = now + window
        return now

    def reserve(
        self,
        time: int,
        window: int,
        own: int,
        limit: int,
        burst: int,
        patience: int,
        unlogged: int,
        *late: int,
    ) -> tuple[int, int, int, int]:
        now = self.now(time, window, own)
        self.doubted = max(self.doubted, now + unlogged)
        known = self.log[self.lost :]
        for instant in late:
            if instant in known and instant + window > self.gone:
                known.remove(instant)
                known.append(max([now, *known[-1:]]))
        self.log[self.lost :] = known
        at = self.gone = max(now, self.held, *known[-1:])
        live = [instant for instant in known if instant + window > at]
        free = limit - len(live)
        if free <= 0:
            at = max(at, live[-limit] + window)
        elif len(live) >= burst:
            last = live[-1]
            at = max(at, ceil(last + (live[0] + window - last) / (free + 1)))
        granted = patience < 0 or at - now <= patience
        if granted:
            self.log.append(at)
        return int(granted), at - now, at, self.doubted - now

    def hold(self, time: int, window: int, own: int, held: int) -> None:
        self.held = max(self.held, self.now(time, window, own) + held)


class ModelRedis(Redis):
    """A Redis whose clock is the loop's, and that can be taken down."""

    def __init__(self) -> None:
        self.windows: dict[str, SharedWindow] = defaultdict(SharedWindow)
        self.latency = 0.0
        self.trips = 0
        self.closed = 0

    def take_down(self) -> None:
        self.latency = inf

    def start_anew(self) -> None:
        self.latency = 0.0
        for window in self.windows.values():
            window.lose()

    def register_script(  # type: ignore[override] # a script that is not Lua
        self, script: str
    ) -> Callable[[Sequence[str], Sequence[int]], Awaitable[object]]:
        async def run(keys: Sequence[str], args: Sequence[int]) -> object:
            self.trips += 1
            if self.latency == inf:
                raise NotConnected("no such host: secret.example")
            await asyncio.sleep(self.latency)
            window = self.windows[keys[1].removesuffix(":log")]
            time = 10**15 + round(asyncio.get_running_loop().time() * 1e6)
            return (window.hold if script == HOLD else window.reserve)(time, *args)

        return run

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001, ARG002 -- redis-py's
        self.closed += 1

    def __del__(self, *_: object) -> None:
        """Does nothing: there is no connection."""
