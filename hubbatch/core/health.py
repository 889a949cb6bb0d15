"""What the answers of a batch say about HubSpot as a whole."""

from math import inf

from attrs import define, field

from hubbatch.errors import APIError, HubSpotUnavailable

from .chunk_state import Role
from .chunks import Chunk
from .unavailable import unavailable
from .verdicts import Refused, Retryable


# After this many chunks in a row that used up their retries, HubSpot is down.
_UNAVAILABLE_AFTER = 3
# After this many failing parts in a row HubSpot is down, and no more are halved.
_FAILING_PARTS = 20
# This many unreadable parts, with no answer in between, end the batch.
_UNREADABLE_PARTS = 3


@define(eq=False)
class Health:
    """Tells HubSpot's outages and unreadable calls from faults of single records.

    Attributes:
        has_answered: whether HubSpot has answered a chunk.
        has_settled: whether an input has its outcome by an answer.
        is_readable: whether HubSpot has read a call. Lookups do not count: they show
            nothing about the creates.
        unreadable: HubSpot's last refusal of a call that it could not read.
        last_failure: the error of the last chunk that was given up, or whose refusal
            did not say what was wrong.
    """

    has_answered: bool = False
    has_settled: bool = False
    is_readable: bool = False
    unreadable: APIError | None = None
    last_failure: APIError | None = None
    # These count what happened since the last answer, which was at `_answered_at`.
    _answered_at: float = field(default=-inf, init=False)
    _given_up: int = field(default=0, init=False)
    _failing: int = field(default=0, init=False)
    _unreadable_parts: int = field(default=0, init=False)

    def answer(self, chunk: Chunk, now: float) -> None:
        """Note that HubSpot answered a chunk or refused it with a reason."""
        self._answered_at, self._failing = now, 0
        if not chunk.state.looking_up:  # a lookup does not settle its creates
            self._given_up = 0

    def refuse(self, chunk: Chunk, refusal: Refused, now: float) -> None:
        """Note that HubSpot, or a proxy, refused a chunk."""
        if refusal.wordless:
            self.last_failure = refusal.error
        else:
            self.answer(chunk, now)

    def refuse_as_unreadable(self, chunk: Chunk, error: APIError) -> bool:
        """Note a call that HubSpot could not read; return whether to end the batch."""
        self.unreadable = error
        self._unreadable_parts += chunk.state.role is Role.SUSPECT
        return self._unreadable_parts >= _UNREADABLE_PARTS

    def give_up(self, error: APIError) -> HubSpotUnavailable | None:
        """Note a chunk that used up its retries; return what ends the batch, if so."""
        self.last_failure = error
        self._given_up += 1
        if self._given_up < _UNAVAILABLE_AFTER:
            return None
        what = "Several chunks in a row were given up, the last one for this"
        return unavailable(what, error)

    def fails_on(self, chunk: Chunk, verdict: Retryable) -> bool:
        """Note a chunk on which HubSpot fails; return whether its records cause it.

        They do if HubSpot has answered another chunk since this one was taken. They do
        not while part after part fails: then HubSpot is down.
        """
        state = chunk.state
        others = state.role is Role.LAST_TRY or self._answered_at > state.taken_at
        caused = verdict.arrived and others and self._failing < _FAILING_PARTS
        self._failing += caused
        return caused
