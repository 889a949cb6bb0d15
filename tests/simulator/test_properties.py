"""The properties API: batches of definitions, and what a definition must have."""

from typing import Any

import pytest

from .behaviours import behaviour
from .conftest import Response, World


V3 = "/crm/v3/properties/contacts"
NEW: dict[str, Any] = {
    "name": "hobby__c",
    "label": "Hobby",
    "groupName": "contactinformation",
    "type": "enumeration",
    "fieldType": "checkbox",
    "options": [{"label": "Art", "value": "art"}, {"label": "Tea", "value": "tea"}],
}

FORMULA = "calculation_equation"
# The keys of a recorded answer of 2026, in their order.
CREATED = [
    *("name", "label", "type", "fieldType", "description", "groupName", "options"),
    *("displayOrder", "calculated", "externalOptions", "hasUniqueValue", "hidden"),
    *("modificationMetadata", "formField", "dataSensitivity"),
]


def batch(world: World, verb: str, *inputs: object) -> Response:
    return world.post(f"{V3}/batch/{verb}", {"inputs": inputs})


@behaviour("properties-batch-create")
def test_create(world: World) -> None:
    """As recorded in 2026: an existing name fails only its own input."""
    first = batch(world, "create", NEW)
    again = batch(world, "create", NEW, {**NEW, "name": "other", "fieldType": "select"})
    write = world.batch(
        "create", [{"properties": {"hobby__c": "art;tea"}}], type="contacts"
    )
    wrong = world.batch(
        "create", [{"properties": {"hobby__c": "sleep"}}], type="contacts"
    )

    assert first.status == 201
    assert [*first.body["results"][0]] == CREATED
    assert (
        first.body["results"][0].items()
        >= {
            "name": "hobby__c",
            "label": "Hobby",
            "fieldType": "checkbox",
        }.items()
    )
    assert again.status == 207
    assert [item["name"] for item in again.body["results"]] == ["other"]
    assert again.body["errors"] == [
        {
            "status": "error",
            "category": "OBJECT_ALREADY_EXISTS",
            "subCategory": "Properties.PROPERTY_WITH_NAME_EXISTS",
            "message": "A property named 'hobby__c' already exists.",
            "context": {"name": ["hobby__c"]},
        }
    ]
    assert (write.status, wrong.status) == (201, 400)


@pytest.mark.parametrize("name", ["", "Hobby", "1st", "my hobby", "hobby-x", "é"])
@behaviour("properties-json")
def test_names(world: World, name: str) -> None:
    response = batch(world, "create", {**NEW, "name": name})

    assert (response.status, response.message) == (
        400,
        f"Property name {name} is invalid",
    )


@behaviour("properties-batch-create")
def test_labels_and_groups_are_kept(world: World) -> None:
    batch(world, "create", {**NEW, "description": "What they like"})
    read = world.post(f"{V3}/hobby__c", method="GET").body

    assert read == batch(world, "read", {"name": "hobby__c"}).body["results"][0]
    assert (
        read.items()
        >= {
            "label": "Hobby",
            "groupName": "contactinformation",
            "fieldType": "checkbox",
            "description": "What they like",
        }.items()
    )


@behaviour("properties-batch-read")
def test_read(world: World) -> None:
    response = batch(world, "read", {"name": "email"}, {"name": "no_such"})

    assert response.status == 207
    assert [item["name"] for item in response.body["results"]] == ["email"]
    assert response.body["errors"][0]["context"] == {"name": ["no_such"]}
    assert batch(world, "read", {"name": "email"}).status == 200


@behaviour("properties-batch-archive")
def test_archive(world: World) -> None:
    """Custom properties are archived; HubSpot's own stay."""
    batch(world, "create", NEW)
    names = [{"name": name} for name in ("hobby__c", "email", "no_such")]

    assert batch(world, "archive", *names).status == 204
    assert world.post(f"{V3}/hobby__c", method="GET").status == 404
    assert world.post(f"{V3}/email", method="GET").status == 200


@pytest.mark.parametrize(
    ("verb", "item", "missing"),
    [
        ("read", {}, "[name]"),
        ("read", 1, "[name]"),
        ("create", {"name": "x"}, "[fieldType, groupName, label, type]"),
        ("create", {**NEW, "type": "poem"}, "[type]"),
        ("create", {**NEW, "options": {}}, "[options]"),
        ("create", {**NEW, "options": [{"label": "x"}]}, "[options]"),
        ("create", {**NEW, "options": []}, "[options]"),
        ("create", {**NEW, "options": None}, "[options]"),
        ("create", {**NEW, "options": [{"value": "x"}]}, "[options]"),
        ("create", {**NEW, "displayOrder": "first"}, "[displayOrder]"),
        ("create", {**NEW, "fieldType": FORMULA}, "[calculationFormula]"),
        ("create", {**NEW, "fieldType": "poem"}, "[fieldType]"),
        ("create", {**NEW, "type": "number"}, "[fieldType]"),
    ],
)
@behaviour("properties-json")
def test_missing_fields(world: World, verb: str, item: object, missing: str) -> None:
    response = batch(world, verb, item)

    assert response.status == 400
    assert response.message.endswith(f"not set: {missing}")


@pytest.mark.parametrize(
    "item",
    [
        {**NEW, "groupName": "no_such_group"},
        {**NEW, "options": [NEW["options"][0]] * 2},
    ],
)
@behaviour("properties-json")
def test_definitions_that_are_refused(world: World, item: object) -> None:
    response = batch(world, "create", item)

    assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")


@behaviour("properties-json")
def test_inputs(world: World) -> None:
    assert world.post(f"{V3}/batch/read", []).status == 400
    assert batch(world, "read", *[{"name": "email"}] * 101).status == 400
