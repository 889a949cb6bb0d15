"""Write validation, enforced in versions from 2026-09 on."""

from typing import Any

import pytest

from hubbatch.simulator import Property

from .behaviours import behaviour
from .conftest import Response, World


NEW = ("2026-09", "2026-09-beta", "2027-03")
OLD = ("v3", "2025-09", "2026-03")
DEFAULT = "contacts/companies/batch/associate/default"


def post(world: World, version: str, verb: str, *inputs: object) -> Response:
    root = "/crm/v3/objects" if version == "v3" else f"/crm/objects/{version}"
    return world.post(f"{root}/contacts/batch/{verb}", {"inputs": inputs})


def traced(trace: str, **properties: str) -> dict[str, Any]:
    return {"properties": properties, "objectWriteTraceId": trace}


# ---- required properties


@pytest.mark.parametrize("version", NEW)
@behaviour("enforced-required")
def test_a_required_property(world: World, version: str) -> None:
    """The refusal is in the changelog's words, and nothing is written."""
    world.sim.store.require("contacts", "firstname", "lastname")
    response = post(world, version, "create", {"properties": {"lastname": "Byron"}})

    assert response.status == 400
    assert response.message == "The property values provided are invalid"
    assert response.body["category"] == "VALIDATION_ERROR"
    assert response.body["errors"] == [
        {
            "code": "MISSING_REQUIRED_PROPERTY",
            "message": "A value for firstname must be provided",
            "context": {"propertyName": ["firstname"]},
        }
    ]
    assert world.sim.store.count("contacts") == 0


@pytest.mark.parametrize("version", OLD)
@behaviour("enforced-required", "enforced-conditional")
def test_older_versions_take_the_same(world: World, version: str) -> None:
    world.sim.store.require("contacts", "firstname")
    world.sim.store.require("contacts", "zip", when={"country": []})
    contact = world.contact()
    made = post(world, version, "create", {"properties": {"country": "US"}})
    item = {"id": contact, "properties": {"country": "US"}}

    assert made.status == 201
    assert post(world, version, "update", item).status == 200


@behaviour("enforced-required")
def test_a_required_property_of_a_traced_create(world: World) -> None:
    """The other input is written."""
    world.sim.store.require("contacts", "firstname")
    good, bad = traced("a", firstname="Ada"), traced("b", lastname="Byron")
    response = post(world, "2026-09", "create", good, bad)
    (error,) = response.body["errors"]

    assert (response.status, len(response.body["results"])) == (207, 1)
    assert error["context"] == {"objectWriteTraceId": ["b"]}
    assert error["errors"][0]["code"] == "MISSING_REQUIRED_PROPERTY"


@behaviour("enforced-required")
def test_an_update_need_not_set_what_a_create_must(world: World) -> None:
    """Neither need an upsert of an existing record; an upsert that creates must."""
    world.sim.store.require("contacts", "firstname")
    contact = world.contact(email="ada@example.com")
    update = {"id": contact, "properties": {"lastname": "Byron"}}
    old, new = (
        {
            "id": f"{name}@example.com",
            "idProperty": "email",
            "properties": {"lastname": "Byron"},
        }
        for name in ("ada", "bob")
    )

    assert post(world, "2026-09", "update", update).status == 200
    assert post(world, "2026-09", "upsert", old).status == 200
    assert post(world, "2026-09", "upsert", new).status == 400


@pytest.mark.parametrize("verb", ["create", "update", "upsert"])
@behaviour("enforced-conditional")
def test_a_conditionally_required_property(world: World, verb: str) -> None:
    """All problems are in `errors`; there is no top-level message."""
    world.sim.store.require("contacts", "zip", when={"country": ["US"]})
    keys: dict[str, Any] = {}
    if verb == "update":
        keys = {"id": world.contact()}
    elif verb == "upsert":
        keys = {"id": "ada@example.com", "idProperty": "email"}
    response = post(world, "2026-09", verb, {**keys, "properties": {"country": "US"}})

    assert response.status == 400
    assert set(response.body) == {"status", "correlationId", "category", "errors"}
    assert response.body["errors"] == [
        {
            "code": "MISSING_CONDITIONAL_REQUIRED_PROPERTY",
            "message": "zip is required because of a conditional property rule "
            "based on [country]",
            "context": {"propertyName": ["zip"]},
        }
    ]


@pytest.mark.parametrize(
    "properties",
    [
        {"country": "DE"},
        {"country": ""},
        {"city": "Boston"},
        {"country": "US", "zip": "02108"},
    ],
)
@behaviour("enforced-conditional")
def test_a_condition_that_is_not_met(world: World, properties: object) -> None:
    world.sim.store.require("contacts", "zip", when={"country": ["US"]})
    response = post(world, "2026-09", "create", {"properties": properties})

    assert response.status == 201


@behaviour("enforced-conditional")
def test_what_a_record_has_already_counts(world: World) -> None:
    """A value that the write clears does not count."""
    world.sim.store.require("contacts", "zip", when={"country": []})
    contact = world.contact(zip="02108")
    kept = {"id": contact, "properties": {"country": "US"}}
    cleared = {"id": contact, "properties": {"country": "DE", "zip": ""}}

    assert post(world, "2026-09", "update", kept).status == 200
    assert post(world, "2026-09", "update", cleared).status == 400


@behaviour("enforced-conditional")
def test_a_condition_in_a_traced_update(world: World) -> None:
    """The error in the 207 has no message either."""
    world.sim.store.require("contacts", "zip", when={"country": []})
    first, second = world.contact(), world.contact()
    response = post(
        world,
        "2026-09",
        "update",
        {"id": first, **traced("a", country="US")},
        {"id": second, **traced("b", city="Boston")},
    )
    (error,) = response.body["errors"]

    assert (response.status, [*response.by_id]) == (207, [second])
    assert "message" not in error
    assert error["context"] == {"objectWriteTraceId": ["a"]}


# ---- dates


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("2026-09-14T10:30:00Z", "2026-09-14"),
        ("2026-09-14T00:00:00Z", "2026-09-14"),
        ("1789381800000", "2026-09-14"),
        ("1789381800", "2026-09-14"),
        (1789381801, "2026-09-14"),
    ],
)
@behaviour("enforced-dates")
def test_a_date_is_changed_and_not_refused(
    world: World, raw: object, stored: str
) -> None:
    world.sim.store.define("contacts", [Property("born", "date")])
    response = post(world, "2026-09", "create", {"properties": {"born": raw}})
    (result,) = response.body["results"]

    assert (response.status, result["properties"]["born"]) == (201, stored)
    assert result["warnings"] == [
        {
            "category": "PROPERTY_VALUE_NORMALIZED",
            "message": "born was normalized",
            "context": {
                "propertyName": "born",
                "rawValue": str(raw),
                "normalizedValue": stored,
            },
        }
    ]


@pytest.mark.parametrize("raw", ["2026-09-14", "1789344000000", "", None])
@behaviour("enforced-dates")
def test_a_date_that_stays_as_it_is(world: World, raw: object) -> None:
    world.sim.store.define("contacts", [Property("born", "date")])
    response = post(world, "2026-09", "create", {"properties": {"born": raw}})
    (result,) = response.body["results"]

    assert (response.status, "warnings" in result) == (201, False)


@behaviour("enforced-dates")
def test_invalid_dates_are_refused_in_every_version(world: World) -> None:
    world.sim.store.define("contacts", [Property("born", "date")])
    for raw, version in (
        ("yesterday", "2026-09"),
        ("1789381800000", "v3"),
        ("1789381800", "2026-03"),
    ):
        response = post(world, version, "create", {"properties": {"born": raw}})

        assert response.status == 400


# ---- the permission to edit associations


@pytest.mark.parametrize(
    "root", ["/crm/v4/associations", *(f"/crm/associations/{item}" for item in NEW)]
)
@pytest.mark.parametrize(
    "verb", ["create", "associate/default", "archive", "labels/archive"]
)
@behaviour("associations-permission")
def test_a_user_who_may_not_edit_associations(
    world: World, root: str, verb: str
) -> None:
    """The whole call gets a 400, whatever its pairs."""
    weak = world.sim.issue_token(tier="oauth", edits_associations=False)
    contact, company = world.contact(), world.sim.store.create("companies", {}).id
    inputs = [{"from": {"id": contact}, "to": {"id": company}}]
    path = f"{root}/contacts/companies/batch/{verb}"
    response = world.post(path, {"inputs": inputs}, token=weak)

    assert response.status == 400
    assert response.message == "Missing 'Edit Associations' permission."
    assert response.body["category"] == "VALIDATION_ERROR"
    assert "errors" not in response.body
    read = {"inputs": [{"id": contact}]}
    answer = world.post(f"{root}/contacts/companies/batch/read", read, token=weak)
    assert answer.body["errors"][0]["category"] == "OBJECT_NOT_FOUND"


@behaviour("associations-permission")
def test_who_may_edit_associations(world: World) -> None:
    """All other users may, and all users in older dated versions."""
    weak = world.sim.issue_token(tier="oauth", edits_associations=False)
    contact, company = world.contact(), world.sim.store.create("companies", {}).id
    body = {"inputs": [{"from": {"id": contact}, "to": {"id": company}}]}
    for root, token in (
        ("/crm/associations/2026-03", weak),
        ("/crm/associations/2026-09", world.token),
    ):
        assert world.post(f"{root}/{DEFAULT}", body, token=token).status == 200


@behaviour("associations-permission")
def test_creates_with_associations_need_the_permission(world: World) -> None:
    weak = world.sim.issue_token(tier="oauth", edits_associations=False)
    company = world.sim.store.create("companies", {}).id
    usual = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}
    item = {
        "properties": {"firstname": "Ada"},
        "associations": [{"to": {"id": company}, "types": [usual]}],
    }
    for version, status in (("2026-09", 400), ("2026-03", 201)):
        path = f"/crm/objects/{version}/contacts/batch/create"
        response = world.post(path, {"inputs": [item]}, token=weak)

        assert response.status == status


# ---- unique values that no record has


@behaviour("quirk-missing-coordinates")
def test_unknown_unique_values_refuse_the_whole_update(world: World) -> None:
    world.sim.store.define("tickets", [Property("ref", unique=True)])
    world.sim.faults.set(missing_coordinates=True)
    known = world.ticket(ref="a")
    inputs = [
        {"id": ref, "idProperty": "ref", "properties": {"subject": "new"}}
        for ref in ("a", "b", "c:d")
    ]
    response = world.batch("update", inputs)
    record = world.sim.store.get("tickets", known)

    assert response.status == 400
    assert response.body["context"] == {
        "missingObjectPropertyValueCoordinates": ["0-5-ref:b", "0-5-ref:c:d"]
    }
    assert record is not None
    assert "subject" not in record.properties
    assert world.batch("update", inputs[:1]).status == 200
    world.sim.faults.set(missing_coordinates=False)
    assert world.batch("update", inputs).status == 207


@pytest.mark.parametrize(
    ("when", "old", "new"), [("always", 400, 400), ("never", 201, 201)]
)
@behaviour("quirk-write-validation")
def test_validation_can_be_switched(
    world: World, when: str, old: int, new: int
) -> None:
    """In batches, for single records, and for the permission on associations."""
    world.sim.faults.set(write_validation=when)
    world.sim.store.require("contacts", "firstname")
    user = world.sim.issue_token(edits_associations=False)
    item = {"properties": {"lastname": "Byron"}}
    ends = {"from": {"id": world.contact()}, "to": {"id": world.ticket()}}
    statuses = [
        post(world, version, "create", item).status for version in ("v3", "2026-09")
    ]
    singles = [
        world.post(f"/crm/{path}/contacts", item).status
        for path in ("v3/objects", "objects/2026-09")
    ]
    associated = [
        world.post(
            f"/crm/{path}/contacts/tickets/batch/associate/default",
            {"inputs": [ends]},
            token=user,
        ).status
        for path in ("v4/associations", "associations/2026-03")
    ]

    assert statuses == singles == [old, new]
    assert associated == ([400, 400] if when == "always" else [200, 200])
