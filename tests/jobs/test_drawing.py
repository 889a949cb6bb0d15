import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from hubbatch.jobs.drawing import (
    Scale,
    answer_chart,
    brief,
    marks,
    rate_chart,
    share_bar,
)


FIGURES = st.floats(0, 1e7)
POINTS = st.lists(st.tuples(FIGURES, FIGURES), max_size=20).map(sorted)


def names(picture: str) -> list[str]:
    root = ET.fromstring(picture)  # noqa: S314 -- our own
    return [one.get("class", one.tag) for one in root.iter()]


@given(FIGURES)
def test_marks_reach_as_far_as_they_must_and_are_few(most: float) -> None:
    found = marks(most)

    assert found[0] == 0
    assert found[-1] >= most * 0.999
    assert 2 <= len(found) <= 7
    assert found == sorted(set(found))


@given(POINTS, POINTS, POINTS, st.lists(FIGURES, max_size=3))
def test_every_chart_is_a_picture(
    rows: list[tuple[float, float]],
    limit: list[tuple[float, float]],
    again: list[tuple[float, float]],
    breaks: list[float],
) -> None:
    """Whatever the figures, it can be parsed, and each thing is drawn once."""
    drawn = names(rate_chart(rows, limit, again, breaks))

    assert drawn.count("line") == drawn.count("area") == bool(rows)
    assert drawn.count("limit") == bool(limit)
    assert drawn.count("again") == len(again)
    assert drawn.count("break") == len(breaks)


def test_the_limit_is_drawn_as_steps() -> None:
    """It holds until it changes."""
    drawn = rate_chart([], [(0, 100), (5, 100), (10, 50)], [], [])

    assert 'points="78.0,16.0 393.0,16.0 708.0,16.0 708.0,113.0"' in drawn


@given(st.lists(st.tuples(st.text(max_size=9), st.integers(0, 10**9)), max_size=60))
def test_bars(bars: list[tuple[str, int]]) -> None:
    plain = [(repr(name), count) for name, count in bars]  # XML has no control signs
    drawn = names(answer_chart(plain))

    assert drawn.count("bar") == len(bars)
    assert drawn.count("{http://www.w3.org/2000/svg}text") == 0
    assert drawn.count("text") <= 13


def test_what_is_counted_has_no_halves() -> None:
    assert marks(2, 1) == [0, 1, 2]
    assert ">0.5<" not in answer_chart([("1 ms", 2)])
    assert marks(2) == [0, 0.5, 1, 1.5, 2]


def test_the_first_and_last_words_stay_in_the_picture() -> None:
    """Between them a word stands in the middle of its place."""
    drawn = answer_chart([(f"{n} ms", 1) for n in range(17)])

    assert [
        one.get("text-anchor")
        for one in ET.fromstring(drawn).iter("text")  # noqa: S314 -- our own
        if "ms" in (one.text or "")
    ] == ["start", "middle", "middle", "middle", "end"]


def test_shares() -> None:
    """What there is none of is not drawn; what there is little of can be seen."""
    drawn = share_bar([("succeeded", 999_999), ("failed", 1), ("unknown", 0)])

    assert names(drawn) == ["share", "title", "succeeded", "title", "failed", "title"]
    assert 'width="3.0"' in drawn
    assert names(share_bar([])) == ["share", "title"]


def test_scale_of_a_single_figure() -> None:
    assert Scale(5, 5, 0, 100)(5) == 0


def test_figures_in_few_letters() -> None:
    figures = (0, 0.5, 250, 1_500, 20_000, 3_000_000)
    assert [brief(one) for one in figures] == ["0", "0.5", "250", "1.5k", "20k", "3M"]


def test_times_are_written_in_a_fitting_unit() -> None:
    def words(last: float) -> str:
        return rate_chart([(0, 1), (last, 1)], [], [], [])

    assert ">75 s<" in words(100)
    assert ">10 min<" in words(1000)
    assert ">4 h<" in words(20_000)
