"""A job of merges is killed repeatedly: no pair is merged twice, and none is lost."""

from pathlib import Path

import pytest

from hubbatch.simulator import Simulator

from .test_killing import KILLS, WEATHER, Victim


pytestmark = pytest.mark.slow

PAIRS = 600


def lost_in(sim: Simulator, row_of: dict[str, int]) -> set[int]:
    """Return the rows in requests that HubSpot did not clearly refuse or answer."""
    return {
        row_of[received.body["objectIdToMerge"]]
        for received in sim.requests
        if received.path.endswith("/merge")
        and (received.status is None or received.status >= 500)
    }


@pytest.mark.timeout(600)
def test_merges_that_are_killed_are_never_repeated(tmp_path: Path) -> None:
    victim = Victim(tmp_path, 11, "merge", "contacts", counted="/merge")
    create = victim.sim.store.create
    ids = [
        create("contacts", {"email": f"p{n}@example.com"}).id for n in range(2 * PAIRS)
    ]
    pairs = [(ids[2 * n], ids[2 * n + 1]) for n in range(PAIRS)]
    row_of = {merged: row for row, (_, merged) in enumerate(pairs)}
    victim.rows(["primaryObjectId", "objectIdToMerge"], ([*pair] for pair in pairs))

    with victim.sim as sim:
        sim.faults.chaos(0.1, WEATHER)
        victim.kill_and_go_on(KILLS, most=30)
        results, failures = victim.check(PAIRS)

    assert victim.doubted, "no kill met a request on its way"
    sent: dict[int, list[int | None]] = {row: [] for row in range(PAIRS)}
    for received in sim.requests:
        if received.path.endswith("/merge"):
            sent[row_of[received.body["objectIdToMerge"]]].append(received.status)
    for row, statuses in sent.items():
        # Only what HubSpot certainly did not process was sent again.
        assert all(status == 429 for status in statuses[:-1]), (row, statuses)
    merged = {row for record, row in row_of.items() if record in shelf(sim)}
    assert sim.store.count("contacts") == 2 * PAIRS - len(merged)
    maybe = victim.doubted | lost_in(sim, row_of) | victim.cut
    for row, line in results.items():
        assert row in merged
        assert line["input_id"] == ":".join(pairs[row])
        assert shelf(sim)[pairs[row][0]] == line["id"]
    assert {*failures.values()} <= {"unknown"}
    assert {*failures} <= maybe


def shelf(sim: Simulator) -> dict[str, str]:
    """Return the ids that were merged, with the records that they lead to."""
    found = sim.store.shelf("contacts")
    assert found is not None
    return found.merged
