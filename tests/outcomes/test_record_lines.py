"""Pairs that share a record, driven through any order of events."""

import pytest

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from msgspec.json import decode

from hubbatch import SimplePublicObject
from hubbatch._outcomes.queue import Chunk, InputQueue, Place
from hubbatch._wire.calls import Repeats
from hubbatch._wire.endpoints import operation_for
from hubbatch._wire.inputs import encoder


encode = encoder(operation_for("merges", "merge", "contacts"))
WINDOW = 12


def chunk_of(first: int, *pairs: tuple[str, str]) -> Chunk:
    block = Chunk()
    for index, pair in enumerate(pairs, first):
        block.add(index, pair, *encode(index, pair))
    return block


def a_record(name: str) -> SimplePublicObject:
    return SimplePublicObject(name, {})


def ids_of(chunk: Chunk) -> tuple[str, str]:
    body = decode(chunk.bodies[0])
    return body["primaryObjectId"], body["objectIdToMerge"]


def taken(queue: InputQueue) -> list[tuple[str, str]]:
    """Take all that may be sent now; return the ids that it names."""
    chunks = []
    while queue.waiting(partial=True):
        chunks.append(ids_of(queue.next_chunk(0.0)))
    return chunks


class Merges(RuleBasedStateMachine):
    """HubSpot's records are followed by the ids that each has had."""

    @initialize()
    def begin(self) -> None:
        self.queue = InputQueue(1, WINDOW, Repeats.CONNECTED)
        # By any id, the id of the record that it leads to.
        self.record: dict[str, str] = {str(n): str(n) for n in range(1, 9)}
        self.pair_of: list[tuple[str, str]] = []
        self.in_flight: list[Chunk] = []
        self.settled: list[int] = []
        self.first_taken: list[int] = []

    @precondition(lambda self: self.queue.room > 0)
    @rule(data=st.data())
    def offer(self, data: st.DataObject) -> None:
        """A caller may also name the survivors that it has seen."""
        known = st.sampled_from(sorted(self.record))
        pairs = st.tuples(known, known).filter(lambda pair: pair[0] != pair[1])
        some = data.draw(st.lists(pairs, min_size=1, max_size=4))[: self.queue.room]
        block = chunk_of(len(self.pair_of), *some)
        self.pair_of += some
        self.queue.put(block)

    @precondition(lambda self: self.queue.waiting(partial=True) > 0)
    @rule()
    def take(self) -> None:
        chunk = self.queue.next_chunk(0.0)
        [index] = chunk.indices
        busy = {self.record[end] for one in self.in_flight for end in ids_of(one)}
        assert {self.record[end] for end in ids_of(chunk)}.isdisjoint(busy)
        # It names the records that the merges before it have left.
        assert ids_of(chunk) == tuple(self.record[end] for end in self.pair_of[index])
        self.in_flight.append(chunk)
        if index not in self.first_taken:
            for earlier in self.first_taken:
                if {*self.pair_of[earlier]} & {*self.pair_of[index]}:
                    assert earlier < index
            self.first_taken.append(index)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), end=st.sampled_from(["refused", "new id", "same id"]))
    def settle(self, data: st.DataObject, end: str) -> None:
        chunk = self._pick(data)
        primary, merged = ids_of(chunk)
        self.settled += chunk.indices
        if end == "refused" or primary == merged:  # which HubSpot refuses
            self.queue.release(chunk)
            return
        survivor = primary if end == "same id" else str(100 + len(self.record))
        for known, record in self.record.items():
            if record in (primary, merged):
                self.record[known] = survivor
        self.record[survivor] = survivor
        self.queue.release(chunk, [a_record(survivor)])

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), place=st.sampled_from([Place.NEXT, Place.BEHIND]))
    def requeue(self, data: st.DataObject, place: Place) -> None:
        self.queue.requeue(self._pick(data), place)

    @precondition(lambda self: self.pair_of)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        """A pair cannot be withdrawn."""
        assert not self.queue.withdraw(data.draw(st.integers(0, len(self.pair_of) - 1)))

    @rule()
    def clear(self) -> None:
        for chunk in self.queue.clear():
            self.settled += chunk.indices
        while self.in_flight:
            self._release(self.in_flight.pop())
        self._all_accounted_for()

    def _pick(self, data: st.DataObject) -> Chunk:
        return self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))

    def _release(self, chunk: Chunk) -> None:
        self.settled += chunk.indices
        self.queue.release(chunk)

    def _all_accounted_for(self) -> None:
        assert sorted(self.settled) == [*range(len(self.pair_of))]
        assert self.queue.size == 0

    @invariant()
    def the_size_is_right(self) -> None:
        if hasattr(self, "queue"):
            assert self.queue.size == len(self.pair_of) - len(self.settled)

    @invariant()
    def something_moves(self) -> None:
        if hasattr(self, "queue") and self.queue.size:
            assert self.in_flight or self.queue.waiting(partial=True)

    def teardown(self) -> None:
        """All can be taken and settled to the end."""
        if not hasattr(self, "queue"):
            return
        while self.queue.size:
            while self.queue.waiting(partial=True):
                self.take()
            self._release(self.in_flight.pop(0))
        self._all_accounted_for()


TestMerges = Merges.TestCase
TestMerges.settings = settings(max_examples=150, stateful_step_count=40)


@pytest.fixture
def queue() -> InputQueue:
    return InputQueue(1, WINDOW, Repeats.CONNECTED)


def test_pairs_without_a_common_record_do_not_wait(queue: InputQueue) -> None:
    queue.put(chunk_of(0, ("1", "2"), ("3", "4"), ("1", "5"), ("6", "7")))

    assert taken(queue) == [("1", "2"), ("3", "4"), ("6", "7")]


def test_two_pairs_that_an_earlier_merge_connects_wait_for_each_other(
    queue: InputQueue,
) -> None:
    queue.put(chunk_of(0, ("1", "2"), ("1", "3"), ("2", "4")))
    first = queue.next_chunk(0.0)
    assert queue.waiting(partial=True) == 0

    queue.release(first, [a_record("9")])

    second = queue.next_chunk(0.0)
    assert ids_of(second) == ("9", "3")
    assert queue.waiting(partial=True) == 0
    queue.release(second, [a_record("9")])
    assert taken(queue) == [("9", "4")]


def test_the_id_of_a_survivor_is_that_of_its_records(queue: InputQueue) -> None:
    queue.put(chunk_of(0, ("1", "2"), ("1", "3")))
    queue.release(queue.next_chunk(0.0), [a_record("9")])
    queue.put(chunk_of(2, ("9", "4")))

    assert taken(queue) == [("9", "3")]


def test_an_answer_with_an_id_that_was_merged_makes_no_circle(
    queue: InputQueue,
) -> None:
    queue.put(chunk_of(0, ("1", "2")))
    queue.release(queue.next_chunk(0.0), [a_record("9")])
    queue.put(chunk_of(1, ("1", "3")))
    queue.release(queue.next_chunk(0.0), [a_record("1")])
    queue.put(chunk_of(2, ("3", "4")))

    assert taken(queue) == [("9", "4")]
