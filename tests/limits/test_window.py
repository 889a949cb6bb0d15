"""The window against a server that counts as HubSpot does."""

import heapq

from collections.abc import Callable, Iterator
from itertools import count, pairwise
from math import inf
from random import Random
from typing import Any

import pytest

from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbatch._limits.window import LAG, RateLimit, Slot, Spacing, Window
from hubbatch.errors import ConfigurationError


@define
class Network:
    """The delays of each request, in seconds.

    Attributes:
        stall: from the permit until the request is written.
        delay: from there until HubSpot counts it; never more than LAG.
        answer: from there until the answer is here; infinite if it is lost.
    """

    stall: Callable[[], float]
    delay: Callable[[], float]
    answer: Callable[[], float]


def run(window: Window, network: Network, requests: int) -> list[float]:
    """Send as fast as the window allows; return when HubSpot counted each request."""
    events: list[tuple[float, int, Callable[[float], None]]] = []
    order = count()
    counted: list[float] = []
    last_counted = 0.0

    def later(at: float, what: Callable[[float], None]) -> None:
        if at < inf:
            heapq.heappush(events, (at, next(order), what))

    def leave(slot: Slot, now: float) -> None:
        nonlocal last_counted
        window.sent(slot, now)
        arrives = now + network.delay()
        counted.append(arrives)
        later(arrives + network.answer(), lambda at: window.answered(slot, at))

    now = 0.0
    granted = 0
    while granted < requests:
        instant = window.next_grant(now)
        if instant <= now:
            slot = window.grant(now)
            granted += 1
            later(now + network.stall(), lambda at, slot=slot: leave(slot, at))  # type: ignore[misc] # a lambda's default
        elif events and events[0][0] <= instant:
            now, _, happen = heapq.heappop(events)
            happen(now)
        else:
            assert instant < inf  # nothing would ever happen again
            now = instant
    while events:
        at, _, happen = heapq.heappop(events)
        happen(at)
    return sorted(counted)


def worst_window(counted: list[float], interval: float) -> int:
    """Return the requests in the fullest stretch shorter than the interval."""
    worst = first = 0
    for last, at in enumerate(counted):
        while at - counted[first] >= interval - 1e-9:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


def swinging(random: Random, low: float, high: float) -> Callable[[], float]:
    """Draw delays that stay alike for a while: a network has good and bad seconds."""

    def draws() -> Iterator[float]:
        while True:
            level = random.uniform(low, high)
            for _ in range(random.randint(1, 80)):
                yield min(high, max(low, level + random.uniform(-0.01, 0.01)))

    drawn = draws()
    return lambda: next(drawn)


@settings(max_examples=40)
@given(
    st.randoms(use_true_random=False),
    st.sampled_from([1, 2, 7, 60, 100, 190]),
    st.sampled_from([1, 10, 50, 500]),
    st.sampled_from([1.0, 10.0]),
    st.sampled_from([0.0, 0.05, LAG]),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([0.0, 0.1, 1.0]),
)
def test_never_more_than_the_limit(
    random: Random,
    limit: int,
    burst: int,
    interval: float,
    jitter: float,
    stall: float,
    lost: float,
) -> None:
    """Whatever the network does: jitter, stalls of the loop, slow and lost answers."""
    window = Window(limit, interval, burst)
    network = Network(
        stall=lambda: stall if random.random() < 0.05 else 0.0,
        delay=swinging(random, 0.0, jitter),
        answer=lambda: inf if random.random() < lost else random.expovariate(3),
    )
    counted = run(window, network, min(3 * limit + 5, 600))

    assert len(counted) == min(3 * limit + 5, 600)
    assert worst_window(counted, interval) <= limit


@pytest.mark.parametrize("lost", [0.0, 1.0])
@pytest.mark.parametrize("limit", [100, 190])
def test_at_least_98_percent_are_used(limit: int, lost: float) -> None:
    random = Random(5)
    window = Window(limit)
    network = Network(
        stall=lambda: 0.0,
        delay=swinging(random, 0.0, LAG),
        answer=lambda: inf if random.random() < lost else random.uniform(0, 0.3),
    )
    counted = run(window, network, 64 * limit)
    steady = [at for at in counted if 20.0 <= at < 620.0]

    assert worst_window(counted, 10.0) <= limit
    assert len(steady) >= 0.98 * limit * 60


def test_a_burst_of_50_leaves_at_once() -> None:
    window = Window(190)
    for _ in range(50):
        assert window.next_grant(5.0) == 5.0
        window.sent(window.grant(5.0), 5.0)

    assert window.next_grant(5.0) > 5.0
    assert window.used(5.0) == 50


def test_beyond_the_burst_the_rest_is_spread() -> None:
    """So the limit is never used up when the next caller comes."""
    counted = run(
        Window(190), Network(lambda: 0.0, lambda: 0.0, lambda: 0.1), requests=190
    )
    beyond = counted[50:]
    gaps = [later - sooner for sooner, later in pairwise(beyond)]

    assert max(gaps) < 0.1
    assert min(gaps) > 0.05
    assert counted[-1] == pytest.approx(10.1, abs=0.3)


def test_a_slot_that_is_not_sent_stays_taken() -> None:
    window = Window(1)
    slot = window.grant(0.0)

    assert (window.used(100.0), window.next_grant(100.0)) == (1, inf)
    window.answered(slot, 100.0)  # impossible, and so without effect
    assert window.used(100.0) == 1
    window.sent(slot, 100.0)
    window.sent(slot, 105.0)  # only the first byte counts
    assert window.next_grant(100.0) == 110.0 + LAG


def test_an_answer_frees_a_slot_sooner_and_never_later() -> None:
    window = Window(1)
    slot = window.grant(0.0)
    window.sent(slot, 0.0)
    window.answered(slot, 0.05)

    assert window.next_grant(1.0) == 10.05
    window.answered(slot, 3.0)
    assert window.next_grant(3.0) == 10.05
    assert (window.used(10.04), window.used(10.05)) == (1, 0)


def test_an_answer_after_the_slot_was_reused_changes_nothing() -> None:
    window = Window(2, interval=0.1)
    slot = window.grant(0.0)
    window.sent(slot, 0.0)
    assert window.used(0.5) == 0
    window.answered(slot, 0.15)  # the clock that read it was late

    assert window.used(0.15) == 0


def test_an_abandoned_slot_is_free_at_once() -> None:
    window = Window(1)
    slot = window.grant(0.0)
    window.abandon(slot)
    window.abandon(slot)

    assert (window.used(0.0), window.next_grant(0.0)) == (0, 0.0)
    sent = window.grant(0.0)
    window.sent(sent, 0.0)
    window.abandon(sent)
    assert window.used(0.0) == 1


def test_a_limit_that_falls_wants_several_slots_back() -> None:
    window = Window(5, burst=5)
    for at in range(5):
        window.sent(window.grant(float(at)), float(at))
    window.max_requests = 2

    # Of slots that come back at 10.2, 11.2, ... the fourth leaves room for one.
    assert window.next_grant(5.0) == 13.0 + LAG
    window.max_requests = 7  # two are free until the first comes back
    assert window.next_grant(5.0) == pytest.approx(4.0 + (10.2 - 4.0) / 3)


def test_a_limit_that_falls_below_what_is_not_sent_yet() -> None:
    window = Window(5, burst=5)
    window.sent(window.grant(0.0), 0.0)
    for _ in range(3):
        window.grant(0.0)
    window.max_requests = 2

    assert window.next_grant(1.0) == inf


@pytest.mark.parametrize(
    ("limit", "share"),
    [
        (RateLimit(190), RateLimit(190)),
        (RateLimit(190, processes=4), RateLimit(47, 10.0, 12)),
        (RateLimit(190, processes=100), RateLimit(1, 10.0, 1)),
        (RateLimit(10, processes=40), RateLimit(1, 40.0, 1)),
    ],
)
def test_what_one_of_several_processes_may_use(
    limit: RateLimit, share: RateLimit
) -> None:
    assert limit.share() == share


def test_the_limits_of_hubspot_s_plans() -> None:
    assert RateLimit() == RateLimit(190, 10.0, 50, 1)
    assert RateLimit.starter().max_requests == 100
    assert RateLimit.professional().max_requests == 190
    assert RateLimit.enterprise().max_requests == 190
    assert RateLimit.oauth().max_requests == 110


@pytest.mark.parametrize("name", ["max_requests", "interval", "burst", "processes"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_rate_limit_is_of_positive_numbers(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} must be above zero"):
        RateLimit(**{name: value})


@pytest.mark.parametrize("name", ["max_requests", "burst", "processes"])
@pytest.mark.parametrize("value", [1.5, 190.0])
def test_a_rate_limit_counts_in_whole_numbers(name: str, value: float) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(ConfigurationError, match=f"{name} must be a whole number"):
        RateLimit(**options)


# ---- spacing


@given(
    gap=st.floats(0.001, 10),
    free=st.integers(1, 8),
    pauses=st.lists(st.floats(0, 30), min_size=1, max_size=60),
)
def test_spaced_requests_fit_into_their_rate(
    gap: float, free: int, pauses: list[float]
) -> None:
    """In any time at most `free` more requests leave than at an even rate."""
    spacing = Spacing(free)
    now = 0.0
    left = []
    for pause in pauses:
        now += pause
        now += spacing.wait(now, gap)
        assert spacing.wait(now, gap) <= 1e-9
        spacing.left(now, gap)
        left.append(now)
    for place, first in enumerate(left):
        for later, last in enumerate(left[place:]):
            assert later + 1 <= free + (last - first) / gap + 1e-6


@given(gap=st.floats(0.001, 10), silence=st.floats(0, 1_000))
def test_after_a_silence_some_leave_at_once(gap: float, silence: float) -> None:
    spacing = Spacing(free=5)
    for _ in range(7):
        spacing.left(0.0, gap)
    now = 7 * gap + silence
    for _ in range(5):
        assert spacing.wait(now, gap) == pytest.approx(0, abs=1e-9)
        spacing.left(now, gap)
    assert spacing.wait(now, gap) == pytest.approx(gap)


@given(limit=st.integers(1, 300), burst=st.integers(1, 60))
def test_window_never_holds_what_keeps_its_gap(limit: int, burst: int) -> None:
    window = Window(limit, burst=burst)
    gap = RateLimit(limit, burst=burst).gap
    now = 0.0
    for _ in range(2 * limit + 2):
        assert window.next_grant(now) <= now + 1e-6
        window.sent(window.grant(now), now)
        now += gap
