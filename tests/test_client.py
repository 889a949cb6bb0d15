"""The client as it is set up: options, environment, object types, its end."""

import asyncio
import inspect
import math
import pickle

from typing import Any

import aiohttp
import pytest

import hubbatch

from hubbatch import ConfigurationError, HubBatch, HubBatchError, Limits, RateLimit
from tests.net.crm import SECRET, UNAUTHORIZED, Crm, updates


ENVIRONMENT = ("HUBSPOT_ACCESS_TOKEN", "HUBBATCH_BASE_URL", "HUBBATCH_API_VERSION")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


def on(crm: Crm, hub: HubBatch) -> HubBatch:
    """Put a scripted HubSpot behind a client."""
    hub._engine.transport = crm
    return hub


def path_of(hub: HubBatch, batch: Any) -> str:
    """Tell where a batch would be sent to; it is not."""
    transport: Any = hub._engine.transport
    batch.close()
    return f"{transport._base_url}{batch._operation.path}"


# ---- options

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no token": ({"access_token": None}, "No access token. Set HUBSPOT_ACCESS_TOKEN"),
    "an empty token": ({"access_token": ""}, "No access token"),
    "no text": ({"access_token": 5}, "a str or an async callable .*not int"),
    "two lines": ({"access_token": "a\nb"}, "not a line of visible ASCII"),
    "no TLS": ({"base_url": "http://x.example"}, "would send the access token without"),
    "no URL": ({"base_url": "api"}, "base_url must be an http.s. URL, not 'api'"),
    "an old version": (
        {"api_version": "v1"},
        "'v3' or a date like '2026-03', not 'v1'",
    ),
    "no workers": ({"max_concurrency": 0}, "max_concurrency must be above zero, not 0"),
    "half a worker": ({"max_concurrency": 1.5}, "max_concurrency must be above zero"),
    "True workers": ({"max_concurrency": True}, "max_concurrency must be above zero"),
    "no time": ({"timeout": 0}, "timeout must be .*, not 0"),
    "negative time": ({"timeout": -1.0}, "timeout must be .*, not -1.0"),
    "no number of seconds": ({"timeout": math.nan}, "timeout must be .*, not nan"),
    "endless time": ({"timeout": math.inf}, "timeout must be .*, not inf"),
    "no requests": ({"rate_limit": 0}, "rate_limit must be 'auto', a number .*, not 0"),
    "half a request": ({"rate_limit": 0.5}, "rate_limit must be .*, not 0.5"),
    "a word": ({"rate_limit": "fast"}, "rate_limit must be .*, not 'fast'"),
    "True requests": ({"rate_limit": True}, "rate_limit must be .*, not True"),
    "no number": ({"rate_limit": math.nan}, "rate_limit must be .*, not nan"),
    "no limit": ({"rate_limit": math.inf}, "rate_limit must be .*, not inf"),
}


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG)
def test_wrong_option(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        HubBatch(**{"access_token": SECRET, **options})
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, HubBatchError)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("rate_limit", "limit", "interval"),
    [
        ("auto", 100, 10),
        (150, 150, 10),
        (150.9, 150, 10),
        (RateLimit.oauth(), 110, 10),
        (RateLimit(7, interval=2.0), 7, 2),
    ],
)
async def test_rate_limit(rate_limit: Any, limit: int, interval: float) -> None:
    async with HubBatch(SECRET, rate_limit=rate_limit) as hub:
        assert hub.limits == Limits(limit, interval, 0, 0.0, None)


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    values = (SECRET, "http://localhost:8080/x", "2026-03")
    for name, value in zip(ENVIRONMENT, values, strict=True):
        monkeypatch.setenv(name, value)
    hub = HubBatch()
    assert path_of(hub, hub.tickets.update([])) == (
        "http://localhost:8080/x/crm/objects/2026-03/tickets/batch/update"
    )


def test_arguments_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, "not\nusable")
    hub = HubBatch(SECRET, base_url="https://localhost", api_version="2026-09")
    assert path_of(hub, hub.notes.create([])) == (
        "https://localhost/crm/objects/2026-09/notes/batch/create"
    )


def test_defaults() -> None:
    hub = HubBatch(SECRET)
    assert path_of(hub, hub.tickets.read([])) == (
        "https://api.hubapi.com/crm/v3/objects/tickets/batch/read"
    )
    transport: Any = hub._engine.transport
    assert transport._timeout.total == 120
    assert hub._engine.max_concurrency == 32


@pytest.mark.parametrize(
    "version", ["v3", "2025-09", "2026-03", "2026-09", "2027-03", "2026-09-beta"]
)
def test_api_version(version: str) -> None:
    hub = HubBatch(SECRET, api_version=version)
    root = "crm/v3/objects" if version == "v3" else f"crm/objects/{version}"
    assert f"/{root}/contacts/batch/upsert" in path_of(hub, hub.contacts.upsert([]))


# ---- object types


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("tickets", "tickets"),
        ("communications", "communications"),
        ("contacts", "contacts"),
        ("deals", "deals"),
        ("line_items", "line_items"),
        ("courses", "0-410"),
        ("listings", "0-420"),
        ("services", "0-162"),
    ],
)
def test_standard_types_are_attributes(name: str, segment: str) -> None:
    hub = HubBatch(SECRET)
    made = getattr(hub, name)
    assert repr(made) == f"<Objects {segment!r}>"
    assert f"/{segment}/batch/archive" in path_of(hub, made.archive([]))


@pytest.mark.parametrize("object_type", ["2-3456", "p62515_car", "0-5", "TICKET"])
def test_any_other_type(object_type: str) -> None:
    hub = HubBatch(SECRET)
    batch = hub.objects(object_type).update([])
    assert f"/{object_type}/batch/update" in path_of(hub, batch)


@pytest.mark.parametrize("wrong", ["", "a/b", "..", "a?b", "a b", "ä", "a%2fb", "a\n"])
def test_type_that_would_leave_its_path(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not an object type"):
        HubBatch(SECRET).objects(wrong)


def test_type_that_is_no_text() -> None:
    wrong: Any = 5
    with pytest.raises(TypeError, match="an object type is a str"):
        HubBatch(SECRET).objects(wrong)


@pytest.mark.parametrize("name", ["tickets", "products", "line_items"])
def test_legacy_types(name: str) -> None:
    hub = HubBatch(SECRET)
    made = getattr(hub.legacy, name)
    assert repr(made) == f"<LegacyObjects {name!r}>"
    assert path_of(hub, made.update([])) == (
        f"https://api.hubapi.com/crm-objects/v1/objects/{name}/batch-update"
    )


# ---- its life


def test_made_outside_a_loop_and_used_in_one() -> None:
    crm = Crm(latency=(0.0, 0.0))
    crm.fill(3)
    hub = on(crm, HubBatch(SECRET))

    async def use() -> int:
        async with hub:
            response = await hub.tickets.update(updates(3))
        return response.succeeded

    assert asyncio.run(use()) == 3
    assert crm.closed


def test_refused_in_a_second_loop() -> None:
    hub = on(Crm(latency=(0.0, 0.0)), HubBatch(SECRET))

    async def use() -> Any:
        return await hub.tickets.archive([1])

    async def stream() -> None:
        async with hub.tickets.archive([1]) as outcomes:
            await anext(outcomes)

    assert asyncio.run(use()).succeeded == 1
    for again in (use, stream):
        with pytest.raises(RuntimeError, match="in use in another event loop"):
            asyncio.run(again())


async def test_closed_client_refuses() -> None:
    crm = Crm()
    hub = on(crm, HubBatch(SECRET))
    await hub.aclose()
    with pytest.raises(RuntimeError, match="this client is closed"):
        await hub.tickets.archive([1])
    with pytest.raises(RuntimeError, match="this client is closed"):
        await hub.tickets.archive([1]).__aenter__()
    task = asyncio.create_task(hub.tickets.archive([1]))
    task.cancel()
    [result] = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(result, RuntimeError)
    await hub.aclose()
    assert crm.heard == []


async def test_closing_drains() -> None:
    crm = Crm(latency=(0.01, 0.02))
    crm.fill(300)
    hub = on(crm, HubBatch(SECRET))
    batches = [hub.tickets.update(updates(100, first)) for first in (1, 101, 201)]
    tasks = [asyncio.create_task(batch) for batch in batches]
    await asyncio.sleep(0)
    await hub.aclose()
    assert [batch.summary.succeeded for batch in batches] == [100, 100, 100]
    await asyncio.gather(*tasks)


async def test_shared_session_is_not_closed() -> None:
    async with aiohttp.ClientSession() as session:
        async with HubBatch(SECRET, session=session):
            pass
        assert not session.closed


# ---- secrets


async def test_no_token_in_what_is_shown_or_kept() -> None:
    """Of the client, of what it gives and of what it raises."""
    crm = Crm(script=["fine", UNAUTHORIZED])
    crm.fill(300)
    hub = on(crm, HubBatch(SECRET, max_concurrency=1))
    batch = hub.tickets.update(updates(300))
    with pytest.raises(HubBatchError) as caught:
        await batch
    error = caught.value
    assert batch.response is not None
    things = [
        hub,
        hub.tickets,
        hub.legacy.tickets,
        hub._engine,
        hub._engine.credentials,
        hub.limits,
        batch,
        batch.summary,
        batch.response,
        batch.response.outcomes,
        batch.response.outcomes[299],
        error,
        error.__dict__,
        crm.heard[0].request,
    ]
    for thing in things:
        assert SECRET not in repr(thing)
        assert SECRET not in str(thing)
    for thing in (error, batch.response, batch.summary, batch.response.outcomes[0]):
        assert SECRET.encode() not in pickle.dumps(thing)
    for thing in (hub, hub._engine):
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(thing)


# ---- the package


def test_everything_public_is_there() -> None:
    assert [name for name in hubbatch.__all__ if not hasattr(hubbatch, name)] == []
    assert hubbatch.__all__ == sorted(hubbatch.__all__)


def test_verbs_have_the_options_of_the_contract() -> None:
    tickets = HubBatch(SECRET).tickets
    options = {
        verb: {*inspect.signature(getattr(tickets, verb)).parameters}
        for verb in ("create", "read", "update", "upsert", "archive")
    }
    assert all({"isolate", "linger"} <= names for names in options.values())
    for verb in ("read", "update", "upsert"):
        assert "id_property" in options[verb]
    assert {"properties", "properties_with_history", "archived"} <= options["read"]
