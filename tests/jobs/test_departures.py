"""The times of requests that a journal keeps for the run after."""

import sqlite3

from collections.abc import Iterator
from contextlib import closing

import pytest

from hubbatch.jobs.journal.departures import SCHEMA, Departures


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(SCHEMA)
        yield connection


def written(connection: sqlite3.Connection, *runs: tuple[float, int]) -> list[float]:
    """Write requests at some times; return what other limits are told at the last."""
    clock = iter([at for at, requests in runs if requests])
    departures = Departures(connection, lambda: next(clock), {1})
    for _, requests in runs:
        departures.write(requests)
    departures.clock = lambda: runs[-1][0]
    assert departures.seconds_ago() == []
    return Departures(connection, departures.clock, {2, 3}).seconds_ago()


def test_other_limits_are_told_how_long_ago_each_request_left(
    connection: sqlite3.Connection,
) -> None:
    ages = written(connection, (1000.0, 2), (1001.5, 0), (1004.0, 1), (1005.0, 0))
    assert ages == [5.0, 5.0, 1.0]


def test_old_ones_are_forgotten(connection: sqlite3.Connection) -> None:
    assert written(connection, (1000.0, 3), (1030.0, 2), (1061.0, 1)) == [31, 31, 0]


def test_requests_sent_before_the_clock_was_set_back_count_as_sent_now(
    connection: sqlite3.Connection,
) -> None:
    assert written(connection, (5000.0, 1), (1000.0, 1), (1001.0, 1)) == [1, 1, 0]


def test_limits_that_have_joined_others_know_the_requests_of_both(
    connection: sqlite3.Connection,
) -> None:
    for sender in (1, 2, 3):
        Departures(connection, lambda: 1000.0, {sender}).write(sender)
    joined = Departures(connection, lambda: 1001.0, {1, 3})
    assert joined.seconds_ago() == [1, 1]


def test_what_was_taken_over_is_reported_to_the_run_after_only(
    connection: sqlite3.Connection,
) -> None:
    written(connection, (1000.0, 2))
    ours = Departures(connection, lambda: 1001.0, {2})
    assert ours.seconds_ago() == [1, 1]
    ours.take_over()
    ours.write(1)
    assert ours.seconds_ago() == []
    assert Departures(connection, ours.clock, {1}).seconds_ago() == [1, 1, 0]
