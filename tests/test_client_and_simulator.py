"""The client and the simulator know the same object types and the same calls.

They share no code, so each has its own tables. A type or a call that only one side
knows fails here: the client's would be untested, the simulator's unreachable.
"""

import re

from collections.abc import Iterator

import pytest

from hubbatch import HubBatch
from hubbatch._wire.calls import Operation
from hubbatch._wire.endpoints import ROWS, operation_for
from hubbatch._wire.object_types import ANY_OBJECT, STANDARD_TYPES
from hubbatch.simulator.crm.catalogue import STANDARD
from hubbatch.simulator.crm.others import OTHERS
from hubbatch.simulator.routes import _ROUTES, find

from .test_endpoints import batches


SIMULATED = {row.plural: row for row in (*STANDARD, *OTHERS)}
VERSIONS = ("v3", "2025-09", "2026-03", "2026-09")
# Answered for other clients; hubbatch has no such call.
ONLY_SIMULATED = {("account", "GET", "api-usage/daily/private-apps")}


# ---- object types


def test_the_same_types() -> None:
    assert SIMULATED.keys() == STANDARD_TYPES.keys()


@pytest.mark.parametrize("name", STANDARD_TYPES)
def test_a_type_is_the_same_on_both_sides(name: str) -> None:
    ours, theirs = STANDARD_TYPES[name], SIMULATED[name]

    assert ours.id in (None, theirs.id)
    assert ours.path.lower() in theirs.all_names()
    assert ours.verbs == theirs.verbs
    for wanted, granted in zip(ours.scopes, theirs.scopes, strict=True):
        assert wanted == ANY_OBJECT or wanted in granted


# ---- calls


def questions(version: str) -> Iterator[Operation]:
    """Yield the calls without inputs: they make no batch that a walk would find."""
    types: dict[str, tuple[str, ...]] = {
        "object_pages": ("tickets",),
        "property_lists": ("tickets",),
        "association_kinds": ("a", "b"),
    }
    for row in ROWS:
        if not row.has_inputs:
            name = row.api.name
            yield operation_for(
                name, row.verb, *types.get(name, ()), api_version=version
            )


def made(version: str) -> Iterator[Operation]:
    """Yield every call that the client makes in a version."""
    for batch in batches(HubBatch("pat-na1-x", api_version=version)):
        batch.close()
        yield batch.operation
    yield from questions(version)


def test_every_row_of_the_client_is_called() -> None:
    """The tests below see only rows that a verb of the client calls."""
    called = [operation.call for operation in made("v3")]

    assert len(ROWS) > 30
    assert [row for row in ROWS if row not in called] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_simulator_has_every_call_of_the_client(version: str) -> None:
    for operation in made(version):
        route = find(operation.path)

        assert route is not None, operation.path
        assert route.method == operation.call.method, operation.path


def simulated() -> Iterator[tuple[str, str, str]]:
    """Yield family, method and verb of every call that the simulator has."""
    for family, method, pattern in _ROUTES:
        verbs = re.search(r"\(\?P<verb>([^()]*)\)", pattern.pattern)
        for verb in verbs[1].split("|") if verbs else ("",):
            yield family, method, verb


def test_the_client_has_every_call_of_the_simulator() -> None:
    said = {
        (route.family, route.method, verb)
        for version in VERSIONS
        for operation in made(version)
        if (route := find(operation.path)) is not None
        for verb in (route.verb, "")  # a route without verbs has one call
    }

    assert {*simulated()} - said == ONLY_SIMULATED
