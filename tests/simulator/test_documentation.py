"""docs/simulator.md and the tests list the same behaviours."""

import ast
import re

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from hubbatch.simulator.faults.faults import KINDS
from hubbatch.simulator.faults.quirks import QUIRKS

from .wire_schemas import DIFFERENCES


HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "simulator.md").read_text()
ROW = re.compile(r"^\| `([\w-]+)` \|(.*)\|(.*)\|(.*)\|$", re.MULTILINE)
ROWS = ROW.findall(
    PAGE.partition("## What it does, and how")[2].partition("## Where")[0]
)

TRACE = re.compile(
    r"\b20\d\d\b|\d+ of \d+|\d+ (consecutive|search)|`[\w-]+/[\w-]+`"
    r"|community\.hubspot\.com, \w+ \d+"
)

# Tests of the simulator's own tools, not of HubSpot's behaviour. A new test needs a
# behaviour or a line here.
OF_TOOLS = {
    "test_documentation.test_every_difference_is_listed",
    "test_documentation.test_every_fault_and_quirk_is_explained",
    "test_documentation.test_every_quirk_is_a_behaviour",
    "test_documentation.test_no_behaviour_without_a_row",
    "test_documentation.test_no_row_twice",
    "test_documentation.test_no_row_without_a_test",
    "test_documentation.test_no_test_without_a_behaviour",
    "test_documentation.test_rows_say_how_they_are_known",
    "test_documentation.test_tests_are_found_wherever_they_are",
    "test_faults.test_chaos_is_a_share",
    "test_faults.test_clear",
    "test_faults.test_invalid_faults",
    "test_fixture.test_fixture",
    "test_page.test_a_portal_with_nothing_in_it",
    "test_page.test_lists_and_apps_on_the_page",
    "test_page.test_only_the_last_requests_are_kept",
    "test_page.test_the_page_in_a_browser",
    "test_page.test_the_page_is_self_contained_and_answers_get_only",
    "test_page.test_the_state_on_the_page",
    "test_fixture.test_no_task_outlives_a_disconnected_client",
    "test_limits.test_window_never_admits_more",
    "replayed/test_recordings.test_every_recording_is_reproduced_or_left_out_for_a_reason",
    "replayed/test_tape.test_differences_are_found",
    "replayed/test_tape.test_equal_answers_have_the_same_numbers_and_order",
    "replayed/test_tape.test_only_newer_keys_and_listed_differences_are_explained",
    "test_server.test_an_invalid_limit",
    "test_server.test_port_in_use",
    "test_server.test_a_property_of_an_unknown_type",
    "test_server.test_realistic_latency",
    "test_server.test_requests_need_not_be_kept",
    "test_server.test_round_trip",
    "test_server.test_unknown_tier",
    "test_server.test_the_url_of_a_simulator_that_is_not_running",
    "test_server.test_what_is_not_json_is_kept_as_bytes",
    "test_serving.test_mistake_arms_nothing",
    "test_witness.test_nothing_of_the_client_is_imported",
    "test_witness.test_the_rules_know_no_network_and_no_clock",
    "test_witness.test_the_schemas_refuse_something",
}


def functions(
    body: Iterable[ast.stmt],
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the tests of a module, including those in classes."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from functions(node.body)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        elif node.name.startswith("test_"):
            yield node


def marked(folder: Path) -> dict[str, set[str]]:
    """Return the behaviours of each test below a folder."""
    return {
        f"{path.relative_to(folder).with_suffix('')}.{node.name}": named(node)
        for path in sorted(folder.rglob("test_*.py"))
        for node in functions(ast.parse(path.read_text()).body)
    }


def named(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return {
        argument.value
        for call in node.decorator_list
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "behaviour"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


TESTS = marked(HERE)


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
    """Except the tests of the simulator's own tools, listed above."""
    bare = {name for name, behaviours in TESTS.items() if not behaviours}

    assert bare == OF_TOOLS


def test_tests_are_found_wherever_they_are(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "test_x.py").write_text(
        "class TestX:\n    @behaviour('a', 'b')\n    async def test_y(self): ...\n"
    )

    assert marked(tmp_path) == {"inner/test_x.test_y": {"a", "b"}}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_rows_say_how_they_are_known(row: tuple[str, str, str, str]) -> None:
    """All but assumed rows have a source; recorded rows say where or when."""
    _, _, known, source = (part.strip() for part in row)

    assert known in {"recorded", "documented", "assumed"}
    assert source or known == "assumed"
    # A year, a count such as "644 of 644", or a repository or thread.
    if known == "recorded":
        assert TRACE.search(source)


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
