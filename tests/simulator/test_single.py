"""Calls on one record."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from hubbatch.simulator import Property

from .behaviours import behaviour
from .conftest import Response, World


V3 = "/crm/v3/objects"
SEPTEMBER = "/crm/objects/2026-09"
NOT_FOUND = (
    b'<html>\n<head>\n<meta http-equiv="Content-Type" content="text/html;'
    b'charset=utf-8"/>\n<title>Error 404 Not Found</title>\n</head>\n<body>'
    b"<h2>HTTP ERROR 404</h2>\n<p>Resource not found</p>\n</body>\n</html>\n"
)


def get(world: World, path: str, **query: str) -> Response:
    return world.post(f"{V3}/{path}", method="GET", query=query)


def patch(
    world: World, path: str, properties: Mapping[str, object], **query: str
) -> Response:
    body = {"properties": properties}
    return world.post(f"{V3}/{path}", body, method="PATCH", query=query)


def create(world: World, kind: str, **properties: object) -> Response:
    return world.post(f"{V3}/{kind}", {"properties": properties})


def delete(world: World, path: str) -> Response:
    return world.post(f"{V3}/{path}", method="DELETE", content=b"")


def assert_not_found(response: Response) -> None:
    assert response.status == 404
    assert response.headers["X-HubSpot-NotFound"] == "true"
    assert response.reply.answer.content_type == "text/html;charset=iso-8859-1"
    assert response.body == NOT_FOUND


# ---- read


@pytest.mark.parametrize("base", [V3, "/crm/objects/2026-03", SEPTEMBER])
@behaviour("single-read", "versions")
def test_read(world: World, base: str) -> None:
    """Keys and default properties as recorded in 2024 and 2026."""
    contact = world.contact(email="Ada@x.org", firstname="Ada", phone="1")
    response = world.post(f"{base}/contacts/{contact}", method="GET")

    assert response.status == 200
    assert [*response.body] == [
        *("id", "properties", "createdAt", "updatedAt", "archived", "url"),
    ]
    assert response.body["id"] == contact
    assert response.body["properties"] == {
        "createdate": "2026-09-14T12:00:00Z",
        "email": "Ada@x.org",
        "firstname": "Ada",
        "hs_object_id": contact,
        "lastmodifieddate": "2026-09-14T12:00:00Z",
        "lastname": None,
    }


@pytest.mark.parametrize(
    "asked", ["subject,hs_file_upload,nosuch", "subject&hs_file_upload&nosuch"]
)
@behaviour("single-read", "shown-by-read", "read-unknown-property")
def test_requested_properties(world: World, asked: str) -> None:
    """Unset ones are null, unknown ones are missing; commas or repeated."""
    ticket = world.ticket(subject="x", content="y")
    response = get(world, f"tickets/{ticket}", properties=asked)

    assert response.body["properties"] == {
        "createdate": "2026-09-14T12:00:00Z",
        "hs_file_upload": None,
        "hs_lastmodifieddate": "2026-09-14T12:00:00Z",
        "hs_object_id": ticket,
        "subject": "x",
    }


@behaviour("single-read", "history")
def test_history(world: World) -> None:
    """The property is in both places, and the default properties are not shown."""
    contact = world.contact(firstname="Ada", email="ada@x.org")
    world.clock.at += 60
    patch(world, f"contacts/{contact}", {"firstname": "Eve"})
    body = get(world, f"contacts/{contact}", propertiesWithHistory="firstname").body

    assert [*body["properties"]] == [
        *("createdate", "firstname", "hs_object_id", "lastmodifieddate"),
    ]
    assert [item["value"] for item in body["propertiesWithHistory"]["firstname"]] == [
        *("Eve", "Ada"),
    ]


@behaviour("single-not-found")
def test_unknown_records(world: World) -> None:
    """A page of HTML, byte for byte as recorded."""
    gone = world.contact(email="gone@x.org")
    world.sim.store.archive("contacts", gone)
    for path, query in (
        ("contacts/1", {}),
        ("contacts/abc", {}),
        (f"contacts/{gone}", {}),
        ("contacts/gone@x.org", {"idProperty": "email"}),
    ):
        assert_not_found(get(world, path, **query))
        assert_not_found(patch(world, path, {"firstname": "x"}, **query))


@behaviour("single-not-found")
def test_an_id_that_is_not_positive(world: World) -> None:
    """The only 404 in JSON."""
    for response in (
        get(world, "contacts/0"),
        patch(world, "contacts/0", {"firstname": "x"}),
        delete(world, "contacts/-1"),
    ):
        assert response.status == 404
        assert response.message == "Object not found. objectId is usually positive."


@behaviour("single-by-unique")
def test_by_a_unique_property(world: World) -> None:
    world.sim.store.define("tickets", [Property("ref", unique=True)])
    contact, ticket = world.contact(email="ada@x.org"), world.ticket(ref="R-1")
    by_email = get(world, "contacts/ADA@x.org", idProperty="email")
    by_ref = get(world, "tickets/R-1", idProperty="ref")

    assert by_email.body["id"] == contact
    assert by_ref.body["id"] == ticket
    assert patch(world, "tickets/R-1", {"subject": "x"}, idProperty="ref").body[
        "id"
    ] == (ticket)


@pytest.mark.parametrize("name", ["domain", "hs_object_id", "nosuch"])
@behaviour("single-by-unique")
def test_a_property_that_is_not_unique_finds_nothing(world: World, name: str) -> None:
    """A live check of 2026: 404, where batches refuse the property with a 400."""
    company = world.sim.store.create("companies", {"domain": "a.example"}).id
    key = company if name == "hs_object_id" else "a.example"

    assert_not_found(get(world, f"companies/{key}", idProperty=name))
    assert_not_found(patch(world, f"companies/{key}", {"name": "x"}, idProperty=name))


@behaviour("single-archived")
def test_archived_records(world: World) -> None:
    gone, live = world.contact(email="a@x.org"), world.contact(email="b@x.org")
    world.sim.store.archive("contacts", gone)
    by_email = {"archived": "true", "idProperty": "email"}

    assert get(world, f"contacts/{gone}", archived="true").body["archived"] is True
    assert get(world, "contacts/a@x.org", **by_email).body["id"] == gone
    assert_not_found(get(world, f"contacts/{live}", archived="true"))
    assert_not_found(get(world, f"contacts/{gone}", archived="false"))


# ---- create


@pytest.mark.parametrize("base", [V3, SEPTEMBER])
@behaviour("single-create", "versions")
def test_create(world: World, base: str) -> None:
    """201 with what was written and what HubSpot sets, and the record's address."""
    body = {"properties": {"name": "ACME", "domain": "acme.example"}}
    response = world.post(f"{base}/companies", body)
    made = response.body

    assert response.status == 201
    assert response.headers["Location"] == (
        f"https://api.hubapi.com{base}/companies/{made['id']}"
    )
    assert [*made] == [
        *("id", "properties", "createdAt", "updatedAt", "archived", "url"),
    ]
    assert (
        made["properties"].items()
        >= {
            "name": "ACME",
            "website": "acme.example",
            "hs_object_source": "INTEGRATION",
            "hs_object_id": made["id"],
        }.items()
    )
    assert world.sim.store.count("companies") == 1


@behaviour("single-create", "create-associations")
def test_create_with_associations(world: World) -> None:
    """They are made, with ids as numbers too, and not shown."""
    contact = world.contact()
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 16}]
    associations = [{"to": {"id": int(contact)}, "types": types}]
    made = world.post(
        f"{V3}/tickets", {"properties": {"subject": "x"}, "associations": associations}
    )
    read = get(world, f"tickets/{made.body['id']}", associations="contacts").body

    assert made.status == 201
    assert "associations" not in made.body
    assert read["associations"]["contacts"]["results"][0]["id"] == contact


@behaviour("single-conflict")
def test_an_address_that_exists(world: World) -> None:
    """The recorded body: it names the owner."""
    owner = world.contact(email="ada@x.org")
    response = create(world, "contacts", email="ADA@x.org")

    assert response.status == 409
    assert response.body == {
        "status": "error",
        "message": f"Contact already exists. Existing ID: {owner}",
        "correlationId": response.body["correlationId"],
        "category": "CONFLICT",
    }


@behaviour("single-conflict")
def test_a_unique_value_that_exists(world: World) -> None:
    world.ticket(hs_external_object_ids="R")
    made = create(world, "tickets", hs_external_object_ids="R")
    ticket = world.ticket()
    changed = patch(world, f"tickets/{ticket}", {"hs_external_object_ids": "R"})

    for response in (made, changed):
        assert response.status == 400
        assert response.message.startswith("Cannot set PropertyValueCoordinates{")
    assert world.sim.store.count("tickets") == 2


@behaviour("single-invalid")
def test_invalid_values(world: World) -> None:
    """The problems are JSON inside the message."""
    ticket = world.ticket(subject="old")
    wrong = {"subject": "new", "nosuch": "x"}
    made = create(world, "tickets", **wrong)
    changed = patch(world, f"tickets/{ticket}", wrong)

    for response in (made, changed):
        text, _, embedded = response.message.partition(": ")
        (problem,) = msgspec.json.decode(embedded)
        assert response.status == 400
        assert text == "Property values were not valid"
        assert (problem["error"], problem["name"]) == (
            "PROPERTY_DOESNT_EXIST",
            "nosuch",
        )
        assert response.body["category"] == "VALIDATION_ERROR"
    assert [each.properties["subject"] for each in world.sim.store.all("tickets")] == [
        "old"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[]", "line 1, column 1: Cannot deserialize value of type `com.hubspot."),
        (
            b'{"x":1}',
            "line 1, column 7. Some required fields were not set: [properties]",
        ),
        (b'{"properties":[]}', "Cannot deserialize value of type `java.util.Linked"),
        (b'{"properties":{"subject":{}}}', "`java.lang.String` from Object value"),
        (b"{", "Invalid input JSON on line 1, column"),
    ],
)
@behaviour("single-invalid", "invalid-json")
def test_invalid_bodies(world: World, content: bytes, message: str) -> None:
    ticket = world.ticket()
    for path, method in (("tickets", "POST"), (f"tickets/{ticket}", "PATCH")):
        response = world.post(f"{V3}/{path}", content=content, method=method)

        assert response.status == 400
        assert message in response.message


@behaviour("single-create", "enforced-required", "associations-permission")
def test_rules_since_2026_09(world: World) -> None:
    """v3 accepts the body that 2026-09 refuses."""
    world.sim.store.require("contacts", "firstname")
    token = world.sim.issue_token(edits_associations=False)
    body: dict[str, Any] = {"properties": {"lastname": "x"}}
    refused = world.post(f"{SEPTEMBER}/contacts", body)
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 15}]
    body["associations"] = [{"to": {"id": world.ticket()}, "types": types}]
    forbidden = world.post(f"{SEPTEMBER}/contacts", body, token=token)

    assert refused.body["errors"][0]["code"] == "MISSING_REQUIRED_PROPERTY"
    assert forbidden.message == "Missing 'Edit Associations' permission."
    assert world.post(f"{V3}/contacts", body, token=token).status == 201


# ---- update


@behaviour("single-update")
def test_update(world: World) -> None:
    """What was written and a few fixed properties; the address is not among them."""
    contact = world.contact(email="ada@x.org", firstname="Ada", phone="1")
    world.clock.at += 60
    response = patch(world, f"contacts/{contact}", {"firstname": "Eve", "phone": ""})
    shown = response.body["properties"]

    assert response.status == 200
    assert shown["firstname"] == "Eve"
    assert shown["phone"] == ""
    assert shown.keys().isdisjoint({"email", "lastname", "hs_email_domain"})
    assert response.body["updatedAt"] == "2026-09-14T12:01:00Z"


@behaviour("single-update")
def test_update_by_email(world: World) -> None:
    """A single update finds a contact by its address; a batch does not."""
    contact = world.contact(email="ada@x.org")
    response = patch(
        world, "contacts/ada@x.org", {"firstname": "Ada"}, idProperty="email"
    )

    assert response.body["id"] == contact
    assert world.sim.store.all("contacts")[0].properties["firstname"] == "Ada"


@behaviour("single-update")
def test_only_the_path_says_which_record(world: World) -> None:
    contact, other = world.contact(email="a@x.org"), world.contact(email="b@x.org")
    properties = {"firstname": "Ada"}
    body = {"id": "b@x.org", "idProperty": "email", "properties": properties}
    response = world.post(f"{V3}/contacts/{contact}", body, method="PATCH")
    untouched = world.sim.store.get("contacts", other)

    assert response.body["id"] == contact
    assert untouched is not None
    assert "firstname" not in untouched.properties


@behaviour("single-update", "update-without-properties")
def test_update_of_nothing(world: World) -> None:
    """The recorded refusal."""
    response = patch(world, f"contacts/{world.contact()}", {})

    assert response.status == 400
    assert response.message == (
        "No properties found to update, please provide at least one."
    )
    assert response.body["context"] == {"properties": ["{}"]}


# ---- archive


@behaviour("single-archive")
def test_archive(world: World) -> None:
    """204 without a body, also for unknown ids; the record is gone at once."""
    ticket = world.ticket()
    answers = [delete(world, f"tickets/{ticket}") for _ in range(2)]
    answers.append(delete(world, "tickets/1234567890"))

    for response in answers:
        assert response.status == 204
        assert response.body == b""
        assert response.reply.answer.content_type is None
    assert_not_found(get(world, f"tickets/{ticket}"))
    assert world.sim.store.count("tickets") == 0


# ---- which types have what, and who may call


@behaviour("single-verbs")
def test_types_without_a_call(world: World) -> None:
    """From 2026-09 on, all types have all calls."""
    body = {"properties": {"hubspot_owner_id": "7"}}

    assert world.post(f"{V3}/contracts", body).status == 405
    assert world.post(f"{SEPTEMBER}/contracts", body).status == 201
    assert world.post(f"{V3}/butterflies", body).status == 400


@behaviour("single-scopes")
def test_scopes(world: World) -> None:
    ticket = world.ticket()
    token = world.sim.issue_token(scopes=["crm.objects.contacts.read"])
    contact = world.contact()
    read = world.post(f"{V3}/contacts/{contact}", method="GET", token=token)
    written = world.post(
        f"{V3}/contacts/{contact}",
        {"properties": {"firstname": "x"}},
        method="PATCH",
        token=token,
    )
    other = world.post(f"{V3}/tickets/{ticket}", method="GET", token=token)

    assert (read.status, written.status, other.status) == (200, 403, 403)
