"""A witness, not a mirror: schemas, independence, and any body at all."""

import ast

from pathlib import Path
from typing import Any

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubbatch import simulator

from .behaviours import behaviour
from .conftest import MakeWorld, World
from .wire_schemas import DIFFERENCES, complaints


SOURCES = sorted(Path(simulator.__file__).parent.glob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_nothing_of_the_client_is_imported(path: Path) -> None:
    ours = {name for name in imported(path) if name.split(".")[0] == "hubbatch"}

    assert {name for name in ours if not name.startswith("hubbatch.simulator")} == set()


def test_the_rules_know_no_network_and_no_clock() -> None:
    outer = {"server", "sending", "serving", "threads", "__main__", "fixture"}
    barred = {"aiohttp", "asyncio", "time", "socket", "threading", "signal"}
    found = {
        path.stem: roots
        for path in SOURCES
        if path.stem not in outer
        and (roots := {name.split(".")[0] for name in imported(path)} & barred)
    }

    assert found == {}


def answers(world: World) -> dict[str, tuple[str, int, Any]]:
    """Return for each difference an answer that shows it."""
    ticket = world.ticket()
    heard = {
        "null-values": ("read", world.batch("read", [{"id": ticket}])),
        "bare-errors": ("read", world.batch("read", [{"id": "1"}])),
        "status-error": ("read", world.batch("read", [{}])),
        "no-category": ("read", world.batch("read", [], type="butterflies")),
        "validation-results": (
            "legacy",
            world.post(
                "/crm-objects/v1/objects/tickets/batch-update",
                [
                    {
                        "objectId": int(ticket),
                        "properties": [{"name": "x", "value": "1"}],
                    }
                ],
            ),
        ),
    }
    world.sim.account.day.limit = 0
    heard["rate-limit-keys"] = ("read", world.batch("read", []))
    return {
        name: (f"/crm/v3/objects/tickets/batch/{path}", one.status, one.body)
        for name, (path, one) in heard.items()
    }


@pytest.mark.parametrize("name", DIFFERENCES)
@behaviour("schema-differences")
def test_differences_from_the_specification(world: World, name: str) -> None:
    """Each is real: recorded, against the schema, and allowed for by it alone."""
    path, status, body = answers(world)[name]

    assert complaints(path, status, body, spec=True) != []
    assert complaints(path, status, body) == []


def test_the_schemas_refuse_something() -> None:
    path = "/crm/v3/objects/tickets/batch/read"
    good = {
        "status": "COMPLETE",
        "results": [],
        "startedAt": "2026-09-14T12:00:00.000Z",
        "completedAt": "2026-09-14T12:00:00.000Z",
    }

    assert complaints(path, 200, good) == []
    assert complaints(path, 200, {**good, "errors": []}) != []
    assert complaints(path, 200, {**good, "status": "DONE"}) != []
    assert complaints(path, 200, {**good, "startedAt": "today"}) != []
    assert complaints(path, 200, {**good, "results": [{"id": 1}]}) != []
    assert complaints(path, 400, {"message": "no"}) != []


scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4)
jsons = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "properties", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
names = st.sampled_from(["email", "firstname", "hs_object_id", "closedate", "x"])
items = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["1", "a@x.org", 2]) | jsons,
        "idProperty": names | jsons,
        "objectWriteTraceId": scalars,
        "properties": st.dictionaries(names, jsons, max_size=3) | jsons,
    },
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "inputs": st.lists(items | jsons, max_size=3) | jsons,
        "properties": jsons | st.lists(names),
        "propertiesWithHistory": jsons | st.lists(names),
        "idProperty": jsons | names,
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    verb=st.sampled_from(["create", "read", "update", "upsert", "archive"]),
    body=bodies | jsons,
)
@behaviour("any-body")
def test_any_body_gets_an_answer_of_hubspots(
    make_world: MakeWorld, verb: str, body: Any
) -> None:
    """No body breaks the simulator, and each answer conforms to its schema."""
    world = make_world()
    world.contact(email="a@x.org")
    heard = world.post(f"/crm/v3/objects/contacts/batch/{verb}", body)

    assert heard.status in {200, 201, 204, 207, 400, 409}
    if heard.status >= 400:
        # What is refused as a whole has written nothing.
        assert world.sim.store.count("contacts") == 1
