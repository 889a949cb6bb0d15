"""OAuth, many portals and the user's own classes, over sockets."""

import asyncio
import gc
import weakref

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import aiohttp
import attrs
import pytest

from hubbatch import (
    Accounts,
    AuthenticationError,
    HubSpotUnavailable,
    OAuth,
    OAuthTokens,
    PropertyName,
    RateLimit,
    ReconnectRequired,
    RecordInvalid,
    TooManyFailures,
)
from hubbatch.simulator import Fault
from tests.integration.conftest import Portal


def oauth(portal: Portal, **options: Any) -> OAuth:
    lifetime = options.pop("lifetime", 1800)
    refresh_token = portal.sim.install_app("app", "hush", lifetime=lifetime)
    return OAuth("app", "hush", refresh_token, **options)


def paths(portal: Portal) -> Counter[str]:
    return Counter(received.path for received in portal.sim.requests)


# ---- OAuth


@pytest.mark.parametrize("version", ["v3", "2026-03"])
async def test_oauth(portal: Portal, version: str) -> None:
    ids = portal.tickets(300)
    seen: list[OAuthTokens] = []
    login = oauth(portal, on_refresh=seen.append)
    async with portal.hub(access_token=login, api_version=version) as hub:
        response = await hub.tickets.read(ids)
    assert response.succeeded == 300
    assert paths(portal)[f"/oauth/{version}/token"] == 1
    [tokens] = seen
    assert tokens.expires_at is not None
    life = tokens.expires_at - datetime.now(UTC)
    assert timedelta(seconds=1700) < life <= timedelta(seconds=1800)


async def test_a_run_longer_than_the_tokens_life(portal: Portal) -> None:
    """Tokens live for a second, and the limit makes the run take two minutes."""
    ids = portal.tickets(1_200)
    login = oauth(portal, lifetime=1)
    async with portal.hub(access_token=login, rate_limit=RateLimit(10)) as hub:
        batch = hub.tickets.read(ids[:100] * 12, max_failures=None)
        slow = [hub.tickets.read([one]) for one in ids[:120]]
        responses = await asyncio.gather(batch, *slow)
    assert sum(response.succeeded for response in responses) == 1_320
    assert paths(portal)["/oauth/v3/token"] > 10
    assert set(portal.statuses) == {200}


async def test_clients_of_one_installation_share_its_limit(portal: Portal) -> None:
    login = oauth(portal)
    other = oauth(portal)
    async with (
        portal.hub(access_token=login, rate_limit=20) as one,
        portal.hub(access_token=login) as two,
        portal.hub(access_token=other) as apart,
    ):
        limits = [hub.limits.max_requests for hub in (one, two, apart)]
    assert limits == [20, 20, 100]
    assert "na1" not in login.fingerprint


async def test_an_app_that_was_uninstalled_meanwhile(portal: Portal) -> None:
    [one] = portal.tickets(1)
    login = oauth(portal, lifetime=600)
    async with portal.hub(access_token=login) as hub:
        assert (await hub.tickets.read([one])).succeeded == 1
        for token in [*portal.sim.apps.installations]:
            portal.sim.revoke_token(token)
        await asyncio.sleep(600)
        with pytest.raises(ReconnectRequired) as caught:
            await hub.tickets.read([one])
    assert (caught.value.category, caught.value.status) == ("invalid_grant", 400)
    assert caught.value.summary.not_sent == 1


async def test_an_access_token_that_was_revoked(portal: Portal) -> None:
    """It has not expired, but HubSpot does not know it; it is refreshed."""
    ids = portal.tickets(10)
    login = oauth(portal)
    async with portal.hub(access_token=login) as hub:
        await hub.tickets.read(ids)
        for token in [*portal.sim.apps.tokens]:
            portal.sim.revoke_token(token)
        response = await hub.tickets.read(ids)
    assert response.succeeded == 10
    assert portal.statuses == [200, 200, 401, 200, 200]


async def test_the_wrong_secret(portal: Portal) -> None:
    refresh_token = portal.sim.install_app("app", "hush")
    login = OAuth("app", "guess", refresh_token)
    async with portal.hub(access_token=login) as hub:
        with pytest.raises(AuthenticationError, match="invalid_client") as caught:
            await hub.tickets.read([1])
    assert not isinstance(caught.value, ReconnectRequired)


async def test_a_token_endpoint_that_is_down(portal: Portal) -> None:
    portal.sim.faults.add(Fault("status", None, status=503))
    async with portal.hub(access_token=oauth(portal)) as hub:
        with pytest.raises(HubSpotUnavailable, match="503"):
            await hub.tickets.read([1])
        portal.sim.faults.clear()
        assert (await hub.tickets.read(portal.tickets(1))).succeeded == 1


# ---- many accounts


@pytest.mark.slow
async def test_many_portals_and_few_connections(portal: Portal) -> None:
    """300 portals, many small calls: 20 connections suffice, nothing is left over."""
    sim = portal.sim
    logins = {}
    for number in range(300):
        account = sim.open_account(70_000 + number)
        logins[str(account.portal_id)] = sim.issue_token(account=account)
    most = 0

    async def load(account: str) -> str:
        return logins[account]

    connector = aiohttp.TCPConnector(limit=20)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        Accounts(load, session=session, base_url=sim.url, idle=1e6) as accounts,
    ):
        left: list[weakref.ref[Any]] = []

        async def call(number: int) -> None:
            nonlocal most
            hub = await accounts.get(70_000 + number % 300)
            response = await hub.account()
            most = max(most, len(connector._acquired))
            if number < 300:
                left.extend((weakref.ref(hub), weakref.ref(hub._state)))
            assert response.portal_id == 70_000 + number % 300

        for _ in range(2):
            await asyncio.gather(*(call(number) for number in range(900)))
        assert len(accounts) == 300
        await asyncio.sleep(1e6 + 1)
        gc.collect()
        assert len(accounts) == 0
        assert [ref for ref in left if ref() is not None] == []
    assert 0 < most <= 20
    assert len(sim.requests) == 1_800
    assert set(portal.statuses) == {200}


# ---- typed records


class Priority(StrEnum):
    LOW = "LOW"
    HIGH = "HIGH"


@attrs.define
class Ticket:
    subject: str
    priority: Annotated[Priority | None, PropertyName("hs_ticket_priority")] = None
    made: Annotated[datetime | None, PropertyName("createdate", read_only=True)] = None
    id: str | None = None


async def test_typed_records_there_and_back(portal: Portal) -> None:
    async with portal.hub() as hub:
        created = await hub.tickets.create([Ticket("one", Priority.LOW), Ticket("two")])
        ids = [result.id for result in created.results]
        read = await hub.tickets.read(ids, into=Ticket)
        one, two = read.results
        assert (one.subject, one.priority, one.id) == ("one", Priority.LOW, ids[0])
        assert (two.subject, two.priority) == ("two", None)
        assert one.made is not None
        assert one.made.tzinfo is not None
        assert read.outcomes[1].id == ids[1]
        one.priority = Priority.HIGH
        updated = await hub.tickets.update([one])
        assert updated.results[0].properties["hs_ticket_priority"] == "HIGH"
        async with hub.tickets.read([one], into=Ticket) as outcomes:
            [outcome] = [outcome async for outcome in outcomes]
        assert outcome.result == one
        assert outcome.id == one.id
        assert read.to_dict()["results"][1]["properties"]["subject"] == "two"
        assert (await hub.tickets.archive([one, two])).succeeded == 2


async def test_a_class_without_an_id(portal: Portal) -> None:
    """An id that is not in the instances is known from the inputs, or left out."""

    @attrs.define
    class Nameless:
        subject: str

    create = portal.sim.store.create
    unique = "hs_external_object_ids"
    ids = [create("tickets", {"subject": text, unique: text}).id for text in "ab"]
    async with portal.hub() as hub:
        response = await hub.tickets.read([*ids, ids[0]], into=Nameless)
        by_name = await hub.tickets.read(["a"], id_property=unique, into=Nameless)
    assert [outcome.id for outcome in response.outcomes] == [*ids, ids[0]]
    assert response.to_dict()["results"] == [
        {"id": ids[0], "properties": {"subject": "a"}},
        {"id": ids[1], "properties": {"subject": "b"}},
        {"id": ids[0], "properties": {"subject": "a"}},
    ]
    assert [outcome.id for outcome in by_name.outcomes] == [None]
    assert by_name.to_dict()["results"] == [{"properties": {"subject": "a"}}]


async def test_a_record_that_does_not_fit_fails_alone(portal: Portal) -> None:
    @attrs.define
    class Strict:
        subject: Decimal
        id: int

    create = portal.sim.store.create
    ids = [create("tickets", {"subject": text}).id for text in ("1", "x", "3")]
    async with portal.hub() as hub:
        response = await hub.tickets.read([*ids, ids[1]], into=Strict)
    assert response.results == [
        Strict(Decimal(1), int(ids[0])),
        Strict(Decimal(3), int(ids[2])),
    ]
    assert [outcome.index for outcome in response.failed] == [1, 3]
    for outcome in response.failed:
        assert isinstance(outcome.error, RecordInvalid)
        assert outcome.error.property_name == "subject"
        assert f"'subject' of record {ids[1]} is 'x'" in outcome.error.message
        assert (outcome.id, outcome.result) == (ids[1], None)
    assert len(portal.sim.requests) == 1


async def test_a_list_of_typed_records(portal: Portal) -> None:
    """A list raises at a record that does not fit; a read continues after it."""

    @attrs.define
    class Numbered:
        subject: int
        id: str

    made = [portal.sim.store.create("tickets", {}) for _ in range(3)]
    made.sort(key=lambda record: int(record.id))
    for record, text in zip(made, ("1", "x", "3"), strict=True):
        record.properties["subject"] = text
    ids = [record.id for record in made]
    async with portal.hub() as hub:
        numbered = hub.tickets.list(into=Numbered)
        assert await anext(numbered) == Numbered(1, ids[0])
        with pytest.raises(RecordInvalid, match=f"of record {ids[1]} is 'x'"):
            await anext(numbered)
        listed = (one.id async for one in hub.tickets.list())
        response = await hub.tickets.read(listed, into=Numbered)
        with pytest.raises(TypeError, match="Expected an attrs class"):
            hub.tickets.list(into=int)
    assert response.results == [Numbered(1, ids[0]), Numbered(3, ids[2])]
    assert [outcome.id for outcome in response.failed] == [ids[1]]
    assert portal.sim.requests[0].query["properties"] == "subject"


async def test_a_class_that_fits_no_record_ends_the_batch(portal: Portal) -> None:
    @attrs.define
    class Wrong:
        subject: int

    ids = portal.tickets(1_000)
    async with portal.hub() as hub:
        with pytest.raises(TooManyFailures, match="'subject' of record"):
            await hub.tickets.read(ids, into=Wrong)
