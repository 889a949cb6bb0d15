"""Tells outages of HubSpot and unreadable calls from faults of single records."""

from math import inf

from attrs import field

from hubbatch._classes import define
from hubbatch.errors import APIError, HubSpotUnavailable

from .chunk import Chunk
from .chunk_state import Role
from .effects import EndBatch, WaitOut
from .retry import RetryPolicy, longest_wait
from .verdicts import Refused, Retryable, Temporary, cause_of


NO_ANSWER = "No request got a usable answer from HubSpot"
_TRY_LATER = " Try again later."
# It does not advise trying again: that could write the records twice.
_CHECK_FIRST = (
    " Some records may have been written: look in HubSpot for those whose outcome is "
    "`unknown` before you send anything else."
)


def unavailable(summary: str, last: APIError) -> HubSpotUnavailable:
    """Return the error of several failed requests, with the details of the last."""
    return HubSpotUnavailable(
        last.message,
        advice=f"{summary}. {last.advice}".strip(),
        status=last.status,
        category=last.category,
        correlation_id=last.correlation_id,
        errors=last.errors,
        context=last.context,
    )


def advise(error: HubSpotUnavailable, *, maybe_written: bool) -> None:
    """Add advice to an error: try again, or check first what was written.

    An error that has advice already comes from a token refresh or from another batch.
    "Try again" is replaced if this batch may have written something.
    """
    error.maybe_written = error.maybe_written or maybe_written
    if not error.advice.endswith(_CHECK_FIRST):
        known = error.advice.removesuffix(_TRY_LATER)
        advice = _CHECK_FIRST if error.maybe_written else _TRY_LATER
        error.advice = f"{known}{advice}".strip()


# HubSpot is down if this many chunks in a row use up their retries.
_MAX_GIVEN_UP = 3
# HubSpot is down, and no chunk is halved, if it fails on this many parts in a row.
_MAX_FAILING_PARTS = 20
# The batch ends if HubSpot cannot read this many parts, without an answer in between.
_MAX_UNREADABLE_PARTS = 3


@define(eq=False)
class Health:
    """The state of HubSpot as a whole, judged by the answers to a batch so far.

    Attributes:
        has_answered: whether HubSpot has accepted a request.
        has_settled: whether an answer has decided the outcome of an input.
        is_readable: whether HubSpot has been able to read a request. Lookups do not
            count, because they do not show whether creates are readable.
        unreadable: HubSpot's last refusal of a request that it could not read.
        last_failure: the error of the last chunk that was given up or was refused
            without a reason.
        policy: how long the batch waits between two requests while HubSpot is down.
        patience: for how many seconds without an answer the batch goes on.
        down: whether HubSpot is down and the batch has the patience to wait. Only one
            request at a time is sent then.
    """

    has_answered: bool = False
    has_settled: bool = False
    is_readable: bool = False
    unreadable: APIError | None = None
    last_failure: APIError | None = None
    policy: RetryPolicy = field(factory=RetryPolicy)
    patience: float = 0.0
    down: bool = field(default=False, init=False)
    # Invariant: the counters below were reset by the last answer, at `_answered_at`.
    # Exceptions: a lookup's answer does not reset `_given_up`, and nothing resets
    # `_unreadable_parts`, because it counts only until the first request is readable.
    _answered_at: float = field(default=-inf, init=False)
    _failing_since: float | None = field(default=None, init=False)
    _probes: int = field(default=0, init=False)
    _given_up: int = field(default=0, init=False)
    _failing: int = field(default=0, init=False)
    _unreadable_parts: int = field(default=0, init=False)

    def answer(self, chunk: Chunk, now: float) -> None:
        """Record that HubSpot answered a chunk, or refused it with a reason."""
        self._answered_at, self._failing = now, 0
        self._failing_since, self._probes, self.down = None, 0, False
        if not chunk.state.looking_up:  # a lookup does not settle its creates
            self._given_up = 0

    def refuse(self, chunk: Chunk, refusal: Refused, now: float) -> None:
        """Record that HubSpot, or a proxy, refused a chunk."""
        if refusal.wordless:
            self.last_failure = refusal.error
        else:
            self.answer(chunk, now)

    def refuse_as_unreadable(self, chunk: Chunk, error: APIError) -> bool:
        """Record an unreadable call; return whether the batch must end."""
        self.unreadable = error
        self._unreadable_parts += Role.SUSPECT in chunk.state.roles
        return self._unreadable_parts >= _MAX_UNREADABLE_PARTS

    def fail(self, now: float) -> None:
        """Record a request without a usable answer."""
        if self._failing_since is None:
            self._failing_since = now

    def wait_out(
        self, verdict: Temporary, now: float, draw: float, *, repeats: bool
    ) -> WaitOut | None:
        """Return the effect of waiting for HubSpot; None without patience left."""
        since = now if self._failing_since is None else self._failing_since
        left = since + self.patience - now
        if left <= 0:
            return None
        self.down = True
        self._probes += 1
        # The last probe comes when the patience ends.
        longest = longest_wait(self.policy, self.policy.attempts + self._probes)
        retry_after: float = getattr(verdict, "retry_after", 0.0)
        wait = min(max(retry_after, self.policy.base, draw * longest), left)
        return WaitOut(wait, left, cause_of(verdict), repeats)

    def give_up(
        self, verdict: Temporary, now: float, draw: float
    ) -> EndBatch | WaitOut | None:
        """Record a chunk that used up its retries; return what the batch does."""
        error = self.last_failure = cause_of(verdict)
        self._given_up += 1
        if self._given_up < _MAX_GIVEN_UP and not self.down:
            return None
        wait = self.wait_out(verdict, now, draw, repeats=False)
        if wait is not None:
            return wait
        summary = "Several chunks in a row used up their retries"
        if self.down:
            summary = f"HubSpot was down for longer than {self.patience:,.0f} s"
        return EndBatch(unavailable(summary, error))

    def fails_on(self, chunk: Chunk, verdict: Retryable) -> bool:
        """Record a chunk on which HubSpot fails; return whether its records cause it.

        They do if HubSpot has answered another chunk since this one was taken, unless
        many parts in a row have failed: then HubSpot is down.
        """
        state = chunk.state
        works = Role.LAST_TRY in state.roles or self._answered_at > state.taken_at
        caused = (
            verdict.maybe_processed and works and self._failing < _MAX_FAILING_PARTS
        )
        self._failing += caused
        return caused
