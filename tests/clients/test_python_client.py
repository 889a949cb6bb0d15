"""HubSpot's Python client, `hubspot-api-client`, set to the simulator's host."""

import logging

from typing import Any

import pytest


# HubSpot's client ships no types.
from hubspot import HubSpot  # type: ignore[import-untyped]
from hubspot.crm import contacts  # type: ignore[import-untyped]
from hubspot.crm.associations import v4  # type: ignore[import-untyped]
from urllib3.util.retry import Retry

from hubbatch.simulator import Fault, Simulator, When

from .portal import (
    PROPERTIES,
    Contact,
    Contacts,
    check_written,
    chunks,
    fail_thrice,
    refused,
    statuses,
    stored,
    to_write,
)


# None: every method. By default urllib3 does not retry a POST.
RETRY = Retry(
    total=5, status_forcelist=(429, 502), allowed_methods=None, backoff_factor=0.01
)


def client_of(sim: Simulator, retry: Retry) -> HubSpot:
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    client = HubSpot(access_token=sim.token, retry=retry)
    client.config["host"] = sim.url
    return client


def contact_of(item: Any) -> Contact:
    found = (getattr(item, "associations", None) or {}).get("companies")
    return Contact(
        {name: item.properties[name] for name in PROPERTIES},
        frozenset(each.id for each in found.results) if found else frozenset(),
    )


def contacts_of(items: list[Any]) -> Contacts:
    found = {item.id: contact_of(item) for item in items}
    assert len(found) == len(items)
    return found


def create(client: HubSpot) -> dict[str, str]:
    """Create the contacts; return the categories of the errors by trace id."""
    failed: dict[str, str] = {}
    for inputs in chunks(to_write()):
        batch = contacts.BatchInputSimplePublicObjectBatchInputForCreate(
            inputs=[
                contacts.SimplePublicObjectBatchInputForCreate(
                    associations=item["associations"],
                    object_write_trace_id=item["objectWriteTraceId"],
                    properties=item["properties"],
                )
                for item in inputs
            ]
        )
        answer = client.crm.contacts.batch_api.create(batch)
        assert type(answer) is contacts.BatchResponseSimplePublicObjectWithErrors
        for error in answer.errors:
            for trace_id in error.context["objectWriteTraceId"]:
                failed[trace_id] = error.category
        assert len(answer.results) + answer.num_errors == len(inputs)
    return failed


def test_it_reads_the_whole_portal(portal: Simulator) -> None:
    fail_thrice(portal, "list", 2, 5, 8)
    items = client_of(portal, RETRY).crm.contacts.get_all(
        properties=[*PROPERTIES], associations=["companies"]
    )

    assert contacts_of(items) == stored(portal)
    assert statuses(portal, "/contacts") == [
        *(200, 200, 429, 200, 200, 200, 502, 200, 200, 200, None),
        *(200, 200, 200, 200),
    ]


def test_it_reads_the_whole_portal_in_batches(portal: Simulator) -> None:
    """Records by e-mail, and their associations by v4."""
    client = client_of(portal, RETRY)
    wanted = stored(portal)
    fail_thrice(portal, "read", 2, 5, 8)
    found: Contacts = {}
    for ids in chunks([*wanted]):
        records = client.crm.contacts.batch_api.read(
            contacts.BatchReadInputSimplePublicObjectId(
                inputs=[{"id": wanted[key].properties["email"]} for key in ids],
                id_property="email",
                properties=[*PROPERTIES],
                properties_with_history=[],
            )
        )
        pairs = client.crm.associations.v4.batch_api.get_page(
            "contacts",
            "companies",
            v4.BatchInputPublicFetchAssociationsBatchRequest(
                inputs=[{"id": key} for key in ids]
            ),
        )
        companies = {
            each._from.id: frozenset(str(to.to_object_id) for to in each.to)
            for each in pairs.results
        }
        found |= {
            item.id: Contact(
                contact_of(item).properties, companies.get(item.id, frozenset())
            )
            for item in records.results
        }

    assert found == wanted


def test_it_writes_all_but_the_bad_contacts(portal: Simulator) -> None:
    before = stored(portal)
    fail_thrice(portal, "create", 0, 1, 2)
    failed = create(client_of(portal, RETRY))

    assert failed == refused()
    assert statuses(portal, "/create") == [429, 207, 502, 207, None, 207]
    check_written(portal, before)


def test_a_retried_create_whose_answer_was_lost_reports_its_own_contacts(
    portal: Simulator,
) -> None:
    """All good contacts are stored, but those of the lost answer count as taken."""
    before = stored(portal)
    portal.faults.add(Fault("drop_after_commit", when=When(verb="create", skip=1)))
    failed = create(client_of(portal, RETRY))

    taken = {str(n): "CONFLICT" for n in range(100, 200)}
    assert failed == {**taken, **refused()}
    check_written(portal, before)


@pytest.mark.parametrize("status", [429, 502])
def test_the_retries_of_its_readme_do_not_retry_a_batch(
    portal: Simulator, status: int
) -> None:
    before = stored(portal)
    portal.faults.add(Fault("status", status=status))
    client = client_of(portal, Retry(total=5, status_forcelist=(429, 502)))
    with pytest.raises(contacts.ApiException) as refusal:
        create(client)

    assert refusal.value.status == status
    assert stored(portal) == before
