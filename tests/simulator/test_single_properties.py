"""Single properties: list, read, create, change, archive and restore."""

from typing import Any

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubbatch.simulator import Property

from .behaviours import behaviour
from .conftest import MakeWorld, Response, World
from .test_properties import NEW


CONTACTS = "/crm/v3/properties/contacts"
# The keys of recorded answers of 2026, in their order; HubSpot's own properties have
# no dates of creation in the published lists.
OF_AN_ACCOUNT = [
    *("updatedAt", "createdAt", "name", "label", "type", "fieldType", "description"),
    *("groupName", "options", "createdUserId", "updatedUserId", "displayOrder"),
    *("calculated", "externalOptions", "archived", "hasUniqueValue", "hidden"),
    *("modificationMetadata", "formField", "dataSensitivity"),
]
OF_HUBSPOT = [
    *("updatedAt", "createdAt"),
    *("name", "label", "type", "fieldType", "description", "groupName", "options"),
    *("displayOrder", "calculated", "externalOptions", "hasUniqueValue", "hidden"),
    *("hubspotDefined", "modificationMetadata", "formField", "dataSensitivity"),
]
AGE = {
    "name": "age__c",
    "label": "Age",
    "groupName": "contactinformation",
    "type": "number",
    "fieldType": "number",
}


def send(
    world: World,
    method: str,
    name: str = "",
    body: object = None,
    query: dict[str, str] | None = None,
) -> Response:
    path = f"{CONTACTS}/{name}" if name else CONTACTS
    return world.post(path, body, method=method, query=query)


def names(response: Response) -> set[str]:
    return {each["name"] for each in response.body["results"]}


def code_of(world: World, properties: dict[str, str]) -> int:
    return world.batch("create", [{"properties": properties}], type="contacts").status


# ---- list and read


@pytest.mark.parametrize("base", ["v3/properties", "properties/2026-09"])
@behaviour("properties-list")
def test_list(world: World, base: str) -> None:
    world.sim.store.define("tickets", [Property("ref", unique=True)])
    response = world.post(f"/crm/{base}/tickets", method="GET")
    single = world.post(f"/crm/{base}/0-5/ref", method="GET")
    by_name = {each["name"]: each for each in response.body["results"]}

    assert response.status == 200
    assert by_name["ref"] == single.body
    assert by_name["ref"]["hasUniqueValue"] is True
    assert [*by_name] == sorted(by_name)
    assert "hubspotDefined" not in by_name["ref"]
    assert "archived" not in by_name["subject"]
    assert by_name["hs_object_id"]["modificationMetadata"]["readOnlyValue"] is True
    assert by_name["hs_ticket_category"]["fieldType"] == "checkbox"
    assert [each["value"] for each in by_name["hs_ticket_priority"]["options"]] == [
        "LOW",
        "MEDIUM",
        "HIGH",
        "URGENT",
    ]


@behaviour("properties-list")
def test_an_unknown_property(world: World) -> None:
    response = world.post(f"{CONTACTS}/no_such", method="GET")

    assert (response.status, response.body["category"]) == (404, "OBJECT_NOT_FOUND")
    assert world.post("/crm/v3/properties/butterflies", method="GET").status == 400


@behaviour("properties-list")
def test_keys_as_recorded(world: World) -> None:
    world.sim.store.define("contacts", ["ref"])
    by_name = {each["name"]: each for each in send(world, "GET").body["results"]}
    company_type = world.post("/crm/v3/properties/companies/type", method="GET").body
    option = company_type["options"][0]

    assert [*by_name["ref"]] == OF_AN_ACCOUNT
    assert [*by_name["email"]] == OF_HUBSPOT
    assert [*option] == ["label", "value", "description", "displayOrder", "hidden"]
    assert company_type["modificationMetadata"] == {
        "archivable": True,
        "readOnlyDefinition": True,
        "readOnlyOptions": False,
        "readOnlyValue": False,
    }


@behaviour("properties-list")
def test_sensitive_properties_come_only_when_asked_for(world: World) -> None:
    send(world, "POST", body={**AGE, "dataSensitivity": "sensitive"})
    sensitive = {"dataSensitivity": "sensitive"}

    assert "age__c" not in names(send(world, "GET"))
    assert names(send(world, "GET", query=sensitive)) == {"age__c"}
    assert send(world, "GET", "age__c").status == 404
    assert send(world, "GET", "age__c", query=sensitive).status == 200


@pytest.mark.parametrize("path", ["companies", "companies/name"])
@behaviour("properties-permission")
def test_without_the_scope_to_read(world: World, path: str) -> None:
    """Recorded in 2024, with rate-limit headers."""
    token = world.sim.issue_token(scopes=["crm.objects.contacts.read"])
    path = f"/crm/v3/properties/{path}"
    response = world.post(path, method="GET", token=token)

    assert response.status == 403
    assert response.body == {
        "status": "error",
        "message": (
            "You do not have permissions to view object type "
            "ObjectTypeId{legacyObjectType=COMPANY} in portal 62515 "
            "(requires one of [companies-read])"
        ),
        "correlationId": response.body["correlationId"],
    }
    assert "X-HubSpot-RateLimit-Remaining" in response.headers


@behaviour("properties-permission")
def test_without_the_scope_to_write(world: World) -> None:
    token = world.sim.issue_token(scopes=["crm.objects.contacts.read"])
    response = world.post(CONTACTS, AGE, token=token)

    assert world.post(CONTACTS, method="GET", token=token).status == 200
    assert (response.status, response.body["category"]) == (403, "MISSING_SCOPES")


# ---- create


@pytest.mark.parametrize("base", ["v3/properties", "properties/2026-09"])
@behaviour("properties-create")
def test_create(world: World, base: str) -> None:
    """As recorded in 2024 (v3) and 2026 (2026-09)."""
    path = f"/crm/{base}/contact"
    response = world.post(path, {**AGE, "displayOrder": 0, "formField": True})

    assert response.status == 201
    assert response.headers["Location"].endswith(f"{path}/age__c")
    assert [*response.body] == OF_AN_ACCOUNT
    assert (
        response.body.items() >= {**AGE, "displayOrder": 0, "formField": True}.items()
    )
    assert response.body == send(world, "GET", "age__c").body
    assert code_of(world, {"age__c": "30"}) == 201
    assert code_of(world, {"age__c": "old"}) == 400


@behaviour("properties-create")
def test_what_hubspot_sets_cannot_be_sent(world: World) -> None:
    body = send(
        world,
        "POST",
        body={
            **AGE,
            "createdAt": "2001-01-01T00:00:00Z",
            "hubspotDefined": True,
            "modificationMetadata": {"readOnlyValue": True},
        },
    ).body

    assert body["createdAt"] == body["updatedAt"] > "2001-01-02"
    assert body["modificationMetadata"]["readOnlyValue"] is False
    assert "hubspotDefined" not in body


@pytest.mark.parametrize("name", ["age__c", "email"])
@behaviour("properties-exists")
def test_a_name_that_exists(world: World, name: str) -> None:
    """Recorded in 2026."""
    send(world, "POST", body=AGE)
    response = send(world, "POST", body={**AGE, "name": name})

    assert response.status == 409
    assert response.body == {
        "status": "error",
        "category": "OBJECT_ALREADY_EXISTS",
        "subCategory": "Properties.PROPERTY_WITH_NAME_EXISTS",
        "message": f"A property named '{name}' already exists.",
        "correlationId": response.body["correlationId"],
    }


@pytest.mark.parametrize("body", [{}, {**AGE, "type": "json"}, [], "x", None])
@behaviour("properties-json")
def test_create_of_nothing(world: World, body: object) -> None:
    assert send(world, "POST", body=body).status == 400


@behaviour("properties-calculated")
def test_a_calculated_property(world: World) -> None:
    formula = {"fieldType": "calculation_equation", "calculationFormula": "1 + 1"}
    body = send(world, "POST", body={**AGE, **formula}).body

    assert (body["calculated"], body["calculationFormula"]) == (True, "1 + 1")
    assert code_of(world, {"age__c": "2"}) == 400


# ---- change


@behaviour("properties-update")
def test_change(world: World) -> None:
    """As recorded in 2026: other keys of the body are ignored."""
    created = send(world, "POST", body={**AGE, "description": "In years"}).body
    world.clock.at += 10
    response = send(
        world, "PATCH", "age__c", {"name": "other", "label": "Years", "formField": True}
    )

    assert response.status == 200
    assert [*response.body] == OF_AN_ACCOUNT
    assert response.body == {
        **created,
        "label": "Years",
        "formField": True,
        "updatedAt": response.body["updatedAt"],
    }
    assert response.body["updatedAt"] > created["updatedAt"]
    assert response.body == send(world, "GET", "age__c").body


@behaviour("properties-update")
def test_options_are_replaced_as_a_whole(world: World) -> None:
    send(world, "POST", body=NEW)
    one = [{"label": "Walk", "value": "walk", "displayOrder": 4, "hidden": True}]
    response = send(world, "PATCH", "hobby__c", {"options": one})

    assert response.body["options"] == [{**one[0], "description": ""}]
    assert code_of(world, {"hobby__c": "walk"}) == 201
    assert code_of(world, {"hobby__c": "tea"}) == 400


@behaviour("properties-update")
def test_another_type(world: World) -> None:
    send(world, "POST", body=NEW)
    text = {"type": "string", "fieldType": "text"}
    response = send(world, "PATCH", "hobby__c", text)

    assert response.body.items() >= {**text, "options": []}.items()
    assert code_of(world, {"hobby__c": "sleep"}) == 201


@pytest.mark.parametrize(
    "body",
    [
        {"type": "number"},
        {"options": []},
        {"options": "x"},
        {"groupName": "no_such_group"},
        {"label": 7},
        [],
    ],
)
@behaviour("properties-update")
def test_changes_that_are_refused(world: World, body: object) -> None:
    send(world, "POST", body=NEW)
    before = send(world, "GET", "hobby__c").body

    assert send(world, "PATCH", "hobby__c", body).status == 400
    assert send(world, "GET", "hobby__c").body == before


@behaviour("properties-of-hubspot")
def test_of_hubspots_own_only_the_options_change(world: World) -> None:
    persona: dict[str, Any] = send(world, "GET", "hs_persona").body
    option = {"label": "Ada", "value": "persona_1", "hidden": False}
    same = send(world, "PATCH", "hs_persona", {**persona, "options": [option]})

    assert same.status == 200
    assert code_of(world, {"hs_persona": "persona_1"}) == 201
    assert send(world, "PATCH", "hs_persona", {"label": "Type"}).status == 400
    assert send(world, "PATCH", "hubspot_owner_id", {"options": [option]}).status == 400
    assert send(world, "PATCH", "hs_persona", {"options": [{}]}).status == 400
    assert send(world, "DELETE", "email").status == 400
    assert send(world, "GET", "email").status == 200


# ---- archive and restore


@behaviour("properties-archive")
def test_archive(world: World) -> None:
    send(world, "POST", body=AGE)
    record = world.contact(age__c="30")
    response = send(world, "DELETE", "age__c")
    archived = send(world, "GET", "age__c", query={"archived": "true"})
    read = [{"id": record}]

    assert (response.status, response.body) == (204, b"")
    assert send(world, "GET", "age__c").status == 404
    assert "age__c" not in names(send(world, "GET"))
    assert names(send(world, "GET", query={"archived": "true"})) == {"age__c"}
    assert archived.body["archived"] is True
    assert archived.body["archivedAt"] >= archived.body["createdAt"]
    assert code_of(world, {"age__c": "30"}) == 400
    (result,) = world.batch("read", read, type="contacts", properties=["age__c"]).body[
        "results"
    ]
    assert "age__c" not in result["properties"]


@pytest.mark.parametrize("many", [False, True])
@behaviour("properties-restore")
def test_a_new_definition_restores_an_archived_name(
    world: World, *, many: bool
) -> None:
    """The values of records come back with it."""
    first = send(world, "POST", body=AGE).body
    record = world.contact(age__c="30")
    send(world, "DELETE", "age__c")
    world.clock.at += 10
    again = {**AGE, "label": "Age again"}
    if many:
        path = f"{CONTACTS}/batch/create"
        assert world.post(path, {"inputs": [again]}).status == 201
    else:
        assert send(world, "POST", body=again).status == 201
    restored = send(world, "GET", "age__c").body

    assert (restored["archived"], restored["label"]) == (False, "Age again")
    assert restored["createdAt"] == first["createdAt"] < restored["updatedAt"]
    assert send(world, "GET", query={"archived": "true"}).body["results"] == []
    assert (
        world.batch(
            "read", [{"id": record}], type="contacts", properties=["age__c"]
        ).body["results"][0]["properties"]["age__c"]
        == "30"
    )


@behaviour("properties-in-use")
def test_a_property_in_use(world: World) -> None:
    """Recorded in 2026; here a rule of the portal uses it."""
    world.sim.store.define("companies", ["used", "free"])
    world.sim.store.require("companies", "used")
    path = "/crm/properties/2026-09/companies"
    response = world.post(f"{path}/used", method="DELETE")
    names_of_both = {"inputs": [{"name": "used"}, {"name": "free"}]}

    assert response.status == 400
    assert response.body == {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "subCategory": "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE",
        "message": (
            "Property: used of object type 0-2 is currently used in 1 places and "
            "cannot be deleted"
        ),
        "correlationId": response.body["correlationId"],
    }
    assert world.post(f"{path}/batch/archive", names_of_both).status == 204
    assert world.post(f"{path}/used", method="GET").status == 200
    assert world.post(f"{path}/free", method="GET").status == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@behaviour("properties-unknown")
def test_a_property_that_does_not_exist(world: World, method: str) -> None:
    response = send(world, method, "no_such", {"label": "x"})

    assert (response.status, response.body["category"]) == (404, "OBJECT_NOT_FOUND")


# ---- any body

jsons = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["value", "label", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
option = st.fixed_dictionaries(
    {"label": st.text(max_size=3), "value": st.text(max_size=3)},
    optional={
        "displayOrder": st.integers() | jsons,
        "hidden": st.booleans() | jsons,
        "description": jsons,
    },
)
definitions = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", "b", "email", "hs_persona"]) | jsons,
        "label": st.text(max_size=3) | jsons,
        "type": st.sampled_from(["string", "number", "enumeration", "bool"]) | jsons,
        "fieldType": st.sampled_from(["text", "number", "select", "checkbox"]) | jsons,
        "groupName": st.just("contactinformation") | jsons,
        "options": st.lists(option, max_size=2) | jsons,
        "displayOrder": st.integers(-1, 5) | jsons,
        "hasUniqueValue": st.booleans() | jsons,
        "modificationMetadata": jsons,
        "createdAt": jsons,
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(bodies=st.lists(definitions | jsons, min_size=2, max_size=2))
@behaviour("properties-json")
def test_any_definition(make_world: MakeWorld, bodies: list[object]) -> None:
    """Every answer has a documented shape, and what is created can be read."""
    world = make_world()
    created = send(world, "POST", body=bodies[0])
    changed = send(world, "PATCH", "hs_persona", bodies[1])
    assert created.status in {201, 400, 409}
    assert changed.status in {200, 400}
    if created.status == 201:
        name = created.body["name"]
        assert send(world, "GET", name).body == created.body
        assert send(world, "PATCH", name, bodies[1]).status in {200, 400}
    assert send(world, "GET").status == 200
