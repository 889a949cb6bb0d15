"""A create whose answer was lost is looked for by its unique property.

Search would not do: its index lags behind. Batch read sees what was written at once.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Protocol

import orjson

from attrs import define, evolve, field

from hubbatch.errors import RecordError, RecordNotFound
from hubbatch.models import SimplePublicObject

from .calls import Operation
from .encoding import make_key
from .planning import Chunk
from .settling import Settlement, shows


# So often one input is looked for before it is left `unknown`.
MOST_PROBES = 3
# HubSpot's clocks agree with each other to so much, and an answer is read so soon.
_SLACK = timedelta(seconds=5)
# A record that another input of the batch got within `_SLACK` is among the last so
# many: no account takes more than 190 requests of 100 in 10 s.
_REMEMBERED = 20_000
# A record that is written with its own date of creation tells no other.
_DATES_OF_CREATION = ("createdate", "hs_createdate")


def probe(operation: Operation, chunk: Chunk) -> tuple[Operation, Chunk]:
    """Make the question which of a chunk's records are there.

    It asks for the properties that were written, so that its answer can stand for the
    one that was lost.
    """
    read_back, unique = operation.read_back, operation.id_property
    assert read_back is not None  # noqa: S101 -- without it nothing is probed
    assert unique is not None  # noqa: S101 -- likewise
    written = [_written(body) for body in chunk.bodies]
    names = {name for properties in written for name in properties}
    values = [properties[unique] for properties in written]
    question = Chunk(
        chunk.indices,
        chunk.inputs,
        [make_key(value, unique) for value in values],
        [orjson.dumps({"id": value}) for value in values],
    )
    return evolve(read_back, properties=tuple(sorted(names))), question


def _written(body: bytes) -> Mapping[str, str]:
    properties: Mapping[str, str] = orjson.loads(body)["properties"]
    return properties


class Books(Protocol):
    """Where the outcomes of creates are noted."""

    @property
    def ended(self) -> str | None:
        """Why the batch has ended; None while it goes on."""
        ...

    def succeed(self, chunk: Chunk, results: list[Any]) -> None:
        """Note that every input of a chunk succeeded."""
        ...

    def leave_unknown(
        self, chunk: Chunk, reason: str, correlation_id: str | None = None
    ) -> None:
        """Note that every input of a chunk may have been written."""
        ...

    def send_back(self, chunks: list[Chunk]) -> None:
        """Let chunks go once more."""
        ...


@define(eq=False)
class Reconciler:
    """Decides what becomes of creates whose answer was lost."""

    operation: Operation
    books: Books
    _given_out: dict[str, None] = field(factory=dict, init=False)  # by age

    def remember(self, results: Iterable[Any]) -> None:
        """Note records that inputs of the batch got: nobody else created them."""
        if self.operation.read_back is None:
            return
        for result in results:
            if result is not None:
                self._given_out[result.id] = None
        while len(self._given_out) > _REMEMBERED:
            del self._given_out[next(iter(self._given_out))]

    def look_for(self, chunk: Chunk) -> bool:
        """Make creates that may have been written a question, if that can be done."""
        can_look = self.operation.read_back is not None and self.books.ended is None
        if not can_look or chunk.probes >= MOST_PROBES:
            return False
        chunk.probing, chunk.doubtful = True, True
        chunk.probes += 1
        return True

    def doubt(
        self, chunk: Chunk, reason: str, correlation_id: str | None = None
    ) -> None:
        """Settle what may have been written: look for it if that can be done."""
        if self.look_for(chunk):
            self.books.send_back([chunk])
        else:
            self.books.leave_unknown(chunk, reason, correlation_id)

    def settle(self, chunk: Chunk, settlement: Settlement, now: float) -> None:
        """Settle creates that were looked for; what is not there is created again."""
        chunk.probing = False  # the question is answered
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
            self.books.succeed(chunk.pick(found), results)
        if absent:
            self._create_again(chunk.pick(absent))
        if unseen:
            reason = "it may have been written, and reading it back does not say"
            self.doubt(chunk.pick(unseen), reason)
        if others:
            reason = (
                "it may have been written, and what was read back by its unique "
                "property is not what was written"
            )
            self.books.leave_unknown(chunk.pick(others), reason)

    def refused(self, single: Chunk, error: RecordError) -> None:
        """Settle a create that was looked for alone, which HubSpot refused."""
        single.probing = False
        if isinstance(error, RecordNotFound):
            self._create_again(single)
            return
        reason = f"it may have been written, and reading it back was refused: {error}"
        self.books.leave_unknown(single, reason, error.correlation_id)

    def _create_again(self, chunk: Chunk) -> None:
        chunk.doubtful = False
        self.books.send_back([chunk])

    def _is_its_own(
        self,
        chunk: Chunk,
        position: int,
        result: SimplePublicObject,
        settlement: Settlement,
        now: float,
    ) -> bool:
        """Whether a record that was found is the one that an input created.

        It is not if another input of the batch got it, or if it was there before the
        lost request left. That instant is told by HubSpot's own clock: its answer was
        completed before now, and the request left so many seconds ago.
        """
        body = chunk.bodies[position]
        if result.id in self._given_out:
            return False
        if not shows(result, body, unique=self.operation.id_property or ""):
            return False
        completed, created = settlement.part.completed_at, result.created_at
        if completed is None or created is None or chunk.left_at is None:
            return True
        if any(name in _written(body) for name in _DATES_OF_CREATION):
            return True
        left = completed - timedelta(seconds=now - chunk.left_at)
        return created >= left - _SLACK
