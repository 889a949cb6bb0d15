"""The client and the simulator know the same object types and the same calls.

They share no code, so each has its own tables. A type or a call that only one side
knows fails here: the client's would be untested, the simulator's unreachable.
"""

from collections.abc import Iterator

import pytest

from hubbatch import HubBatch
from hubbatch._wire.calls import Operation
from hubbatch._wire.endpoints import ROWS, operation_for
from hubbatch._wire.object_types import ANY_OBJECT, STANDARD_TYPES
from hubbatch.simulator.crm.catalogue import STANDARD
from hubbatch.simulator.lookup import find
from hubbatch.simulator.routes import ROWS as SIMULATED_ROWS

from .test_endpoints import batches


SIMULATED = {row.plural: row for row in STANDARD}
VERSIONS = ("v3", "2025-09", "2026-03", "2026-09", "2027-03-beta")
# Answered for other clients; hubbatch has no such call.
ONLY_SIMULATED = {
    ("account", "GET", "api-usage/daily/private-apps"),
    ("properties", "POST", "create"),
    ("change members", "PUT", "add-and-remove"),
    ("members", "DELETE", "delete"),
    ("one list", "DELETE", "delete"),
    ("pipelines", "POST", "create"),
}


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
        "searches": ("tickets",),
        "property_lists": ("tickets",),
        "association_kinds": ("a", "b"),
        "lists": ("581",),
        "pipelines": ("tickets",),
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
        route = find(operation.call.method, operation.path)

        assert route.verb, operation.path


def simulated() -> Iterator[tuple[str, str, str]]:
    """Yield family, method and verb of every call that the simulator has."""
    for row in SIMULATED_ROWS:
        for method, verb in row.verbs():
            yield row.family, method, verb


def test_the_client_has_every_call_of_the_families_it_uses() -> None:
    """The simulator has further families, for other clients."""
    said = {
        (route.family, operation.call.method, route.verb)
        for version in VERSIONS
        for operation in made(version)
        for route in [find(operation.call.method, operation.path)]
    }

    shared = {family for family, _, _ in said}

    assert {call for call in simulated() if call[0] in shared} - said == ONLY_SIMULATED
