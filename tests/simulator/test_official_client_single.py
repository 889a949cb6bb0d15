"""HubSpot's own Python client reads and writes single records on the simulator."""

import logging

from collections.abc import Iterator

import pytest


# HubSpot's client ships no types.
from hubspot import HubSpot  # type: ignore[import-untyped]
from hubspot.crm import companies, contacts, objects  # type: ignore[import-untyped]
from hubspot.crm.associations import v4  # type: ignore[import-untyped]
from hubspot.crm.associations.v4 import schema  # type: ignore[import-untyped]

from hubbatch.simulator import Simulator

from .behaviours import behaviour


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(seed=4) as simulator:
        yield simulator


@pytest.fixture
def hubspot(sim: Simulator) -> HubSpot:
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    client = HubSpot(access_token=sim.token)
    client.config["host"] = sim.url
    return client


@behaviour("official-client")
def test_the_life_of_a_record(hubspot: HubSpot) -> None:
    api = hubspot.crm.contacts.basic_api
    new = contacts.SimplePublicObjectInputForCreate(
        properties={"email": "ada@x.org", "firstname": "Ada"}, associations=[]
    )
    made = api.create(new)
    change = contacts.SimplePublicObjectInput(properties={"lastname": "Lovelace"})
    changed = api.update("ada@x.org", change, id_property="email")
    read = api.get_by_id(
        made.id,
        properties=["lastname", "phone"],
        properties_with_history=["lastname"],
        associations=["companies"],
        archived=False,
    )
    _, status, _ = api.archive_with_http_info(made.id)
    gone = api.get_by_id(made.id, archived=True)

    assert (changed.id, read.id) == (made.id, made.id)
    assert read.properties["lastname"] == "Lovelace"
    assert read.properties["phone"] is None
    assert read.properties_with_history["lastname"][0].value == "Lovelace"
    assert read.associations is None
    assert status == 204
    assert gone.archived
    assert gone.archived_at is not None


@behaviour("official-client", "single-not-found", "single-conflict")
def test_get_or_create(sim: Simulator, hubspot: HubSpot) -> None:
    """The second round finds the record: a missing record is a 404, a known one not."""
    api = hubspot.crm.contacts.basic_api

    def get_or_create(email: str) -> str:
        try:
            return str(api.get_by_id(email, id_property="email").id)
        except contacts.ApiException as error:
            if error.status != 404:
                raise
        new = contacts.SimplePublicObjectInputForCreate(
            properties={"email": email}, associations=[]
        )
        return str(api.create(new).id)

    assert get_or_create("ada@x.org") == get_or_create("Ada@x.org")
    assert sim.store.count("contacts") == 1
    with pytest.raises(contacts.ApiException) as conflict:
        api.create(
            contacts.SimplePublicObjectInputForCreate(
                properties={"email": "ada@x.org"}, associations=[]
            )
        )
    assert conflict.value.status == 409
    assert "Existing ID: " in conflict.value.body


@behaviour("official-client", "list-records")
def test_all_pages(sim: Simulator, hubspot: HubSpot) -> None:
    """The client pages by `after`."""
    made = {sim.store.create("companies", {"name": str(n)}).id for n in range(250)}
    found = hubspot.crm.companies.get_all(properties=["name"])

    assert [item.id for item in found] == sorted(made, key=int)
    assert len(sim.requests) == 3


@behaviour("official-client", "merge")
def test_merge(sim: Simulator, hubspot: HubSpot) -> None:
    primary, other = (sim.store.create("companies", {"name": n}).id for n in "ab")
    wanted = companies.PublicMergeInput(
        primary_object_id=primary, object_id_to_merge=other
    )
    merged = hubspot.crm.companies.basic_api.merge(wanted)
    read = hubspot.crm.companies.basic_api.get_by_id(other, properties=["name"])

    assert merged.id not in {primary, other}
    assert (read.id, read.properties["name"]) == (merged.id, "a")


@behaviour("official-client", "gdpr-delete")
def test_gdpr_delete(sim: Simulator, hubspot: HubSpot) -> None:
    sim.store.create("contacts", {"email": "ada@x.org"})
    wanted = contacts.PublicGdprDeleteInput(object_id="ada@x.org", id_property="email")
    hubspot.crm.contacts.basic_api.purge(wanted)

    assert sim.store.count("contacts") == 0


@behaviour("official-client", "association-default", "association-list")
def test_associations(sim: Simulator, hubspot: HubSpot) -> None:
    ticket = sim.store.create("tickets", {}).id
    contact = sim.store.create("contacts", {}).id
    api = hubspot.crm.associations.v4.basic_api
    made = api.create_default("tickets", ticket, "contacts", contact)
    page = api.get_page("tickets", ticket, "contacts")
    spec = v4.AssociationSpec(
        association_category="HUBSPOT_DEFINED", association_type_id=16
    )
    again = api.create("tickets", ticket, "contacts", contact, [spec])
    read = hubspot.crm.objects.basic_api.get_by_id(
        "tickets", ticket, associations=["contacts"]
    )
    api.archive("tickets", ticket, "contacts", contact)

    assert len(made.results) == 2
    assert [str(item.to_object_id) for item in page.results] == [contact]
    assert str(again.to_object_id) == contact
    assert read.associations["contacts"].results[0].type == "ticket_to_contact"
    assert api.get_page("tickets", ticket, "contacts").results == []


@behaviour("official-client", "label-create")
def test_labels(hubspot: HubSpot) -> None:
    api = hubspot.crm.associations.v4.schema.definitions_api
    wanted = schema.PublicAssociationDefinitionCreateRequest(
        label="Employee", name="employer", inverse_label="Employer"
    )
    made = api.create("contacts", "companies", wanted)
    listed = api.get_all("contacts", "companies")

    assert [item.label for item in made.results] == ["Employee", "Employer"]
    assert "Employee" in {item.label for item in listed.results}


@behaviour("official-client", "custom-objects")
def test_a_custom_object(sim: Simulator, hubspot: HubSpot) -> None:
    sim.store.define("boats", ["name"])
    api = hubspot.crm.objects.basic_api
    new = objects.SimplePublicObjectInputForCreate(
        properties={"name": "Nina"}, associations=[]
    )
    made = api.create("boats", new)
    read = api.get_by_id("boats", made.id, properties=["name"])

    assert read.properties["name"] == "Nina"
