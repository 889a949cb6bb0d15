"""docs/simulator.md and the tests name the same behaviours."""

import ast
import re

from collections import Counter
from pathlib import Path

import pytest

from hubbatch.simulator.faults import KINDS
from hubbatch.simulator.quirks import QUIRKS

from .wire_schemas import DIFFERENCES


HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "simulator.md").read_text()
ROW = re.compile(r"^\| `([\w-]+)` \|(.*)\|(.*)\|(.*)\|$", re.MULTILINE)
ROWS = ROW.findall(
    PAGE.partition("## What it does, and how")[2].partition("## Where")[0]
)

# Tests of the simulator's own tools rather than of HubSpot's behaviour.
TOOLS = {
    "test_documentation",
    "test_fixture",
    "test_server",
    "test_serving",
    "test_witness",
}
OF_TOOLS = {
    "test_chaos_is_a_share",
    "test_clear",
    "test_faults_that_cannot_be",
    "test_window_never_admits_more",
}


def marked() -> dict[str, set[str]]:
    """Return for each test the behaviours it names."""
    found: dict[str, set[str]] = {}
    for path in HERE.glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("test_"):
                found[f"{path.stem}.{node.name}"] = named(node)
    return found


def named(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return {
        argument.value
        for call in node.decorator_list
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "behaviour"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


TESTS = marked()


def test_no_behaviour_without_a_row() -> None:
    proved = set().union(*TESTS.values())

    assert proved - {name for name, *_ in ROWS} == set()


def test_no_row_without_a_test() -> None:
    proved = set().union(*TESTS.values())

    assert {name for name, *_ in ROWS} - proved == set()


def test_no_row_twice() -> None:
    assert [
        name for name, n in Counter(name for name, *_ in ROWS).items() if n > 1
    ] == []


def test_no_test_without_a_behaviour() -> None:
    bare = {
        name
        for name, behaviours in TESTS.items()
        if not behaviours
        and name.partition(".")[0] not in TOOLS
        and name.partition(".")[2] not in OF_TOOLS
    }

    assert bare == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_rows_say_how_they_are_known(row: tuple[str, str, str, str]) -> None:
    """What was not assumed has a source."""
    _, _, known, source = (part.strip() for part in row)

    assert known in {"recorded", "documented", "assumed"}
    assert source or known != "recorded"


@pytest.mark.parametrize("name", KINDS)
def test_every_fault_and_quirk_is_explained(name: str) -> None:
    assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("name", QUIRKS)
def test_every_quirk_is_a_behaviour(name: str) -> None:
    assert f"quirk-{name.replace('_', '-')}" in {row[0] for row in ROWS}


def test_every_difference_is_listed() -> None:
    section = PAGE.partition("## Where reality")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([\w-]+)` \|", section, re.MULTILINE)

    assert set(DIFFERENCES) == set(listed)
