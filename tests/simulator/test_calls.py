"""docs/simulator.md lists the calls that the simulator has, and those it lacks."""

import re

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbatch.simulator.lookup import find
from hubbatch.simulator.routes import ROWS

from .behaviours import behaviour
from .conftest import World


PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
SECTION = PAGE.partition("## Which calls it has")[2].partition("\n## ")[0]
ANSWERED, MISSING = SECTION.split("| answered with 501 |")
# The innermost braces.
CHOICE = re.compile(r"\{([^{}]*)\}")


def expanded(path: str) -> Iterator[str]:
    """Yield the paths that a path of the page stands for."""
    found = CHOICE.search(path)
    if found is None:
        yield from (path.replace("VERSION", day) for day in ("2026-03", "2026-09"))
        return
    choices = found[1].split(", ") if ", " in found[1] else ["7"]
    for choice in choices:
        yield from expanded(path[: found.start()] + choice + path[found.end() :])


def calls(table: str) -> list[tuple[str, str]]:
    """Return methods and paths; a version may make no difference."""
    rows = re.findall(r"^\| [^|]+ \| ([A-Z, ]+) \| `([^`]+)` \|$", table, re.MULTILINE)
    return list(
        dict.fromkeys(
            (method, each)
            for methods, path in rows
            for method in methods.split(", ")
            for each in expanded(path)
        )
    )


@pytest.mark.parametrize(("method", "path"), calls(MISSING))
@behaviour("not-implemented")
def test_missing_calls_are_listed(world: World, method: str, path: str) -> None:
    assert world.post(path, {}, method=method).status == 501


@behaviour("all-calls")
def test_answered_calls_are_listed() -> None:
    """Each call has a row, and the calls of each row are listed."""
    listed = {call: find(*call) for call in calls(ANSWERED)}
    unknown = {"unknown path", "wrong method", "no such path"}
    verbs = {
        (row.family, row.prefix + verb)
        for row in ROWS
        if row.family not in unknown
        for _, verb in row.verbs()
    }

    assert [call for call, route in listed.items() if route.family in unknown] == []
    assert verbs == {
        (route.family, route.row.prefix + route.verb) for route in listed.values()
    }
