from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch import WhereError
from hubbatch.jobs.conditions import parse_conditions


def parsed(*texts: str) -> list[list[tuple[str, ...]]]:
    """Return the groups, each comparison as its name, operator and values."""
    return [
        [
            (each.name.value, each.operator, *(value.value for value in each.values))
            for each in group
        ]
        for group in parse_conditions(texts)
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a = 1", ("a", "EQ", "1")),
        ("a==1", ("a", "EQ", "1")),
        ("a!=1", ("a", "NEQ", "1")),
        ("a <> 1", ("a", "NEQ", "1")),
        ("a<1", ("a", "LT", "1")),
        ("a<=1", ("a", "LTE", "1")),
        ("a>-1.5", ("a", "GT", "-1.5")),
        ("a >= 2026-01-01T10:00+01:00", ("a", "GTE", "2026-01-01T10:00+01:00")),
        ("a in (1, 'two words',x)", ("a", "IN", "1", "two words", "x")),
        ("a NOT IN (1)", ("a", "NOT_IN", "1")),
        ("a contains *@example.com", ("a", "CONTAINS_TOKEN", "*@example.com")),
        ("a not contains x", ("a", "NOT_CONTAINS_TOKEN", "x")),
        ("a between 1 and 2", ("a", "BETWEEN", "1", "2")),
        ("a is set", ("a", "HAS_PROPERTY")),
        ("a is known", ("a", "HAS_PROPERTY")),
        ("a is not null", ("a", "HAS_PROPERTY")),
        ("a IS NOT empty", ("a", "HAS_PROPERTY")),
        ("has a", ("a", "HAS_PROPERTY")),
        ("a is not set", ("a", "NOT_HAS_PROPERTY")),
        ("a is unknown", ("a", "NOT_HAS_PROPERTY")),
        ("a is null", ("a", "NOT_HAS_PROPERTY")),
        ("not has a", ("a", "NOT_HAS_PROPERTY")),
        ("lastname = O'Brien", ("lastname", "EQ", "O'Brien")),
        ("a = Hello!", ("a", "EQ", "Hello!")),
        ("a = 'it''s'", ("a", "EQ", "it's")),
        ('a = "say ""hi"""', ("a", "EQ", 'say "hi"')),
        ("a = 'and'", ("a", "EQ", "and")),
        ("has = 1", ("has", "EQ", "1")),
        ("not = 1", ("not", "EQ", "1")),
        ("in in (in)", ("in", "IN", "in")),
        ("associations.contact = 5", ("associations.contact", "EQ", "5")),
    ],
)
def test_comparisons(text: str, found: tuple[str, ...]) -> None:
    assert parsed(text) == [[found]]


def test_and_binds_more_tightly_than_or() -> None:
    a, b, c = ("a", "EQ", "1"), ("b", "EQ", "2"), ("c", "EQ", "3")

    assert parsed("a = 1 or b = 2 and c = 3") == [[a], [b, c]]
    assert parsed("(a = 1 or b = 2) and c = 3") == [[a, c], [b, c]]
    assert parsed("a = 1 or b = 2", "c = 3") == [[a, c], [b, c]]
    assert parsed("((a = 1))") == [[a]]
    assert parsed() == [[]]


@pytest.mark.parametrize(
    ("text", "wrong", "reason"),
    [
        ("a = Printer on fire", "on", 'in quotes: "Printer on fire"'),
        ("a = Big (x and b = 1", "(", 'in quotes: "Big (x"'),
        ('(a = 6" pipe) or b = 1', "pipe", "in quotes: '6\" pipe'"),
        ("a = 'x' y", "y", "expected `and`, `or` or the end"),
        ("a = 1,000", ",", 'in quotes: "1,000"'),
        ("a = x=y", "=", 'in quotes: "x=y"'),
        ("a = ", "", "expected a value"),
        ("a = ''", "''", "`is not set`"),
        ("a = ' '", "' '", "`is not set`"),
        ("a = or", "or", 'in quotes: "or"'),
        ("a = (1)", "(", "expected a value"),
        ("a", "", "expected an operator: =, !="),
        ("Create date = 5", "date", "expected an operator: =, !="),
        ("a like x", "like", "write `contains`"),
        ("a not like x", "like", "expected `not in (...)` or `not contains VALUE`"),
        ("a in 1, 2", "1", "expected values in parentheses"),
        ("a in (1, 2", "(", "this `(` is not closed"),
        ("a in (1 2)", "2", 'in quotes: "1 2"'),
        ("a in ()", ")", "expected a value"),
        ("a between 1, 2", ",", "expected `between LOW and HIGH`"),
        ("a is nut set", "nut", "expected `is set` or `is not set`"),
        ("not a = 1", "not", "`not` cannot come before a condition"),
        ("not has (a)", "(", "expected the name of a property"),
        ("= 1", "=", "expected the name of a property"),
        ("a = 1 and", "", "expected the name of a property"),
        ("a = 1 or or b = 1", "or", "expected the name of a property"),
        ("'a' = 1", "'a'", "expected the name of a property, without quotes"),
        ("Deal Name = 1", "Name", "has an internal name without spaces"),
        ("(a = 1", "(", "this `(` is not closed"),
        ("(a = 'x' y", "y", "expected `and`, `or` or the end"),
        ("a = 1)", ")", "this `)` closes nothing"),
        ('a = "x', '"', "this quote is not closed"),
        ("a = x\udce9", "\udce9", "this is not UTF-8"),
        ("a ! 1", "!", "expected `!=`"),
        ("a = \u201cx\u201d", "\u201c", "typographic quotes"),
    ],
)
def test_an_error_names_the_exact_place(text: str, wrong: str, reason: str) -> None:
    with pytest.raises(WhereError) as raised:
        parsed(text)

    error = raised.value
    assert reason in error.reason
    assert error.text[error.start : error.end] == wrong
    assert wrong or error.start == len(text)
    assert f"{text})." in str(error)


def test_a_second_or_is_the_one_that_is_wrong() -> None:
    with pytest.raises(WhereError) as raised:
        parsed("a = 1 or or b = 1")
    assert raised.value.start == 9


def test_parentheses_can_be_too_deep() -> None:
    with pytest.raises(WhereError, match="Too many parentheses inside each other"):
        parsed(10_000 * "(")


def test_an_empty_condition_is_refused() -> None:
    with pytest.raises(WhereError, match="The condition is empty: write one like"):
        parsed("a = 1", "  ")


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([" or ".join(["a=1"] * 6)], "this makes 6 alternatives"),
        (["a=1 or b=1"] * 3, "this makes 8 alternatives"),
        (["a=1 or b=1"] * 10_000, "this makes 8 alternatives"),
        ([" and ".join(["a=1"] * 6)], "this makes 6 conditions that must be true"),
        (["a=1"] * 6, "this makes 6 conditions that must be true"),
        (
            ["(a=1 or b=1 or c=1 or d=1) and (a=1 and b=1 and c=1)"],
            "this makes 16 conditions in 4 alternatives, and HubSpot accepts 14 in all",
        ),
    ],
)
def test_more_than_hubspot_accepts_is_refused(texts: list[str], reason: str) -> None:
    with pytest.raises(WhereError) as raised:
        parsed(*texts)
    assert reason in raised.value.reason
    assert (raised.value.start, raised.value.end) == (0, len(texts[0]))


# ---- properties

Assignment = dict[str, bool]
NAMES = "abcd"


class Tree:
    """A condition: its text, and whether it is true of a record."""

    def __init__(self, text: str, holds: Callable[[Assignment], bool]) -> None:
        self.text = text
        self.holds = holds


def leaf(name: str) -> Tree:
    return Tree(f"{name}=1", lambda record: record[name])


def both(one: Tree, other: Tree) -> Tree:
    text = f"({one.text}) AND ({other.text})"
    return Tree(text, lambda record: one.holds(record) and other.holds(record))


def either(one: Tree, other: Tree) -> Tree:
    text = f"({one.text})or\t({other.text})"
    return Tree(text, lambda record: one.holds(record) or other.holds(record))


TREES: Any = st.recursive(
    st.sampled_from(NAMES).map(leaf),
    lambda trees: st.builds(both, trees, trees) | st.builds(either, trees, trees),
    max_leaves=6,
)


def attempt(*texts: str) -> tuple[list[list[tuple[str, ...]]], WhereError | None]:
    try:
        return parsed(*texts), None
    except WhereError as error:
        return [], error


@given(st.lists(TREES, min_size=1, max_size=2))
def test_the_groups_are_true_of_the_same_records(trees: list[Tree]) -> None:
    groups, error = attempt(*(tree.text for tree in trees))
    if error is not None:
        assert error.reason.startswith("this makes ")
        return
    for values in product([False, True], repeat=len(NAMES)):
        record = dict(zip(NAMES, values, strict=True))
        found = any(all(record[name] for name, *_ in group) for group in groups)
        assert found == all(tree.holds(record) for tree in trees)


@given(st.text())
def test_a_quoted_value_is_taken_as_it_is(value: str) -> None:
    quoted = value.replace('"', '""')
    if value.strip():
        assert parsed(f'a="{quoted}"and b in("{quoted}")') == [
            [("a", "EQ", value), ("b", "IN", value)]
        ]
    else:
        with pytest.raises(WhereError, match="To find missing ones"):
            parsed(f'a="{quoted}"')


KEYWORDS = ("a", "and", "or", "not", "in", "contains", "is", "set", "has", "between")
PIECES = st.sampled_from([*KEYWORDS, "1", "'x'", "=", "!=", *"<>=(),!'\"\u201c"])


@given(st.lists(PIECES | st.text(max_size=3), max_size=9), st.sampled_from(["", " "]))
def test_any_text_is_parsed_or_has_its_error_inside(
    pieces: list[str], space: str
) -> None:
    text = space.join(pieces)
    groups, error = attempt(text)
    if error is not None:
        assert error.text in (text, "")
        assert 0 <= error.start <= error.end <= len(text)
    else:
        assert all(name for group in groups for name, *_ in group)
