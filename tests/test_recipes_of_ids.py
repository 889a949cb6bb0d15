"""The recipes for what HubSpot accepts no id for, run as printed, and their errors."""

import re

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hubbatch import HubBatch, InvalidRequestError, RecordNotFound
from hubbatch.simulator import Simulator


PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
RECORDS = [{"id": "acme.com", "properties": {"phone": "1"}}]
SEARCH = re.compile(r"`ids = (\[.*\])`")


def recipe(holding: str) -> Any:
    """Return a function of the page, from the only block that has it."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    [code] = [one for one in blocks if f"async def {holding}(" in one]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 -- our own page
    return names[holding]


@pytest_asyncio.fixture
async def hub(hubspot_simulator: Simulator) -> AsyncIterator[HubBatch]:
    sim = hubspot_simulator
    async with HubBatch(sim.token, base_url=sim.url) as client:
        yield client


async def test_companies_by_domain(hub: HubBatch, hubspot_simulator: Simulator) -> None:
    """More domains than one search takes, and two companies with one of them."""
    store = hubspot_simulator.store
    domains = [f"a{n}.com" for n in range(150)]
    made = [
        store.create("companies", {"domain": domain})
        for domain in (*domains[:120], "a7.com", "other.com")
    ]
    changes = {domain: {"phone": f"+{n}"} for n, domain in enumerate(domains)}

    response = await recipe("update_by_domain")(hub, changes)

    assert response.succeeded == 121
    phones = [one.properties.get("phone") for one in made]
    assert phones == [*(f"+{n}" for n in range(120)), "+7", None]


async def test_contacts_by_email_without_creating_any(
    hub: HubBatch, hubspot_simulator: Simulator
) -> None:
    store = hubspot_simulator.store
    made = store.create("contacts", {"email": "ada@example.com"})
    changes = {
        "Ada@example.com": {"firstname": "Ada"},
        "nobody@example.com": {"firstname": "No"},
    }

    updated, missing = await recipe("update_by_email")(hub, changes)

    assert updated.succeeded == 1
    assert made.properties["firstname"] == "Ada"
    assert [type(outcome.error) for outcome in missing] == [RecordNotFound]
    assert [outcome.input for outcome in missing] == ["nobody@example.com"]
    assert len(store.all("contacts")) == 1


@pytest.mark.parametrize("verb", ["update", "upsert", "read"])
@pytest.mark.parametrize("object_type", ["companies", "COMPANY", "0-2"])
async def test_the_error_has_the_line_that_finds_the_ids(
    hub: HubBatch, hubspot_simulator: Simulator, verb: str, object_type: str
) -> None:
    company = hubspot_simulator.store.create("companies", {"domain": "acme.com"})
    records: Any = ["acme.com"] if verb == "read" else RECORDS
    ask = getattr(hub.objects(object_type), verb)

    with pytest.raises(InvalidRequestError) as caught:
        await ask(records, id_property="domain")

    assert "domain is not one" in caught.value.advice
    assert caught.value.advice in str(caught.value)
    found = SEARCH.search(caught.value.advice)
    assert found is not None
    names: dict[str, Any] = {"hub": hub, "value": "acme.com"}
    exec(f"async def find():\n    return {found[1]}", names)  # noqa: S102 -- our own
    assert await names["find"]() == [company.id]


async def test_the_error_names_a_custom_type_by_its_id(
    hub: HubBatch, hubspot_simulator: Simulator
) -> None:
    kind = hubspot_simulator.store.define("car", ["colour"])
    with pytest.raises(InvalidRequestError) as caught:
        await hub.objects(kind.id).update(RECORDS, id_property="colour")
    assert f'hub.objects("{kind.id}").search({{"colour": value}})' in str(caught.value)


async def test_an_update_by_email_says_that_contacts_can_be_upserted(
    hub: HubBatch,
) -> None:
    records = [{"id": "a@b.c", "properties": {"firstname": "A"}}]
    with pytest.raises(InvalidRequestError) as caught:
        await hub.contacts.update(records, id_property="email")
    for line in (
        '`hub.contacts.upsert(records, id_property="email")`',
        '`hub.contacts.read(emails, id_property="email")`',
    ):
        assert line in caught.value.advice
    own = [{**records[0], "idProperty": "email"}]
    with pytest.raises(InvalidRequestError, match="Upsert them instead"):
        await hub.contacts.update(own)
    with pytest.raises(InvalidRequestError, match="Upsert them instead"):
        await hub.single.contacts.update("a@b.c", {}, id_property="email")


async def test_the_id_of_a_record_needs_no_id_property(hub: HubBatch) -> None:
    with pytest.raises(InvalidRequestError, match="Leave id_property out"):
        await hub.companies.update(RECORDS, id_property="hs_object_id")
