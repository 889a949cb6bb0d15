"""HubSpot's own properties: the data files, and what they change about values."""

import json

from importlib.resources import files
from typing import Any, get_args

import pytest

from hubbatch.simulator import Property, Simulator
from hubbatch.simulator.crm import catalogue
from hubbatch.simulator.crm.property_types import PropertyType

from .behaviours import behaviour
from .conftest import World
from .test_table import embedded


DATA = files("hubbatch.simulator.crm") / "data"
FILES = sorted(path.name for path in DATA.iterdir() if path.name.endswith(".json"))


def kept(world: World, object_type: str, name: str, value: object) -> str | None:
    """Return the stored value, or the code of the refusal."""
    inputs = [{"properties": {name: value}}]
    response = world.batch("create", inputs, type=object_type)
    if response.status == 400:
        return str(embedded(response.message)[0]["error"])
    return world.sim.store.all(object_type)[-1].properties.get(name)


# ---- the files


@pytest.mark.parametrize("name", FILES)
@behaviour("standard-properties")
def test_a_file_of_properties(name: str) -> None:
    """Names ascend, types are known, options differ, and each line has a source."""
    file = json.loads((DATA / name).read_text())
    lines = [{**file["defaults"], **line} for line in file["properties"]]
    names = [line["name"] for line in lines]

    assert names == sorted(set(names))
    assert {line.get("type", "string") for line in lines} <= set(get_args(PropertyType))
    for line in lines:
        values = [str(each) for each in line.get("options", [])]

        assert len(values) == len(set(values)), line["name"]
        assert line["recordedIn"]
        assert line["label"]


@behaviour("standard-properties")
def test_every_file_belongs_to_a_type() -> None:
    plurals = {each.plural for each in catalogue.STANDARD}

    assert {name.removesuffix(".json") for name in FILES} - plurals == {"every_object"}


@pytest.mark.parametrize("object_type", [each.plural for each in catalogue.STANDARD])
@behaviour("standard-properties", "all-types")
def test_every_type_has_what_every_object_has(object_type: str) -> None:
    shelf = Simulator().store.shelf(object_type)
    assert shelf is not None
    properties = shelf.type.properties

    assert properties.keys() >= {
        shelf.type.created,
        shelf.type.modified,
        *shelf.type.read_by_default,
        *shelf.type.shown_by_update,
        *shelf.type.fixed,
        *shelf.type.derived,
    }
    assert properties["hs_object_id"].type == "number"
    assert properties[shelf.type.created].type == "datetime"
    assert not properties[shelf.type.modified].writable


@behaviour("standard-properties")
def test_definitions_are_shared_and_changes_are_not() -> None:
    """Two portals parse a file once, and one's own properties stay its own."""
    one, other = Simulator().store, Simulator().store
    one.define("contacts", ["hobby"])
    shelves = [store.shelf("contacts") for store in (one, other)]
    first, second = (shelf.type.properties for shelf in shelves if shelf)

    assert first["email"] is second["email"]
    assert "hobby" in first
    assert "hobby" not in second


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("contacts/createdate", {"type": "datetime", "label": "Create Date"}),
        ("contacts/num_notes", {"type": "number", "groupName": "contact_activity"}),
        ("contacts/numemployees", {"type": "enumeration", "fieldType": "select"}),
        ("contacts/hs_is_contact", {"calculated": True}),
        ("contacts/hs_additional_emails", {"hasUniqueValue": True, "hidden": True}),
        ("companies/annualrevenue", {"type": "number", "showCurrencySymbol": True}),
        ("companies/hs_notes_last_activity", {"type": "object_coordinates"}),
        ("companies/hubspot_owner_id", {"externalOptions": True, "options": []}),
        ("companies/hubspot_owner_id", {"referencedObjectType": "OWNER"}),
        ("notes/hs_note_body", {"type": "string", "fieldType": "html"}),
        ("tickets/hs_object_id", {"type": "number"}),
    ],
)
@behaviour("standard-properties")
def test_definitions_as_recorded(
    world: World, path: str, expected: dict[str, Any]
) -> None:
    body = world.post(f"/crm/v3/properties/{path}", method="GET").body

    assert body.items() >= expected.items()
    assert body["hubspotDefined"] is True


# ---- values


@pytest.mark.parametrize(
    "value", ["7", "-7", "0.5", "-.5", "007", "12345678901234567890", 8, -1.5]
)
@behaviour("number-values")
def test_numbers(world: World, value: object) -> None:
    assert kept(world, "deals", "amount", value) == str(value)


@pytest.mark.parametrize(
    "value",
    [
        *("+7", "1e3", "1E-3", "1,000", "1 000", " 7", "7 ", "1.2.3", "--7", "-", "."),
        *("$7", "0x7", "½", "٣", "Infinity", "NaN", True),
    ],
)
@behaviour("number-values")
def test_what_is_not_a_number(world: World, value: object) -> None:
    assert kept(world, "deals", "amount", value) == "INVALID_INTEGER"


@pytest.mark.parametrize("value", ["low", "Low", "LOW ", "Low Priority", "urgent"])
@behaviour("enumeration-options")
def test_options_match_exactly(world: World, value: str) -> None:
    assert kept(world, "tickets", "hs_ticket_priority", value) == "INVALID_OPTION"
    assert kept(world, "tickets", "hs_ticket_priority", "LOW") == "LOW"


@pytest.mark.parametrize("value", ["TRUE", "True", "yes", "1", " true"])
@behaviour("enumeration-options")
def test_booleans_are_true_or_false(world: World, value: str) -> None:
    name = "hs_is_target_account"

    assert kept(world, "companies", name, value) == "INVALID_OPTION"
    assert kept(world, "companies", name, "true") == "true"


@pytest.mark.parametrize(
    ("object_type", "name", "value"),
    [
        ("contacts", "hubspot_owner_id", "31871817"),
        ("contacts", "hs_pipeline", "another-pipeline"),
        ("contacts", "hs_all_assigned_business_unit_ids", "0;7"),
        ("appointments", "hs_pipeline_stage", "1357763256"),
    ],
)
@behaviour("external-options")
def test_options_from_elsewhere(
    world: World, object_type: str, name: str, value: str
) -> None:
    assert kept(world, object_type, name, value) == value


@pytest.mark.parametrize("name", ["pipeline", "dealstage"])
@behaviour("external-options")
def test_listed_pipelines_are_checked(world: World, name: str) -> None:
    assert kept(world, "deals", name, "another") == "INVALID_OPTION"


@behaviour("multiple-options")
def test_a_leading_semicolon_appends(world: World) -> None:
    """Without it, a value replaces the options that are set."""
    record_id = world.ticket(hs_ticket_category="BILLING_ISSUE")

    def write(value: str) -> object:
        inputs = [{"id": record_id, "properties": {"hs_ticket_category": value}}]
        (result,) = world.batch("update", inputs).body["results"]
        return result["properties"]["hs_ticket_category"]

    assert write(";PRODUCT_ISSUE") == "BILLING_ISSUE;PRODUCT_ISSUE"
    assert write(";PRODUCT_ISSUE;GENERAL_INQUIRY") == (
        "BILLING_ISSUE;PRODUCT_ISSUE;GENERAL_INQUIRY"
    )
    assert write("FEATURE_REQUEST") == "FEATURE_REQUEST"
    assert write("") == ""
    assert write(";BILLING_ISSUE") == "BILLING_ISSUE"


@behaviour("multiple-options")
def test_a_leading_semicolon_in_a_new_record_and_elsewhere(world: World) -> None:
    category = "hs_ticket_category"

    assert kept(world, "tickets", category, ";BILLING_ISSUE") == "BILLING_ISSUE"
    assert kept(world, "tickets", category, ";reports") == "INVALID_OPTION"
    assert kept(world, "tickets", "hs_ticket_priority", ";LOW") == "INVALID_OPTION"
    assert kept(world, "tickets", "subject", ";-)") == ";-)"


@behaviour("creation-date")
def test_the_creation_date_of_deals_can_be_written(world: World) -> None:
    """A record shows it as `createdAt` too."""
    inputs = [{"properties": {"createdate": "2020-05-31T10:00:00Z"}}]
    (result,) = world.batch("create", inputs, type="deals").body["results"]

    assert result["createdAt"] == "2020-05-31T10:00:00Z"
    assert result["properties"]["createdate"] == result["createdAt"]
    assert kept(world, "contacts", "createdate", "2020-05-31") == "READ_ONLY_VALUE"


@pytest.mark.parametrize("kind", ["phone_number", "json", "object_coordinates"])
@behaviour("standard-properties")
def test_types_that_are_not_checked(world: World, kind: PropertyType) -> None:
    world.sim.store.define("tickets", [Property("x", kind)])

    assert kept(world, "tickets", "x", "any {text") == "any {text"
