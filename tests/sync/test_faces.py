"""The generated faces: they are fresh, complete and documented."""

import ast
import inspect
import re
import textwrap

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import hubbatch.sync

from hubbatch import HubBatch
from hubbatch.associations import Associations, AssociationsV3
from hubbatch.objects import Objects
from hubbatch.simulator import Simulator
from hubbatch.single import SingleObjects
from hubbatch.sync import SyncHubBatch
from hubbatch.sync._face import Face, StreamVerbs


TREE = Path(__file__).parents[2]
FACES = TREE / "hubbatch" / "sync" / "_faces"


def generator() -> ModuleType:
    spec = spec_from_file_location("sync_faces", TREE / "tools" / "sync_faces.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shape(code: str) -> list[str]:
    """Return the statements of a module, whatever its format and order of imports."""
    body = ast.parse(code).body
    imports = [
        f"from {node.module} import {alias.name}"
        for node in body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    return [
        *sorted(imports),
        *(ast.unparse(node) for node in body if not isinstance(node, ast.ImportFrom)),
    ]


WRITTEN: dict[str, str] = generator().written()


@pytest.mark.parametrize("name", WRITTEN)
def test_a_face_is_that_of_the_async_client(name: str) -> None:
    """`python tools/sync_faces.py` writes it."""
    code = (FACES / f"{name}.py").read_text(encoding="utf-8")

    assert shape(code) == shape(WRITTEN[name])
    assert code.count("\n") <= 500


def test_there_are_no_others() -> None:
    assert {path.stem for path in FACES.glob("*.py")} == {*WRITTEN, "__init__"}


PUBLIC = [getattr(hubbatch.sync, name) for name in hubbatch.sync.__all__]
CLASSES = [one for one in PUBLIC if issubclass(one, Face)]


def test_every_face_is_public() -> None:
    """Else a user could not annotate it."""
    defined = {
        found
        for name in WRITTEN
        for found in re.findall(
            r"^class (\w+)", (FACES / f"{name}.py").read_text("utf-8"), re.MULTILINE
        )
    }

    assert defined - {"SyncClient"} == {one.__name__ for one in CLASSES} - {
        "SyncHubBatch"
    }


@pytest.mark.parametrize("face", CLASSES)
def test_a_docstring_does_not_await(face: type) -> None:
    documented = [face, *(one for name, one in vars(face).items() if name[0] != "_")]
    for one in documented:
        text = inspect.getdoc(one) or ""

        assert text
        assert not re.search(r"\bawait\b|async with|async for|no event loop", text)


STREAMED = [
    pytest.param(name, getattr(face, name), id=f"{face.__name__}.{name}")
    for face in CLASSES
    if issubclass(face, StreamVerbs)
    for name in vars(face)
    if not name.startswith("_")
]


@pytest.mark.parametrize(("name", "verb"), STREAMED)
def test_the_example_of_a_stream_is_a_stream(name: str, verb: Any) -> None:
    text = inspect.getdoc(verb) or ""
    _, mark, rest = text.partition("Example::\n\n")
    example = ast.parse(textwrap.dedent(rest.partition("\n\n")[0]))
    methods = {
        ast.unparse(node.func).rpartition(".stream.")[2]
        for node in ast.walk(example)
        if isinstance(node, ast.Call) and ".stream." in ast.unparse(node.func)
    }

    assert mark
    assert methods == {name}
    assert isinstance(example.body[-1], ast.With)
    assert "response" not in ast.unparse(example)


def test_a_verb_whose_example_has_no_response_is_not_made_a_stream() -> None:
    """Its example would show the form that collects."""
    docstring = "Read.\n\nExample::\n\n    for x in hub.tickets.read(ids): ...\n\nEnd."
    with pytest.raises(NotImplementedError, match=r"needs a line `response = "):
        generator().streamed(docstring, "read")


def members(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_the_client_has_everything_that_the_async_client_has() -> None:
    counterparts = {"close", "run"}
    asynchronous = members(HubBatch) - {"aclose", "sync"} | {
        "single",
        "legacy",
        "lists",
    }

    assert members(SyncHubBatch) == asynchronous | counterparts


@pytest.mark.parametrize("kind", [Objects, SingleObjects, Associations, AssociationsV3])
def test_the_parameters_are_those_of_the_async_verbs(kind: type) -> None:
    counterpart = getattr(hubbatch.sync, f"Sync{kind.__name__}")
    for name in members(kind):
        expected, found = getattr(kind, name), getattr(counterpart, name)
        if inspect.isfunction(expected):
            shown = [
                [*inspect.signature(one).parameters.values()]
                for one in (expected, found)
            ]
            assert shown[0] == shown[1]


def test_the_signature_of_sync_is_that_of_the_client() -> None:
    """It is what a notebook shows."""
    assert str(inspect.signature(HubBatch.sync)).startswith("(access_token")
    assert "rate_limit" in inspect.signature(HubBatch.sync).parameters


# ---- each verb, on a simulated account

PAIR = {"from": {"id": "1"}, "to": {"id": "2"}}
LABELLED = {
    **PAIR,
    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}],
}
CALLS: dict[str, Any] = {
    "objects": lambda hub: hub.objects("tickets").read(["1"]),
    "create": lambda hub: hub.tickets.create([{"properties": {"subject": "s"}}]),
    "upsert": lambda hub: hub.contacts.upsert(
        [{"id": "a@b.example", "properties": {"firstname": "A"}}], id_property="email"
    ),
    "archive": lambda hub: hub.tickets.archive(["1"]),
    "associate": lambda hub: hub.associations("contacts", "companies").create(
        [LABELLED]
    ),
    "associate by default": lambda hub: hub.associations(
        "contacts", "companies"
    ).create_default([PAIR]),
    "associated": lambda hub: hub.associations("contacts", "companies").read(["1"]),
    "v3 associated": lambda hub: hub.associations(
        "contacts", "companies", api_version="v3"
    ).read(["1"]),
    "properties": lambda hub: hub.properties("tickets").read(["subject"]),
    "schemas": lambda hub: hub.schemas.read(["2-1"]),
    "lists": lambda hub: hub.list_memberships("contacts").read(["1"]),
    "deal splits": lambda hub: hub.deal_splits.read(["1"]),
    "legacy": lambda hub: hub.legacy.tickets.read(["1"]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_verb_returns_one_outcome(
    call: Any, hub: SyncHubBatch, hubspot_simulator: Simulator
) -> None:
    response = call(hub)

    assert len(response.outcomes) == 1
    assert len(hubspot_simulator.requests) >= 1


def test_what_has_no_inputs_returns_its_result(hub: SyncHubBatch) -> None:
    assert "subject" in {one.name for one in hub.properties("tickets").list()}
    assert hub.associations("contacts", "companies").kinds()
    limits = hub.associations("contacts", "companies").limits
    assert repr(limits) == "<SyncAssociationLimits 'contacts' to 'companies'>"
    assert repr(limits.stream) == "<StreamAssociationLimits 'contacts' to 'companies'>"
    assert hub.owners.list() == ()
    assert [one.id for one in hub.pipelines("tickets").list()] == ["0"]


def test_lists_have_all_verbs(hub: SyncHubBatch, hubspot_simulator: Simulator) -> None:
    store = hubspot_simulator.store
    on = store.lists.add("Newsletter")
    ids = [store.create("contacts", {}).id for _ in range(300)]
    found = hub.lists.find(name="newsletter")
    members = hub.lists(found.list_id)

    assert members.add(ids).succeeded == 300
    assert hub.lists(on.id).add(ids[:1]).results[0].changed is False
    assert {member.record_id for member in members.read()} == {*ids}
    with members.stream.remove(ids[:1]) as outcomes:
        assert [outcome.result.changed for outcome in outcomes if outcome.result] == [
            True
        ]
    assert [*on.members] == ids[1:]
    assert repr(members) == "<SyncListRecords '1'>"


FOUND: dict[str, Any] = {
    "objects": lambda hub: hub.tickets,
    "associations": lambda hub: hub.associations("contacts", "companies"),
    "v3": lambda hub: hub.associations("contacts", "companies", api_version="v3"),
    "limits": lambda hub: hub.associations("contacts", "companies").limits,
    "properties": lambda hub: hub.properties("tickets"),
    "schemas": lambda hub: hub.schemas,
    "lists": lambda hub: hub.list_memberships("contacts"),
    "deal splits": lambda hub: hub.deal_splits,
    "calling": lambda hub: hub.connection_statuses,
    "tickets v1": lambda hub: hub.legacy.tickets,
    "products v1": lambda hub: hub.legacy.products,
    "line items v1": lambda hub: hub.legacy.line_items,
}


@pytest.mark.parametrize("find", FOUND.values(), ids=FOUND)
def test_each_verb_sends_nothing_for_no_inputs(
    find: Any, hub: SyncHubBatch, hubspot_simulator: Simulator
) -> None:
    face = find(hub)
    verbs = members(type(face.stream))
    for verb in verbs:
        assert len(getattr(face, verb)([]).outcomes) == 0
        with getattr(face.stream, verb)([]) as outcomes:
            assert [*outcomes] == []

    assert verbs
    assert hubspot_simulator.requests == []


def test_single_calls_write_and_archive(
    hub: SyncHubBatch, hubspot_simulator: Simulator
) -> None:
    contacts = hub.single.contacts
    made = contacts.upsert("a@b.example", {"firstname": "A"}, id_property="email")
    changed = contacts.update(made.id, {"firstname": "B"})
    contacts.archive(made.id)

    assert made.new
    assert changed.properties["firstname"] == "B"
    assert hubspot_simulator.store.all("contacts") == []
