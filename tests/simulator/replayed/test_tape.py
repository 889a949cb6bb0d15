"""The comparison of answers finds what differs."""

from typing import Any

import pytest

from .known import unexplained
from .tape import Recording, differences


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ({"a": 1}, {"a": 2}, []),
        ({"a": "id 12"}, {"a": "id 7"}, []),
        ({"a": "12:00:00Z"}, {"a": "12:00:00.123Z"}, ["~ a"]),
        ({"a": 1}, {"a": "1"}, ["~ a"]),
        ({"a": None}, {"a": "x"}, ["~ a"]),
        ({"a": "x"}, {"a": "y"}, ["~ a"]),
        ({"a": True}, {"a": False}, ["~ a"]),
        ({"a": {"b": 1}}, {"a": {}}, ["+ a.b"]),
        ({"a": {}}, {"a": {"b": 1}}, ["- a.b"]),
        ({"a": 1, "b": 1}, {"b": 1, "a": 1}, ["order "]),
        ([{"a": "x"}, {"a": "y"}], [{"a": "y"}, {"a": "x"}], []),
        ([{"a": "x"}, {"a": "x"}], [{"a": "x"}, {"a": "y"}], ["~ [].a"]),
        ([1], [], ["+ []"]),
        ([], [1], ["- []"]),
        ({"a": "anyone"}, {"a": "REDACTED"}, []),
        (b"<html>", b"<HTML>", ["~ "]),
    ],
)
def test_differences_are_found(ours: Any, theirs: Any, found: list[str]) -> None:
    assert differences(ours, theirs, equal=False) == found


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ({"a": "id 12"}, {"a": "id 7"}, ["~ a"]),
        ({"a": 1}, {"a": 2}, ["~ a"]),
        ([{"a": "x"}, {"a": "y"}], [{"a": "y"}, {"a": "x"}], ["~ [].a", "~ [].a"]),
        (["x", "y"], ["y", "x"], []),
        (["x", "x"], ["y", "x"], ["~ []"]),
    ],
)
def test_equal_answers_have_the_same_numbers_and_order(
    ours: Any, theirs: Any, found: list[str]
) -> None:
    assert differences(ours, theirs, equal=True) == found


def test_only_newer_keys_and_listed_differences_are_explained() -> None:
    old, new = Recording("200-patch-task-2024"), Recording("200-create-deal-2026")

    assert [*unexplained(old, ["+ url", "- id"], {})] == ["- id"]
    assert [*unexplained(new, ["+ url"], {})] == ["+ url"]
    assert [*unexplained(new, ["- a[].b"], {"- a[].*": "why"})] == []
    assert [*unexplained(new, [], {"- a": "why"})] == ["explains nothing: - a"]
