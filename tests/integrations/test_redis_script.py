"""The scripts in a real Redis, with a clock that the test sets, and the model."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

import hubbatch._limits.window

from hubbatch._limits.window import Window
from hubbatch.integrations._redis.scripts import HOLD, RESERVE

from .conftest import RedisServer
from .model import SharedWindow


KEYS = ["hubbatch:{1}:objects:state", "hubbatch:{1}:objects:log"]
START = 1_700_000_000_000_000


class Scripts:
    """The scripts, unchanged but for the clock."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.time = START
        self._reserve = client.register_script(self._with_clock(RESERVE))
        self._hold = client.register_script(self._with_clock(HOLD))

    def _with_clock(self, script: str) -> str:
        assert script.count("redis.call('TIME')") == 1
        return script.replace(
            "redis.call('TIME')",
            "{string.sub(KEYS[3], 1, 10), string.sub(KEYS[3], 11)}",
        )

    def reserve(self, *arguments: int) -> tuple[int, ...]:
        return tuple(self._reserve([*KEYS, str(self.time)], arguments))

    def hold(self, *arguments: int) -> None:
        self._hold([*KEYS, str(self.time)], arguments)


@pytest.fixture
def scripts(redis_server: RedisServer) -> Iterator[Scripts]:
    with Redis.from_url(redis_server.url) as client:
        yield Scripts(client)


WINDOW = 1_000_000
_reserve = st.tuples(
    st.just("reserve"),
    st.integers(0, 1),
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([-1, 0, 50_000, 2_000_000]),
    st.sampled_from([0, 0, 0, 300_000]),
)
# The entries, from the newest, of requests that left later.
_late = st.tuples(st.just("late"), st.lists(st.integers(1, 8), max_size=3))
_steps = st.lists(
    st.one_of(
        _reserve,
        _reserve,
        _late,
        st.tuples(st.just("pass"), st.integers(-2_000_000, 1_500_000)),
        st.tuples(st.just("hold"), st.integers(0, 3_000_000)),
        st.tuples(st.just("lose")),
    ),
    max_size=60,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_steps)
def test_lua_does_what_the_model_does(
    scripts: Scripts, steps: list[tuple[object, ...]]
) -> None:
    scripts.client.flushall()
    scripts.time, model = START, SharedWindow()
    late: list[int] = []
    for kind, *arguments in steps:
        numbers = [number for number in arguments if isinstance(number, int)]
        if kind == "pass":
            scripts.time += numbers[0]
        elif kind == "lose":
            scripts.client.delete(*KEYS)
            model.lose()
        elif kind == "hold":
            scripts.hold(WINDOW, 1, *numbers)
            model.hold(scripts.time, WINDOW, 1, *numbers)
        elif kind == "late":
            back: Any = arguments[0]
            late = [model.log[-each] for each in back if each <= len(model.log)]
        else:
            expected = model.reserve(scripts.time, WINDOW, *numbers, *late)
            assert scripts.reserve(WINDOW, *numbers, *late) == expected
            late = []


_waits = st.lists(st.integers(0, 400_000), max_size=80)


@given(
    limit=st.integers(1, 20),
    burst=st.integers(1, 20),
    waits=_waits,
    holds=st.dictionaries(st.integers(0, 79), st.integers(0, 2_000_000), max_size=3),
)
def test_no_window_exceeds_the_limit_and_the_order_is_kept(
    limit: int, burst: int, waits: list[int], holds: dict[int, int]
) -> None:
    model, time = SharedWindow(), START
    for number, wait in enumerate(waits):
        time += wait
        if number in holds:
            model.hold(time, WINDOW, 1, holds[number])
        model.reserve(time, WINDOW, 1, limit, burst, -1, 0)
    assert all(earlier <= later for earlier, later in pairwise(model.log))
    assert all(
        later - earlier >= WINDOW
        for earlier, later in zip(model.log, model.log[limit:], strict=False)
    )


@given(limit=st.integers(1, 20), burst=st.integers(1, 20), waits=_waits)
def test_arithmetic_is_that_of_the_window_in_one_process(
    limit: int, burst: int, waits: list[int]
) -> None:
    """Both grant the same instant to a request that is sent in time."""
    model, time = SharedWindow(), 0.0
    window = Window(limit, WINDOW / 1e6, burst)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hubbatch._limits.window, "LAG", 0.0)
        for wait in waits:
            time += wait / 1e6
            _, delay, _, _ = model.reserve(
                START + round(time * 1e6), WINDOW, 0, limit, burst, -1, 0
            )
            time = window.next_grant(time)
            window.sent(window.grant(time), time)
            assert START + time * 1e6 == pytest.approx(model.log[-1], abs=100)
            assert delay >= 0


def test_clock_that_is_set_back_blocks_no_process(scripts: Scripts) -> None:
    for _ in range(3):
        scripts.reserve(WINDOW, 1, 4, 4, -1, 0)
    scripts.time -= 3_600_000_000
    assert scripts.reserve(WINDOW, 1, 4, 4, -1, 0)[:2] == (1, 0)
    assert scripts.reserve(WINDOW, 1, 4, 4, -1, 0)[:2] == (1, WINDOW)


def test_keys_live_as_long_as_they_mean_anything(scripts: Scripts) -> None:
    for _ in range(5):
        scripts.reserve(WINDOW, 0, 1, 1, -1, 0)
    lives = [scripts.client.pttl(key) for key in KEYS]
    assert all(5_800 <= int(life) <= 6_000 for life in lives)
    scripts.hold(WINDOW, 1, 500_000)
    lives = [scripts.client.pttl(key) for key in KEYS]
    assert all(int(life) >= 5_800 for life in lives)


def test_log_does_not_grow(scripts: Scripts) -> None:
    for _ in range(100):
        scripts.reserve(WINDOW, 0, 7, 3, -1, 0)
        scripts.time += 200_000
    assert scripts.client.llen(KEYS[1]) <= 7


def test_what_is_refused_is_not_reserved(scripts: Scripts) -> None:
    assert scripts.reserve(WINDOW, 0, 1, 1, 0, 0)[:2] == (1, 0)
    assert scripts.reserve(WINDOW, 0, 1, 1, WINDOW - 1, 0)[:2] == (0, WINDOW)
    assert scripts.client.llen(KEYS[1]) == 1
