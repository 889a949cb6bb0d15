import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from hubbatch.jobs.report.drawing import (
    Bar,
    Chart,
    Scale,
    outcome_bar,
    rate_chart,
    response_time_chart,
    short_number,
    ticks,
)
from hubbatch.jobs.report.page import environment


FIGURES = st.floats(0, 1e7)
POINTS = st.lists(st.tuples(FIGURES, FIGURES), max_size=20).map(sorted)


def draw(chart: Chart) -> ET.Element:
    """Return the picture that a report's template draws."""
    macros = environment().get_template("charts.html").make_module()
    picture = str(getattr(macros, "draw")(chart))  # noqa: B009 -- known at run time
    return ET.fromstring(picture)  # noqa: S314 -- our own


def names(chart: Chart) -> list[str]:
    return [one.get("class", one.tag) for one in draw(chart).iter()]


@given(FIGURES)
def test_ticks_reach_as_far_as_they_must_and_are_few(most: float) -> None:
    found = ticks(most)

    assert found[0] == 0
    assert found[-1] >= most * 0.999
    assert 2 <= len(found) <= 7
    assert found == sorted(set(found))


@given(POINTS, POINTS, POINTS, st.lists(FIGURES, max_size=3))
def test_every_chart_is_a_picture(
    rates: list[tuple[float, float]],
    limits: list[tuple[float, float]],
    retries: list[tuple[float, float]],
    breaks: list[float],
) -> None:
    """Whatever the figures, it can be parsed, and each thing is drawn once."""
    drawn = names(rate_chart(rates, limits, retries, breaks))

    assert drawn.count("line") == drawn.count("area") == bool(rates)
    assert drawn.count("limit") == bool(limits)
    assert drawn.count("retries") == len(retries)
    assert drawn.count("break") == len(breaks)


def test_the_limit_is_drawn_as_steps() -> None:
    """It holds until it changes."""
    [limit] = draw(rate_chart([], [(0, 100), (5, 100), (10, 50)], [], [])).iter(
        "polyline"
    )

    assert limit.get("points") == "78.0,16.0 393.0,16.0 708.0,16.0 708.0,113.0"


@given(st.lists(st.tuples(st.text(max_size=9), st.integers(0, 10**9)), max_size=60))
def test_bars(bars: list[tuple[str, int]]) -> None:
    """Of any text: what XML has no character for is shown as an escape."""
    drawn = names(response_time_chart(bars))

    assert drawn.count("bar") == len(bars)
    assert drawn.count("{http://www.w3.org/2000/svg}text") == 0
    assert drawn.count("text") <= 13


def test_a_count_has_no_halves() -> None:
    assert ticks(2, 1) == [0, 1, 2]
    labels = response_time_chart([("1 ms", 2)]).labels
    assert [label.text for label in labels] == ["0", "1", "2", "1 ms"]
    assert ticks(2) == [0, 0.5, 1, 1.5, 2]


def test_the_first_and_last_label_stay_in_the_picture() -> None:
    """Between them a label is centered below its place."""
    chart = response_time_chart([(f"{n} ms", 1) for n in range(17)])

    assert [
        text.get("text-anchor")
        for text in draw(chart).iter("text")
        if "ms" in (text.text or "")
    ] == ["start", "middle", "middle", "middle", "end"]


def test_shares() -> None:
    """No part for an outcome without rows; a part that can be seen for a single row."""
    chart = outcome_bar([("succeeded", 999_999), ("failed", 1), ("unknown", 0)])

    drawn = names(chart)
    assert drawn == ["stretched", "title", "succeeded", "title", "failed", "title"]
    assert chart.bars[1] == Bar("failed", 720.0, 0, 3.0, 16, "failed: 1")
    assert names(outcome_bar([])) == ["stretched", "title"]


def test_scale_of_a_single_number() -> None:
    assert Scale(5, 5, 0, 100)(5) == 0


def test_numbers_as_short_strings() -> None:
    figures = (0, 0.5, 250, 1_500, 20_000, 3_000_000)
    found = [short_number(one) for one in figures]

    assert found == ["0", "0.5", "250", "1.5k", "20k", "3M"]


def test_times_are_written_in_a_fitting_unit() -> None:
    def labels(last: float) -> list[str]:
        chart = rate_chart([(0, 1), (last, 1)], [], [], [])
        return [label.text for label in chart.labels]

    assert "75 s" in labels(100)
    assert "10 min" in labels(1000)
    assert "4 h" in labels(20_000)
