"""The initial state of a portal from a file."""

import re

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch.simulator import Simulator
from hubbatch.simulator.__main__ import main
from hubbatch.simulator.api.properties.calls import list_properties
from hubbatch.simulator.faults.script import ScriptError
from hubbatch.simulator.server.state_file import fill

from .behaviours import behaviour


def filled(where: Path, state: Any) -> Simulator:
    path = where / "state.json"
    path.write_bytes(msgspec.json.encode(state))
    simulator = Simulator()
    fill(simulator, path)
    return simulator


@behaviour("state-file")
def test_listed_records(tmp_path: Path) -> None:
    """Records are stored as HubSpot stores them, and associated."""
    store = filled(
        tmp_path,
        {
            "records": {
                "companies": [{"name": "Acme"}, {"name": "Umbrella"}],
                "contacts": [{"email": "A@X.example", "zip": 8001, "city": None}],
            },
            "associations": [
                {"from": "contacts", "to": "companies", "pairs": [[0, 1]]}
            ],
        },
    ).store
    [contact] = store.all("contacts")
    acme, umbrella = store.all("companies")

    assert contact.properties["email"] == "a@x.example"
    assert contact.properties["zip"] == "8001"
    assert "city" not in contact.properties
    assert store.links.linked(("0-1", contact.id), "0-2") == {
        umbrella.id: {("HUBSPOT_DEFINED", 279)}
    }
    assert store.links.linked(("0-2", acme.id), "0-1") == {}


@behaviour("state-file")
def test_the_documented_file(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
    block = re.search(r"```json\n(\{\n  \"properties\".*?)```", page, re.DOTALL)
    assert block is not None
    store = filled(tmp_path, msgspec.json.decode(block[1])).store

    assert store.sizes() == {"tickets": 1500, "contacts": 2, "companies": 1}
    [acme] = store.all("companies")
    assert len(store.links.linked(("0-2", acme.id), "0-1")) == 2
    assert store.shelf("boat") is not None


@behaviour("state-file")
def test_generated_records(tmp_path: Path) -> None:
    """Generated values include what breaks exports, and unique values differ."""
    state = {
        "properties": {
            "tickets": [
                {"name": "ref", "hasUniqueValue": True},
                {"name": "paid", "type": "bool"},
                {"name": "due", "type": "date"},
                {"name": "seen", "type": "datetime"},
                {"name": "score", "type": "number"},
                {"name": "none", "type": "enumeration"},
                {"name": "sum", "modificationMetadata": {"readOnlyValue": True}},
            ]
        },
        "records": {"tickets": 1_200, "contacts": 10},
        "associations": [{"from": "tickets", "to": "contacts"}],
    }
    store = filled(tmp_path, state).store
    tickets = store.all("tickets")
    last = tickets[-1].properties
    links = [store.links.linked(("0-5", item.id), "0-1") for item in tickets]

    assert len({item.properties["ref"] for item in tickets}) == 1_200
    assert {"sum", "none"}.isdisjoint(last)
    assert {name: last[name] for name in ("paid", "due", "seen", "score")} == {
        "paid": "false",
        "due": "2024-07-18",
        "seen": "2024-07-18T00:00:00Z",
        "score": "1199",
    }
    subjects = "".join(item.properties.get("subject", "|") for item in tickets)
    assert all(item in subjects for item in '|\n",ë')
    assert {len(item) for item in links} == {0, 1, 2}
    again = filled(tmp_path, state).store
    assert [item.properties["ref"] for item in again.all("tickets")] == [
        item.properties["ref"] for item in tickets
    ]


@behaviour("state-file")
def test_no_generated_record_is_associated_with_itself(tmp_path: Path) -> None:
    store = filled(
        tmp_path,
        {
            "records": {"contacts": 5},
            "associations": [{"from": "contacts", "to": "contacts"}],
        },
    ).store
    links = {
        item.id: {*store.links.linked(("0-1", item.id), "0-1")}
        for item in store.all("contacts")
    }

    assert any(links.values())
    assert not any(item in others for item, others in links.items())


@behaviour("state-file")
def test_a_schema_that_was_saved(tmp_path: Path) -> None:
    """A schema file beside the state file changes only options of HubSpot's own."""
    tickets = Simulator().store.shelf("tickets")
    assert tickets is not None
    schema = list_properties(tickets)
    for definition in schema["results"]:
        if definition["name"] == "hs_pipeline_stage":
            definition["options"] = [{"value": "9001"}]
    schema["results"] += [
        {"name": "place", "type": "object_coordinates", "hubspotDefined": True},
        {"name": "level", "type": None, "options": None, "fieldType": None},
    ]
    (tmp_path / "tickets.json").write_bytes(msgspec.json.encode(schema))

    store = filled(
        tmp_path,
        {
            "properties": {"tickets": "tickets.json", "boat": [{"name": "sails"}]},
            "records": {"boats": 2, "tickets": [{"hs_pipeline_stage": "9001"}]},
        },
    ).store
    shelf = store.shelf("tickets")
    assert shelf is not None
    of_type = shelf.type.properties

    assert of_type["hs_pipeline_stage"].options == ("9001",)
    assert of_type["hs_pipeline"] == tickets.type.properties["hs_pipeline"]
    assert of_type["createdate"].read_only
    assert (of_type["place"].custom, of_type["level"].custom) == (False, True)
    assert [item.properties["sails"] for item in store.all("boat")] == [
        "sails 0",
        'Zoë, "sails" 1',
    ]


SETTINGS = {
    "owners": [
        {"id": "77", "email": "ada@x.org", "firstName": "Ada", "teams": ["Sales"]},
        {"email": "gone@x.org", "lastName": "Gone", "archived": True},
    ],
    "pipelines": {
        "deals": [
            {
                "label": "Renewals",
                "displayOrder": 1,
                "pipelineId": "renewals",
                "stages": [
                    {
                        "label": "Open",
                        "displayOrder": 0,
                        "stageId": "open",
                        "metadata": {"probability": 0.5},
                    }
                ],
            }
        ]
    },
    "records": {
        "deals": [{"pipeline": "renewals", "dealstage": "open"}],
        "contacts": [{"email": f"{n}@x.org"} for n in range(3)],
    },
    "lists": [
        {"name": "two", "records": [2, 0]},
        {"name": "later", "processingType": "DYNAMIC", "objectType": "deals"},
        {"name": "mine", "id": "500"},
    ],
    "tokens": [
        {"token": "reader", "scopes": ["crm.objects.owners.read"], "tier": "starter"},
        {"token": "short", "expiresIn": 60, "limit": 1, "appId": 5},
    ],
    "apps": [
        {"clientId": "a", "clientSecret": "b", "refreshToken": "r", "lifetime": 60},
        {"clientId": "c", "clientSecret": "d", "scopes": ["tickets"]},
    ],
}


@behaviour("state-file")
def test_settings_and_tokens(tmp_path: Path) -> None:
    sim = filled(tmp_path, SETTINGS)
    store, tokens = sim.store, sim.apps.tokens
    ada, gone = store.owners.by_id.values()
    [deal] = store.all("deals")
    emails = [record.properties["email"] for record in store.all("contacts")]
    two, later, mine = store.lists.by_id.values()
    members = [store.get("contacts", each) for each in two.members]

    assert (ada.id, ada.first_name, ada.teams) == ("77", "Ada", ("Sales",))
    assert (gone.last_name, gone.archived) == ("Gone", True)
    assert deal.properties["dealstage"] == "open"
    assert [each and each.properties["email"] for each in members] == [
        emails[2],
        emails[0],
    ]
    assert (later.processing, later.type_id, mine.id) == ("DYNAMIC", "0-3", "500")
    assert tokens["reader"].scopes == frozenset({"crm.objects.owners.read"})
    assert tokens["reader"].windows["others"].limit == 100
    assert tokens["short"].expires is not None
    assert (tokens["short"].app_id, tokens["short"].windows["others"].limit) == (5, 1)
    apps = sim.apps.installations
    assert (apps["r"].app.client_id, apps["r"].lifetime, apps["r"].scopes) == (
        *("a", 60),
        None,
    )
    assert [app.scopes for app in apps.values()] == [None, frozenset({"tickets"})]


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        ([], "the file: expected an object"),
        (
            {"record": {}},
            "unknown key 'record'; known keys: properties, owners, pipelines",
        ),
        ({"properties": []}, "properties: expected an object"),
        ({"properties": {"tickets": {}}}, "properties.tickets: expected a list"),
        ({"properties": {"tickets": ["ref"]}}, "tickets[0]: expected an object"),
        (
            {"properties": {"tickets": [{}]}},
            "properties.tickets[0]: 'name' must be a string",
        ),
        (
            {"properties": {"tickets": [{"name": "x", "type": "txt"}]}},
            "properties.tickets[0]: not a valid property definition",
        ),
        (
            {"properties": {"tickets": [{"name": "x", "options": [1]}]}},
            "properties.tickets[0]: not a valid property definition",
        ),
        ({"properties": {"tickets": "gone.json"}}, "gone.json: No such file"),
        (
            {"records": {"boats": 1}},
            "records.boats: unknown object type; define it under 'properties'",
        ),
        ({"records": {"tickets": "7"}}, "records.tickets: expected a list"),
        ({"records": {"tickets": True}}, "records.tickets: expected a list"),
        ({"records": {"tickets": -1}}, "records.tickets: expected 0 or more, got -1"),
        ({"records": {"tickets": [1]}}, "records.tickets[0]: expected an object"),
        (
            {"records": {"tickets": [{"a": 1}]}},
            "records.tickets[0]: tickets have no property 'a'",
        ),
        (
            {"records": {"tickets": [{}, {"hs_ticket_priority": "SOON"}]}},
            "records.tickets[1].hs_ticket_priority: SOON was not one of the allowed",
        ),
        (
            {"records": {"tickets": [{"createdate": "2024-01-01"}]}},
            "records.tickets[0].createdate: ",
        ),
        (
            {"records": {"contacts": [{"email": "a@x.org"}, {"email": "A@x.org"}]}},
            "records.contacts[1].email: another record has this value",
        ),
        ({"owners": {}}, "owners: expected a list"),
        ({"owners": [{}]}, "owners[0]: 'email' must be a string"),
        ({"owners": [{"email": 1}]}, "owners[0].email: unexpected value 1"),
        ({"owners": [{"name": "a"}]}, "owners[0]: unknown key 'name'"),
        (
            {"owners": [{"email": "a@x.org", "id": "one"}]},
            "owners[0].id: expected a number in a string",
        ),
        (
            {"owners": [{"email": "a@x.org", "teams": [1]}]},
            "owners[0].teams: expected a list of strings",
        ),
        ({"pipelines": []}, "pipelines: expected an object"),
        ({"pipelines": {"boats": []}}, "pipelines.boats: unknown object type"),
        (
            {"pipelines": {"deals": [{"label": "a", "displayOrder": 1}]}},
            "Some required fields were not set: [stages]",
        ),
        (
            {
                "pipelines": {
                    "deals": [
                        {"label": "Sales Pipeline", "displayOrder": 1, "stages": []}
                    ]
                }
            },
            "pipelines.deals[0]: The label Sales Pipeline is used already",
        ),
        ({"lists": [{}]}, "lists[0]: 'name' must be a string"),
        (
            {"lists": [{"name": "a"}, {"name": "a"}]},
            "lists[1].name: another list has this name",
        ),
        (
            {"lists": [{"name": "a", "processingType": "SLOW"}]},
            "lists[0].processingType: unknown",
        ),
        (
            {"lists": [{"name": "a", "objectType": "boats"}]},
            "lists[0].objectType: unknown object type",
        ),
        (
            {"records": {"contacts": 1}, "lists": [{"name": "a", "records": [1]}]},
            "lists[0].records: expected positions in the list of records",
        ),
        ({"tokens": [{}]}, "tokens[0]: 'token' must be a string"),
        (
            {"tokens": [{"token": "t", "tier": "gold"}]},
            "tokens[0]: tier must be one of",
        ),
        (
            {"tokens": [{"token": "t", "limit": True}]},
            "tokens[0].limit: unexpected value True",
        ),
        ({"apps": [{"clientId": "a"}]}, "apps[0]: 'clientSecret' must be a string"),
        ({"associations": {}}, "associations: expected a list"),
        ({"associations": [1]}, "associations[0]: expected an object"),
        (
            {"associations": [{"from": "contacts"}]},
            "associations[0]: 'to' must be the name of an object type",
        ),
        (
            {"associations": [{"from": "contacts", "to": "boats"}]},
            "associations[0].to: unknown object type",
        ),
        (
            {"associations": [{"from": "contacts", "to": "tickets", "pairs": 1}]},
            "associations[0].pairs: expected a list",
        ),
        (
            {
                "records": {"contacts": 1, "tickets": 1},
                "associations": [
                    {"from": "contacts", "to": "tickets", "pairs": [[0, 0], [0, 1]]}
                ],
            },
            "associations[0].pairs[1]: expected two positions in the lists of records",
        ),
        (
            {
                "records": {"contacts": 1, "tickets": 1},
                "associations": [
                    {"from": "contacts", "to": "tickets", "pairs": [[0, 0, 0]]}
                ],
            },
            "counted from 0, got [0, 0, 0]",
        ),
        (
            {
                "records": {"contacts": 2},
                "associations": [
                    {"from": "contacts", "to": "contacts", "pairs": [[0, 1], [1, 1]]}
                ],
            },
            "associations[0]: record 1 is associated to itself",
        ),
    ],
)
@behaviour("state-file", "program-mistakes")
def test_mistakes(tmp_path: Path, state: Any, complaint: str) -> None:
    """Each message names the file and the place."""
    with pytest.raises(ScriptError) as caught:
        filled(tmp_path, state)

    assert str(caught.value).startswith(f"{tmp_path / 'state.json'}: ")
    assert complaint in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 9) | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        *("properties", "records", "associations", "tickets", "from"),
                        *("to", "pairs", "name", "options", "results", "owners"),
                        *("pipelines", "lists", "tokens", "apps", "token", "email"),
                        *("label", "stages", "objectType", "clientId", "accounts"),
                        *("portalId", "installations", "codes", "redirectUris"),
                        "modificationMetadata",
                    ]
                ),
                inner,
                max_size=3,
            )
        ),
    )
)
@behaviour("state-file")
def test_any_json(tmp_path_factory: pytest.TempPathFactory, state: Any) -> None:
    """Any JSON fills a portal or raises ScriptError."""
    with suppress(ScriptError):
        filled(tmp_path_factory.getbasetemp(), state)


@behaviour("state-file", "program-mistakes")
def test_the_program_begins_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake prints one line and exits with status 2."""
    path = tmp_path / "state.json"
    path.write_text('{"records": {"boats": 1}}')

    assert main(["--port", "0", "--state", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {path}: records.boats: unknown object type")
