"""One window's turnstile: who waits, who is next, and when the next may leave."""

import asyncio

from collections.abc import Callable, Mapping
from copy import copy
from math import inf

from attrs import define, field

from hubbatch.core.families import FAMILIES
from hubbatch.core.following import Follower
from hubbatch.core.pacing import RateLimit, Slot, Window

from .lines import Client, Lane, Line, Place
from .pacers import Pacer, pace


# Of so many permits one goes to bulk when both lanes wait.
_BULK_TURN = 4


_SINGLE_FIRST = (Lane.SINGLE, Lane.BULK)
_BULK_FIRST = (Lane.BULK, Lane.SINGLE)


@define(eq=False)
class Turnstile:
    """Hands out the slots of one window: holds first, lane by lane, one by one.

    Nobody has a slot before the instant at which it may leave: who comes late and is
    of the better lane is still first.

    Attributes:
        name: whose window it is; see `FAMILIES`.
        ceiling: what the window never exceeds.
        beneath: makes the limiter that processes share, if they share one.
    """

    name: str
    ceiling: RateLimit | None
    _beneath: Callable[[str], Pacer] | None = None
    window: Window = field(init=False)
    _follower: Follower = field(init=False)
    _lines: tuple[Line, Line] = field(factory=lambda: (Line(), Line()), init=False)
    _turns: int = field(default=0, init=False)
    _handed_at: float = field(default=-inf, init=False)
    _held_until: float = field(default=-inf, init=False)
    _pacer: Pacer | None = field(default=None, init=False)
    _paced: asyncio.Future[object] | None = field(default=None, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)
    _nudge: asyncio.Handle | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        family = FAMILIES[self.name]
        self._follower = Follower(family, kin=self._beneath is not None)
        self.window = Window(family.max_requests)
        self.keep_under(self.ceiling)

    def keep_under(self, ceiling: RateLimit | None) -> None:
        """Keep to another ceiling from now on."""
        family = FAMILIES[self.name]
        limit = family.limit(ceiling)
        if self._beneath is not None:
            self._pacer = self._pacer or self._beneath(self.name)
        elif self._pacer is None or ceiling != self.ceiling:
            paced = limit.processes > 1 or family.even
            self._pacer = pace(limit.share()) if paced else None
        self.ceiling = self._follower.ceiling = ceiling
        self.window.follow(self.limit())
        self.nudge()  # it may be a higher one

    def moved(self, shift: float) -> "Turnstile":
        """Return the same for the running loop, whose instants are `shift` later.

        Who waited in the former loop is gone with it. What is left there may still give
        back what it had, but to this one, which nobody asks any more.
        """
        moved = copy(self)
        self._pacer = None
        moved.move(shift)
        return moved

    def move(self, shift: float) -> None:
        """Begin in the running loop."""
        self.window = copy(self.window)
        self.window.move(shift, _now())
        self._follower.move(shift)
        self._lines = (Line(), Line())
        self._handed_at += shift
        self._held_until += shift
        self._paced = self._timer = self._nudge = None
        if self._pacer is not None:
            self._pacer.move(shift)

    def absorb(self, other: "Turnstile") -> None:
        """Add what others have used, and keep their hold."""
        self.window.absorb(other.window)
        self.hold(other.held_for())

    # ---- what is known

    def held_for(self) -> float:
        """Give the seconds until a hold ends; zero if there is none."""
        return max(0.0, self._held_until - _now())

    @property
    def told(self) -> bool:
        """Whether HubSpot has told its limit."""
        return self._follower.told

    def others(self) -> int:
        """Count the requests of others in this window."""
        return self._follower.others(_now())

    def limit(self) -> RateLimit:
        """Give the limit that is kept now."""
        return self._follower.limit(_now())

    # ---- what happens

    def hold(self, seconds: float) -> None:
        """Let nobody out for so long; a hold is never shortened."""
        self._held_until = max(self._held_until, _now() + seconds)
        if self._pacer is not None:
            self._pacer.hold(seconds)

    def sent(self, slot: Slot) -> None:
        """Note that the first byte of a request is being written."""
        now = _now()
        self.window.sent(slot, now)
        self._follower.sent(now)
        if self._pacer is not None:
            self._pacer.sent(slot.ticket)
        self.freed()  # only now is known when the slot comes back

    def answered(self, slot: Slot, headers: Mapping[str, str]) -> None:
        """Note that an answer came, and what it tells."""
        now = _now()
        self.window.answered(slot, now)
        self._follower.answered(min(slot.sent_at, now), headers, now)
        self.nudge()  # the slot comes back sooner, or the limit is another one

    def throttled(self, slot: Slot) -> None:
        """Note that the answer was a 429."""
        now = _now()
        self._follower.throttled(min(slot.sent_at, now), now)

    # ---- who waits

    async def wait(
        self, lane: Lane, client: Client, wanted: Callable[[], bool]
    ) -> Slot | None:
        """Wait for a slot, or for None when it is wanted no more.

        Whoever gets a slot gives it back; what `wanted` raises is raised here.
        """
        handed = asyncio.get_running_loop().create_future()
        self._lines[lane].add(Place(client, wanted, handed))
        if self._timer is None:
            self._dispatch()
        try:
            slot: Slot | None = await handed
        except asyncio.CancelledError:
            if not handed.cancelled() and handed.exception() is None:
                slot = handed.result()  # it was handed over in the same instant
                if slot is not None:
                    self.give_back(slot)
                    client.give_back()
            self.nudge()
            raise
        return slot

    def give_back(self, slot: Slot) -> None:
        """Take back what a request had that is over, or was never sent."""
        self.window.abandon(slot)  # does nothing once it has been sent
        if slot.sent_at == inf:
            self._give_back_ticket(slot.ticket)

    def freed(self) -> None:
        """Look anew, unless it is only the window that everybody waits for."""
        if self._timer is None:
            self.nudge()

    def nudge(self) -> None:
        """Look anew who may leave, in the loop's next turn."""
        if self._nudge is None and any(self._lines):
            self._nudge = asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        """Let out who may leave now, and come back when the next may."""
        for handle in (self._nudge, self._timer):
            if handle is not None:
                handle.cancel()
        self._nudge = self._timer = None
        try:
            self._let_out(_now())
        except Exception as error:  # noqa: BLE001 -- a mistake of ours: nobody may wait for ever
            for line in self._lines:
                line.fail(error)

    def _let_out(self, now: float) -> None:
        self.window.follow(self._follower.limit(now))
        while (lane := self._next_lane()) is not None:
            opens = max(
                self._held_until,
                self._follower.not_before(self._handed_at),
                self.window.next_grant(now),
            )
            if opens > now:
                if opens < inf:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_at(opens, self._dispatch)
                break
            if not self._has_pace():
                return
            self._hand_to_first(lane, now)
        # What the limiter beneath lets out is not kept here for later.
        if self._paced is not None and (self._paced.done() or not any(self._lines)):
            self._drop_pace(self._paced)

    def _next_lane(self) -> Lane | None:
        """Choose the lane whose turn it is, of those where somebody may leave."""
        bulk_first = (self._turns + 1) % _BULK_TURN == 0
        for lane in _BULK_FIRST if bulk_first else _SINGLE_FIRST:
            while (place := self._lines[lane].first()) is not None:
                try:
                    if place.wanted():
                        return lane
                    place.handed.set_result(None)
                except Exception as error:  # noqa: BLE001 -- the waiter's own
                    place.handed.set_exception(error)
        return None

    def _hand_to_first(self, lane: Lane, now: float) -> None:
        place = self._lines[lane].first()
        assert place is not None  # noqa: S101 -- the lane was chosen for it
        paced, self._paced = self._paced, None
        if paced is not None and (error := paced.exception()) is not None:
            place.handed.set_exception(error)
            return
        self._turns += 1
        self._handed_at = now
        place.client.take()
        slot = self.window.grant(now)
        slot.ticket = paced and paced.result()
        place.handed.set_result(slot)
        self._lines[lane].advance(place.client)

    # ---- a limiter beneath

    def _has_pace(self) -> bool:
        """Say whether the limiter beneath has let one out; ask it if it has not."""
        if self._pacer is None:
            return True
        if self._paced is None or self._paced.cancelled():
            self._paced = asyncio.ensure_future(self._pacer.acquire(self.limit()))
            self._paced.add_done_callback(self._on_paced)
        return self._paced.done()

    def _drop_pace(self, paced: asyncio.Future[object]) -> None:
        """Give back what nobody takes; what was raised concerns nobody."""
        self._paced = None
        if not paced.cancel() and not paced.cancelled() and paced.exception() is None:
            self._give_back_ticket(paced.result())

    def _give_back_ticket(self, ticket: object) -> None:
        if self._pacer is not None:
            self._pacer.give_back(ticket)

    def _on_paced(self, paced: asyncio.Future[object]) -> None:
        if not paced.cancelled():
            self._dispatch()

    async def aclose(self) -> None:
        """Let go of the limiter beneath, unless somebody waits for it.

        Another client of the account may; then it is that one who closes it.
        """
        for line in self._lines:
            line.first()  # it forgets who has left
        if self._pacer is not None and not any(self._lines):
            if self._paced is not None:
                self._drop_pace(self._paced)
            await self._pacer.aclose()


def _now() -> float:
    return asyncio.get_running_loop().time()
