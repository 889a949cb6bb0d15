"""Records that get another key: after a lost answer the old key is gone."""

import pytest

from hubbatch.simulator import Fault, Property
from tests.integration.conftest import Portal


@pytest.mark.parametrize("verb", ["update", "upsert"])
@pytest.mark.parametrize("kind", ["drop_after_commit", "truncate"])
async def test_what_a_lost_request_has_renamed_is_unknown(
    portal: Portal, verb: str, kind: str
) -> None:
    """Not found, or a conflict with itself: the second attempt is refused."""
    portal.sim.store.define("car", [Property("plate", unique=True), "note"])
    portal.sim.store.create("car", {"plate": "old", "note": "n"})
    portal.sim.faults.add(Fault(kind))
    given = [{"id": "old", "properties": {"plate": "new", "note": "moved"}}]
    async with portal.hub() as hub:
        response = await getattr(hub.objects("car"), verb)(given, id_property="plate")
    [car] = [c for c in portal.sim.store.all("car") if c.properties["note"] == "moved"]
    assert car.properties["plate"] == "new"
    [outcome] = response.outcomes
    assert outcome.status == "unknown"
    assert "may have been written" in outcome.error.message


async def test_what_is_not_there_is_refused_after_a_loss_too(portal: Portal) -> None:
    portal.sim.store.define("car", [Property("plate", unique=True), "note"])
    portal.sim.faults.add(Fault("drop_before"))
    given = [{"id": "nobody", "properties": {"note": "moved"}}]
    async with portal.hub() as hub:
        response = await hub.objects("car").update(given, id_property="plate")
    assert [outcome.status for outcome in response.outcomes] == ["failed"]
