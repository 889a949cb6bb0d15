"""Recorded calls on single records and lists, repeated on the simulator.

Each recording is an answer of HubSpot that somebody published: `source` says where. The
simulator gets the records that the answer shows, and then the recorded request.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from hubbatch.simulator import Property
from hubbatch.simulator.crm.records import Shelf

from .behaviours import behaviour
from .conftest import MakeWorld, Response, World


HERE = Path(__file__).parent / "recordings"
Recording = dict[str, Any]

# Parts of a request that were not published: the query of a list.
QUERIES = {
    "200-list-contacts-2026": {"properties": "email,firstname,lastname,phone"},
    "200-list-tasks-associations-2026": {
        "limit": "100",
        "associations": "contacts,companies,deals",
        "properties": "hs_task_priority,hs_task_subject,hs_task_type",
    },
}
# Shown with every write since 2023.
SINCE_2023 = {"hs_object_source", "hs_object_source_id", "hs_object_source_label"}
DATES = ("_time", "_date", "_timestamp")


def recording(name: str) -> Recording:
    loaded: Recording = msgspec.json.decode((HERE / f"{name}.json").read_bytes())
    return loaded


def names(*statuses: str) -> list[str]:
    found = sorted(path.stem for path in HERE.glob("*.json"))
    return [name for name in found if name.startswith(statuses)]


def shelf_for(world: World, name: str) -> Shelf:
    shelf = world.sim.store.shelf(name)
    assert shelf is not None
    return shelf


def define(world: World, kind: str, properties: Mapping[str, object]) -> None:
    """Define the properties that the account lacks."""
    known = shelf_for(world, kind).type.properties
    world.sim.store.define(
        kind,
        [
            Property(name, "datetime" if name.endswith(DATES) else "string")
            for name in properties
            if name not in known
        ],
    )


def milliseconds(value: str) -> int:
    return round(datetime.fromisoformat(value).timestamp() * 1000)


def seed(world: World, kind: str, shown: Mapping[str, Any]) -> None:
    """Create the record that an answer shows."""
    store, shelf = world.sim.store, shelf_for(world, kind)
    define(world, kind, shown["properties"])
    record = store.add(shelf_for(world, kind), shown["id"], {}, 0)
    values = {name: value for name, value in shown["properties"].items() if value}
    shelf_for(world, kind).claim(record, values)
    record.properties = values
    record.created = milliseconds(shown["createdAt"])
    record.updated = milliseconds(shown["updatedAt"])
    record.changes.clear()
    for history in shown.get("propertiesWithHistory", {}).items():
        name, values_of = history
        for item in reversed(values_of):
            record.changes.append(
                (milliseconds(item["timestamp"]), {name: item["value"]})
            )
    for other, page in shown.get("associations", {}).items():
        target = shelf_for(world, other)
        for item in page["results"]:
            if item["id"] not in target.records:
                store.add(target, item["id"], {}, 0)
            spec = store.links.default(shelf.type.id, target.type.id)
            ends = (shelf.type.id, record.id), (target.type.id, item["id"])
            store.links.link(*ends, [spec])


def target_of(made: Recording) -> tuple[str, str, dict[str, str]]:
    """Return the object type, the path and the query of a recorded request."""
    split = urlsplit(made["request"]["path"])
    parts = split.path.split("/")
    return parts[4], split.path, dict(parse_qsl(split.query))


def repeat(world: World, name: str) -> Response:
    made = recording(name)
    _, path, query = target_of(made)
    body = made["request"].get("body")
    return world.post(
        path,
        method=made["request"]["method"],
        query=QUERIES.get(name, query),
        content=b"" if body is None else msgspec.json.encode(body),
    )


def without_urls(shown: dict[str, Any]) -> dict[str, Any]:
    # Since 2025 only; the host is that of the account's region.
    rest = {name: value for name, value in shown.items() if name != "url"}
    histories = rest.get("propertiesWithHistory", {})
    for item in (item for history in histories.values() for item in history):
        # Written in the user interface; the simulator's values come from an app.
        for key in ("sourceType", "sourceId", "updatedByUserId"):
            item.pop(key, None)
    # Recorded in 2022: a value that was cleared. The simulator keeps no such values.
    rest["properties"] = {
        name: value or None for name, value in rest["properties"].items()
    }
    return rest


@pytest.mark.parametrize("name", names("200-get", "200-read"))
@behaviour("single-read", "single-by-unique", "shown-by-read")
def test_single_reads(world: World, name: str) -> None:
    """The answer is equal, but for `url`."""
    made = recording(name)
    kind, _, query = target_of(made)
    seed(world, kind, made["body"])
    if "idProperty" in query:
        shelf_for(world, kind).claim(
            shelf_for(world, kind).records[made["body"]["id"]],
            {query["idProperty"]: made["request"]["path"].split("/")[-1].split("?")[0]},
        )
    response = repeat(world, name)

    assert response.status == 200
    assert without_urls(response.body) == without_urls(made["body"])


@pytest.mark.parametrize("name", [name for name in names("200") if "-list" in name])
@behaviour("list-records", "list-cursor", "list-link", "shown-associations", "history")
def test_lists(world: World, name: str) -> None:
    """Pages are equal, but for `url`; the parameters of a link in any order."""
    made = recording(name)
    kind, *_ = target_of(made)
    body = made["body"]
    for shown in body["results"]:
        seed(world, kind, shown)
    if "paging" in body:
        after = body["paging"]["next"]["after"]
        world.sim.store.add(shelf_for(world, kind), str(int(after) + 5), {}, 0)
    response = repeat(world, name)
    ours, theirs = [
        [without_urls(shown) for shown in page["results"]]
        for page in (response.body, body)
    ]

    assert response.status == 200
    assert ours == theirs
    assert ("paging" in response.body) == ("paging" in body)
    if "paging" in body:
        page, recorded = response.body["paging"]["next"], body["paging"]["next"]
        assert page["after"] == recorded["after"]
        links = urlsplit(page["link"]), urlsplit(recorded["link"])
        assert links[0][:3] == links[1][:3]
        assert sorted(links[0].query.split("&")) == sorted(links[1].query.split("&"))


def before(made: Recording) -> dict[str, Any]:
    """Return a record as it was before the recorded update."""
    written = made["request"]["body"]["properties"]
    shown = made["body"]["properties"]
    rest = {name: value for name, value in shown.items() if name not in written}
    return {**made["body"], "properties": rest}


@pytest.mark.parametrize("name", names("200-patch", "200-update"))
@behaviour("single-update", "shown-by-update")
def test_single_updates(world: World, name: str) -> None:
    """The keys are the recorded ones; properties may lack what HubSpot computes."""
    made = recording(name)
    kind, *_ = target_of(made)
    seed(world, kind, before(made))
    define(world, kind, made["request"]["body"]["properties"])
    response = repeat(world, name)

    assert response.status == 200
    assert_shown(response, made)


@pytest.mark.parametrize("name", names("200-create", "201-create"))
@behaviour("single-create", "shown-by-create", "create-associations")
def test_single_creates(world: World, name: str) -> None:
    """The keys are the recorded ones; properties may lack what HubSpot computes.

    One recorder stored 200 for all its creates.
    """
    made = recording(name)
    kind, path, _ = target_of(made)
    body = made["request"]["body"]
    define(world, kind, body["properties"])
    associate(world, kind, body.get("associations", []))
    response = repeat(world, name)

    assert response.status == 201
    assert_shown(response, made)
    if "location" in {header.lower() for header in made["headers"]}:
        location = next(
            value for key, value in made["headers"].items() if key.lower() == "location"
        )
        assert response.headers["Location"] == location.replace(
            made["body"]["id"], response.body["id"]
        )
    assert response.headers["Location"].endswith(f"{path}/{response.body['id']}")


def associate(world: World, kind: str, associations: list[dict[str, Any]]) -> None:
    """Create the records that a create associates."""
    store, source = world.sim.store, shelf_for(world, kind).type.id
    for item in [*associations]:
        (spec,) = item["types"]
        key = spec["associationCategory"], spec["associationTypeId"]
        target = store.links.target(source, key)
        assert target is not None
        store.add(shelf_for(world, target), str(item["to"]["id"]), {}, 0)


def assert_shown(response: Response, made: Recording) -> None:
    """Compare keys and types; show nothing that HubSpot does not show."""
    ours, theirs = response.body, made["body"]
    written = made["request"]["body"]["properties"].keys()

    assert ours.keys() - {"url"} == theirs.keys() - {"url"}
    assert written <= ours["properties"].keys()
    assert ours["properties"].keys() <= theirs["properties"].keys() | SINCE_2023
    assert {type(value) for value in ours["properties"].values()} == {str}


@pytest.mark.parametrize("name", names("204"))
@behaviour("single-archive")
def test_single_archives(world: World, name: str) -> None:
    response = repeat(world, name)

    assert response.status == 204
    assert response.body == b""
    assert response.reply.answer.content_type is None


@pytest.mark.parametrize("name", names("404"))
@behaviour("single-not-found")
def test_records_that_are_not_found(world: World, name: str) -> None:
    """The page, byte for byte, and its headers."""
    made = recording(name)
    response = repeat(world, name)
    headers = {key.lower(): value for key, value in made["headers"].items()}

    assert response.status == 404
    assert response.body == made["body"].encode()
    assert response.reply.answer.content_type == headers["content-type"]
    assert response.headers["X-HubSpot-NotFound"] == headers["x-hubspot-notfound"]


def own_the_address(world: World) -> None:
    world.contact(email="redacted@example.com")


def require_a_name(world: World) -> None:
    world.sim.store.require("contacts", "firstname")


def have_meetings(world: World) -> None:
    made = recording("400-create-meeting-invalid-datetime-2022")
    define(world, "meetings", made["request"]["body"]["properties"])


REFUSED: Mapping[str, Callable[[World], object] | None] = {
    "400-create-meeting-invalid-datetime-2022": have_meetings,
    "400-missing-required-property-2026-09": require_a_name,
    "400-no-properties-to-update": None,
    "400-property-doesnt-exist": None,
    "400-read-only-value": None,
    "409-create-contact-existing-id": own_the_address,
}


@pytest.mark.parametrize("name", REFUSED)
@behaviour("single-invalid", "single-conflict", "enforced-required")
def test_refusals(make_world: MakeWorld, name: str) -> None:
    """The status, the keys and the category are the recorded ones."""
    world, made = make_world(), recording(name)
    prepare = REFUSED[name]
    if prepare is not None:
        prepare(world)
    response = repeat(world, name)
    theirs = made["body"]
    # Left out by those who published them, or added to HubSpot's answers since 2022.
    loose = {"message", "correlationId", "errors"}

    assert response.status == made["status"]
    assert response.body.keys() - loose == theirs.keys() - loose
    assert response.body.get("category") == theirs.get("category")
    if "message" in theirs:
        start = theirs["message"].partition(":")[0]
        assert response.message.startswith(start)


@behaviour("single-associations")
def test_one_association(world: World) -> None:
    made = recording("200-put-association-v3-single-2022")
    body = made["body"]
    seed(world, "meetings", {**body, "associations": {}})
    world.sim.store.add(shelf_for(world, "contacts"), "24503", {}, 0)
    response = repeat(world, "200-put-association-v3-single-2022")

    assert response.status == 200
    assert without_urls(response.body) == without_urls(body)


@behaviour("association-list")
def test_associated_records(world: World) -> None:
    """The answer is equal."""
    name = "200-assoc-v4-single-get-2022"
    made = recording(name)
    _, path, _ = target_of(made)
    deal, store = path.split("/")[5], world.sim.store
    store.add(shelf_for(world, "deals"), deal, {}, 0)
    for item in made["body"]["results"]:
        contact = str(item["toObjectId"])
        store.add(shelf_for(world, "contacts"), contact, {}, 0)
        store.links.link(("0-3", deal), ("0-1", contact), [("HUBSPOT_DEFINED", 3)])

    assert repeat(world, name).body == made["body"]


def test_every_recording_is_repeated() -> None:
    """A file that no test above picks would prove nothing."""
    picked = {
        *names("200-get", "200-read"),
        *(name for name in names("200") if "-list" in name),
        *names("200-patch", "200-update", "200-create", "201-create", "204", "404"),
        *REFUSED,
        "200-assoc-v4-single-get-2022",
        "200-put-association-v3-single-2022",
    }

    assert picked == {*names("")}
