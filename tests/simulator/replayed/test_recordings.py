"""The recordings of HubSpot's answers, replayed on the simulator.

Each recording was published: `source` says where. The simulator gets what the answer
presumes, and then the recorded request. A case of these modules says how, and which
differences remain, each with its reason.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import pytest

from tests.simulator.behaviours import behaviour
from tests.simulator.conftest import MakeWorld, World

from .beside import ASSOCIATIONS, LISTS, PROPERTIES, SETTINGS
from .known import unexplained
from .left_out import LEFT_OUT
from .records import ARCHIVES, CREATES, LEGACY, READS, SEARCHES, UPDATES
from .refusals import MULTI_STATUS, REFUSALS
from .schemas import SCHEMAS
from .tape import FILES, Case, Recording, differences, header_differences


# With milliseconds, so that dates look like recorded ones.
STARTED: Final = datetime(2026, 9, 14, 12, microsecond=123_000, tzinfo=UTC)
CASES: Final[Mapping[str, Case]] = {
    **READS,
    **SEARCHES,
    **CREATES,
    **UPDATES,
    **ARCHIVES,
    **LEGACY,
    **REFUSALS,
    **MULTI_STATUS,
    **ASSOCIATIONS,
    **LISTS,
    **PROPERTIES,
    **SETTINGS,
    **SCHEMAS,
}
_NOT_IMPLEMENTED: Final = sorted(
    name for name, reason in LEFT_OUT.items() if "answers 501" in reason
)


def world_for(make_world: MakeWorld, recording: Recording) -> World:
    """Return a portal whose app and whose age fit the rest of the recording."""
    # Public apps get no daily headers.
    rates = " ".join(recording.rate_headers)
    tier = "oauth" if "max" in rates and "daily" not in rates else "professional"
    world = make_world(tier=tier, started=STARTED)
    if recording.year < 2025:
        world.sim.faults.set(key_order="old")
    return world


@pytest.mark.parametrize("name", CASES)
@behaviour("single-read", "single-by-unique", "shown-by-read", "single-not-found")
@behaviour("list-records", "list-cursor", "list-link", "shown-associations", "history")
@behaviour("single-update", "shown-by-update", "single-create", "shown-by-create")
@behaviour("create-associations", "single-archive", "single-invalid")
@behaviour("single-conflict", "enforced-required", "single-associations")
@behaviour("association-list", "search-answer", "search-properties", "search-order")
@behaviour("search-headers", "search-groups", "search-associations", "search-tokens")
@behaviour("search-query", "search-json", "search-types", "search-limit-family")
@behaviour("lists-get", "lists-delete", "lists-create", "lists-dynamic")
@behaviour("lists-rename", "lists-search", "members-change", "lists-create-refused")
@behaviour("members-json", "owners-list", "owner", "pipelines-default")
@behaviour("account-details", "token-info-oauth", "dates-of-answers", "computed")
@behaviour("record-pages", "schemas-list", "schemas-read", "schemas-scopes")
def test_the_simulator_answers_as_recorded(make_world: MakeWorld, name: str) -> None:
    recording, case = Recording(name), CASES[name]
    world = world_for(make_world, recording)
    response = case.send(world, recording)
    found = [
        *differences(response.body, recording.answered, equal=case.equal),
        *header_differences(response, recording),
    ]

    assert response.status == (case.status or recording.status), response.body
    assert [*unexplained(recording, found, case.differs)] == []


@pytest.mark.parametrize("name", _NOT_IMPLEMENTED)
@behaviour("not-implemented")
def test_what_the_simulator_lacks_is_answered_501(world: World, name: str) -> None:
    recording = Recording(name)
    world.unchecked = True
    response = world.post(
        recording.path, recording.read["request"].get("body"), method=recording.method
    )

    assert response.status == 501


def test_every_recording_is_reproduced_or_left_out_for_a_reason() -> None:
    assert CASES.keys() | LEFT_OUT.keys() == FILES.keys()
    assert not CASES.keys() & LEFT_OUT.keys()
    assert len(CASES) >= 120
