"""The desk, driven through every order of events that hypothesis can think of."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

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

from hubbatch.core.operations import Repeats
from hubbatch.core.planning import Chunk, Desk


MAX_INPUTS = 4
WINDOW = 16


class Desks(RuleBasedStateMachine):
    """Offers, takes, withdraws, hands back, settles; every input is followed."""

    repeats: Repeats

    @initialize()
    def begin(self) -> None:
        self.desk = Desk(MAX_INPUTS, WINDOW, self.repeats)
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

    @precondition(lambda self: self.desk.room > 0)
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
        for key, trace in items[: self.desk.room]:
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
        self.desk.offer(block)

    @precondition(lambda self: self.desk.waiting(partial=True) > 0)
    @rule()
    def take(self) -> None:
        before = self.desk.waiting(partial=True)
        chunk = self.desk.take()
        self._check_chunk(chunk)
        if self.repeats is Repeats.WAITS:
            # Out is also what came back and has not left again.
            out = self.handed_out - {*self.settled, *self.given_up, *chunk.indices}
            assert {self.key_of[index] for index in out}.isdisjoint(chunk.keys)
        assert self.desk.waiting(partial=True) >= before - 1
        self.in_flight.append(chunk)
        for index, _, key in chunk.everyone():
            if index not in self.handed_out:
                self.handed_out.add(index)
                self.order[key].append(index)

    @precondition(lambda self: self.offered)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        """What was never taken can be withdrawn, once, and nothing else can."""
        index = data.draw(st.integers(0, self.offered - 1))
        gone = self.handed_out.union(self.settled, self.given_up, self.withdrawn)
        waiting = self.desk.waiting(partial=True)

        assert self.desk.withdraw(index) is (index not in gone)
        assert self.desk.waiting(partial=True) <= waiting
        if index not in gone:
            self.withdrawn.append(index)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        chunk = self._pick_in_flight(data)
        self._settle(chunk)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def split(self, data: st.DataObject) -> None:
        """A part is settled, the rest comes back in pieces."""
        chunk = self._pick_in_flight(data)
        chunk.attempts += 1
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
        assert all(part.attempts == chunk.attempts for part in again)
        ways = {"back": self._back, "defer": self.desk.defer, "park": self._park}
        for part in again:
            ways[data.draw(st.sampled_from([*ways]))](part)

    @rule()
    def unpark(self) -> None:
        self.desk.unpark()
        self.parked = 0

    @rule(max_bytes=st.integers(1, 6), max_inputs=st.integers(1, MAX_INPUTS))
    def narrow(self, max_bytes: int, max_inputs: int) -> None:
        """HubSpot has refused more."""
        self.desk.limit_bytes(max_bytes)
        self.desk.limit_inputs(max_inputs)
        assert self.desk.max_bytes is not None
        assert self.desk.max_bytes <= max_bytes
        assert self.desk.max_inputs <= max_inputs

    @rule()
    def clear(self) -> None:
        """All that is not in flight is given up, and what is can still be settled."""
        for chunk in self.desk.clear():
            self.given_up += [index for index, _, _ in chunk.everyone()]

        assert self.desk.waiting(partial=True) == 0
        self.parked = 0
        while self.in_flight:
            self._settle(self.in_flight.pop())
        self._all_accounted_for()

    def _back(self, part: Chunk) -> None:
        self.desk.back([part])

    def _park(self, part: Chunk) -> None:
        self.desk.park(part)
        self.parked += 1

    def _pick_in_flight(self, data: st.DataObject) -> Chunk:
        return self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))

    def _settle(self, chunk: Chunk) -> None:
        self.settled += [index for index, _, _ in chunk.everyone()]
        self.desk.settle(chunk)

    # ---- what is always so

    def _check_chunk(self, chunk: Chunk) -> None:
        positions = range(len(chunk))
        traces = [chunk.trace(position) for position in positions]
        assert 1 <= len(chunk) <= MAX_INPUTS
        if self.desk.max_bytes is not None and len(chunk) > 1:
            assert chunk.size <= self.desk.max_bytes
        assert traces == [self.trace_of[index] for index in chunk.indices]
        assert len(set(traces)) == len(traces)
        assert chunk.inputs == [("input", index) for index in chunk.indices]
        assert chunk.bodies == [self.body_of[index] for index in chunk.indices]
        for index, given, key in chunk.everyone():
            assert given == ("input", index)
            assert key == self.key_of[index]
            assert index not in self.withdrawn
        if self.repeats is not Repeats.INDEPENDENT:
            assert len(set(chunk.keys)) == len(chunk)

    @invariant()
    def the_size_is_right(self) -> None:
        if hasattr(self, "desk"):
            over = len(self.settled) + len(self.given_up) + len(self.withdrawn)
            held = self.offered - over
            assert self.desk.size == held
            assert self.desk.room == WINDOW - held

    @invariant()
    def waiting_says_how_much_may_leave(self) -> None:
        if hasattr(self, "desk"):
            full = self.desk.waiting(partial=False)
            assert full <= self.desk.waiting(partial=True) <= full + 1

    @invariant()
    def stuck_is_when_nothing_moves_without_unparking(self) -> None:
        if hasattr(self, "desk"):
            moves = self.in_flight or self.desk.waiting(partial=True)
            assert self.desk.stuck is bool(self.parked and not moves)

    @invariant()
    def the_order_within_a_key_is_kept(self) -> None:
        if hasattr(self, "desk") and self.repeats is Repeats.WAITS:
            assert all(places == sorted(places) for places in self.order.values())

    def teardown(self) -> None:
        """What is left can be taken and settled to the end: nothing is stuck."""
        if not hasattr(self, "desk"):
            return
        turns = 0
        while self.desk.size:
            turns += 1
            assert turns <= 4 * self.offered + 4
            while self.desk.waiting(partial=True):
                self.take()
            while self.in_flight:
                self._settle(self.in_flight.pop(0))
            if self.desk.stuck:
                self.unpark()
        self._all_accounted_for()
        self.the_order_within_a_key_is_kept()
        assert self.desk.take().count == 0

    def _all_accounted_for(self) -> None:
        ends = self.settled + self.given_up + self.withdrawn
        assert sorted(ends) == [*range(self.offered)]
        assert self.desk.size == 0


class IndependentDesks(Desks):
    repeats = Repeats.INDEPENDENT


class WaitingDesks(Desks):
    repeats = Repeats.WAITS


class SharingDesks(Desks):
    repeats = Repeats.SHARES


STEPS = settings(max_examples=60, stateful_step_count=30)
TestIndependentDesk = IndependentDesks.TestCase
TestIndependentDesk.settings = STEPS
TestWaitingDesk = WaitingDesks.TestCase
TestWaitingDesk.settings = STEPS
TestSharingDesk = SharingDesks.TestCase
TestSharingDesk.settings = STEPS


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
    desk = Desk(2, 100, Repeats.WAITS)
    desk.offer(block("abcd"))
    first = desk.take()
    desk.back([first.pick([1]), first.pick([0])])

    assert [desk.take().indices for _ in range(3)] == [[1], [0], [2, 3]]


def test_what_was_deferred_follows_the_full_chunks() -> None:
    desk = Desk(2, 100, Repeats.WAITS)
    desk.offer(block("abcdefg"))
    desk.defer(desk.take())

    assert [desk.waiting(partial=partial) for partial in (False, True)] == [3, 4]
    assert [desk.take().indices for _ in range(4)] == [[2, 3], [4, 5], [0, 1], [6]]


def test_what_is_parked_does_not_leave() -> None:
    desk = Desk(2, 100, Repeats.WAITS)
    desk.offer(block("abcd"))
    desk.park(desk.take())

    assert not desk.stuck
    other = desk.take()
    assert (other.indices, desk.waiting(partial=True), desk.stuck) == ([2, 3], 0, False)
    desk.settle(other)
    assert (desk.stuck, desk.size) == (True, 2)
    desk.unpark()
    assert (desk.stuck, desk.take().indices) == (False, [0, 1])


def test_a_limit_of_bytes_cuts_what_came_back_too() -> None:
    desk = Desk(4, 100, Repeats.INDEPENDENT)
    made = Chunk()
    for index, body in enumerate([b"1", b"333", b"22", b"1", b"55555"]):
        made.add(index, index, None, body, None)
    desk.offer(made)
    first = desk.take()
    desk.limit_bytes(4)
    desk.limit_bytes(9)
    desk.back([first])

    assert [desk.take().indices for _ in range(3)] == [[0, 1], [2, 3], [4]]
    assert desk.waiting(partial=True) == 0


def test_a_limit_of_inputs_is_for_what_is_fresh() -> None:
    desk = Desk(4, 100, Repeats.INDEPENDENT)
    desk.offer(block([None] * 5))
    desk.limit_inputs(2)
    desk.limit_inputs(3)

    assert desk.waiting(partial=False) == 2
    assert [len(desk.take()) for _ in range(3)] == [2, 2, 1]


def test_a_hot_key_is_held_and_stops_the_pulling() -> None:
    desk = Desk(10, 5, Repeats.WAITS)
    desk.offer(block("aaaaa"))

    assert (desk.room, desk.waiting(partial=True)) == (0, 1)
    assert desk.take().indices == [0]
    assert desk.waiting(partial=True) == 0


def test_what_waited_for_a_key_follows_when_it_is_settled() -> None:
    desk = Desk(10, 50, Repeats.WAITS)
    desk.offer(block("ab"))
    desk.offer(block("aac", first=2))
    first = desk.take()

    assert first.indices == [0, 1, 4]
    desk.settle(first)
    second = desk.take()
    assert second.indices == [2]
    desk.settle(second)
    assert desk.take().indices == [3]


def test_a_key_is_free_again_when_nothing_waits_for_it() -> None:
    desk = Desk(10, 50, Repeats.WAITS)
    desk.offer(block("a"))
    desk.settle(desk.take())
    desk.offer(block("a", first=1))

    assert desk.take().indices == [1]


def test_equal_reads_share_a_request_until_it_leaves() -> None:
    desk = Desk(10, 50, Repeats.SHARES)
    desk.offer(block("aba"))
    desk.offer(block("a", first=3))
    first = desk.take()
    desk.offer(block("a", first=4))

    assert (first.indices, first.count) == ([0, 1], 4)
    assert [*first.everyone()] == [
        (0, 0, "a"),
        (2, 2, "a"),
        (3, 3, "a"),
        (1, 1, "b"),
    ]
    assert desk.take().indices == [4]


def test_followers_stay_with_their_leader() -> None:
    desk = Desk(1, 50, Repeats.SHARES)
    desk.offer(block("abab"))

    assert [desk.take().followers for _ in range(2)] == [{0: [(2, 2)]}, {1: [(3, 3)]}]


def test_who_shares_a_withdrawn_read_takes_its_place() -> None:
    desk = Desk(10, 50, Repeats.SHARES)
    desk.offer(block("abaa"))

    assert desk.withdraw(0)
    assert not desk.withdraw(0)
    desk.offer(block("a", first=4))
    assert desk.withdraw(3)
    chunk = desk.take()
    assert (chunk.indices, chunk.inputs) == ([2, 1], [2, 1])
    assert (chunk.followers, desk.size) == ({2: [(4, 4)]}, 3)
    assert not desk.withdraw(4)


def test_a_read_that_all_have_withdrawn_does_not_leave() -> None:
    desk = Desk(10, 50, Repeats.SHARES)
    desk.offer(block("aab"))
    for index in (0, 1):
        assert desk.withdraw(index)

    desk.offer(block("a", first=3))
    assert desk.take().indices == [2, 3]


def test_the_next_of_a_key_follows_one_that_is_withdrawn() -> None:
    desk = Desk(10, 50, Repeats.WAITS)
    desk.offer(block("aaab"))

    assert desk.withdraw(1)
    assert desk.withdraw(0)
    assert desk.take().indices == [3, 2]
    assert not desk.withdraw(2)


def test_who_waits_for_a_key_can_be_withdrawn() -> None:
    desk = Desk(10, 50, Repeats.WAITS)
    desk.offer(block("aaa"))

    assert desk.withdraw(1)
    assert desk.withdraw(2)
    assert not desk.withdraw(2)
    chunk = desk.take()
    desk.settle(chunk)
    assert (chunk.indices, desk.size) == ([0], 0)
    assert desk.waiting(partial=True) == 0


def test_what_is_withdrawn_takes_no_room() -> None:
    """Callers that come and give up while nothing may leave fill no memory."""
    desk = Desk(10, 50, Repeats.INDEPENDENT)
    for index in range(1_000):
        desk.offer(block([None], first=index))
        assert desk.withdraw(index)
        assert desk.waiting(partial=True) == 0
        assert len(desk._fresh) <= 11


def test_a_caller_s_trace_id_may_be_another_input_s_index() -> None:
    desk = Desk(10, 50, Repeats.INDEPENDENT)
    desk.offer(block([None] * 4, traces={0: "2", 3: "x"}))

    assert [desk.take().indices for _ in range(2)] == [[0, 1, 3], [2]]


def test_equal_trace_ids_leave_one_by_one() -> None:
    desk = Desk(10, 50, Repeats.INDEPENDENT)
    desk.offer(block([None] * 3, traces=dict.fromkeys(range(3), "x")))

    assert [desk.take().indices for _ in range(3)] == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("count", "full", "any_"), [(0, 0, 0), (1, 0, 1), (3, 1, 1), (4, 1, 2), (6, 2, 2)]
)
def test_waiting(count: int, full: int, any_: int) -> None:
    desk = Desk(3, 50, Repeats.INDEPENDENT)
    desk.offer(block([None] * count))

    assert (desk.waiting(partial=False), desk.waiting(partial=True)) == (full, any_)


def test_a_pick_keeps_the_history() -> None:
    chunk = block("abc", traces={1: "x"})
    chunk.followers = {2: [(9, 9)]}
    chunk.attempts, chunk.doubtful, chunk.asked_again = 3, True, True
    chunk.in_flight = True
    picked = chunk.pick([2, 1])

    assert picked.indices == [2, 1]
    assert (picked.traces, picked.followers) == ({1: "x"}, {2: [(9, 9)]})
    assert (picked.attempts, picked.doubtful, picked.asked_again) == (3, True, True)
    assert not picked.in_flight
    assert (len(picked), picked.count) == (2, 3)
