"""The simulator is independent of the client and conforms to HubSpot's schemas."""

import ast

from pathlib import Path
from typing import Any

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubbatch import simulator
from hubbatch.simulator import Property

from .behaviours import behaviour
from .conftest import MakeWorld, Response, World
from .wire_schemas import DIFFERENCES, complaints


HOME = Path(simulator.__file__).parent
SOURCES = sorted(HOME.rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(HOME))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_of_the_client_is_imported(path: Path) -> None:
    ours = {name for name in imported(path) if name.split(".")[0] == "hubbatch"}

    assert {name for name in ours if not name.startswith("hubbatch.simulator")} == set()


def test_the_rules_know_no_network_and_no_clock() -> None:
    barred = {"aiohttp", "asyncio", "time", "socket", "threading", "signal"}
    found = {
        name_of(path): roots
        for path in SOURCES
        if not name_of(path).startswith(("server/", "__main__"))
        and (roots := {name.split(".")[0] for name in imported(path)} & barred)
    }

    assert found == {}


INTROSPECT = "/oauth/v3/token/introspect"


def introspected(world: World) -> Response:
    refresh_token = world.sim.install_app("app", "hush")
    token = world.sim.apps.renew(world.sim.apps.installations[refresh_token]).value
    form = f"client_id=app&client_secret=hush&token={token}"
    return world.post(INTROSPECT, content=form.encode())


def answers(world: World) -> dict[str, tuple[str, int, Any]]:
    """Return an answer that shows each difference."""
    ticket = world.ticket()
    world.sim.store.require("tickets", "content", when={"subject": []})
    wordless = {"inputs": [{"properties": {"subject": "x"}}]}
    response = {
        "null-values": ("read", world.batch("read", [{"id": ticket}])),
        "bare-errors": ("read", world.batch("read", [{"id": "1"}])),
        "status-error": ("read", world.batch("read", [{}])),
        "no-message": (
            "create",
            world.post("/crm/objects/2026-09/tickets/batch/create", wordless),
        ),
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
    contact = world.contact()
    pair = {
        "from": {"id": ticket},
        "to": {"id": contact},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 16}],
    }
    bad = {**pair, "to": {"id": "x"}}
    base = "/crm/v4/associations/tickets/contacts/batch/"
    create = world.post(f"{base}create", {"inputs": [pair]})
    world.post("/crm/associations/2026-03/0-5/0-1/batch/create", {"inputs": [pair]})
    read = world.post(
        "/crm/associations/2026-03/0-5/0-1/batch/read", {"inputs": [{"id": ticket}]}
    )
    invalid = world.post(f"{base}create", {"inputs": [bad]})
    missing = {**pair, "to": {"id": "1"}}
    contextless = world.post(f"{base}create", {"inputs": [missing]})
    world.sim.store.owners.add("gone@x.example", archived=True)
    made = {"name": "a", "objectTypeId": "0-1", "processingType": "MANUAL"}
    lists = {
        "owner-without-user": (
            "/crm/v3/owners",
            world.get("/crm/v3/owners", archived="true"),
        ),
        "unsigned-tokens": (INTROSPECT, introspected(world)),
        "list-settings": ("/crm/v3/lists", world.post("/crm/v3/lists", made)),
        "members-keys": (
            "/crm/v3/lists/1/memberships/add",
            world.post("/crm/v3/lists/1/memberships/add", [contact], method="PUT"),
        ),
        "schema-keys": (
            "/crm/v3/schemas/tickets",
            world.get("/crm/v3/schemas/tickets", includeAssociationDefinitions="no"),
        ),
        "association-dates": (
            "/crm/v3/schemas/tickets",
            world.get("/crm/v3/schemas/tickets"),
        ),
        "errors-of-strings": (
            "/crm/v3/lists/search",
            world.post("/crm/v3/lists/search", None),
        ),
    }
    world.sim.account.day.limit = 0
    response["rate-limit-keys"] = ("read", world.batch("read", []))
    of_pairs = {
        "association-ids": ("create", create),
        "association-labels": ("read", read),
        "sub-category": ("create", invalid),
        "no-context": ("create", contextless),
    }
    return (
        {
            name: (f"/crm/v3/objects/tickets/batch/{path}", item.status, item.body)
            for name, (path, item) in response.items()
        }
        | {
            name: (f"{base}{path}", item.status, item.body)
            for name, (path, item) in of_pairs.items()
        }
        | {name: (path, item.status, item.body) for name, (path, item) in lists.items()}
    )


@pytest.mark.parametrize("name", DIFFERENCES)
@behaviour("schema-differences")
def test_differences_from_the_specification(world: World, name: str) -> None:
    """Each answer breaks the specification and conforms to the adapted schema."""
    path, status, body = answers(world)[name]

    assert complaints(path, status, body, spec=True) != []
    assert complaints(path, status, body) == []


def test_the_schemas_refuse_something() -> None:
    path = "/crm/v3/objects/tickets/batch/read"
    good = {
        "status": "COMPLETE",
        "results": [],
        "startedAt": "2026-09-14T12:00:00Z",
        "completedAt": "2026-09-14T12:00:00Z",
    }

    assert complaints(path, 200, good) == []
    assert complaints(path, 200, {**good, "errors": []}) != []
    assert complaints(path, 200, {**good, "status": "DONE"}) != []
    assert complaints(path, 200, {**good, "startedAt": "today"}) != []
    assert complaints(path, 200, {**good, "results": [{"id": 1}]}) != []
    assert complaints(path, 400, {"message": "no"}) != []


valid = st.fixed_dictionaries(
    {},
    optional={
        "firstname": st.sampled_from(["", "Ada", None]),
        "email": st.sampled_from(["a@x.org", "B@x.org", "c@x.org", "no"]),
        "no_such": st.just("x"),
    },
)
traced_inputs = st.lists(
    st.tuples(st.sampled_from(["k1", "k2", "k3", "k4"]), valid),
    max_size=4,
    unique_by=lambda item: item[0],
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(verb=st.sampled_from(["create", "update", "upsert"]), inputs=traced_inputs)
@behaviour("invalid-traced", "update-not-found")
def test_each_traced_input_has_one_outcome(
    make_world: MakeWorld, verb: str, inputs: list[tuple[str, dict[str, Any]]]
) -> None:
    """Each input is in results or errors exactly once, and results are in the store."""
    world = make_world()
    world.sim.store.define("contacts", [Property("ref", unique=True)])
    world.sim.faults.set(whole_upsert_conflict=False)
    ids = {ref: world.contact(email=f"{ref}@x.org", ref=ref) for ref in ("k1", "k2")}
    world.contact(email="c@x.org")
    sent = [
        {
            "id": ref if verb == "upsert" else ids.get(ref, ref),
            "objectWriteTraceId": ref,
            "properties": properties,
            **({"idProperty": "ref"} if verb == "upsert" else {}),
        }
        for ref, properties in inputs
    ]
    response = world.batch(verb, sent, type="contacts")
    done = [item["objectWriteTraceId"] for item in response.body["results"]]
    errors = response.body.get("errors", [])
    failed = [ref for item in errors for ref in item["context"]["objectWriteTraceId"]]

    assert sorted(done + failed) == sorted(ref for ref, _ in inputs)
    assert (response.status == 207) == bool(failed)
    for result in response.body["results"]:
        record = world.sim.store.get("contacts", result["id"])
        assert record is not None
        for name, value in result["properties"].items():
            assert record.properties.get(name, "") == value


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**18), 10**18).map(str)
    | st.text(max_size=4)
)
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
    """No body causes a server error, and each answer conforms to its schema."""
    world = make_world()
    world.contact(email="a@x.org")
    response = world.post(f"/crm/v3/objects/contacts/batch/{verb}", body)

    assert response.status in {200, 201, 204, 207, 400, 409}
    if response.status >= 400:
        # A refused call has written nothing.
        assert world.sim.store.count("contacts") == 1


single_paths = st.sampled_from(
    [
        ("POST", "contacts"),
        ("GET", "contacts"),
        ("GET", "contacts/{id}"),
        ("PATCH", "contacts/{id}"),
        ("DELETE", "contacts/{id}"),
        ("POST", "contacts/merge"),
        ("POST", "contacts/gdpr-delete"),
        ("GET", "contacts/{id}/associations/0-1"),
        ("PUT", "contacts/{id}/associations/0-1/{id}/449"),
    ]
)
ids = st.sampled_from(["1", "0", "-1", "a@x.org", "b@x.org", "%", "\u0663", "9" * 5000])
parameters = st.dictionaries(
    st.sampled_from(
        [
            *("properties", "propertiesWithHistory", "associations", "archived"),
            *("idProperty", "limit", "after"),
        ]
    ),
    st.sampled_from(["email", "0-1,0-2", "true", "1", "", "x&y", "MC0xLTE="])
    | st.text(max_size=5),
    max_size=3,
)
record_bodies = (
    st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(names, jsons, max_size=3) | jsons,
            "associations": jsons,
            "idProperty": names | jsons,
            "objectId": ids | jsons,
            "primaryObjectId": ids | jsons,
            "objectIdToMerge": ids | jsons,
        },
    )
    | jsons
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(target=single_paths, key=ids, query=parameters, body=record_bodies)
@behaviour("any-body")
def test_any_call_on_one_record_gets_an_answer_of_hubspots(
    make_world: MakeWorld,
    target: tuple[str, str],
    key: str,
    query: dict[str, str],
    body: Any,
) -> None:
    """No call causes a server error, and each answer conforms to its schema."""
    world = make_world()
    made = world.contact(email="a@x.org")
    method, path = target
    path = path.replace("{id}", made if key == "1" else key)
    base = f"/crm/v3/objects/{path}"
    response = world.post(base, body, method=method, query=query)

    assert response.status in {200, 201, 204, 400, 404, 409}
    if response.status in {400, 409}:
        assert world.sim.store.count("contacts") == 1
