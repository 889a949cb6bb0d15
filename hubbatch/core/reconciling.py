"""Creates whose answer was lost: their records are looked up by a unique property.

Search would not do: its index lags behind. Batch read sees every write at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import orjson

from attrs import define, evolve, field

from hubbatch.errors import OutcomeUnknown, RecordError, RecordNotFound
from hubbatch.models import SimplePublicObject

from .calls import Operation
from .chunk_state import Step
from .chunks import Chunk
from .effects import Effect, Fail, Requeue, Succeed
from .encoding import make_key
from .outcomes import OutcomeStatus, unknown_error
from .settling import Settlement, shows


# An input that was looked up this often, in vain, is `unknown`.
MAX_LOOKUPS = 3
# HubSpot's clocks agree this closely with each other, and answers are read this soon.
_SLACK = timedelta(seconds=5)
# A record that another input of the batch got within `_SLACK` is among this many last
# ones: no account allows more than 190 requests of 100 inputs in 10 s.
_REMEMBERED = 20_000
# A record that is written with a date of creation of its own shows no other.
_DATES_OF_CREATION = ("createdate", "hs_createdate")


def lookup(operation: Operation, chunk: Chunk) -> tuple[Operation, Chunk]:
    """Return the read that looks up the records of a chunk, and its chunk.

    It asks for the properties that were written, so that its answer can replace the
    one that was lost.
    """
    read_back, unique = operation.read_back, operation.id_property
    assert read_back is not None  # noqa: S101 -- without it nothing is looked up
    assert unique is not None  # noqa: S101 -- the same
    written = [_written(body) for body in chunk.bodies]
    names = {name for properties in written for name in properties}
    values = [properties[unique] for properties in written]
    read = Chunk(
        chunk.indices,
        chunk.inputs,
        [make_key(value, unique) for value in values],
        [orjson.dumps({"id": value}) for value in values],
    )
    return evolve(read_back, properties=tuple(sorted(names))), read


def _written(body: bytes) -> Mapping[str, str]:
    properties: Mapping[str, str] = orjson.loads(body)["properties"]
    return properties


def lost_error(
    chunk: Chunk, reason: str, correlation_id: str | None = None
) -> OutcomeUnknown:
    """Return the error of inputs that may have been written."""
    state = chunk.state
    answered = state.lookups - state.looking_up  # the current one has no answer
    if answered:
        times = "once" if answered == 1 else f"{answered} times"
        reason = f"looked up {times}, and then: {reason}"
    return unknown_error(reason, correlation_id)


@define(eq=False)
class LostCreates:
    """Decides what becomes of creates whose answer was lost."""

    operation: Operation
    _known: dict[str, None] = field(factory=dict, init=False)  # ids, by age

    def remember(self, results: Iterable[Any]) -> None:
        """Note the records that inputs of the batch got: they are no other input's."""
        if self.operation.read_back is None:
            return
        for result in results:
            if result is not None:
                self._known[result.id] = None
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]

    def look_up(self, chunk: Chunk, now: float) -> Chunk | None:
        """Return the chunk as a lookup of its records; None if it cannot be one."""
        can_look = self.operation.read_back is not None
        if not can_look or chunk.state.lookups >= MAX_LOOKUPS:
            return None
        return chunk.after(Step.LOOK_UP, now=now)

    def doubt(
        self, chunk: Chunk, reason: str, now: float, correlation_id: str | None = None
    ) -> Effect:
        """Return what becomes of what may have been written: a lookup if possible."""
        error = lost_error(chunk, reason, correlation_id)
        lookup = self.look_up(chunk, now)
        if lookup is None:
            return Fail(chunk, OutcomeStatus.UNKNOWN, error)
        return Requeue([lookup], otherwise=error)

    def resolve(
        self, chunk: Chunk, settlement: Settlement, now: float
    ) -> Iterator[Effect]:
        """Yield what becomes of creates that were looked up.

        What was not found is created again.
        """
        found: list[int] = []
        absent: list[int] = []
        unseen: list[int] = []
        others: list[int] = []
        for position, result in enumerate(settlement.results):
            if result is not None:
                same = self._is_its_own(chunk, position, result, settlement, now)
                (found if same else others).append(position)
            elif position in settlement.open:
                unseen.append(position)
            elif isinstance(settlement.failed.get(position), RecordNotFound):
                absent.append(position)
            else:
                others.append(position)
        if found:
            results = [settlement.results[position] for position in found]
            self.remember(results)
            yield Succeed(chunk.pick(found), results)
        if absent:
            yield Requeue([chunk.pick(absent).after(Step.FIND_NOTHING)])
        if unseen:
            reason = "it may have been written, and reading it back does not say"
            unclear = chunk.pick(unseen).after(Step.FIND_UNCLEAR)
            yield self.doubt(unclear, reason, now)
        if others:
            reason = (
                "it may have been written, and what was read back by its unique "
                "property is not what was written"
            )
            unclear = chunk.pick(others).after(Step.FIND_UNCLEAR)
            error = lost_error(unclear, reason)
            yield Fail(unclear, OutcomeStatus.UNKNOWN, error)

    def refuse(self, single: Chunk, error: RecordError) -> Effect:
        """Return what becomes of a single create whose lookup HubSpot refused."""
        if isinstance(error, RecordNotFound):
            return Requeue([single.after(Step.FIND_NOTHING)])
        unclear = single.after(Step.FIND_UNCLEAR)
        reason = f"it may have been written, and reading it back was refused: {error}"
        lost = lost_error(unclear, reason, error.correlation_id)
        return Fail(unclear, OutcomeStatus.UNKNOWN, lost)

    def _is_its_own(
        self,
        chunk: Chunk,
        position: int,
        result: SimplePublicObject,
        settlement: Settlement,
        now: float,
    ) -> bool:
        """Whether a record that was found is the one that an input created.

        It is not if another input of the batch got it, or if it was created before the
        lost request left. That instant is computed on HubSpot's clock: its answer was
        completed just before now, and the seconds since the request left are known.
        """
        body = chunk.bodies[position]
        if result.id in self._known:
            return False
        if not shows(result, body, unique=self.operation.id_property or ""):
            return False
        completed, created = settlement.part.completed_at, result.created_at
        if completed is None or created is None or chunk.state.first_sent_at is None:
            return True
        if any(name in _written(body) for name in _DATES_OF_CREATION):
            return True
        left = completed - timedelta(seconds=now - chunk.state.first_sent_at)
        return created >= left - _SLACK
