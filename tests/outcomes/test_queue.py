"""The input queue, driven through any order of events that hypothesis finds."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pytest

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from hubbatch._outcomes.chunk_state import Certainty, ChunkState, Role, Step
from hubbatch._outcomes.queue import Chunk, InputQueue, Place
from hubbatch._wire.endpoints import Repeats

from .helpers import attempted


MAX_INPUTS = 4
WINDOW = 16


class Queues(RuleBasedStateMachine):
    """Puts, takes, withdraws, requeues, releases; every input is followed."""

    repeats: Repeats

    @initialize()
    def begin(self) -> None:
        self.queue = InputQueue(MAX_INPUTS, WINDOW, self.repeats)
        self.offered = 0
        self.key_of: dict[int, str | None] = {}
        self.trace_of: dict[int, str] = {}
        self.in_flight: list[Chunk] = []
        self.settled: list[int] = []
        self.given_up: list[int] = []
        self.withdrawn: list[int] = []
        self.parked = 0
        self.body_of: dict[int, bytes] = {}
        self.order: dict[str | None, list[int]] = defaultdict(list)  # of first takes
        self.handed_out: set[int] = set()

    # ---- what happens

    @precondition(lambda self: self.queue.room > 0)
    @rule(
        items=st.lists(
            st.tuples(
                st.sampled_from("abcdefgh"), st.sampled_from(["", "", "", "0", "x"])
            ),
            min_size=1,
            max_size=9,
        )
    )
    def offer(self, items: Sequence[tuple[str, str]]) -> None:
        block = Chunk()
        for key, trace in items[: self.queue.room]:
            index = self.offered
            self.offered += 1
            own = self.repeats is not Repeats.SHARES and trace
            self.key_of[index] = None if self.repeats is Repeats.INDEPENDENT else key
            self.trace_of[index] = own or str(index)
            # Equal reads are one body, whoever of them it is sent for.
            shared = self.repeats is Repeats.SHARES
            self.body_of[index] = key.encode() if shared else b"%d" % index
            block.add(
                index,
                ("input", index),
                self.key_of[index],
                self.body_of[index],
                own or None,
            )
        self.queue.put(block)

    @precondition(lambda self: self.queue.waiting(partial=True) > 0)
    @rule()
    def take(self) -> None:
        before = self.queue.waiting(partial=True)
        chunk = self.queue.next_chunk(0.0)
        self._check_chunk(chunk)
        if self.repeats is Repeats.WAITS:
            # Out is also what came back and has not left again.
            out = self.handed_out - {*self.settled, *self.given_up, *chunk.indices}
            assert {self.key_of[index] for index in out}.isdisjoint(chunk.keys)
        assert self.queue.waiting(partial=True) >= before - 1
        self.in_flight.append(chunk)
        for index, _, key in chunk.rows():
            if index not in self.handed_out:
                self.handed_out.add(index)
                self.order[key].append(index)

    @precondition(lambda self: self.offered)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        """What was never taken can be withdrawn, once, and nothing else can."""
        index = data.draw(st.integers(0, self.offered - 1))
        gone = self.handed_out.union(self.settled, self.given_up, self.withdrawn)
        waiting = self.queue.waiting(partial=True)

        assert self.queue.withdraw(index) is (index not in gone)
        assert self.queue.waiting(partial=True) <= waiting
        if index not in gone:
            self.withdrawn.append(index)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def match_answer(self, data: st.DataObject) -> None:
        chunk = self._pick_in_flight(data)
        self._settle(chunk)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def split(self, data: st.DataObject) -> None:
        """A part is settled, the rest comes back in pieces."""
        chunk = self._pick_in_flight(data)
        chunk = chunk.after(Step.ATTEMPT)
        pieces = data.draw(
            st.lists(
                st.integers(0, 2), min_size=len(chunk), max_size=len(chunk)
            )
        )  # fmt: skip
        parts = [
            chunk.pick([p for p, piece in enumerate(pieces) if piece == number])
            for number in range(3)
        ]
        assert sum(part.count for part in parts) == chunk.count
        self._settle(parts[0])
        again = [part for part in parts[1:] if part]
        assert all(part.state is chunk.state for part in again)
        for part in again:
            place = data.draw(st.sampled_from(Place))
            self.queue.requeue(part, place)
            self.parked += place is Place.PARKED

    @rule()
    def unpark(self) -> None:
        self.queue.unpark()
        self.parked = 0

    @rule(max_bytes=st.integers(1, 6), max_inputs=st.integers(1, MAX_INPUTS))
    def narrow(self, max_bytes: int, max_inputs: int) -> None:
        """HubSpot has refused more."""
        self.queue.limit_bytes(max_bytes)
        self.queue.limit_inputs(max_inputs)
        assert self.queue.max_bytes is not None
        assert self.queue.max_bytes <= max_bytes
        assert self.queue.max_inputs <= max_inputs

    @rule()
    def clear(self) -> None:
        """All that is not in flight is given up, and what is can still be settled."""
        for chunk in self.queue.clear():
            self.given_up += [index for index, _, _ in chunk.rows()]

        assert self.queue.waiting(partial=True) == 0
        self.parked = 0
        while self.in_flight:
            self._settle(self.in_flight.pop())
        self._all_accounted_for()

    def _pick_in_flight(self, data: st.DataObject) -> Chunk:
        return self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))

    def _settle(self, chunk: Chunk) -> None:
        self.settled += [index for index, _, _ in chunk.rows()]
        self.queue.release(chunk)

    # ---- what is always so

    def _check_chunk(self, chunk: Chunk) -> None:
        positions = range(len(chunk))
        traces = [chunk.trace(position) for position in positions]
        assert 1 <= len(chunk) <= MAX_INPUTS
        if self.queue.max_bytes is not None and len(chunk) > 1:
            assert chunk.size <= self.queue.max_bytes
        assert traces == [self.trace_of[index] for index in chunk.indices]
        assert len(set(traces)) == len(traces)
        assert chunk.inputs == [("input", index) for index in chunk.indices]
        assert [*chunk.bodies] == [self.body_of[index] for index in chunk.indices]
        for index, given, key in chunk.rows():
            assert given == ("input", index)
            assert key == self.key_of[index]
            assert index not in self.withdrawn
        if self.repeats is not Repeats.INDEPENDENT:
            assert len(set(chunk.keys)) == len(chunk)

    @invariant()
    def the_size_is_right(self) -> None:
        if hasattr(self, "queue"):
            over = len(self.settled) + len(self.given_up) + len(self.withdrawn)
            held = self.offered - over
            assert self.queue.size == held
            assert self.queue.room == WINDOW - held

    @invariant()
    def waiting_says_how_much_may_leave(self) -> None:
        if hasattr(self, "queue"):
            full = self.queue.waiting(partial=False)
            assert full <= self.queue.waiting(partial=True) <= full + 1

    @invariant()
    def stuck_is_when_nothing_moves_without_unparking(self) -> None:
        if hasattr(self, "queue"):
            moves = self.in_flight or self.queue.waiting(partial=True)
            assert self.queue.stuck is bool(self.parked and not moves)

    @invariant()
    def the_order_within_a_key_is_kept(self) -> None:
        if hasattr(self, "queue") and self.repeats is Repeats.WAITS:
            assert all(places == sorted(places) for places in self.order.values())

    def teardown(self) -> None:
        """What is left can be taken and settled to the end: nothing is stuck."""
        if not hasattr(self, "queue"):
            return
        turns = 0
        while self.queue.size:
            turns += 1
            assert turns <= 4 * self.offered + 4
            while self.queue.waiting(partial=True):
                self.take()
            while self.in_flight:
                self._settle(self.in_flight.pop(0))
            if self.queue.stuck:
                self.unpark()
        self._all_accounted_for()
        self.the_order_within_a_key_is_kept()
        assert self.queue.next_chunk(0.0).count == 0

    def _all_accounted_for(self) -> None:
        ends = self.settled + self.given_up + self.withdrawn
        assert sorted(ends) == [*range(self.offered)]
        assert self.queue.size == 0


class IndependentQueues(Queues):
    repeats = Repeats.INDEPENDENT


class WaitingQueues(Queues):
    repeats = Repeats.WAITS


class SharingQueues(Queues):
    repeats = Repeats.SHARES


STEPS = settings(max_examples=60, stateful_step_count=30)
TestIndependentQueue = IndependentQueues.TestCase
TestIndependentQueue.settings = STEPS
TestWaitingQueue = WaitingQueues.TestCase
TestWaitingQueue.settings = STEPS
TestSharingQueue = SharingQueues.TestCase
TestSharingQueue.settings = STEPS


# ---- what a machine does not show


def block(
    keys: Sequence[str | None],
    first: int = 0,
    traces: Mapping[int, str] | None = None,
) -> Chunk:
    made = Chunk()
    for index, key in enumerate(keys, first):
        made.add(index, index, key, b"", (traces or {}).get(index))
    return made


def test_what_came_back_leaves_first() -> None:
    queue = InputQueue(2, 100, Repeats.WAITS)
    queue.put(block("abcd"))
    first = queue.next_chunk(0.0)
    queue.requeue(first.pick([1]))
    queue.requeue(first.pick([0]))

    assert [queue.next_chunk(0.0).indices for _ in range(3)] == [[1], [0], [2, 3]]


def test_what_was_deferred_follows_the_full_chunks() -> None:
    queue = InputQueue(2, 100, Repeats.WAITS)
    queue.put(block("abcdefg"))
    queue.requeue(queue.next_chunk(0.0), Place.BEHIND)

    assert [queue.waiting(partial=partial) for partial in (False, True)] == [3, 4]
    assert [queue.next_chunk(0.0).indices for _ in range(4)] == [
        [2, 3],
        [4, 5],
        [0, 1],
        [6],
    ]


def test_what_is_parked_does_not_leave() -> None:
    queue = InputQueue(2, 100, Repeats.WAITS)
    queue.put(block("abcd"))
    queue.requeue(queue.next_chunk(0.0), Place.PARKED)

    assert not queue.stuck
    other = queue.next_chunk(0.0)
    assert (other.indices, queue.waiting(partial=True), queue.stuck) == (
        [2, 3],
        0,
        False,
    )
    queue.release(other)
    assert (queue.stuck, queue.size) == (True, 2)
    queue.unpark()
    assert (queue.stuck, queue.next_chunk(0.0).indices) == (False, [0, 1])


def test_a_limit_of_bytes_cuts_what_came_back_too() -> None:
    queue = InputQueue(4, 100, Repeats.INDEPENDENT)
    made = Chunk()
    for index, body in enumerate([b"1", b"333", b"22", b"1", b"55555"]):
        made.add(index, index, None, body, None)
    queue.put(made)
    first = queue.next_chunk(0.0)
    queue.limit_bytes(4)
    queue.limit_bytes(9)
    queue.requeue(first)

    assert [queue.next_chunk(0.0).indices for _ in range(3)] == [[0, 1], [2, 3], [4]]
    assert queue.waiting(partial=True) == 0


def test_a_limit_of_inputs_is_for_what_is_fresh() -> None:
    queue = InputQueue(4, 100, Repeats.INDEPENDENT)
    queue.put(block([None] * 5))
    queue.limit_inputs(2)
    queue.limit_inputs(3)

    assert queue.waiting(partial=False) == 2
    assert [len(queue.next_chunk(0.0)) for _ in range(3)] == [2, 2, 1]


def test_a_hot_key_is_held_and_stops_the_pulling() -> None:
    queue = InputQueue(10, 5, Repeats.WAITS)
    queue.put(block("aaaaa"))

    assert (queue.room, queue.waiting(partial=True)) == (0, 1)
    assert queue.next_chunk(0.0).indices == [0]
    assert queue.waiting(partial=True) == 0


def test_what_waited_for_a_key_follows_when_it_is_settled() -> None:
    queue = InputQueue(10, 50, Repeats.WAITS)
    queue.put(block("ab"))
    queue.put(block("aac", first=2))
    first = queue.next_chunk(0.0)

    assert first.indices == [0, 1, 4]
    queue.release(first)
    second = queue.next_chunk(0.0)
    assert second.indices == [2]
    queue.release(second)
    assert queue.next_chunk(0.0).indices == [3]


def test_a_key_is_free_again_when_nothing_waits_for_it() -> None:
    queue = InputQueue(10, 50, Repeats.WAITS)
    queue.put(block("a"))
    queue.release(queue.next_chunk(0.0))
    queue.put(block("a", first=1))

    assert queue.next_chunk(0.0).indices == [1]


def test_equal_reads_share_a_request_until_it_leaves() -> None:
    queue = InputQueue(10, 50, Repeats.SHARES)
    queue.put(block("aba"))
    queue.put(block("a", first=3))
    first = queue.next_chunk(0.0)
    queue.put(block("a", first=4))

    assert (first.indices, first.count) == ([0, 1], 4)
    assert [*first.rows()] == [
        (0, 0, "a"),
        (2, 2, "a"),
        (3, 3, "a"),
        (1, 1, "b"),
    ]
    assert queue.next_chunk(0.0).indices == [4]


def test_followers_stay_with_their_leader() -> None:
    queue = InputQueue(1, 50, Repeats.SHARES)
    queue.put(block("abab"))

    assert [queue.next_chunk(0.0).duplicates for _ in range(2)] == [
        {0: [(2, 2)]},
        {1: [(3, 3)]},
    ]


def test_who_shares_a_withdrawn_read_takes_its_place() -> None:
    queue = InputQueue(10, 50, Repeats.SHARES)
    queue.put(block("abaa"))

    assert queue.withdraw(0)
    assert not queue.withdraw(0)
    queue.put(block("a", first=4))
    assert queue.withdraw(3)
    chunk = queue.next_chunk(0.0)
    assert (chunk.indices, chunk.inputs) == ([2, 1], [2, 1])
    assert (chunk.duplicates, queue.size) == ({2: [(4, 4)]}, 3)
    assert not queue.withdraw(4)


def test_a_read_that_all_have_withdrawn_does_not_leave() -> None:
    queue = InputQueue(10, 50, Repeats.SHARES)
    queue.put(block("aab"))
    for index in (0, 1):
        assert queue.withdraw(index)

    queue.put(block("a", first=3))
    assert queue.next_chunk(0.0).indices == [2, 3]


def test_the_next_of_a_key_follows_one_that_is_withdrawn() -> None:
    queue = InputQueue(10, 50, Repeats.WAITS)
    queue.put(block("aaab"))

    assert queue.withdraw(1)
    assert queue.withdraw(0)
    assert queue.next_chunk(0.0).indices == [3, 2]
    assert not queue.withdraw(2)


def test_who_waits_for_a_key_can_be_withdrawn() -> None:
    queue = InputQueue(10, 50, Repeats.WAITS)
    queue.put(block("aaa"))

    assert queue.withdraw(1)
    assert queue.withdraw(2)
    assert not queue.withdraw(2)
    chunk = queue.next_chunk(0.0)
    queue.release(chunk)
    assert (chunk.indices, queue.size) == ([0], 0)
    assert queue.waiting(partial=True) == 0


def test_what_is_withdrawn_takes_no_room() -> None:
    """Callers that come and give up while nothing may leave fill no memory."""
    queue = InputQueue(10, 50, Repeats.INDEPENDENT)
    for index in range(1_000):
        queue.put(block([None], first=index))
        assert queue.withdraw(index)
        assert queue.waiting(partial=True) == 0
        assert queue._fresh.count <= 11


def test_a_caller_s_trace_id_may_be_another_input_s_index() -> None:
    queue = InputQueue(10, 50, Repeats.INDEPENDENT)
    queue.put(block([None] * 4, traces={0: "2", 3: "x"}))

    assert [queue.next_chunk(0.0).indices for _ in range(2)] == [[0, 1, 3], [2]]


def test_equal_trace_ids_leave_one_by_one() -> None:
    queue = InputQueue(10, 50, Repeats.INDEPENDENT)
    queue.put(block([None] * 3, traces=dict.fromkeys(range(3), "x")))

    assert [queue.next_chunk(0.0).indices for _ in range(3)] == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("count", "full", "any_"), [(0, 0, 0), (1, 0, 1), (3, 1, 1), (4, 1, 2), (6, 2, 2)]
)
def test_waiting(count: int, full: int, any_: int) -> None:
    queue = InputQueue(3, 50, Repeats.INDEPENDENT)
    queue.put(block([None] * count))

    assert (queue.waiting(partial=False), queue.waiting(partial=True)) == (full, any_)


def test_a_pick_keeps_the_history() -> None:
    chunk = block("abc", traces={1: "x"})
    chunk = attempted(evolve(chunk, duplicates={2: [(9, 9)]}), 3)
    chunk = chunk.after(Step.LOSE).after(Step.ASK_ALONE)
    picked = chunk.pick([2, 1])

    assert picked.indices == [2, 1]
    assert (picked.traces, picked.duplicates) == ({1: "x"}, {2: [(9, 9)]})
    assert picked.state == ChunkState(
        Role.ALONE, Certainty.MAYBE_WRITTEN, attempts=3, first_attempted_at=0.0
    )
    assert (len(picked), picked.count) == (2, 3)


def test_a_chunk_that_is_taken_has_no_failures_yet() -> None:
    """Each worker has all attempts of the policy."""
    queue = InputQueue(2, 100, Repeats.WAITS)
    queue.put(block("ab"))
    chunk = queue.next_chunk(3.0)
    assert chunk.state == ChunkState(taken_at=3.0)
    queue.requeue(chunk.after(Step.FAIL).after(Step.RENEW_TOKEN))

    assert queue.next_chunk(5.0).state == ChunkState(taken_at=5.0)
