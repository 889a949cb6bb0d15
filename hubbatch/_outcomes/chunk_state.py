"""The state of a chunk: certainty about its writes, and its reason to be sent.

`ChunkState.after` is the only function that changes a state. `CERTAINTY` and `ROLES`
are its tables; docs/architecture.md draws them.
"""

from collections.abc import Mapping
from enum import Enum, Flag, auto
from types import MappingProxyType
from typing import Final

from hubbatch._classes import immutable


class Certainty(Enum):
    """Whether HubSpot has written, or may have written, a chunk."""

    NO_DOUBT = auto()  # no request was processed, or its answer says what it did
    IN_FLIGHT = auto()  # a request has left, and its answer was not read yet
    MAYBE_WRITTEN = auto()  # a request may have been processed; no answer says so
    LOOKING_UP = auto()  # it was MAYBE_WRITTEN, and its records are being looked up
    NOT_FOUND = auto()  # the lookup found no record; the write may still be late
    RECREATING = auto()  # it was NOT_FOUND and has left again, as IN_FLIGHT


class Role(Flag):
    """Why a chunk is not an ordinary one; several reasons may apply."""

    NONE = 0
    SUSPECT = auto()  # it is a part of a chunk that was refused for its records
    LAST_TRY = auto()  # half of a chunk that HubSpot fails on: it is not retried
    ALONE = auto()  # an answer did not mention its only input


class Step(Enum):
    """An event in a chunk's life. Each `now` is an instant of a monotonic clock."""

    TAKE = auto()  # a worker takes it from the queue, at `now`
    ATTEMPT = auto()  # a request with it is about to be sent, at `now`
    LEAVE = auto()  # the request's first byte is on its way
    CLEAR = auto()  # HubSpot did not process the request, or says what it did
    LOSE = auto()  # HubSpot may have processed the request, but did not say so
    FAIL = auto()  # the attempt failed for a passing reason, and counts as a retry
    RENEW_TOKEN = auto()  # the token was refused, and another one is requested
    LOOK_UP = auto()  # its records are looked up before they are created again
    FIND_NOTHING = auto()  # the lookup found none of them
    FIND_UNCLEAR = auto()  # the lookup does not say whether they are there
    SUSPECT = auto()  # it is separated from a refused chunk
    ACQUIT = auto()  # it is cut from a chunk that was refused for its size, say
    HALVE = auto()  # it is cut from a chunk on which HubSpot fails
    ASK_ALONE = auto()  # an answer did not mention its input; perhaps a `survivor`
    TURN_PAGE = auto()  # the answer continues on another page


# Every chunk looks up its steps in the tables below. Enum's own hash is a Python
# function; a member is equal only to itself.
for _enum in (Certainty, Step):
    _enum.__hash__ = object.__hash__  # type: ignore[method-assign]

_C, _S = Certainty, Step

CERTAINTY: Mapping[tuple[Certainty, Step], Certainty] = MappingProxyType(
    {
        (_C.NO_DOUBT, _S.LEAVE): _C.IN_FLIGHT,
        (_C.NO_DOUBT, _S.CLEAR): _C.NO_DOUBT,
        (_C.NO_DOUBT, _S.LOSE): _C.MAYBE_WRITTEN,
        (_C.IN_FLIGHT, _S.CLEAR): _C.NO_DOUBT,
        (_C.IN_FLIGHT, _S.LOSE): _C.MAYBE_WRITTEN,
        (_C.MAYBE_WRITTEN, _S.LEAVE): _C.MAYBE_WRITTEN,
        (_C.MAYBE_WRITTEN, _S.CLEAR): _C.MAYBE_WRITTEN,
        (_C.MAYBE_WRITTEN, _S.LOSE): _C.MAYBE_WRITTEN,
        (_C.MAYBE_WRITTEN, _S.LOOK_UP): _C.LOOKING_UP,
        (_C.LOOKING_UP, _S.LEAVE): _C.LOOKING_UP,
        (_C.LOOKING_UP, _S.CLEAR): _C.LOOKING_UP,
        (_C.LOOKING_UP, _S.LOSE): _C.LOOKING_UP,
        (_C.LOOKING_UP, _S.FIND_NOTHING): _C.NOT_FOUND,
        (_C.LOOKING_UP, _S.FIND_UNCLEAR): _C.MAYBE_WRITTEN,
        (_C.NOT_FOUND, _S.LEAVE): _C.RECREATING,
        (_C.NOT_FOUND, _S.CLEAR): _C.NOT_FOUND,
        (_C.NOT_FOUND, _S.LOSE): _C.MAYBE_WRITTEN,
        (_C.RECREATING, _S.CLEAR): _C.NOT_FOUND,
        (_C.RECREATING, _S.LOSE): _C.MAYBE_WRITTEN,
    }
)

# The roles that a step adds, and those that it takes away.
ROLES: Mapping[Step, tuple[Role, Role]] = MappingProxyType(
    {
        _S.SUSPECT: (Role.SUSPECT, Role.NONE),
        _S.ACQUIT: (Role.NONE, Role.SUSPECT),
        _S.HALVE: (Role.LAST_TRY, Role.NONE),
        _S.ASK_ALONE: (Role.ALONE, Role.NONE),
        _S.TURN_PAGE: (Role.NONE, Role.ALONE),
    }
)

_CHANGES_CERTAINTY = frozenset(step for _, step in CERTAINTY)


@immutable(unsafe_hash=True)
class ChunkState:
    """The history of a chunk.

    Attributes:
        attempts: how many requests have carried it.
        lookups: how many times its records were looked up.
        survivor: the id of the one record that HubSpot returned for its only input, if
            the id differs: the input's record may have been merged into it.
        failures: how many attempts have failed since a worker took it.
        taken_at: when the worker took it.
        attempted_at: when the last attempt began, before its request left.
        first_attempted_at: when the first attempt that may have written it began. None
            if unknown because an earlier process sent it.
        token_renewed: whether a new token was requested since a worker took it.
    """

    roles: Role = Role.NONE
    certainty: Certainty = Certainty.NO_DOUBT
    attempts: int = 0
    lookups: int = 0
    survivor: str | None = None
    failures: int = 0
    taken_at: float = 0.0
    attempted_at: float = 0.0
    first_attempted_at: float | None = None
    token_renewed: bool = False

    @property
    def maybe_written(self) -> bool:
        """Whether HubSpot may have written its inputs, or may yet do so."""
        return self.certainty is not Certainty.NO_DOUBT

    @property
    def looking_up(self) -> bool:
        """Whether its next request, or the one in flight, is a lookup."""
        return self.certainty is Certainty.LOOKING_UP

    def may_send(self, *, retry_safe: bool) -> bool:
        """Return whether its request may be sent, or sent again.

        A create may be sent if no request was processed or if a lookup found none of
        its records, and never while its fate is unknown. `retry_safe` calls may always
        be repeated. This alone decides it, and every attempt checks it. It is asked
        between attempts, so not while a request is in flight.
        """
        return retry_safe or self.certainty is not Certainty.MAYBE_WRITTEN

    def after(
        self, step: Step, *, now: float = 0.0, survivor: str | None = None
    ) -> "ChunkState":
        """Return the state after a step.

        The certainty about the writes changes as follows; other steps, and those that
        lead back to the same certainty, do not change it:

        ```
            ┌─────────────────LOSE─────────────────┐
            │                                      v
        NO_DOUBT ───LEAVE───> IN_FLIGHT ──LOSE──> MAYBE_WRITTEN <─────────┐
            ^                     │                    │     ^            │
            └────────CLEAR────────┘                    │     │            │
                                                    LOOK_UP  │            │
                                                       v FIND_UNCLEAR     │
                                                 LOOKING_UP ─┘            │
                                                       │                  │
                                                  FIND_NOTHING            │
                                                       v                  │
                            ┌───────CLEAR────────> NOT_FOUND ────LOSE─────┤
                            │                          │                  │
                            └── RECREATING <───LEAVE───┘                  │
                                    └─────────────────LOSE────────────────┘
        ```

        Raises:
            KeyError: If the step cannot happen in this state, which would be a bug.
        """
        certainty = self.certainty
        if step in _CHANGES_CERTAINTY:
            certainty = CERTAINTY[certainty, step]
        roles = self.roles
        if step in ROLES:
            added, removed = ROLES[step]
            roles = (roles | added) & ~removed
        attempts, attempted_at = self.attempts, self.attempted_at
        first = self.first_attempted_at
        taken_at, lookups, failures = self.taken_at, self.lookups, self.failures
        renewed = self.token_renewed
        match step:
            case Step.TAKE:
                taken_at, failures, renewed = now, 0, False
            case Step.ATTEMPT:
                attempts, attempted_at = attempts + 1, now
                first = first if self.maybe_written else now
            case Step.FAIL:
                failures += 1
            case Step.RENEW_TOKEN:
                renewed = True
            case Step.LOOK_UP:  # the lookup has retries and a time limit of its own
                taken_at, lookups, failures = now, lookups + 1, 0
            case _:
                pass
        # `evolve` would take five times as long, and every chunk changes four times.
        return ChunkState(
            roles,
            certainty,
            attempts,
            lookups,
            survivor if step is Step.ASK_ALONE else self.survivor,
            failures,
            taken_at,
            attempted_at,
            first,
            renewed,
        )


NEW: Final = ChunkState()
