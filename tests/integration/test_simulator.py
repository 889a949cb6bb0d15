"""End to end: public calls, real sockets, HubSpot's rules."""

import asyncio
import re

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from hubbatch import (
    AuthenticationError,
    CreateInput,
    DailyLimitReached,
    HubBatch,
    HubSpotUnavailable,
    InvalidRequestError,
    LegacyUpdateInput,
    OutcomeUnknown,
    PermissionDeniedError,
    RateLimit,
    RecordConflict,
    RecordInvalid,
    RecordNotFound,
    UpdateInput,
    UpsertInput,
)
from hubbatch.simulator import Fault, Property, When
from tests.integration.conftest import Portal, unanswered


VERSIONS = ["v3", "2025-09", "2026-03", "2026-09"]
versions = pytest.mark.parametrize("version", VERSIONS)


def root(version: str) -> str:
    return "/crm/v3/objects" if version == "v3" else f"/crm/objects/{version}"


def statuses(response: Any) -> list[str]:
    return [outcome.status.value for outcome in response.outcomes]


# ---- the five calls that all began with


@versions
async def test_tickets_update(portal: Portal, version: str) -> None:
    ids = portal.tickets(3)
    async with portal.hub(api_version=version) as hub:
        response = await hub.tickets.update(
            [
                UpdateInput(ids[0], {"subject": "changed", "hs_pipeline_stage": 2}),
                {"id": ids[1], "properties": {"subject": ""}},
                UpdateInput("404", {"subject": "nowhere"}),
            ]
        )
    assert statuses(response) == ["succeeded", "succeeded", "failed"]
    assert isinstance(response.failures[0].error, RecordNotFound)
    assert (response.num_errors, response.errors[0].category) == (1, "OBJECT_NOT_FOUND")
    assert [result.id for result in response.results] == ids[:2]
    assert response.results[0].properties["hs_pipeline_stage"] == "2"
    trace = response.results[0].object_write_trace_id
    assert re.fullmatch(r"[A-Z2-7]{8}0", trace or "")
    assert response.started_at == datetime(2026, 9, 14, 12, tzinfo=UTC)
    assert portal.sim.requests[0].path == f"{root(version)}/tickets/batch/update"
    assert portal.statuses == [207]
    stored = [portal.sim.store.get("tickets", one) for one in ids]
    assert [one and one.properties.get("subject") for one in stored] == [
        "changed",
        None,
        "s2",
    ]


@versions
async def test_tickets_upsert(portal: Portal, version: str) -> None:
    key = "hs_external_object_ids"
    portal.sim.store.create("tickets", {key: "A-1", "subject": "old"})
    async with portal.hub(api_version=version) as hub:
        response = await hub.tickets.upsert(
            [
                UpsertInput("A-1", {"subject": "new"}),
                UpsertInput("A-2", {"subject": "created"}),
                {"id": "A-3", "idProperty": key, "properties": {"subject": "x"}},
            ],
            id_property=key,
        )
    assert statuses(response) == ["succeeded"] * 3
    assert [result.new for result in response.results] == [False, True, True]
    assert portal.sim.store.count("tickets") == 3
    assert portal.sim.requests[0].path == f"{root(version)}/tickets/batch/upsert"


@versions
async def test_tickets_read(portal: Portal, version: str) -> None:
    ids = portal.tickets(2)
    portal.sim.store.archive("tickets", ids[1])
    async with portal.hub(api_version=version) as hub:
        response = await hub.tickets.read(
            [*ids, ids[0]],
            properties=["subject", "content"],
            properties_with_history=["subject"],
        )
        archived = await hub.tickets.read(ids, archived=True)
    assert statuses(response) == ["succeeded", "failed", "succeeded"]
    found = response.results[0]
    assert (found.properties["subject"], found.properties["content"]) == ("s0", None)
    assert found.properties_with_history is not None
    assert [one.value for one in found.properties_with_history["subject"]] == ["s0"]
    assert statuses(archived) == ["failed", "succeeded"]
    assert archived.results[0].archived
    assert archived.results[0].archived_at == datetime(2026, 9, 14, 12, tzinfo=UTC)
    assert portal.sim.requests[0].path == f"{root(version)}/tickets/batch/read"


@versions
async def test_communications_update(portal: Portal, version: str) -> None:
    store = portal.sim.store
    record = store.create("communications", {"hs_communication_body": "old"})
    async with portal.hub(api_version=version) as hub:
        response = await hub.communications.update(
            [
                UpdateInput(
                    record.id,
                    {
                        "hs_communication_body": "new",
                        "hs_timestamp": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
                    },
                )
            ]
        )
    assert response.succeeded == 1
    assert record.properties["hs_communication_body"] == "new"
    assert record.properties["hs_timestamp"] == "2026-01-02T03:04:05Z"


@versions
async def test_legacy_tickets_update(portal: Portal, version: str) -> None:
    """The old call keeps its path, whatever the version."""
    ids = portal.tickets(250)
    async with portal.hub(api_version=version) as hub:
        response = await hub.legacy.tickets.update(
            [
                LegacyUpdateInput(int(one), {"content": f"c{place}"})
                for place, one in enumerate(ids)
            ]
        )
    assert response.succeeded == 250
    assert [str(result.object_id) for result in response.results] == ids
    assert response.results[7].properties["content"].value == "c7"
    assert response.results[7].object_type == "TICKET"
    assert response.status == "COMPLETE"
    assert response.started_at is None
    assert {received.path for received in portal.sim.requests} == {
        "/crm-objects/v1/objects/tickets/batch-update"
    }
    assert isinstance(portal.sim.requests[0].body, list)


async def test_legacy_chunk_with_a_missing_ticket(portal: Portal) -> None:
    """Its 404 refuses the chunk; split up, only the missing record fails."""
    ids = portal.tickets(7)
    inputs = [{"objectId": one, "properties": {"subject": "x"}} for one in [*ids, 404]]
    async with portal.hub() as hub:
        response = await hub.legacy.tickets.update(inputs)
    assert statuses(response) == ["succeeded"] * 7 + ["failed"]
    assert isinstance(response.failures[0].error, RecordNotFound)
    assert len(portal.sim.requests) <= 16


# ---- custom objects


async def test_every_verb_on_a_custom_object(portal: Portal) -> None:
    kind = portal.sim.store.define(
        "car",
        [Property("plate", unique=True), Property("seats", "number"), "colour"],
    )
    async with portal.hub() as hub:
        cars = hub.objects(kind.id)
        made = await cars.create(
            [
                CreateInput({"plate": f"B-{n}", "seats": n, "colour": "red"})
                for n in range(150)
            ]
        )
        read = await cars.read(
            [f"b-{n}".upper() for n in range(150)], id_property="plate"
        )
        changed = await cars.update(
            [UpdateInput(f"B-{n}", {"colour": "blue"}) for n in range(150)],
            id_property="plate",
        )
        upserted = await cars.upsert(
            [UpsertInput(f"B-{n}", {"seats": 9}) for n in range(140, 160)],
            id_property="plate",
        )
        gone = await cars.archive([result.id for result in made.results])
    assert made.succeeded == 150
    plates = [result.properties["plate"] for result in made.results]
    assert plates == [f"B-{n}" for n in range(150)]
    assert [one.id for one in read.results] == [one.id for one in made.results]
    assert [one.id for one in changed.results] == [one.id for one in made.results]
    assert [one.new for one in upserted.results] == [False] * 10 + [True] * 10
    assert (gone.succeeded, gone.results) == (150, [])
    assert portal.sim.store.count(kind.id) == 10


# ---- refusals


async def test_bad_values_cost_only_themselves(portal: Portal) -> None:
    ids = portal.tickets(100)
    async with portal.hub() as hub:
        response = await hub.tickets.update(
            [
                UpdateInput(
                    one, {"hs_ticket_priority": "HUGE" if n % 30 == 5 else "LOW"}
                )
                for n, one in enumerate(ids)
            ]
        )
    assert [failure.index for failure in response.failed] == [5, 35, 65, 95]
    error = response.failures[0].error
    assert isinstance(error, RecordInvalid)
    assert (error.code, error.property_name) == ("INVALID_OPTION", "hs_ticket_priority")
    assert "HUGE was not one of the allowed options" in error.message
    assert response.num_errors == 4
    assert len(portal.sim.requests) == 1


@pytest.mark.parametrize("bad", [[17], [0, 99], [3, 4, 50]])
async def test_whole_chunk_that_is_refused_is_taken_apart(
    portal: Portal, bad: list[int]
) -> None:
    portal.sim.faults.set(honour_trace_ids=())
    inputs = [
        CreateInput({"subject": f"s{n}", **({"nonsense": "x"} if n in bad else {})})
        for n in range(100)
    ]
    async with portal.hub() as hub:
        response = await hub.tickets.create(inputs)
    assert [failure.index for failure in response.failed] == bad
    assert {failure.error and failure.error.code for failure in response.failed} == {
        "PROPERTY_DOESNT_EXIST"
    }
    assert portal.sim.store.count("tickets") == 100 - len(bad)
    assert len(portal.sim.requests) <= 200


async def test_contact_that_exists(portal: Portal) -> None:
    owner = portal.sim.store.create("contacts", {"email": "ada@example.com"})
    async with portal.hub() as hub:
        response = await hub.contacts.create(
            [
                CreateInput({"email": "Ada@Example.com"}),
                CreateInput({"email": "Grace@Example.com"}),
            ]
        )
    assert statuses(response) == ["failed", "succeeded"]
    error = response.failures[0].error
    assert isinstance(error, RecordConflict)
    assert error.existing_id == owner.id
    assert response.results[0].properties["email"] == "grace@example.com"


async def test_repeated_keys_keep_their_order(portal: Portal) -> None:
    """HubSpot refuses an id twice in one request; the last input must win."""
    hot, *others = portal.tickets(30)
    inputs = []
    for turn, other in enumerate(others):
        inputs.append(UpdateInput(other, {"subject": f"o{turn}"}))
        inputs.append(UpdateInput(hot, {"subject": f"h{turn}"}))
    async with portal.hub() as hub:
        response = await hub.tickets.update(inputs)
    assert response.succeeded == 58
    stored = portal.sim.store.get("tickets", hot)
    assert stored is not None
    assert stored.properties["subject"] == "h28"
    assert [text for _, text in stored.history("subject")][:3] == ["h28", "h27", "h26"]


async def test_merged_record_is_unknown(portal: Portal) -> None:
    """HubSpot omits it: there is neither a result nor an error."""
    ids = portal.tickets(3)
    portal.sim.store.merge("tickets", ids[0], ids[1])
    async with portal.hub() as hub:
        response = await hub.tickets.update(
            [UpdateInput(one, {"subject": "x"}) for one in (ids[0], ids[2])]
        )
    assert statuses(response) == ["unknown", "succeeded"]
    assert isinstance(response.failures[0].error, OutcomeUnknown)
    assert len(portal.sim.requests) == 2


async def test_property_that_is_not_unique_ends_the_batch(portal: Portal) -> None:
    async with portal.hub() as hub:
        with pytest.raises(
            InvalidRequestError, match="non-unique 0-5 property subject"
        ):
            await hub.tickets.upsert([UpsertInput("x", {})], id_property="subject")
    assert len(portal.sim.requests) == 1


async def test_unknown_object_type_ends_the_batch(portal: Portal) -> None:
    async with portal.hub() as hub:
        batch = hub.objects("butterflies").create([CreateInput({})] * 250)
        with pytest.raises(InvalidRequestError, match="Unable to infer object type"):
            await batch
    assert batch.summary.not_sent == 250


# ---- tokens and paths


async def test_wrong_token(portal: Portal) -> None:
    wrong = "pat-na1-wrong"
    async with portal.hub(access_token=wrong) as hub:
        batch = hub.tickets.archive(range(1, 500))
        with pytest.raises(AuthenticationError) as caught:
            await batch
    assert (caught.value.status, caught.value.category) == (
        401,
        "INVALID_AUTHENTICATION",
    )
    assert caught.value.correlation_id
    assert wrong not in str(caught.value)
    assert batch.summary.not_sent == 499


async def test_token_that_expires_on_the_way(portal: Portal) -> None:
    sim = portal.sim
    ids = portal.tickets(300)
    tokens = [sim.issue_token(expires_in=5), sim.issue_token()]
    asked = 0

    async def token() -> str:
        nonlocal asked
        asked += 1
        return tokens[asyncio.get_running_loop().time() > 5]

    async def source() -> AsyncIterator[Any]:
        for place, one in enumerate(ids):
            if place == 150:
                await asyncio.sleep(6)
            yield one

    async with portal.hub(access_token=token) as hub:
        response = await hub.tickets.read(source())
    assert response.succeeded == 300
    assert asked >= 3


async def test_missing_scope(portal: Portal) -> None:
    token = portal.sim.issue_token(scopes=["crm.objects.contacts.read"])
    async with portal.hub(access_token=token) as hub:
        with pytest.raises(PermissionDeniedError) as caught:
            await hub.tickets.update([UpdateInput("1", {"subject": "x"})])
    assert caught.value.scopes
    assert caught.value.scopes[0] in str(caught.value)


async def test_path_that_is_not_there(portal: Portal) -> None:
    """HubSpot answers an HTML page."""
    portal.sim.faults.add(Fault("status", status=404, when=When(path="/not-there")))
    url = f"{portal.sim.url}/not-there"
    async with portal.hub(base_url=url) as hub:
        with pytest.raises(InvalidRequestError, match="nothing at /crm/v3") as caught:
            await hub.tickets.archive([1])
    assert caught.value.status == 404
    assert portal.statuses == [404]


# ---- trouble


FAULTS = {
    "502": Fault("status", 2, status=502),
    "500 without a body": Fault("status", 2, status=500, empty=True),
    "423": Fault("status", 2, status=423),
    "429": Fault("status", 2, status=429),
    "429 secondly": Fault("status", 2, status=429, policy="SECONDLY"),
    "dropped before the write": Fault("drop_before", 2),
    "dropped after the write": Fault("drop_after_commit", 2),
    "truncated": Fault("truncate", 2),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_trouble_on_the_way(portal: Portal, fault: Fault) -> None:
    [one] = portal.tickets(1)
    portal.sim.faults.add(fault)
    async with portal.hub() as hub:
        response = await hub.tickets.update([UpdateInput(one, {"subject": "new"})])
    assert statuses(response) == ["succeeded"]
    assert response.outcomes[0].attempts == len(portal.sim.requests) == 3


@pytest.mark.parametrize("kind", ["drop_before", "drop_after_commit", "truncate"])
async def test_create_whose_answer_is_lost(portal: Portal, kind: str) -> None:
    portal.sim.faults.add(Fault(kind))
    async with portal.hub() as hub:
        response = await unanswered(
            hub.tickets.create([CreateInput({"subject": "x"})] * 3)
        )
    assert statuses(response) == ["unknown"] * 3
    assert portal.sim.store.count("tickets") == (0 if kind == "drop_before" else 3)
    assert len(portal.sim.requests) == 1


async def test_hubspot_is_down(portal: Portal) -> None:
    portal.sim.faults.add(Fault("status", None, status=503))
    async with portal.hub(max_concurrency=2) as hub:
        batch = hub.tickets.archive(range(1, 2_000))
        with pytest.raises(HubSpotUnavailable, match="503"):
            await batch
    assert batch.summary.settled == 1_999
    assert batch.summary.not_sent > 1_000


async def test_no_server_listens(portal: Portal) -> None:
    await portal.sim.aclose()
    async with HubBatch("x", base_url="http://127.0.0.1:9") as hub:
        response = await unanswered(hub.tickets.archive([1, 2]))
    assert statuses(response) == ["not_sent", "not_sent"]


async def test_daily_limit(portal: Portal) -> None:
    portal.sim.faults.add(
        Fault("status", None, status=429, policy="DAILY", when=When(skip=3))
    )
    async with portal.hub(max_concurrency=1) as hub:
        batch = hub.tickets.archive(range(1, 1_001))
        with pytest.raises(DailyLimitReached):
            await batch
    assert (batch.summary.succeeded, batch.summary.not_sent) == (300, 700)


async def test_chaos(portal: Portal) -> None:
    """All faults at once: what succeeded exists, and what exists is reported."""
    portal.sim.faults.chaos(0.3)
    async with portal.hub() as hub:
        batch = hub.tickets.create(
            CreateInput({"subject": f"s{n}"}) for n in range(3_000)
        )
        response = await batch
    stored = [one.properties["subject"] for one in portal.sim.store.all("tickets")]
    assert len(stored) == len({*stored})
    owned_up = {*range(3_000)} - {
        outcome.index for outcome in (*response.failed, *response.not_sent)
    }
    done = {*range(3_000)} - {outcome.index for outcome in response.failures}
    assert {f"s{n}" for n in done} <= {*stored} <= {f"s{n}" for n in owned_up}
    assert portal.sim.faults.struck


# ---- the limit


@pytest.mark.parametrize("portal", [{"limit": 20}], indirect=True)
async def test_limit_is_kept_to_without_a_single_429(portal: Portal) -> None:
    async with portal.hub(rate_limit=RateLimit(20)) as hub:
        response = await hub.tickets.archive(range(1, 10_001))
        assert hub.limits.used == 20
    assert response.succeeded == 10_000
    assert portal.statuses == [204] * 100
    assert 40 <= asyncio.get_running_loop().time() < 60


@pytest.mark.parametrize("portal", [{"limit": 20, "latency": 0.3}], indirect=True)
async def test_limit_that_is_lower_than_thought_is_learnt(portal: Portal) -> None:
    """The first burst is too much; then the headers of answers are followed."""
    async with portal.hub(max_concurrency=32) as hub:
        batch = hub.tickets.archive(range(1, 10_001))
        response = await batch
        assert hub.limits.max_requests == 20
        assert hub.limits.daily_remaining is not None
    assert response.succeeded == 10_000
    refused = portal.statuses.count(429)
    assert 0 < refused == batch.summary.throttled <= 30
    assert 429 not in portal.statuses[60:]


async def test_more_is_sent_when_hubspot_allows_more(portal: Portal) -> None:
    async with portal.hub() as hub:
        await hub.tickets.archive(range(1, 20_001))
        assert hub.limits.max_requests == 190
    assert portal.statuses == [204] * 200


# ---- sources


def as_generator(inputs: list[Any]) -> Iterator[Any]:
    yield from inputs


async def as_async_generator(inputs: list[Any]) -> AsyncIterator[Any]:
    for place, given in enumerate(inputs):
        if place % 70 == 0:
            await asyncio.sleep(0.03)
        yield given


async def test_every_kind_of_source_has_the_same_response(portal: Portal) -> None:
    ids = portal.tickets(960)
    inputs: list[Any] = [
        {"id": one, "properties": {"closed_date": date(2026, 9, 1 + n % 30)}}
        for n, one in enumerate(ids)
    ]
    inputs[100:100] = [
        {"id": f"999{n}", "properties": {"subject": "x"}} for n in range(30)
    ]
    inputs[500:500] = [{"id": "x.0", "properties": {}}, *inputs[:9]]
    assert len(inputs) == 1_000
    async with portal.hub() as hub:
        responses = [
            await hub.tickets.update(inputs),
            await hub.tickets.update(as_generator(inputs)),
            await hub.tickets.update(as_async_generator(inputs)),
        ]
    first = shown(responses[0])
    assert first["failed"] == [*range(100, 130), 500]
    assert len(first["results"]) == 969
    assert [shown(response) for response in responses] == [first] * 3


def shown(response: Any) -> dict[str, Any]:
    """Return the parts of a response that do not depend on time or chunks."""
    return {
        "status": response.status,
        "results": [
            (one.id, one.properties["closed_date"]) for one in response.results
        ],
        "statuses": statuses(response),
        "failed": [failure.index for failure in response.failed],
        "reasons": [failure.error.message for failure in response.failures],
        "categories": {error.category for error in response.errors},
    }


async def test_stream_over_sockets(portal: Portal) -> None:
    ids = portal.tickets(1_000)
    seen = {}
    async with portal.hub() as hub:
        batch = hub.tickets.read(iter(ids))
        async with batch as outcomes:
            async for outcome in outcomes:
                seen[outcome.index] = outcome.id
    assert [seen[place] for place in range(1_000)] == ids
    assert (batch.summary.requests, batch.summary.succeeded) == (10, 1_000)


async def test_no_connection_and_no_task_is_left(portal: Portal) -> None:
    before = asyncio.all_tasks()
    async with portal.hub() as hub:
        async with hub.tickets.archive(range(1, 100_000)) as outcomes:
            async for _ in outcomes:
                break
        task = asyncio.create_task(hub.tickets.archive(range(1, 100_000)))
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.wait([task])
    await asyncio.sleep(1)
    names = {task.get_coro().__qualname__ for task in asyncio.all_tasks() - before}  # type: ignore[union-attr] # coroutines all
    assert not {name for name in names if "Run." in name or "Stream" in name}
