"""HubSpot's Node client, `@hubspot/api-client`; the simulator is its `basePath`."""

import json
import subprocess

from pathlib import Path
from typing import Any

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


SCRIPTS = Path(__file__).parent / "node"


def run(sim: Simulator, script: str, *arguments: str, **needs: Any) -> Any:
    """Run a script; `NODE_PATH` says where the client is."""
    done = subprocess.run(  # noqa: S603 -- our own script
        ["node", SCRIPTS / script, sim.url, sim.token, *arguments],  # noqa: S607 -- the session's
        input=json.dumps({"retries": 3, **needs}).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


def errors_of(answers: list[Any]) -> dict[str, str]:
    """Return the categories of the errors by trace id."""
    return {
        trace_id: error["category"]
        for answer in answers
        for error in answer.get("errors", [])
        for trace_id in error["context"]["objectWriteTraceId"]
    }


def test_it_reads_the_whole_portal(portal: Simulator) -> None:
    fail_thrice(portal, "list", 2, 5, 8)
    done = run(portal, "client.cjs", "list", properties=PROPERTIES)

    assert contacts_of(done["result"]) == stored(portal)
    assert done["lost"] == 1
    assert statuses(portal, "/contacts") == [
        *(200, 200, 429, 200, 200, 200, 502, 200, 200, 200, None),
        *(200, 200, 200, 200),
    ]


def test_it_writes_all_but_the_bad_contacts(portal: Simulator) -> None:
    before = stored(portal)
    fail_thrice(portal, "create", 0, 1, 2)
    done = run(portal, "client.cjs", "create", chunks=chunks(to_write()))

    assert errors_of(done["result"]) == refused()
    assert done["lost"] == 1
    assert statuses(portal, "/create") == [429, 207, 502, 207, None, 207]
    check_written(portal, before)


def test_its_own_walk_ends_with_a_lost_connection(portal: Simulator) -> None:
    portal.faults.add(Fault("drop_before", when=When(verb="list", skip=3)))
    done = run(portal, "client.cjs", "all", properties=PROPERTIES)

    assert done == {"error": "TypeError: fetch failed", "lost": 0}
    assert statuses(portal, "/contacts") == [200, 200, 200, None]


def test_one_retry_in_its_options_is_none(portal: Simulator) -> None:
    """`numberOfApiCallRetries` counts the first request as well."""
    portal.faults.add(Fault("status", status=502))
    done = run(portal, "client.cjs", "list", properties=PROPERTIES, retries=1)

    assert done["code"] == 502
    assert statuses(portal, "/contacts") == [502]


def test_it_understands_the_answers_of_all_kinds_of_calls(
    hubspot_simulator: Simulator,
) -> None:
    owner = hubspot_simulator.store.owners.add("ada@x.org").id
    done = run(hubspot_simulator, "walk.cjs")
    got = done["results"]
    [contact, company] = got["contact"]["id"], got["company"]["id"]

    assert done["failed"] == {"duplicate": 409, "unknown": 404}
    assert all(request.implemented for request in hubspot_simulator.requests)
    [associated] = got["read"]["associations"]["companies"]["results"]
    assert associated["id"] == company
    assert got["read"]["properties"]["phone"] is None
    [email] = got["read"]["propertiesWithHistory"]["email"]
    assert email["value"] == "bob@x.org"
    assert [item["id"] for item in got["found"]["results"]] == [contact]
    for name in ("batchRead", "batchUpdate"):
        assert [item["id"] for item in got[name]["results"]] == [contact]
        assert got[name]["errors"][0]["context"] == {"ids": ["1"]}
    created = {item["id"]: item["_new"] for item in got["batchUpsert"]["results"]}
    assert (len(created), created[contact]) == (2, False)
    assert [str(one["toObjectId"]) for one in got["associations"]["results"]] == [
        company
    ]
    assert "email" in {item["name"] for item in got["properties"]["results"]}
    assert got["propertyUpdated"]["label"] == "S"
    assert [item["id"] for item in got["pipelines"]["results"]] == ["default"]
    assert [item["id"] for item in got["owners"]["results"]] == [owner]
    assert [item["recordId"] for item in got["members"]["results"]] == [contact]
    assert got["readArchived"]["archived"]
    assert len(hubspot_simulator.store.events) == 1
