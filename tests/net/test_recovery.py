"""Creates whose answers are lost: what goes over the wire, and in which order."""

import asyncio

from collections import Counter
from typing import Any

import pytest

from attrs import evolve

from hubbatch import HubSpotUnavailable, InvalidRequestError, RetryPolicy
from hubbatch._http import Response
from hubbatch._wire.endpoints import operation_for
from tests.net.crm import (
    LOCKED,
    UNAUTHORIZED,
    UNIQUE,
    Crm,
    Fate,
    batch,
    operation,
    page,
    refusal,
)


CREATE = operation_for(
    "objects", "create", "tickets", api_version="v3", reconcile_by=UNIQUE
)


def creates(count: int) -> list[dict[str, Any]]:
    return [{"properties": {UNIQUE: f"n{n}", "value": f"v{n}"}} for n in range(count)]


async def unanswered(made: Any) -> Any:
    """Await a batch whose creates got no answer, and return its response."""
    with pytest.raises(HubSpotUnavailable) as caught:
        await made
    assert caught.value.maybe_written
    return caught.value.response


def verbs(crm: Crm) -> list[str]:
    return [heard.verb for heard in crm.heard]


def standing(crm: Crm) -> Counter[str]:
    return Counter(record["value"] for record in crm.records.values())


@pytest.mark.parametrize("fate", ["502 after", "dropped after", "truncated"])
async def test_lost_after_the_write(fate: Fate) -> None:
    crm = Crm(script=[fate])
    response = await batch(crm, CREATE, creates(3))
    assert verbs(crm) == ["create", "read"]
    assert response.succeeded == 3
    assert {outcome.attempts for outcome in response.outcomes} == {2}
    assert [outcome.id for outcome in response.outcomes] == [*crm.records]
    assert standing(crm) == {"v0": 1, "v1": 1, "v2": 1}
    assert crm.heard[1].body["properties"] == [UNIQUE, "value"]


async def test_a_lookup_does_not_show_that_a_create_is_readable() -> None:
    """Else every record would be blamed for a call that HubSpot cannot read."""
    unreadable = refusal(400, "Invalid input JSON on line 1, column 12")
    crm = Crm(script=["502 before", "fine"], always=unreadable)
    made = batch(crm, evolve(CREATE, max_inputs=10), creates(30), workers=1)
    with pytest.raises(InvalidRequestError) as caught:
        await made
    assert not caught.value.response.failed
    assert len(crm.heard) <= 2 + 3 + 3


@pytest.mark.parametrize("fate", ["502 before", "dropped before", page(500)])
async def test_lost_before_the_write(fate: Fate) -> None:
    crm = Crm(script=[fate])
    response = await batch(crm, CREATE, creates(3))
    assert verbs(crm) == ["create", "read", "create"]
    assert response.succeeded == 3
    assert standing(crm) == {"v0": 1, "v1": 1, "v2": 1}


@pytest.mark.parametrize("fate", ["refused", LOCKED])
async def test_what_surely_did_not_arrive_is_not_looked_for(fate: Fate) -> None:
    crm = Crm(script=[fate])
    response = await batch(crm, CREATE, creates(3))
    assert verbs(crm) == ["create", "create"]
    assert response.succeeded == 3


@pytest.mark.parametrize("fate", ["502 before", "502 after", "truncated"])
async def test_without_a_unique_property_it_stays_unknown(fate: Fate) -> None:
    crm = Crm(script=[fate])
    response = await unanswered(batch(crm, operation("create"), creates(3)))
    assert verbs(crm) == ["create"]
    assert len(response.unknown) == 3


async def test_a_chunk_that_was_written_in_part() -> None:
    crm = Crm()

    def half(heard: Any) -> Any:
        crm.work(evolve(heard, inputs=heard.inputs[:2], keys=heard.keys[:2]))
        return page(502)

    crm.script = [half]
    response = await batch(crm, CREATE, creates(5))
    assert verbs(crm) == ["create", "read", "create"]
    assert len(crm.heard[2].inputs) == 3
    assert response.succeeded == 5
    assert set(standing(crm).values()) == {1}


async def test_a_value_of_somebody_else_is_not_claimed() -> None:
    crm = Crm(script=["502 before"])
    crm.records["7"] = {UNIQUE: "N0", "value": "theirs"}
    response = await batch(crm, CREATE, creates(2))
    assert [str(outcome.status) for outcome in response.outcomes] == [
        "unknown",
        "succeeded",
    ]
    assert standing(crm) == {"theirs": 1, "v1": 1}


async def test_the_read_back_is_tried_again() -> None:
    crm = Crm(script=["502 after", "502 before", "dropped before", "throttled"])
    response = await batch(crm, CREATE, creates(2))
    assert verbs(crm) == ["create", "read", "read", "read", "read"]
    assert response.succeeded == 2


async def test_a_lost_create_waits_before_it_is_looked_for() -> None:
    """HubSpot says how long, and an early question invites a late write."""
    loop = asyncio.get_running_loop()
    busy = refusal(503, "busy", headers={"Retry-After": "60"})
    crm = Crm(script=[lambda _: busy])
    began = loop.time()
    response = await batch(crm, CREATE, creates(2))
    assert verbs(crm) == ["create", "read", "create"]
    assert response.succeeded == 2
    assert loop.time() - began >= 60


async def test_a_read_back_that_is_lost_for_good() -> None:
    crm = Crm(script=["502 after"], always="502 before")
    policy = RetryPolicy(attempts=3)
    response = await unanswered(batch(crm, CREATE, creates(2), policy=policy))
    assert verbs(crm) == ["create", "read", "read", "read"]  # three of its own
    assert len(response.unknown) == 2
    assert "its lookup failed" in str(response.failures[0].error)


async def test_a_loss_that_was_the_last_attempt_is_looked_for_too() -> None:
    crm = Crm(script=["502 after"])
    response = await batch(crm, CREATE, creates(2), policy=RetryPolicy(attempts=1))
    assert verbs(crm) == ["create", "read"]
    assert response.succeeded == 2


async def test_a_wait_that_is_too_long_leaves_it_unlooked_for() -> None:
    """The reason does not say that it was looked for."""
    busy = refusal(503, "busy", headers={"Retry-After": "900"})
    crm = Crm(script=[lambda _: busy])
    response = await unanswered(batch(crm, CREATE, creates(1)))
    assert verbs(crm) == ["create"]
    [failure] = response.unknown
    assert failure.error is not None
    assert failure.error.message.startswith(
        "it may have been written, and its lookup failed: 503: busy"
    )


async def test_creates_that_are_always_lost_end_the_batch() -> None:
    """Answers to the questions do not hide that nothing can be created."""
    crm = Crm()

    def lose(heard: Any) -> Any:
        return page(502) if heard.verb == "create" else crm.work(heard)

    crm.always = lose
    made = batch(crm, CREATE, creates(1_000), workers=1)
    with pytest.raises(HubSpotUnavailable):
        await made
    assert made.response is not None
    assert len(made.response.unknown) == 300
    assert len(made.response.not_sent) == 700


async def test_a_read_back_that_is_not_authorized() -> None:
    """The end of the batch: what was lost stays unknown."""
    crm = Crm(script=["502 after"], always=UNAUTHORIZED)
    made = batch(crm, CREATE, creates(2))
    with pytest.raises(Exception, match="401"):
        await made
    assert made.response is not None
    assert len(made.response.unknown) == 2


async def test_a_read_back_that_is_refused() -> None:
    no = refusal(400, "no", "VALIDATION_ERROR")
    crm = Crm(script=["502 after", no, no, no])
    response = await batch(crm, CREATE, creates(2))
    assert verbs(crm) == ["create", "read", "read", "read"]
    assert len(response.unknown) == 2


async def test_what_is_written_late_after_it_was_looked_for() -> None:
    """The batch ends before it is created again: it is not called `not_sent`."""
    crm = Crm()

    def late(heard: Any) -> Any:
        crm.work(crm.heard[0])
        return UNAUTHORIZED if heard.verb == "create" else page(500)

    crm.script = ["502 before", "fine", late]
    made = batch(crm, CREATE, creates(1))
    with pytest.raises(Exception, match="401"):
        await made
    assert standing(crm) == {"v0": 1}
    assert made.response is not None
    assert len(made.response.unknown) == 1


async def test_creates_that_are_lost_again_and_again() -> None:
    crm = Crm()

    def lose(heard: Any) -> Any:
        return page(502) if heard.verb == "create" else crm.work(heard)

    crm.always = lose
    response = await unanswered(batch(crm, CREATE, creates(1)))
    assert verbs(crm) == ["create", "read"] * 3 + ["create"]
    assert len(response.unknown) == 1
    assert "looked up 3 times" in str(response.failures[0].error)


async def test_equal_values_keep_their_order() -> None:
    crm = Crm(script=["502 after"])
    given = [{"properties": {UNIQUE: text, "value": "v0"}} for text in ("A", "b", "a")]
    await batch(crm, CREATE, given)
    assert verbs(crm) == ["create", "read", "create"]
    assert [
        [item["properties"][UNIQUE] for item in heard.inputs]
        for heard in (crm.heard[0], crm.heard[2])
    ] == [["A", "b"], ["a"]]


async def test_a_late_write_is_looked_for_without_isolation_too() -> None:
    """The chunk that was created again is refused for what has landed meanwhile."""
    crm = Crm()

    def late(_: Any) -> Response:
        first = crm.heard[0]
        crm.work(evolve(first, inputs=first.inputs[:1], keys=first.keys[:1]))
        return refusal(409, "Ticket already exists. Existing ID: 90001", "CONFLICT")

    crm.script = ["502 before", "fine", late]
    response = await batch(crm, CREATE, creates(3), isolate=False)
    assert response.succeeded == 3
    assert set(standing(crm).values()) == {1}
