"""Storms over real sockets, after which records and outcomes agree."""

from collections import Counter

import pytest

from hubbatch import OutcomeStatus
from tests.integration.storm import QUIRKS, rage


pytestmark = pytest.mark.slow


# The faults and quirks that must occur at least once in each storm.
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


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_storm(seed: int) -> None:
    storm = rage(seed, 5_000)
    counts = Counter(
        outcome.status for part in storm.parts for outcome in part.outcomes
    )
    assert counts.total() >= 5_000
    assert counts[OutcomeStatus.SUCCEEDED] > 0.9 * counts.total()
    assert storm.survived.keys() >= TROUBLE
    assert {fault.kind for fault in storm.sim.faults.struck} >= QUIRKS.keys()
    assert {part.kind for part in storm.parts} == {
        "create",
        "read",
        "update",
        "upsert",
        "archive",
    }


@pytest.mark.parametrize("seed", range(10, 13))
def test_storm_in_which_batches_end(seed: int) -> None:
    """Most requests fail: what was not done must not be reported as done."""
    storm = rage(seed, 600, rate=0.8, attempts=2)
    assert any(part.ended is not None for part in storm.parts)
