"""A window that follows what HubSpot reports, beside other apps that use it."""

import heapq

from collections.abc import Callable, Iterator, Mapping
from itertools import count, permutations
from math import exp, inf
from random import Random
from statistics import mean

import pytest

from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbatch._http import WINDOW_LIMIT, WINDOW_REMAINING, whole_number
from hubbatch._limits.adaptive import FAMILIES, RECOVERY, LimitTracker
from hubbatch._limits.window import LAG, RateLimit, Slot, Window


OBJECTS = FAMILIES["objects"]


def reported(limit: object, left: object = None) -> dict[str, str]:
    headers = {"X-HubSpot-RateLimit-Max": str(limit)}
    if left is not None:
        headers["X-HubSpot-RateLimit-Remaining"] = str(left)
    return headers


def answered(
    tracker: LimitTracker, sent_at: float, headers: Mapping[str, str], now: float
) -> None:
    """Report what the headers of an answer say, as the gate does."""
    tracker.answered(
        sent_at,
        now,
        limit=whole_number(headers, WINDOW_LIMIT),
        left=whole_number(headers, WINDOW_REMAINING),
    )


def of_most(limit: RateLimit) -> int:
    return limit.max_requests


# ---- HubSpot, another app and us, in one window

# Gives the seconds until the other app's next request, or None for never again.
Other = Callable[[float, Random], float | None]


@define
class World:
    """A server that counts strictly, and everyone who sends to it. The clock jumps.

    Attributes:
        limit: requests that the server takes in any 10 s.
        by_second: whether it counts in whole seconds, as HubSpot seems to.
        reports: whether its answers have headers.
    """

    random: Random
    tracker: LimitTracker
    other: Other | None = None
    limit: int = 190
    by_second: bool = True
    reports: bool = True
    lost: float = 0.0
    answers: tuple[float, float] = (0.05, 0.3)
    window: Window = field(factory=lambda: Window(100), init=False)
    now: float = field(default=0.0, init=False)
    counted: list[float] = field(factory=list, init=False)
    ours: list[float] = field(factory=list, init=False)
    others: list[float] = field(factory=list, init=False)
    refused: list[float] = field(factory=list, init=False)
    limits: list[tuple[float, int]] = field(factory=list, init=False)
    _events: list[tuple[float, int, Callable[[], None]]] = field(
        factory=list, init=False
    )
    _order: Iterator[int] = field(factory=count, init=False)
    _held: float = field(default=-inf, init=False)
    _granted: float = field(default=-inf, init=False)

    def _at(self, instant: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (instant, next(self._order), happen))

    def _used(self) -> int:
        oldest = int(self.now) - 9 if self.by_second else self.now - 10
        self.counted = [instant for instant in self.counted if instant >= oldest]
        return len(self.counted)

    def _count(self) -> bool:
        if self._used() >= self.limit:
            return False
        self.counted.append(self.now)
        return True

    def _of_other(self) -> None:
        assert self.other is not None
        if self._count():
            self.others.append(self.now)
        pause = self.other(self.now, self.random)
        if pause is not None:
            self._at(self.now + pause, self._of_other)

    def _leave(self) -> None:
        slot = self.window.grant(self.now)
        self.window.sent(slot, self.now)
        self.tracker.sent(self.now)
        self._granted = self.now
        self.limits.append((self.now, self.window.max_requests))
        delay = self.random.uniform(0, LAG)
        self._at(self.now + delay, lambda: self._arrive(slot))

    def _arrive(self, slot: Slot) -> None:
        happen = self._refuse
        if self._count():
            happen = self._answer
            self.ours.append(self.now)
        left = max(0, self.limit - self._used())
        headers = reported(self.limit, left) if self.reports else {}
        if self.random.random() >= self.lost:
            delay = self.random.uniform(*self.answers)
            self._at(self.now + delay, lambda: happen(slot, headers))

    def _answer(self, slot: Slot, headers: dict[str, str]) -> None:
        self.window.answered(slot, self.now)
        answered(self.tracker, slot.sent_at, headers, self.now)

    def _refuse(self, slot: Slot, headers: dict[str, str]) -> None:
        self._answer(slot, headers)
        self.tracker.throttled(slot.sent_at, self.now)
        self.refused.append(self.now)
        self._held = self.now + 10

    def run(self, seconds: float) -> None:
        """Send all the time, as fast as the tracker allows."""
        until = self.now + seconds
        if self.other is not None and not self.others:
            self._at(0.001, self._of_other)
        while self.now < until:
            self.window.follow(self.tracker.limit(self.now))
            opens = max(
                self._held,
                self.tracker.not_before(self._granted),
                self.window.next_grant(self.now),
            )
            if opens <= self.now:
                self._leave()
            elif self._events and self._events[0][0] <= opens:
                self.now, _, happen = heapq.heappop(self._events)
                happen()
            else:
                self.now = opens

    def used(self, begin: float, end: float) -> float:
        """Return the share of the limit that was used between two instants."""
        both = [*self.ours, *self.others]
        within = sum(begin <= instant < end for instant in both)
        return within / (self.limit * (end - begin) / 10)


@settings(max_examples=40)
@given(
    st.integers(0, 10**6),
    st.sampled_from([100, 110, 190, 250]),
    st.booleans(),
    st.sampled_from([(0.0, 0.01), (0.05, 0.4), (0.0, 9.0), (1.0, 30.0)]),
    st.sampled_from([0.0, 0.2]),
)
def test_alone_no_other_app_is_ever_seen(
    seed: int,
    limit: int,
    by_second: bool,  # noqa: FBT001 -- drawn by hypothesis
    answers: tuple[float, float],
    lost: float,
) -> None:
    """However late and in whatever order the answers come, even if some never do."""
    world = World(
        Random(seed),
        LimitTracker(OBJECTS),
        limit=limit,
        by_second=by_second,
        answers=answers,
        lost=lost,
    )
    world.run(35)
    assert world.refused == []
    assert {most for _, most in world.limits} <= {100, limit}
    assert world.tracker.others(world.now) == 0


@pytest.mark.parametrize("by_second", [True, False])
@pytest.mark.parametrize("evenly", [True, False])
@pytest.mark.parametrize("beside", [5, 40, 90])
def test_another_app_in_the_window_is_left_its_part(
    *, beside: int, evenly: bool, by_second: bool
) -> None:
    def other(_now: float, random: Random) -> float:
        return 10 / beside if evenly else random.expovariate(beside / 10)

    world = World(Random(1), LimitTracker(OBJECTS), other, by_second=by_second)
    world.run(300)
    assert len(world.refused) <= 3  # of more than five thousand
    assert world.used(30, 300) > 0.89
    seen = mean(190 - most for instant, most in world.limits if instant > 30)
    assert beside * 0.7 < seen < beside * 1.8 + 6


def test_greedy_app_that_takes_everything_makes_no_storm() -> None:
    """It takes whatever is left free, but few requests after a hold are refused."""
    world = World(Random(1), LimitTracker(OBJECTS), lambda _now, _random: 0.02)
    world.run(300)
    holds = 1 + sum(
        later - sooner > 9
        for sooner, later in zip(world.refused, world.refused[1:], strict=False)
    )
    assert holds > 5
    assert len(world.refused) < 3 * holds


@pytest.mark.parametrize("answers", [(0.05, 0.3), (2.0, 6.0)])
@pytest.mark.parametrize("beside", [40, 95, 140])
def test_room_is_taken_again_two_windows_after_the_other_app_stops(
    beside: int, answers: tuple[float, float]
) -> None:
    def other(now: float, random: Random) -> float | None:
        return random.expovariate(beside / 10) if now < 60 else None

    world = World(Random(1), LimitTracker(OBJECTS), other, answers=answers)
    world.run(60)
    assert world.limits[-1][1] < 190 - beside / 2
    world.run(43)
    assert world.used(80.4, 100.8) > 0.96
    assert not any(instant > 70 for instant in world.refused)
    risen = [most for instant, most in world.limits if instant > 80.4]
    assert risen == sorted(risen)


def test_room_is_taken_again_two_windows_after_a_429_that_no_app_explains() -> None:
    world = World(Random(1), LimitTracker(OBJECTS))
    world.run(30)
    slot = world.window.grant(world.now)
    world.window.sent(slot, world.now)
    world.tracker.sent(world.now)
    world._refuse(slot, {})
    assert world.tracker.limit(world.now).max_requests < 185
    world.run(43)
    assert world.used(50.4, 70.8) > 0.96
    assert len(world.refused) == 1


def test_ceiling_that_is_too_high_and_answers_without_headers() -> None:
    world = World(
        Random(1), LimitTracker(OBJECTS, RateLimit(190)), limit=100, reports=False
    )
    world.run(200)
    holds = {round(instant / 5) for instant in world.refused}
    assert len(world.refused) < 5 * len(holds)
    assert world.used(0, 200) > 0.5


# ---- arithmetic

ANSWERS = st.tuples(st.floats(0, 9), st.sampled_from([100, 190]), st.integers(0, 190))


@given(
    st.lists(st.floats(0, 9), max_size=40).map(sorted),
    st.lists(ANSWERS, max_size=4, unique_by=lambda answer: answer[0]),
    st.floats(9, 60),
)
def test_order_of_answers_does_not_matter(
    sent: list[float], answers: list[tuple[float, int, int]], later: float
) -> None:
    limits = set()
    seen = set()
    for ordered in permutations(answers):
        tracker = LimitTracker(OBJECTS)
        answered(tracker, 0.0, reported(190), 0.0)
        for instant in sent:
            tracker.sent(instant)
        for sent_at, limit, left in ordered:
            # The same limit in all of them: shares of one are shares of the other.
            answered(tracker, sent_at, reported(190, min(left, limit)), 9.0)
        limits.add(tracker.limit(later))
        seen.add(tracker.others(later))
    assert len(limits) == len(seen) == 1


HEADERS = st.dictionaries(
    st.sampled_from(
        ["X-HubSpot-RateLimit-Max", "X-HubSpot-RateLimit-Remaining", "X-Trace"]
    ),
    st.one_of(st.integers(-5, 10**6).map(str), st.text(max_size=5)),
)
CEILINGS = st.one_of(
    st.none(),
    st.builds(
        RateLimit,
        st.integers(1, 500),
        st.sampled_from([0.5, 1.0, 10.0, 60.0]),
        st.integers(1, 100),
        st.integers(1, 20),
    ),
)


@given(
    st.sampled_from([*FAMILIES]),
    CEILINGS,
    st.lists(st.tuples(st.floats(0, 20), HEADERS, st.booleans()), max_size=10),
)
def test_limit_is_positive_and_below_the_ceiling_whatever_is_reported(
    name: str,
    ceiling: RateLimit | None,
    answers: list[tuple[float, Mapping[str, str], bool]],
) -> None:
    family = FAMILIES[name]
    tracker = LimitTracker(family, ceiling)
    for instant, headers, throttled in sorted(answers, key=lambda answer: answer[0]):
        tracker.sent(instant)
        answered(tracker, instant, headers, instant + 0.1)
        if throttled:
            tracker.throttled(instant, instant + 0.1)
        limit = tracker.limit(instant + 0.1)
        assert limit.max_requests >= 1
        assert limit.burst >= 1
        if ceiling is not None:
            most = family.limit(ceiling).share()
            rate = limit.max_requests / limit.interval
            assert rate <= most.max_requests / most.interval * 1.000001


def test_answers_without_headers_change_nothing() -> None:
    tracker = LimitTracker(OBJECTS)
    for instant in range(30):
        tracker.sent(float(instant))
        answered(tracker, float(instant), {}, instant + 0.5)
    assert tracker.limit(30.0) == RateLimit(100)
    assert not tracker.is_reported
    answered(tracker, 30.0, reported(190), 31.0)
    answered(tracker, 31.0, {"X-HubSpot-RateLimit-Remaining": "3"}, 31.5)
    assert tracker.is_reported
    assert tracker.limit(32.0) == RateLimit(190)


@pytest.mark.parametrize("text", ["", "many", "0", "-5", "1" * 20])
def test_limit_that_is_not_a_number_above_zero(text: str) -> None:
    tracker = LimitTracker(OBJECTS)
    answered(tracker, 0.0, reported(text, 5), 1.0)
    assert tracker.limit(1.0) == RateLimit(100)


def test_newest_limit_is_the_one_of_the_request_that_was_sent_last() -> None:
    """The customer bought the add-on; a late answer does not undo it."""
    tracker = LimitTracker(OBJECTS)
    answered(tracker, 5.0, reported(250), 5.1)
    answered(tracker, 4.0, reported(190), 6.0)
    assert of_most(tracker.limit(6.0)) == 250
    answered(tracker, 6.0, reported(190), 6.1)
    assert of_most(tracker.limit(6.1)) == 190


def test_others_are_what_none_of_ours_explains() -> None:
    tracker = LimitTracker(OBJECTS)
    for instant in range(8):
        tracker.sent(float(instant))
    # Eight of ours were counted, and ninety are used.
    answered(tracker, 7.0, reported(190, 100), 7.1)
    assert 82 <= tracker.others(7.0) <= 82 + 10
    assert of_most(tracker.limit(7.1)) == 190 - tracker.others(7.1)
    assert tracker.limit(7.1).burst < 50


def test_others_are_seen_at_once_and_remembered_without_reports_for_two_windows() -> (
    None
):
    tracker = LimitTracker(OBJECTS)
    answered(tracker, 0.0, reported(190, 90), 0.1)
    seen = [tracker.others(float(instant)) for instant in range(60)]
    assert seen == sorted(seen, reverse=True)
    assert seen[20] == pytest.approx(seen[0] * exp(-20 / RECOVERY), abs=6)
    assert seen[40] < 10
    assert seen[-1] == 0
    answered(tracker, 60.0, reported(190, 90), 60.1)
    assert tracker.others(60.0) == seen[0]


def test_others_that_the_reports_go_on_to_show_are_not_forgotten() -> None:
    tracker = LimitTracker(OBJECTS)
    for second in range(100):
        answered(tracker, float(second), reported(190, 140), second + 5.0)
        assert tracker.others(second + 5.0) >= 50


def test_others_that_the_reports_show_no_more_are_forgotten_in_seconds() -> None:
    """Not by the time, but by the reports: their answers may take long."""
    late, early = LimitTracker(OBJECTS), LimitTracker(OBJECTS)
    for tracker in (late, early):
        answered(tracker, 0.0, reported(190, 90), 0.1)
    for tenth in range(1, 190):
        answered(early, tenth / 10, reported(190, 190), tenth / 10 + 0.1)
    for tenth in range(1, 140):
        answered(late, tenth / 10, reported(190, 190), tenth / 10 + 5.0)
    assert early.others(19.0) < late.others(19.0) < 12


def test_one_report_after_a_pause_does_not_make_others_forgotten() -> None:
    """Where HubSpot counts in whole seconds, it may miss an app that is there."""
    tracker = LimitTracker(OBJECTS)
    answered(tracker, 0.0, reported(190, 90), 0.1)
    answered(tracker, 9.0, reported(190, 190), 9.1)
    assert tracker.others(9.1) > 70


def test_answer_that_took_longer_than_the_window_shows_no_other_app() -> None:
    tracker = LimitTracker(OBJECTS)
    answered(tracker, 0.0, reported(190, 0), 10.1)
    assert tracker.others(10.1) == 0
    assert of_most(tracker.limit(10.1)) == 190


def test_what_was_sent_long_ago_is_not_kept() -> None:
    tracker = LimitTracker(OBJECTS)
    for instant in range(10_000):
        tracker.sent(instant / 10)
    assert len(tracker._ours) < 500
    used = reported(190, 190 - 104)  # 104 in 10.4 s: all of them ours
    answered(tracker, 999.8, used, 999.9)
    assert tracker.others(999.9) == 0


# ---- after a 429


def test_429_takes_what_ours_did_not_use_and_half_at_most() -> None:
    few, many, most = (LimitTracker(OBJECTS, RateLimit(190)) for _ in range(3))
    for tracker, sent in ((few, 1), (many, 120), (most, 190)):
        for number in range(sent):
            tracker.sent(number * 9 / sent)
        tracker.throttled(9.0, 9.1)
    assert of_most(few.limit(9.1)) == pytest.approx(95, abs=12)
    assert of_most(many.limit(9.1)) == pytest.approx(107, abs=8)
    assert of_most(most.limit(9.1)) == pytest.approx(180, abs=6)


def test_thirty_429s_at_once_take_no_more_than_one() -> None:
    one, thirty = LimitTracker(OBJECTS), LimitTracker(OBJECTS)
    for tracker, refused in ((one, 1), (thirty, 30)):
        for number in range(30):
            tracker.sent(number / 1000)
        for number in range(refused):
            tracker.throttled(number / 1000, 0.3)
    assert of_most(thirty.limit(1.0)) >= of_most(one.limit(1.0)) - 1


def test_429_that_took_longer_than_the_window_takes_nothing() -> None:
    tracker = LimitTracker(OBJECTS)
    tracker.throttled(0.0, 20.0)
    assert tracker.limit(20.0) == RateLimit(100)


def test_after_a_429_one_by_one_until_one_is_let_in() -> None:
    tracker = LimitTracker(OBJECTS)
    assert tracker.not_before(5.0) == -inf
    tracker.throttled(4.9, 5.0)
    assert tracker.not_before(15.0) == 16.0
    answered(tracker, 4.95, {}, 15.1)  # it was sent before, and proves nothing
    assert tracker.not_before(15.0) == 16.0
    answered(tracker, 15.0, {}, 15.2)
    assert tracker.not_before(15.0) == -inf


# ---- families


@pytest.mark.parametrize(
    ("limit", "followed"),
    [(100, 100), (110, 110), (150, 150), (190, 150), (200, 200), (250, 200)],
)
def test_associations_have_limits_of_their_own(limit: int, followed: int) -> None:
    """Whether an answer reports the limit of most calls or that of its own window."""
    tracker = LimitTracker(FAMILIES["associations"])
    assert of_most(tracker.limit(0.0)) == 100
    answered(tracker, 0.0, reported(limit), 0.1)
    assert of_most(tracker.limit(0.1)) == followed
    under = LimitTracker(FAMILIES["associations"], RateLimit(limit))
    assert of_most(under.limit(0.0)) == followed


def test_a_search_follows_no_header() -> None:
    """One would be about the window of ten seconds, which does not count searches."""
    tracker = LimitTracker(FAMILIES["search"])
    answered(tracker, 1.0, reported(190, 3), 1.5)
    assert (tracker.limit(1.5), tracker.is_reported) == (RateLimit(5, 1.0, 1), False)


def test_search_is_counted_by_the_second_whatever_the_ceiling() -> None:
    search = FAMILIES["search"]
    assert LimitTracker(search).limit(0.0) == RateLimit(5, 1.0, 1)
    assert LimitTracker(search, RateLimit(190)).limit(0.0) == RateLimit(5, 1.0, 1)
    shared = LimitTracker(search, RateLimit(190, processes=5)).limit(0.0)
    assert shared == RateLimit(1, 1.0, 1)


def test_ceiling_of_a_second_is_a_tenth_of_what_is_reported() -> None:
    tracker = LimitTracker(OBJECTS, RateLimit(19, interval=1.0))
    assert tracker.limit(0.0) == RateLimit(19, 1.0)
    answered(tracker, 0.0, reported(100), 0.1)
    assert tracker.limit(0.1) == RateLimit(10, 1.0)


def test_ceiling_of_a_minute_has_no_more_than_ten_seconds_may_have() -> None:
    tracker = LimitTracker(OBJECTS, RateLimit(1000, interval=60.0))
    answered(tracker, 0.0, reported(190), 0.1)
    assert tracker.limit(0.1) == RateLimit(190, 60.0)


def test_other_processes_are_no_others() -> None:
    """What the other processes use of the window does not lower a share."""
    tracker = LimitTracker(OBJECTS, RateLimit(190, processes=4))
    assert tracker.limit(0.0) == RateLimit(47, 10.0, 12)
    answered(tracker, 0.0, reported(190, 60), 0.1)
    assert tracker.limit(0.1).max_requests == 47
