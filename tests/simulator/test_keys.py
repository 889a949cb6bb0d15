"""Writes to key properties: no upsert duplicates a contact or clears its key."""

from typing import Any

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubbatch.simulator import Property

from .behaviours import behaviour
from .conftest import MakeWorld, Response, World


def upsert(world: World, key: str, **properties: object) -> Response:
    item = {"id": key, "idProperty": "email", "properties": properties}
    return world.batch("upsert", [item], type="contacts")


def value(world: World, contact: str, name: str) -> str | None:
    record = world.sim.store.get("contacts", contact)
    assert record is not None
    return record.properties.get(name)


@pytest.mark.parametrize("written", ["d2@x.org", "D2@X.org"])
@behaviour("secondary-becomes-primary")
def test_own_secondary_email_as_the_first(world: World, written: str) -> None:
    """The two addresses swap, and both still identify the contact."""
    contact = world.contact(email="d@x.org", hs_additional_emails="c@x.org;d2@x.org")
    response = upsert(world, "d2@x.org", email=written)

    assert response.status == 200
    assert response.by_id[contact]["new"] is False
    assert response.by_id[contact]["properties"]["email"] == "d2@x.org"
    assert value(world, contact, "email") == "d2@x.org"
    assert value(world, contact, "hs_additional_emails") == "c@x.org;d@x.org"
    for key in ("d@x.org", "d2@x.org", "c@x.org"):
        assert list(upsert(world, key, firstname="Ada").by_id) == [contact]
    assert world.sim.store.count("contacts") == 1

    change = {"id": contact, "properties": {"email": "d@x.org"}}
    back = world.batch("update", [change], type="contacts")

    assert back.by_id[contact]["properties"]["email"] == "d@x.org"
    assert value(world, contact, "hs_additional_emails") == "c@x.org;d2@x.org"


@behaviour("secondary-becomes-primary")
def test_secondary_of_a_contact_without_a_first(world: World) -> None:
    contact = world.contact(hs_additional_emails="d2@x.org")
    upsert(world, "d2@x.org", email="d2@x.org")

    assert value(world, contact, "email") == "d2@x.org"
    assert value(world, contact, "hs_additional_emails") is None


@pytest.mark.parametrize("empty", [None, ""])
@behaviour("upsert-keeps-its-key")
def test_an_empty_key_is_no_key(world: World, empty: str | None) -> None:
    """Neither a new nor an existing record loses its key."""
    made = upsert(world, "New@x.org", email=empty, firstname="Ada")
    again = upsert(world, "new@x.org", email=empty, firstname="Eva")
    (contact,) = made.by_id

    assert made.status == 200
    assert again.by_id[contact]["new"] is False
    assert value(world, contact, "email") == "new@x.org"
    assert value(world, contact, "firstname") == "Eva"


@behaviour("upsert-keeps-its-key")
def test_an_empty_id_is_a_missing_field(world: World) -> None:
    response = upsert(world, "", firstname="Ada")

    assert response.status == 400
    assert response.message.endswith("not set: [id]")


@behaviour("additional-emails")
def test_additional_emails_are_emails(world: World) -> None:
    contact = world.contact(email="a@x.org")

    def update(text: str) -> Response:
        change = {"id": contact, "properties": {"hs_additional_emails": text}}
        return world.batch("update", [change], type="contacts")

    assert update("B@x.org; c@x.org").status == 200
    assert value(world, contact, "hs_additional_emails") == "b@x.org;c@x.org"
    assert "Email address nonsense is invalid" in update("b@x.org;nonsense").message
    assert "INVALID_EMAIL" in update("nonsense").message


@pytest.mark.parametrize("taken", ["a@x.org", "A2@x.org"])
@pytest.mark.parametrize("verb", ["create", "update"])
@behaviour("additional-emails")
def test_additional_emails_of_another_contact(
    world: World, verb: str, taken: str
) -> None:
    """A primary or an additional address of another contact is refused."""
    owner = world.contact(email="a@x.org", hs_additional_emails="a2@x.org")
    other = world.contact(email="b@x.org")
    properties = {"hs_additional_emails": f"free@x.org;{taken}"}
    item: dict[str, Any] = {"id": other, "properties": properties}
    whole = world.batch(verb, [item], type="contacts")
    single = world.batch(verb, [{**item, "objectWriteTraceId": "t"}], type="contacts")

    assert (whole.status, whole.body["category"]) == (409, "CONFLICT")
    assert single.body["errors"][0]["context"] == {
        "objectWriteTraceId": ["t"],
        "existingId": [owner],
    }


@behaviour("unique-taken", "email-exists-traced")
def test_what_was_refused_claims_nothing(world: World) -> None:
    """After an input is refused, the next input may use its other values."""
    world.sim.store.define("contacts", [Property("ref", unique=True)])
    world.contact(ref="taken")
    inputs = [
        {"objectWriteTraceId": "1", "properties": {"email": "a@x.org", "ref": "taken"}},
        {"objectWriteTraceId": "2", "properties": {"email": "a@x.org", "ref": "free"}},
    ]
    response = world.batch("create", inputs, type="contacts")
    (result,) = response.body["results"]
    (error,) = response.body["errors"]

    assert result["objectWriteTraceId"] == "2"
    assert error["context"]["objectWriteTraceId"] == ["1"]


@behaviour("shown-by-update")
def test_domain_is_shown_when_it_may_have_changed(world: World) -> None:
    """Writing the same address again changes nothing."""
    contact = world.contact(email="a@x.org")

    def shown(email: str) -> dict[str, str]:
        change = {"id": contact, "properties": {"email": email}}
        response = world.batch("update", [change], type="contacts")
        properties: dict[str, str] = response.by_id[contact]["properties"]
        return properties

    assert "hs_email_domain" not in shown("A@x.org")
    assert shown("a@y.org")["hs_email_domain"] == "y.org"


emails = st.sampled_from([f"{name}@x.org" for name in "abcd"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    steps=st.lists(
        st.tuples(emails, st.none() | st.just("") | emails, st.none() | emails),
        max_size=8,
    )
)
@behaviour("upsert-keeps-its-key", "secondary-becomes-primary", "upsert-conflict")
def test_each_address_belongs_to_one_contact(
    make_world: MakeWorld, steps: list[tuple[str, str | None, str | None]]
) -> None:
    """After any upserts, each address identifies exactly one contact."""
    world = make_world()
    for key, email, other in steps:
        properties = {"email": email, "hs_additional_emails": other}
        response = upsert(world, key, **properties)

        assert response.status in {200, 409}

    kept: list[str] = []
    for contact in world.sim.store.all("contacts"):
        # A contact may list its primary address among the additional ones too.
        extra = contact.properties.get("hs_additional_emails", "").split(";")
        own = {contact.properties["email"], *extra} - {""}
        kept += own
        for address in own:
            read = world.batch(
                "read", [{"id": address}], type="contacts", idProperty="email"
            )

            assert list(read.by_id) == [contact.id]
    assert len(set(kept)) == len(kept)
