"""Meltano's Singer tap, `meltano-tap-hubspot`, whose host a test can only redirect."""

import json

from typing import Any

import pytest
import requests

from tap_hubspot.tap import TapHubspot

from hubbatch.simulator import Simulator

from .portal import (
    CONTACTS,
    PAGE,
    Contact,
    Contacts,
    contacts_of,
    fail_thrice,
    statuses,
    stored,
)


# Of the tap's SDK, about the tap.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

HOST = "https://api.hubapi.com"


@pytest.fixture
def redirected(portal: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """Send what is for HubSpot's host to the simulator, as a proxy would."""
    send = requests.adapters.HTTPAdapter.send

    def send_on(self: Any, request: requests.PreparedRequest, **options: Any) -> Any:
        assert request.url is not None
        assert request.url.startswith(HOST)
        # A copy: a retry sends the same request again.
        redirected = request.copy()
        redirected.url = portal.url + request.url.removeprefix(HOST)
        return send(self, redirected, **options)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send_on)
    return portal


def run(
    sim: Simulator, capsys: pytest.CaptureFixture[str], stream: str, **config: Any
) -> list[dict[str, Any]]:
    """Run one stream of the tap; return the records that it prints."""
    config["access_token"] = sim.token
    catalog = TapHubspot(config=config).catalog.to_dict()
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = entry["tap_stream_id"] == stream
    capsys.readouterr()
    sim.requests.clear()
    TapHubspot(config=config, catalog=catalog).sync_all()
    messages = map(json.loads, capsys.readouterr().out.splitlines())
    return [item["record"] for item in messages if item["type"] == "RECORD"]


def without_companies(contacts: Contacts) -> Contacts:
    return {key: Contact(one.properties) for key, one in contacts.items()}


def pairs_of(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((record["from_id"], record["to_id"]) for record in records)


def stored_pairs(sim: Simulator) -> list[tuple[str, str]]:
    contacts = stored(sim).items()
    return sorted((key, company) for key, one in contacts for company in one.companies)


def test_it_lists_the_whole_portal(
    redirected: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_thrice(redirected, "list", 2, 5, 8)
    found = contacts_of(run(redirected, capsys, "contacts"))

    assert found == without_companies(stored(redirected))
    assert statuses(redirected, "/objects/contacts") == [
        *(200, 200, 429, 200, 200, 200, 502, 200, 200, 200, None),
        *(200, 200, 200, 200),
    ]


def test_it_finds_the_whole_portal_by_searches(
    redirected: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """It exceeds the five searches a second by far, and waits when it is refused."""
    found = contacts_of(run(redirected, capsys, "contacts", start_date="2020-01-01"))

    assert found == without_companies(stored(redirected))
    assert statuses(redirected, "/search").count(200) == CONTACTS // PAGE


def test_it_reads_the_associations(
    redirected: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {"associations": {"contacts": ["companies"]}}
    fail_thrice(redirected, "associations/read", 0, 1, 1)
    found = run(redirected, capsys, "contacts_companies_associations", **config)

    assert pairs_of(found) == stored_pairs(redirected)
    assert statuses(redirected, "/batch/read") == [429, 207, 502, None, 207]


def test_it_loses_the_associations_past_the_first_page_of_a_record(
    redirected: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """It follows no `paging` of a result; HubSpot's pages are longer than these."""
    redirected.faults.set(associations_page=1)
    config = {"associations": {"contacts": ["companies"]}}
    found = pairs_of(
        run(redirected, capsys, "contacts_companies_associations", **config)
    )

    associated = [key for key, one in stored(redirected).items() if one.companies]
    assert [contact for contact, _ in found] == sorted(associated)
    assert len(found) < len(stored_pairs(redirected))
