"""HubSpot's new Python SDK, `hubspot-sdk`, with the simulator as its `base_url`."""

from typing import Any

import pytest

from hubspot_sdk import ConflictError, HubSpot
from hubspot_sdk.types.crm import BatchResponseSimplePublicObject as BatchResponse

from hubbatch.simulator import Fault, Simulator, When

from .portal import (
    PROPERTIES,
    check_written,
    chunks,
    contacts_of,
    fail_thrice,
    refused,
    statuses,
    stored,
    to_write,
)


def client_of(sim: Simulator) -> HubSpot:
    return HubSpot(access_token=sim.token, base_url=sim.url)


def create(client: HubSpot) -> dict[str, str]:
    """Create the contacts; return the categories of the errors by trace id."""
    failed: dict[str, str] = {}
    for inputs in chunks(to_write()):
        sent: Any = [
            {
                "associations": item["associations"],
                "object_write_trace_id": item["objectWriteTraceId"],
                "properties": item["properties"],
            }
            for item in inputs
        ]
        answer = client.crm.objects.contacts.batch.create(inputs=sent)
        body = answer.to_dict()
        for error in body["errors"]:
            for trace_id in error["context"]["objectWriteTraceId"]:
                failed[trace_id] = error["category"]
    return failed


def test_it_reads_the_whole_portal(portal: Simulator) -> None:
    fail_thrice(portal, "list", 2, 5, 8)
    pages = client_of(portal).crm.objects.contacts.list(
        limit=100, properties=[*PROPERTIES], associations=["companies"]
    )
    found = contacts_of([item.to_dict() for item in pages])

    assert found == stored(portal)
    assert statuses(portal, "/contacts") == [
        *(200, 200, 429, 200, 200, 200, 502, 200, 200, 200, None),
        *(200, 200, 200, 200),
    ]


def test_it_writes_all_but_the_bad_contacts(portal: Simulator) -> None:
    before = stored(portal)
    fail_thrice(portal, "create", 0, 1, 2)
    failed = create(client_of(portal))

    assert failed == refused()
    assert statuses(portal, "/create") == [429, 207, 502, 207, None, 207]
    check_written(portal, before)


def test_a_retried_create_whose_answer_was_lost_reports_its_own_contacts(
    portal: Simulator,
) -> None:
    """All good contacts are stored, but those of the lost answer count as taken."""
    before = stored(portal)
    portal.faults.add(Fault("drop_after_commit", when=When(verb="create", skip=1)))
    failed = create(client_of(portal))

    taken = {str(n): "CONFLICT" for n in range(100, 200)}
    assert failed == {**taken, **refused()}
    check_written(portal, before)


def test_it_repeats_a_conflict(portal: Simulator) -> None:
    """No retry can help: another contact has the address."""
    api = client_of(portal).crm.objects.contacts.batch
    taken: Any = {"associations": [], "properties": {"email": "person1@example.com"}}
    with pytest.raises(ConflictError):
        api.create(inputs=[taken])

    assert statuses(portal, "/create") == [409, 409, 409]


def test_the_type_of_its_answer_lacks_the_errors() -> None:
    """Only `to_dict` and `model_extra` have them."""
    assert {"errors", "num_errors"}.isdisjoint(BatchResponse.model_fields)
