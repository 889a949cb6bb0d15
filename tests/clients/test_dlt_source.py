"""The REST API source of dlt, which follows HubSpot's links to the next page."""

from pathlib import Path
from typing import Any

import pytest

from dlt.sources.rest_api import rest_api_source

from hubbatch.simulator import Simulator

from .portal import PAGE, PROPERTIES, contacts_of, fail_thrice, statuses, stored


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let dlt find nothing of this machine, and report nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))


def source_of(sim: Simulator, paginator: Any = None) -> Any:
    """Return the source; dlt looks for the next page by itself if told nothing."""
    endpoint: dict[str, Any] = {
        "path": "crm/v3/objects/contacts",
        "params": {
            "limit": 100,
            "properties": ",".join(PROPERTIES),
            "associations": "companies",
        },
        "data_selector": "results",
    }
    if paginator is not None:
        endpoint["paginator"] = paginator
    return rest_api_source(
        {
            "client": {"base_url": sim.url, "auth": {"token": sim.token}},
            "resources": [{"name": "contacts", "endpoint": endpoint}],
        }
    )


LINK = {"type": "json_link", "next_url_path": "paging.next.link"}
CURSOR = {
    "type": "cursor",
    "cursor_path": "paging.next.after",
    "cursor_param": "after",
}


@pytest.mark.parametrize("paginator", [LINK, CURSOR])
def test_it_reads_the_whole_portal(portal: Simulator, paginator: Any) -> None:
    fail_thrice(portal, "list", 2, 5, 8)
    found = contacts_of(source_of(portal, paginator).contacts)

    assert found == stored(portal)
    assert statuses(portal, "/contacts") == [
        *(200, 200, 429, 200, 200, 200, 502, 200, 200, 200, None),
        *(200, 200, 200, 200),
    ]


def test_without_a_paginator_it_reads_the_first_page_only(portal: Simulator) -> None:
    """It guesses, and knows neither of HubSpot's two ways to the next page."""
    found = contacts_of(source_of(portal).contacts)

    assert len(found) == PAGE
