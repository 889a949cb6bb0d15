"""Paces the requests of one process under a rate limit that is kept in Redis."""

import asyncio
import logging

from collections.abc import AsyncGenerator, Callable
from copy import copy
from math import inf
from typing import Literal, Protocol

from attrs import define, evolve, field
from redis import exceptions
from redis.asyncio import Redis

from hubbatch._limits.window import RateLimit, Slot, Window
from hubbatch._net.event_loops import close_with_loop
from hubbatch.errors import LimiterUnavailable, OverloadedError
from hubbatch.integrations._redis.scripts import HOLD, RESERVE


OnFailure = Literal["share", "wait", "raise"]

# The tolerance, in seconds: HubSpot may count a request this much later or earlier
# after its permit than another. It costs PAD / (interval + PAD) of the limit: 2.4 % of
# 10 s.
PAD = 0.25
# A request that leaves this many seconds after its instant, because a connection had to
# be made or the event loop was busy, is reported to Redis.
_LATE = 0.02
# Seconds for which an unused reservation is kept: a hold may have come since.
_KEPT = 1.0
# Without Redis, a share is reduced by this fraction, because the processes did not use
# equal shares before.
_SLACK = 0.04
# Seconds to wait for an answer from Redis, and to wait after a failure before trying
# again.
_PATIENCE = 1.0
_RETRY = 2.0
_POLL = 0.05

_logger = logging.getLogger("hubbatch")


class Terms(Protocol):
    """The settings that all processes share; see `RedisRateLimit`."""

    account: str
    limit: RateLimit
    on_failure: OnFailure
    max_wait: float | None
    expected_processes: int


@define(eq=False)
class _Ticket:
    """A reservation.

    Attributes:
        leaves_at: The instant, on the loop's clock, at which the request may leave.
        granted_for: The earliest instant that Redis can have reserved.
        entry: Its entry in Redis's log; 0 if it has none.
        slot: Its slot in this process's own window.
    """

    leaves_at: float
    granted_for: float
    entry: int
    slot: Slot = field(factory=lambda: Slot(free_at=-inf))  # none yet


class RedisPacer:
    """Paces one process's requests under a limit that is shared in Redis.

    It reserves an instant in Redis's log for each request, and also tracks its own
    requests in a local window (`_own`) with this process's share of the limit. While
    Redis does not answer, only the local window applies. Afterwards, until
    `_doubted_until`, Redis's log lacks the requests that were sent without it, so both
    apply.
    """

    def __init__(
        self,
        connect: Callable[[], Redis],
        shared: Terms,
        family: str,
        *,
        owned: bool,
    ) -> None:
        self._connect = connect
        self._owned = owned
        # Closes the connections; None before the first one, or if the user provided
        # them.
        self._held: AsyncGenerator[None, None] | None = None
        # The braces put both keys into one slot of a cluster.
        name = f"hubbatch:{{{shared.account}}}:{family}"
        self._keys = [f"{name}:state", f"{name}:log"]
        self._find_scripts(connect())
        self._shared = shared
        self._own = Window(1, burst=1)
        self._unused: list[_Ticket] = []
        self._late: list[int] = []
        self._doubted_until = -inf  # until then Redis's log is incomplete
        self._ask_at = -inf
        self._holding: set[asyncio.Task[None]] = set()

    def _find_scripts(self, redis: Redis) -> None:
        self._redis = redis
        self._reserve = redis.register_script(RESERVE)
        self._hold = redis.register_script(HOLD)

    async def acquire(self, limit: RateLimit) -> _Ticket:
        """Wait until a request may leave; return its reservation.

        If a waiter is cancelled, its reservation goes to the next one.

        Raises:
            OverloadedError: If the wait is longer than `max_wait`.
            LimiterUnavailable: If Redis does not answer and `on_failure` is "raise".
        """
        self._own.follow(self._share(limit))
        if self._owned and self._held is None:
            self._held = close_with_loop(self._redis.aclose)
        ticket = self._unused_ticket() or await self._next_ticket(limit)
        try:
            await _sleep_until(ticket.leaves_at)
        except asyncio.CancelledError:
            self.give_back(ticket)
            raise
        ticket.slot = self._own.grant(_now())
        return ticket

    def give_back(self, ticket: _Ticket) -> None:
        """Return an unused reservation; the next request uses it if it comes soon."""
        self._own.abandon(ticket.slot)
        if ticket.entry:
            self._unused.append(ticket)

    def sent(self, ticket: _Ticket) -> None:
        """Note that a request is being written; if it is late, report that to Redis."""
        self._own.sent(ticket.slot, _now())
        if ticket.entry and _now() > ticket.granted_for + _LATE:
            self._late.append(ticket.entry)

    def hold(self, seconds: float) -> None:
        """Hold the requests of all processes for some seconds."""
        if _now() >= self._ask_at:
            window = self._shared.limit.interval + PAD
            arguments = [_microseconds(window), 1, _microseconds(seconds)]
            task = asyncio.get_running_loop().create_task(self._tell_hold(arguments))
            self._holding.add(task)
            task.add_done_callback(self._holding.discard)

    def move(self, shift: float) -> None:
        """Continue in the running loop, whose clock is `shift` seconds ahead.

        Earlier requests are in Redis's log. Unused reservations are lost.
        """
        self._held = None
        self._find_scripts(self._connect())
        self._own = copy(self._own)  # tasks of the previous loop keep the old one
        self._own.move(shift, _now())
        self._unused.clear()
        self._doubted_until += shift
        self._ask_at += shift
        self._holding = set()

    async def aclose(self) -> None:
        """Close the connection, unless the user provided it."""
        try:
            await asyncio.gather(*self._holding)
        finally:
            held, self._held = self._held, None
            if held is not None:
                await held.aclose()

    # ---- reservations

    def _unused_ticket(self) -> _Ticket | None:
        """Return an unused reservation that is still in Redis's log, or None."""
        unused, self._unused = self._unused, []
        if _now() < self._doubted_until:
            return None
        valid = [ticket for ticket in unused if _now() < ticket.leaves_at + _KEPT]
        first = min(valid, key=lambda ticket: ticket.leaves_at, default=None)
        self._unused = [ticket for ticket in valid if ticket is not first]
        return first

    async def _next_ticket(self, limit: RateLimit) -> _Ticket:
        """Reserve the next instant at which a request may leave."""
        while True:
            if _now() < self._doubted_until:
                await self._own_turn()
            if _now() >= self._ask_at:
                ticket = await self._ask(limit)
                if ticket is not None:
                    return ticket
            elif self._shared.on_failure == "share":
                # This request will be missing from Redis's log.
                self._doubted_until = _now() + limit.interval + PAD
                return _Ticket(_now(), _now(), entry=0)
            else:
                await _sleep_until(self._ask_at)

    def _share(self, limit: RateLimit) -> RateLimit:
        """Return this process's share of the limit."""
        return evolve(
            limit,
            max_requests=max(1, int(limit.max_requests * (1 - _SLACK))),
            burst=1,
            processes=self._shared.expected_processes,
        ).share()

    async def _own_turn(self) -> None:
        """Wait until the local window has room."""
        while (instant := self._own.next_grant(_now())) > _now():
            # Nothing signals when a request that is on its way has been written.
            await _sleep_until(min(instant, _now() + _POLL))

    async def _ask(self, limit: RateLimit) -> _Ticket | None:
        """Reserve an instant in Redis's log; None if Redis does not answer."""
        asked_at, patience = _now(), self._shared.max_wait
        late = [*self._late]
        arguments = [
            _microseconds(limit.interval + PAD),
            1 if self._own.used(asked_at) else 0,
            limit.max_requests,
            limit.burst,
            -1 if patience is None else _microseconds(patience),
            _microseconds(max(0.0, self._doubted_until - asked_at)),
            *late,
        ]
        try:
            async with asyncio.timeout(_PATIENCE):
                granted, wait, entry, doubt = await self._reserve(self._keys, arguments)
        except (exceptions.RedisError, OSError, TimeoutError) as error:
            self._note_failure(error, limit)
            return None
        self._note_answer()
        # Only now: reporting the same request twice has no effect.
        self._late = self._late[len(late) :]
        # Relative to when it was sent, so that it does not grow with each report.
        self._doubted_until = max(self._doubted_until, asked_at + doubt / 1e6)
        if not granted:
            raise OverloadedError(
                f"The shared rate limit has no room for {wait / 1e6:.1f} s, and "
                f"max_wait is {patience:g} s. Nothing was sent."
            )
        # Redis answered at an instant between these two.
        return _Ticket(_now() + wait / 1e6, asked_at + wait / 1e6, entry)

    async def _tell_hold(self, arguments: list[int]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._hold(self._keys, arguments)
        except (exceptions.RedisError, OSError, TimeoutError):
            """The hold applies here; `acquire` will find and report the failure."""

    # ---- failures of Redis

    def _note_failure(self, error: BaseException, limit: RateLimit) -> None:
        """Handle a failure of Redis: log it once, or raise."""
        now = _now()
        first, self._ask_at = self._ask_at == -inf, now + _RETRY
        policy = self._shared.on_failure
        # Only the kind of error: its message may contain anything.
        kind = type(error).__name__
        if policy == "raise":
            self._ask_at = -inf
            raise LimiterUnavailable(
                "The Redis server for the rate limit of account "
                f"{self._shared.account} does not answer ({kind}). Nothing was sent."
            ) from None
        if policy == "share":
            self._doubted_until = max(self._doubted_until, now + limit.interval + PAD)
        if first:
            _logger.warning(
                "The Redis server for the rate limit of account %s does not answer "
                "(%s). %s until it is back.",
                self._shared.account,
                kind,
                f"Continuing with 1/{self._shared.expected_processes} of the limit"
                if policy == "share"
                else "Waiting",
            )

    def _note_answer(self) -> None:
        if self._ask_at != -inf:
            self._ask_at = -inf
            _logger.info(
                "The Redis server for the rate limit of account %s is back.",
                self._shared.account,
            )


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)


async def _sleep_until(instant: float) -> None:
    if instant > _now():
        await asyncio.sleep(instant - _now())


def _now() -> float:
    return asyncio.get_running_loop().time()
