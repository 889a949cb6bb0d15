"""Looks up the records of creates whose answer was lost, by a unique property.

The lookup is a batch read, which sees every write immediately. Search does not, because
its index lags behind.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from attrs import define, evolve, field
from msgspec.json import decode, encode

from hubbatch._wire.bodies import Bodies
from hubbatch._wire.calls import Operation
from hubbatch._wire.inputs import make_key
from hubbatch.errors import APIError, OutcomeUnknown, RecordNotFound
from hubbatch.models import SimplePublicObject

from .chunk import Chunk
from .chunk_state import Step
from .effects import Effect, Fail, Requeue, Succeed
from .matching import MatchedAnswer, shows
from .outcome import OutcomeStatus, unknown_error


# An input is `unknown` after this many lookups without a clear result.
MAX_LOOKUPS = 3
# The tolerance for differences between HubSpot's clocks, and for the time that an
# answer takes to arrive and to be read.
_SLACK = timedelta(seconds=5)
# The records that the batch wrote in the last `_SLACK` are among this many: no account
# allows more than 190 requests of 100 inputs in 10 s.
_MAX_KNOWN = 20_000
# If an input sets one of these, the record's `created_at` is that value.
_CREATION_DATES = ("createdate", "hs_createdate")


def lookup_request(operation: Operation, chunk: Chunk) -> tuple[Operation, Chunk]:
    """Return the operation that looks up the records of a chunk, and its chunk.

    The lookup reads the properties that were written, so that its results can replace
    those of the lost answer.
    """
    read_back, unique = operation.read_back, operation.id_property
    assert read_back is not None  # noqa: S101 -- without it nothing is looked up
    assert unique is not None  # noqa: S101 -- the same
    written = [_properties_of(body) for body in chunk.bodies]
    names = {name for properties in written for name in properties}
    values = [properties[unique] for properties in written]
    read = Chunk(
        chunk.indices,
        chunk.inputs,
        [make_key(value, unique) for value in values],
        Bodies([encode({"id": value}) for value in values]),
    )
    return evolve(read_back, properties=tuple(sorted(names))), read


def _properties_of(body: bytes) -> Mapping[str, str]:
    properties: Mapping[str, str] = decode(body)["properties"]
    return properties


def lost_error(
    chunk: Chunk, reason: str, correlation_id: str | None = None
) -> OutcomeUnknown:
    """Return the error of inputs that may have been written."""
    state = chunk.state
    answered = state.lookups - state.looking_up  # the current lookup has no answer
    if answered:
        times = "once" if answered == 1 else f"{answered} times"
        reason = f"looked up {times}, and then: {reason}"
    return unknown_error(reason, correlation_id)


@define(eq=False)
class LostWrites:
    """Decides the outcome of creates whose answer was lost.

    The chunk's state goes from MAYBE_WRITTEN to LOOKING_UP, and on to one of: succeeded
    (the record is there), NOT_FOUND (create it again), or MAYBE_WRITTEN (look it up
    again, at most `MAX_LOOKUPS` times; then the input is `unknown`).
    """

    operation: Operation
    # The ids of the records that inputs of the batch got, in order of age.
    _known: dict[str, None] = field(factory=dict, init=False)

    def remember(self, results: Iterable[Any]) -> None:
        """Note the records of successful inputs: no lost create can have made them."""
        if self.operation.read_back is None:
            return
        for result in results:
            if result is not None:
                self._known[result.id] = None
        while len(self._known) > _MAX_KNOWN:
            del self._known[next(iter(self._known))]

    def as_lookup(self, chunk: Chunk, now: float) -> Chunk | None:
        """Return the chunk as a lookup of its records; None if no lookup is possible.

        No lookup is possible without a unique property to read by, or after
        `MAX_LOOKUPS`.
        """
        possible = self.operation.read_back is not None
        if not possible or chunk.state.lookups >= MAX_LOOKUPS:
            return None
        return chunk.after(Step.LOOK_UP, now=now)

    def doubt(
        self, chunk: Chunk, reason: str, now: float, correlation_id: str | None = None
    ) -> Effect:
        """Return the effect on inputs that may be written: a lookup if possible."""
        error = lost_error(chunk, reason, correlation_id)
        lookup = self.as_lookup(chunk, now)
        if lookup is None:
            return Fail(chunk, OutcomeStatus.UNKNOWN, error)
        return Requeue([lookup], error_if_ended=error)

    def resolve(
        self, chunk: Chunk, matched: MatchedAnswer, now: float
    ) -> Iterator[Effect]:
        """Yield the effects of a lookup's answer on the creates that it looked up."""
        found: list[int] = []  # the record is there
        absent: list[int] = []  # there is no record: create it again
        unseen: list[int] = []  # the answer does not mention it: look it up again
        differing: list[int] = []  # there is a record, but it may not be its own
        for position, result in enumerate(matched.results):
            if result is not None:
                same = self._created(chunk, position, result, matched, now)
                (found if same else differing).append(position)
            elif position in matched.open:
                unseen.append(position)
            elif isinstance(matched.failed.get(position), RecordNotFound):
                absent.append(position)
            else:
                differing.append(position)
        if found:
            results = [matched.results[position] for position in found]
            self.remember(results)
            yield Succeed(chunk.pick(found), results)
        if absent:
            yield Requeue([chunk.pick(absent).after(Step.FIND_NOTHING)])
        if unseen:
            reason = "it may have been written, and the lookup's answer omits it"
            unclear = chunk.pick(unseen).after(Step.FIND_UNCLEAR)
            yield self.doubt(unclear, reason, now)
        if differing:
            reason = (
                "it may have been written, and the record with its unique value "
                "differs from this input"
            )
            unclear = chunk.pick(differing).after(Step.FIND_UNCLEAR)
            error = lost_error(unclear, reason)
            yield Fail(unclear, OutcomeStatus.UNKNOWN, error)

    def refuse(self, single: Chunk, error: APIError) -> Effect:
        """Return the effect on a single create whose lookup HubSpot refused."""
        # Any other 404, of a proxy say, does not show that the record is absent.
        if error.category == "OBJECT_NOT_FOUND":
            return Requeue([single.after(Step.FIND_NOTHING)])
        unclear = single.after(Step.FIND_UNCLEAR)
        reason = f"it may have been written, and its lookup was refused: {error}"
        lost = lost_error(unclear, reason, error.correlation_id)
        return Fail(unclear, OutcomeStatus.UNKNOWN, lost)

    def _created(
        self,
        chunk: Chunk,
        position: int,
        result: SimplePublicObject,
        matched: MatchedAnswer,
        now: float,
    ) -> bool:
        """Return whether an input created the record that its lookup found.

        It did not if another input of the batch has the record, if the values differ,
        or if the record was created before the lost request was sent. That time is
        computed on HubSpot's clock: HubSpot completed the lookup just before `now`, and
        the seconds between the lost request and `now` are known.
        """
        body = chunk.bodies[position]
        if result.id in self._known:
            return False
        if not shows(result, body, unique=self.operation.id_property or ""):
            return False
        completed, created = matched.part.completed_at, result.created_at
        if (
            completed is None
            or created is None
            or chunk.state.first_attempted_at is None
        ):
            return True
        if any(name in _properties_of(body) for name in _CREATION_DATES):
            return True
        sent = completed - timedelta(seconds=now - chunk.state.first_attempted_at)
        return created >= sent - _SLACK
