"""The proof: storms over real sockets, after which the store and the account agree."""

import pytest

from tests.integration.storm import QUIRKS, STATUSES, rage


# What chaos and the quirks must have struck with, once at least in each storm.
TROUBLE = {
    "429",
    "423",
    "477",
    "500",
    "502",
    "503",
    "504",
    "524",
    "drop_before",
    "drop_after_commit",
    "truncate",
    "silent_noop",
    "silent_drop",
    "silent_missing",
}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_storm(seed: int) -> None:
    storm = await rage(seed, 5_000)
    counts = {
        status: sum(getattr(part.batch.summary, status) for part in storm.parts)
        for status in STATUSES
        if all(part.batch is not None for part in storm.parts)
    }
    assert sum(counts.values()) >= 5_000
    assert counts["succeeded"] > 0.9 * sum(counts.values())
    assert TROUBLE <= storm.survived.keys()
    assert {fault.kind for fault in storm.sim.faults.struck} >= QUIRKS.keys()
    assert {part.kind for part in storm.parts} == {
        "create",
        "read",
        "update",
        "upsert",
        "archive",
    }


@pytest.mark.parametrize("seed", range(10, 14))
async def test_storm_in_which_batches_end(seed: int) -> None:
    """Three of four requests fail: what was not done must not be owned up to."""
    storm = await rage(seed, 400, rate=0.75)
    assert any(part.ended is not None for part in storm.parts)
