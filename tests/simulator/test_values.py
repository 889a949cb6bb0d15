"""Property values: which are valid, and how they are stored."""

import pytest

from hubbatch.simulator import Property

from .behaviours import behaviour
from .conftest import Response, World
from .test_table import embedded


def refused(response: Response) -> tuple[str, str]:
    """Return the code and the message of a refusal with one problem."""
    (problem,) = embedded(response.message)
    (detail,) = response.body["errors"]

    assert response.status == 400
    assert detail == {
        "message": problem["message"],
        "code": problem["error"],
        "context": {"propertyName": [problem["name"]]},
    }

    return str(problem["error"]), str(problem["message"])


@pytest.mark.parametrize(
    ("object_type", "name", "value", "code", "message"),
    [
        (
            "tickets",
            "hs_ticket_category",
            "reports",
            "INVALID_OPTION",
            (
                "reports was not one of the allowed options: [PRODUCT_ISSUE, "
                "BILLING_ISSUE, FEATURE_REQUEST, GENERAL_INQUIRY]"
            ),
        ),
        (
            "contacts",
            "email",
            "name@domain",
            "INVALID_EMAIL",
            "Email address name@domain is invalid",
        ),
        (
            "contacts",
            "closedate",
            "asd000",
            "INVALID_LONG",
            "asd000 was not a valid long. Portal 62515, object type 0-1",
        ),
        (
            "communications",
            "hs_timestamp",
            "tomorrow",
            "INVALID_LONG",
            "tomorrow was not a valid long. Portal 62515, object type 0-18",
        ),
        (
            "deals",
            "amount",
            "a lot",
            "INVALID_INTEGER",
            "a lot was not a valid number",
        ),
        (
            "tickets",
            "hs_unique_creation_key",
            "k",
            "READ_ONLY_VALUE",
            (
                '"hs_unique_creation_key" is a read only property; its value cannot be '
                "set."
            ),
        ),
        (
            "line_items",
            "colour",
            "red",
            "PROPERTY_DOESNT_EXIST",
            'Property "colour" does not exist',
        ),
        (
            "companies",
            "lifecyclestage",
            "Lead",
            "INVALID_OPTION",
            (
                "Lead was not one of the allowed options: [subscriber, lead, "
                "marketingqualifiedlead, salesqualifiedlead, opportunity, customer, "
                "evangelist, other]"
            ),
        ),
    ],
)
@behaviour("invalid-value-codes")
def test_codes(
    world: World, object_type: str, name: str, value: str, code: str, message: str
) -> None:
    """Each code comes with the recorded message."""
    response = world.batch("create", [{"properties": {name: value}}], type=object_type)

    assert refused(response) == (code, message)


@behaviour("invalid-value-codes")
def test_date_is_a_midnight(world: World) -> None:
    world.sim.store.define("deals", [Property("signed", "date")])

    def create(value: object) -> Response:
        return world.batch("create", [{"properties": {"signed": value}}], type="deals")

    assert refused(create(1579179660000)) == (
        "INVALID_DATE",
        "1579179660000 is at 13:1:0.0 UTC, not midnight!",
    )
    assert refused(create("soon"))[0] == "INVALID_LONG"
    for value in ("2020-01-16", 1579132800000):
        (result,) = create(value).body["results"]

        assert result["properties"]["signed"] == "2020-01-16"


@behaviour("values-are-strings")
def test_values_come_back_as_text(world: World) -> None:
    """Numbers and booleans are accepted and stored as strings."""
    world.sim.store.define("deals", [Property("won", "bool"), Property("n", "number")])
    properties = {"amount": 3039, "won": True, "dealname": 1.5, "n": "-1.5"}
    response = world.batch("create", [{"properties": properties}], type="deals")
    (result,) = response.body["results"]

    assert (
        result["properties"].items()
        >= {
            "amount": "3039",
            "won": "true",
            "dealname": "1.5",
            "n": "-1.5",
        }.items()
    )
    assert list(result["properties"]) == sorted(result["properties"])


@behaviour("dates-in-two-forms")
def test_instants_are_read_as_iso(world: World) -> None:
    for value in ("1729723356650", "2024-10-23T22:42:36.650Z"):
        properties = {"hs_timestamp": value}
        response = world.batch(
            "create", [{"properties": properties}], type="communications"
        )
        shown = response.body["results"][0]["properties"]["hs_timestamp"]

        assert shown == "2024-10-23T22:42:36.650Z"


@behaviour("multiple-options")
def test_several_options(world: World) -> None:
    def status(value: str) -> int:
        inputs = [{"properties": {"hs_ticket_category": value}}]
        return world.batch("create", inputs).status

    assert status("PRODUCT_ISSUE;BILLING_ISSUE") == 201
    assert status("PRODUCT_ISSUE;reports") == 400


@behaviour("email-lower-case")
def test_email_is_kept_in_lower_case(world: World) -> None:
    create = [{"properties": {"email": "Siena.Dyer@HubSpot.com"}}]
    made = world.batch("create", create, type="contacts").body["results"][0]
    found = world.batch(
        "read", [{"id": "SIENA.dyer@hubspot.com"}], type="contacts", idProperty="email"
    )

    assert made["properties"]["email"] == "siena.dyer@hubspot.com"
    assert list(found.by_id) == [made["id"]]


@behaviour("secondary-emails")
def test_secondary_email(world: World) -> None:
    """It identifies the contact, whose result shows the primary address."""
    contact = world.contact(email="a@x.org", hs_additional_emails="b@x.org;c@x.org")
    read = world.batch(
        "read",
        [{"id": "C@x.org"}],
        type="contacts",
        idProperty="email",
        properties=["email", "hs_additional_emails"],
    )
    inputs = [
        {"id": "b@x.org", "idProperty": "email", "properties": {"firstname": "Ada"}}
    ]
    upsert = world.batch("upsert", inputs, type="contacts")

    assert (
        read.by_id[contact]["properties"].items()
        >= {
            "email": "a@x.org",
            "hs_additional_emails": "b@x.org;c@x.org",
        }.items()
    )
    assert upsert.by_id[contact]["new"] is False
    assert upsert.by_id[contact]["properties"]["email"] == "a@x.org"
    assert world.sim.store.count("contacts") == 1


@behaviour("secondary-emails")
def test_secondary_emails_that_are_taken_away(world: World) -> None:
    contact = world.contact(email="a@x.org", hs_additional_emails="b@x.org; C@x.org")

    def owner(email: str) -> list[str]:
        wanted = [{"id": email}]
        response = world.batch("read", wanted, type="contacts", idProperty="email")
        return list(response.by_id)

    change = {"id": contact, "properties": {"hs_additional_emails": "c@x.org"}}
    world.batch("update", [change], type="contacts")

    assert owner("b@x.org") == []
    assert owner("c@x.org") == [contact]

    other = world.contact(email="d@x.org")
    world.sim.store.merge("contacts", contact, other)
    found = [owner(f"{name}@x.org") for name in "abcd"]

    assert found == [[other], [], [other], [other]]

    world.sim.store.archive("contacts", other)

    assert [owner(f"{name}@x.org") for name in "abcd"] == [[], [], [], []]


@behaviour("null-is-ignored", "empty-clears")
def test_null_and_empty(world: World) -> None:
    """Null changes nothing; an empty string clears the value and is shown."""
    ticket = world.ticket(subject="old", content="old")
    change = {"id": ticket, "properties": {"subject": None, "content": ""}}
    response = world.batch("update", [change])
    read = world.batch("read", [{"id": ticket}], properties=["subject", "content"])

    assert response.status == 200
    assert response.by_id[ticket]["properties"]["content"] == ""
    assert "subject" not in response.by_id[ticket]["properties"]
    assert (
        read.by_id[ticket]["properties"].items()
        >= {
            "subject": "old",
            "content": None,
        }.items()
    )


@behaviour("no-op-keeps-date")
def test_update_that_changes_nothing(world: World) -> None:
    ticket = world.ticket(subject="same")

    def update(subject: str) -> str:
        world.clock.at += 60
        inputs = [{"id": ticket, "properties": {"subject": subject}}]
        result = world.batch("update", inputs).by_id[ticket]

        assert result["updatedAt"] == result["properties"]["hs_lastmodifieddate"]

        return str(result["updatedAt"])

    assert update("same") == "2026-09-14T12:00:00Z"
    assert update("other") == "2026-09-14T12:02:00Z"
    assert update("other") == "2026-09-14T12:02:00Z"


@behaviour("update-without-properties")
def test_update_without_properties(world: World) -> None:
    first, second = world.ticket(), world.ticket()
    inputs: list[dict[str, object]] = [
        {"id": first, "properties": {}},
        {"id": second, "properties": {"subject": "x"}},
    ]
    whole = world.batch("update", inputs)
    marked = [{**each, "objectWriteTraceId": str(n)} for n, each in enumerate(inputs)]
    single = world.batch("update", marked)

    assert whole.status == 400
    assert whole.message == (
        "No properties found to update, please provide at least one."
    )
    assert whole.body["context"] == {"properties": ["{}"]}
    assert (single.status, list(single.by_id)) == (207, [second])
    assert single.body["errors"][0]["context"]["objectWriteTraceId"] == ["0"]


@behaviour("required-properties")
def test_required_properties(world: World) -> None:
    """As recorded for a task without its timestamp."""
    world.sim.store.define("communications", required=["hs_timestamp"])
    bare: dict[str, object] = {"properties": {"hs_communication_body": "Hello"}}
    whole = world.batch("create", [bare], type="communications")
    marked = world.batch(
        "create", [{**bare, "objectWriteTraceId": "t"}], type="communications"
    )
    message = "Error creating COMMUNICATION. Some required properties were not set."

    assert whole.body == {
        "status": "error",
        "message": message,
        "correlationId": whole.body["correlationId"],
        "context": {"properties": ["hs_timestamp"]},
        "category": "VALIDATION_ERROR",
    }
    assert marked.status == 207
    assert marked.body["errors"][0]["message"] == message
    assert world.sim.store.count("communications") == 0


@behaviour("archived-frees-values")
def test_archiving_frees_unique_values(world: World) -> None:
    first = world.contact(email="a@x.org", hs_additional_emails="b@x.org")
    world.batch("archive", [{"id": first}], type="contacts")
    create = [{"properties": {"email": item}} for item in ("a@x.org", "b@x.org")]

    assert world.batch("create", create, type="contacts").status == 201


@behaviour("upsert-new", "upsert-by-unique-property")
def test_upsert_makes_and_then_changes(world: World) -> None:
    """The same key again returns the same id, with `new` false."""
    key = {"id": "T-1", "idProperty": "hs_external_object_ids"}

    def upsert(subject: str) -> dict[str, object]:
        inputs = [{**key, "properties": {"subject": subject}}]
        result: dict[str, object] = world.batch("upsert", inputs).body["results"][0]
        return result

    first, second = upsert("one"), upsert("two")

    assert (first["new"], second["new"]) == (True, False)
    assert first["id"] == second["id"]
    record = world.sim.store.get("tickets", str(first["id"]))
    assert record is not None
    assert record.properties["hs_external_object_ids"] == "T-1"
    assert record.properties["subject"] == "two"


@behaviour("upsert-without-id-property")
def test_upsert_without_id_property(world: World) -> None:
    response = world.batch("upsert", [{"id": world.ticket(), "properties": {}}])

    assert response.status == 400
    assert "non-unique 0-5 property hs_object_id" in response.message


@behaviour("read-by-non-unique")
def test_read_by_non_unique_property(world: World) -> None:
    response = world.batch("read", [{"id": "x"}], idProperty="subject")

    assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")
    assert "non-unique 0-5 property subject" in response.message


@behaviour("custom-objects")
def test_custom_object(world: World) -> None:
    """It has a type id of its own, and a unique property can be a key."""
    made = world.sim.store.define("pet", ["name", Property("chip", unique=True)])
    for name in (made.id, "pet", "pets", "p_pet", "p62515_pet", "PET"):
        inputs = [{"id": "c1", "idProperty": "chip", "properties": {"name": name}}]
        response = world.batch("upsert", inputs, type=name)

        assert response.status == 200
    taken = world.batch("create", [{"properties": {"chip": "c1"}}], type="pet")
    number = made.id.removeprefix("2-")

    assert world.sim.store.count("pet") == 1
    assert f"ObjectTypeId{{metaTypeId=2, innerId={number}}}" in taken.message
    missing = world.batch("read", [{"id": "1"}], type=made.id)
    assert missing.body["errors"][0]["message"].startswith("Could not get some PET ")


@behaviour("missing-fields")
@pytest.mark.parametrize(
    ("verb", "item", "missing"),
    [
        ("update", {"id": "1"}, "[properties]"),
        ("update", {}, "[id, properties]"),
        ("create", {}, "[properties]"),
        ("archive", {}, "[id]"),
    ],
)
def test_missing_fields(
    world: World, verb: str, item: dict[str, object], missing: str
) -> None:
    response = world.batch(verb, [{"id": "1", "properties": {}}, item])

    assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")
    assert response.message.startswith("Invalid input JSON on line 1, column ")
    assert response.message.endswith(f". Some required fields were not set: {missing}")
