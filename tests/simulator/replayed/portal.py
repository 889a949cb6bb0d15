"""What a portal has to hold before a recorded request: the records and the rest."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from hubbatch.simulator import Property
from hubbatch.simulator.crm.records import Shelf
from tests.simulator.conftest import World

from .tape import CUSTOM, Recording


DATES = ("_time", "_date", "_timestamp")
Prepare = Callable[[World, Recording], object]


def shelf_for(world: World, kind: str) -> Shelf:
    """Return the shelf of a type; that of the recorded custom one is added."""
    if kind == CUSTOM and world.sim.store.shelf("custom") is None:
        world.sim.store.define("custom")
    shelf = world.sim.store.shelf("custom" if kind == CUSTOM else kind)
    assert shelf is not None
    return shelf


def define(world: World, kind: str, names: Mapping[str, object]) -> None:
    """Define the properties that the account lacks."""
    shelf = shelf_for(world, kind)
    known = shelf.type.properties
    world.sim.store.define(
        shelf.type.id,
        [
            Property(name, "datetime" if name.endswith(DATES) else "string")
            for name in names
            if name not in known
        ],
    )


def milliseconds(value: str) -> int:
    return round(datetime.fromisoformat(value).timestamp() * 1000)


def seed(world: World, kind: str, shown: Mapping[str, Any]) -> None:
    """Create the record that an answer shows."""
    store, shelf = world.sim.store, shelf_for(world, kind)
    define(world, kind, shown["properties"])
    record = store.add(shelf, shown["id"], {}, 0)
    values = {name: value for name, value in shown["properties"].items() if value}
    shelf.claim(record, values)
    record.properties = values
    record.created = milliseconds(shown["createdAt"])
    record.updated = milliseconds(shown["updatedAt"])
    record.changes.clear()
    for name, history in shown.get("propertiesWithHistory", {}).items():
        for item in reversed(history):
            record.changes.append(
                (milliseconds(item["timestamp"]), {name: item["value"]})
            )
    for other, page in shown.get("associations", {}).items():
        for item in page["results"]:
            put(world, other, item["id"])
            link(world, (kind, record.id), (other, item["id"]))


def put(world: World, kind: str, record_id: object) -> None:
    """Create a record with this id, unless it exists."""
    shelf = shelf_for(world, kind)
    if str(record_id) not in shelf.records:
        world.sim.store.add(shelf, str(record_id), {}, 0)


def link(world: World, source: tuple[str, object], target: tuple[str, object]) -> None:
    """Associate two records by the default of their types."""
    links = world.sim.store.links
    near, far = (
        (shelf_for(world, kind).type.id, str(record_id))
        for kind, record_id in (source, target)
    )
    links.link(near, far, [links.default(near[0], far[0])])


# ---- by what the recording shows


def records(world: World, recording: Recording) -> None:
    """Create the records that the answer shows."""
    for shown in recording.shown:
        seed(world, recording.kind, shown)
    if "idProperty" in recording.query:
        (shown,) = recording.shown
        shelf = shelf_for(world, recording.kind)
        value = recording.path.rpartition("/")[2]
        shelf.claim(shelf.records[shown["id"]], {recording.query["idProperty"]: value})
    after = recording.body.get("paging", {}).get("next", {}).get("after")
    if after is not None:
        # A record of the next page.
        put(world, recording.kind, int(after) + 5)


def written(recording: Recording) -> list[dict[str, Any]]:
    """Return the records of the request: those of a batch, or a single one."""
    sent = recording.sent or {}
    inputs: list[dict[str, Any]] = sent.get("inputs", [sent])
    return inputs


def writable(world: World, recording: Recording) -> None:
    """Define the properties that the request writes, and create what it associates."""
    store = world.sim.store
    for item in written(recording):
        define(world, recording.kind, item.get("properties", {}))
        for association in item.get("associations", []):
            (spec,) = association["types"]
            source = shelf_for(world, recording.kind).type.id
            key = spec["associationCategory"], spec["associationTypeId"]
            target = store.links.target(source, key)
            assert target is not None
            put(world, target, association["to"]["id"])


def before(world: World, recording: Recording) -> None:
    """Create the records of the answer as they were before the recorded update."""
    schema = shelf_for(world, recording.kind).type
    names = {name for item in written(recording) for name in item["properties"]}
    names |= {*schema.recomputed}
    for shown in recording.shown:
        rest = {n: value for n, value in shown["properties"].items() if n not in names}
        seed(world, recording.kind, {**shown, "properties": rest})
        define(world, recording.kind, dict.fromkeys(names))


def present(world: World, recording: Recording) -> None:
    """Create the records of the request's inputs, or the one in the path."""
    if recording.sent is None:
        put(world, recording.kind, recording.path.rpartition("/")[2])
        return
    for item in recording.sent["inputs"]:
        put(world, recording.kind, item["id"])


def ends(recording: Recording) -> tuple[str, str]:
    """Return the two object types of a path of associations."""
    source, target = recording.path.split("/")[4:6]
    return source, target


def linkable(world: World, recording: Recording) -> None:
    """Create the records that the request associates."""
    source, target = ends(recording)
    for item in recording.sent["inputs"]:
        put(world, source, item["from"]["id"])
        for to in item["to"] if isinstance(item["to"], list) else [item["to"]]:
            put(world, target, to["id"])


def linked(world: World, recording: Recording) -> None:
    """Create the records that the request dissociates, and associate them."""
    linkable(world, recording)
    source, target = ends(recording)
    for item in recording.sent["inputs"]:
        for to in item["to"]:
            link(world, (source, item["from"]["id"]), (target, to["id"]))


def searchable(world: World, recording: Recording) -> None:
    """Create the hits, and as many later ones as `total` counts."""
    body = recording.body
    for shown in reversed(body["results"]):
        seed(world, recording.kind, shown)
    groups = [*recording.sent.get("filterGroups", [])] if recording.sent else []
    groups.append({"filters": (recording.sent or {}).get("filters", [])})
    for item in (item for group in groups for item in group["filters"]):
        if item["propertyName"].startswith("associations."):
            target = item["propertyName"].partition(".")[2], item["value"]
            put(world, *target)
            for shown in body["results"]:
                link(world, (recording.kind, shown["id"]), target)
    for n in range(body["total"] - len(body["results"])):
        later = {"id": str(10**13 + n), "createdAt": "2026-09-01T00:00:00.000Z"}
        seed(world, recording.kind, {**body["results"][0], **later})
