"""The client: its options, the environment, object types, and how it closes."""

import asyncio
import inspect
import math
import pickle

from collections.abc import Callable
from typing import Any

import aiohttp
import attrs
import orjson
import pytest

import hubbatch

from hubbatch import (
    Account,
    APIError,
    AuthenticationError,
    ConfigurationError,
    DailyLimitReached,
    HubBatch,
    HubBatchError,
    HubSpotUnavailable,
    InvalidRequestError,
    Limits,
    PermissionDeniedError,
    RateLimit,
    RetryPolicy,
)
from hubbatch._http import Answer, NoAnswer, Request, Response
from hubbatch._net.gate import MAX_IN_FLIGHT
from tests.net.crm import (
    SECRET,
    UNAUTHORIZED,
    Crm,
    page,
    refusal,
    throttled,
    updates,
)


ENVIRONMENT = ("HUBSPOT_ACCESS_TOKEN", "HUBBATCH_BASE_URL", "HUBBATCH_API_VERSION")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


def on(crm: Crm, hub: HubBatch) -> HubBatch:
    """Connect a client to a scripted HubSpot."""
    hub._state.transport = crm
    return hub


def path_of(hub: HubBatch, batch: Any) -> str:
    """Return the URL that a batch would be sent to, and close the batch."""
    transport: Any = hub._state.transport
    batch.close()
    return str(transport._url_of(batch._operation.path.lstrip("/")))


# ---- options

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no token": ({"access_token": None}, "No access token. Set HUBSPOT_ACCESS_TOKEN"),
    "an empty token": ({"access_token": ""}, "No access token"),
    "no string": (
        {"access_token": 5},
        "a str, an OAuth or an async callable .*not int",
    ),
    "two lines": ({"access_token": "a\nb"}, "not a line of visible ASCII"),
    "no TLS": ({"base_url": "http://x.example"}, "would send the access token without"),
    "no URL": (
        {"base_url": "api"},
        "base_url must be a URL such as https://api.hubapi.com, not 'api'",
    ),
    "an old version": (
        {"api_version": "v1"},
        "'v3' or a date like '2026-03', not 'v1'",
    ),
    "no workers": (
        {"max_concurrency": 0},
        "max_concurrency must be 'auto' or an int above zero, not 0",
    ),
    "half a worker": (
        {"max_concurrency": 1.5},
        "max_concurrency must be 'auto' or an int above zero",
    ),
    "True workers": (
        {"max_concurrency": True},
        "max_concurrency must be 'auto' or an int above zero",
    ),
    "no time": ({"timeout": 0}, "timeout must be .*, not 0"),
    "negative time": ({"timeout": -1.0}, "timeout must be .*, not -1.0"),
    "no number of seconds": ({"timeout": math.nan}, "timeout must be .*, not nan"),
    "time as a string": ({"timeout": "5"}, "timeout must be .*, not '5'"),
    "True seconds": ({"timeout": True}, "timeout must be .*, not True"),
    "no policy": ({"retry": 5}, "retry must be a RetryPolicy, not int"),
    "no session": ({"session": 5}, "session must be a ClientSession, not int"),
    "one listener": ({"listeners": print}, "must be a collection of functions, not"),
    "no listeners": ({"listeners": [5]}, "must be a collection of functions, not .5."),
    "HTTP as a string": ({"allow_http": "no"}, "allow_http must be a bool, not str"),
    "a proxy's URL": ({"trust_env": "http://x"}, "trust_env must be a bool, not str"),
    "no version": ({"api_version": 5}, "'v3' or a date like '2026-03', not 5"),
    "no address": (
        {"base_url": 5},
        "base_url must be a URL such as https://api.hubapi.com, not 5",
    ),
    "workers as a string": (
        {"max_concurrency": "5"},
        "max_concurrency must .*, not '5'",
    ),
    "requests as a string": ({"rate_limit": "5"}, "rate_limit must be .*, not '5'"),
    "negative requests": ({"rate_limit": -5}, "rate_limit must be .*, not -5"),
    "endless time": ({"timeout": math.inf}, "timeout must be .*, not inf"),
    "no requests": ({"rate_limit": 0}, "rate_limit must be 'auto', a number .*, not 0"),
    "half a request": ({"rate_limit": 0.5}, "rate_limit must be .*, not 0.5"),
    "a word": ({"rate_limit": "fast"}, "rate_limit must be .*, not 'fast'"),
    "True requests": ({"rate_limit": True}, "rate_limit must be .*, not True"),
    "no number": ({"rate_limit": math.nan}, "rate_limit must be .*, not nan"),
    "more than a day": ({"daily_reserve": "101%"}, "daily_reserve .*, not '101%'"),
    "less than nothing": ({"daily_reserve": -1}, "daily_reserve must be .*, not -1"),
    "True calls": ({"daily_reserve": True}, "daily_reserve must be .*, not True"),
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


def test_limits_outside_an_event_loop_say_what_to_do() -> None:
    hub = HubBatch(SECRET)

    with pytest.raises(RuntimeError, match=r"Read `hub\.limits` in a coroutine"):
        _ = hub.limits


def test_a_misspelled_object_type_names_the_one_that_was_meant() -> None:
    hub = HubBatch(SECRET)

    for owner in (hub, hub.single):
        with pytest.raises(AttributeError, match="Did you mean `tickets`"):
            _ = owner.ticket  # type: ignore[union-attr] # that is the point


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
    transport: Any = hub._state.transport
    assert transport._timeout.total == 120
    assert hub._state.max_concurrency == MAX_IN_FLIGHT == 200


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
    kind = "Contacts" if name == "contacts" else "Objects"
    assert repr(made) == f"<{kind} {name!r}>"
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
    with pytest.raises(TypeError, match="An object type is a str"):
        HubBatch(SECRET).objects(wrong)


@pytest.mark.parametrize("name", ["tickets", "products", "line_items"])
def test_legacy_types(name: str) -> None:
    hub = HubBatch(SECRET)
    made = getattr(hub.legacy, name)
    assert repr(made) == f"<LegacyObjects {name!r}>"
    assert path_of(hub, made.update([])) == (
        f"https://api.hubapi.com/crm-objects/v1/objects/{name}/batch-update"
    )


# ---- opening and closing


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


def test_refused_in_a_second_loop_while_the_first_is_open() -> None:
    hub = on(Crm(latency=(0.0, 0.0)), HubBatch(SECRET))

    async def use() -> Any:
        return await hub.tickets.archive([1])

    async def stream() -> None:
        async with hub.tickets.archive([1]) as outcomes:
            await anext(outcomes)

    async def limits() -> None:
        assert hub.limits.used

    with asyncio.Runner() as first:
        assert first.run(use()).succeeded == 1
        for again in (use, stream, limits, hub.aclose):
            with pytest.raises(
                RuntimeError, match="in use in another event loop"
            ) as no:
                asyncio.run(again())
            assert "run_coroutine_threadsafe" in str(no.value)
        assert first.run(use()).succeeded == 1
    assert asyncio.run(use()).succeeded == 1


async def test_closed_client_refuses() -> None:
    crm = Crm()
    hub = on(crm, HubBatch(SECRET))
    await hub.aclose()
    with pytest.raises(RuntimeError, match="This client is closed"):
        await hub.tickets.archive([1])
    with pytest.raises(RuntimeError, match="This client is closed"):
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


async def test_closing_that_is_cancelled_leaves_no_session_open() -> None:
    """Neither the open one, nor a new one for a batch that is still running."""
    hub = HubBatch(SECRET, base_url="http://127.0.0.1:9", retry=RetryPolicy(base=0.001))
    made = hub.tickets.archive([1, 2])
    running = asyncio.create_task(made)
    await asyncio.sleep(0)
    closing = asyncio.create_task(hub.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(HubSpotUnavailable, match="This client is closed"):
        await running
    response = made.response
    assert response is not None
    assert closing.cancelled()
    assert [outcome.status for outcome in response.outcomes] == ["not_sent"] * 2
    transport: Any = hub._state.transport
    assert transport._session is None


# ---- the account

DETAILS = {
    "portalId": 62515,
    "accountType": "STANDARD",
    "timeZone": "America/New_York",
    "companyCurrency": "USD",
    "additionalCurrencies": ["EUR", "CAD"],
    "utcOffset": "-05:00",
    "utcOffsetMilliseconds": -18_000_000,
    "uiDomain": "app.hubspot.com",
    "dataHostingLocation": "na1",
}


@attrs.define
class Says:
    """A transport that returns its answers in order, and then repeats the last one."""

    answers: list[Answer]
    heard: list[Request] = attrs.field(factory=list)
    limits: list[Limits] = attrs.field(factory=list)
    hub: HubBatch | None = None

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        self.heard.append(request)
        on_sent()
        assert self.hub is not None
        self.limits.append(self.hub.limits)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def retire(self) -> None:
        """Keep no connections."""

    async def aclose(self) -> None:
        """Nothing is open."""


def saying(*answers: Answer, **options: Any) -> tuple[Says, HubBatch]:
    hub = HubBatch(SECRET, retry=RetryPolicy(base=1e-6), **options)
    says = Says([*answers], hub=hub)
    hub._state.transport = says
    return says, hub


def as_answer(body: object) -> Response:
    return Response(200, {}, orjson.dumps(body))


@pytest.mark.parametrize("version", ["v3", "2025-09", "2026-03", "2026-09"])
async def test_account(version: str) -> None:
    says, hub = saying(as_answer(DETAILS), api_version=version)
    assert await hub.account() == Account(
        portal_id=62515,
        account_type="STANDARD",
        time_zone="America/New_York",
        company_currency="USD",
        additional_currencies=["EUR", "CAD"],
        utc_offset="-05:00",
        ui_domain="app.hubspot.com",
        data_hosting_location="na1",
    )
    [request] = says.heard
    assert (request.method, request.path, request.body) == (
        "GET",
        f"/account-info/{version}/details",
        b"",
    )
    assert request.headers["Authorization"] == f"Bearer {SECRET}"


async def test_account_of_little_is_an_account() -> None:
    _, hub = saying(as_answer({"portalId": "7", "timeZone": 5, "new": {}}))
    assert await hub.account() == Account(7, time_zone="5")


async def test_account_takes_a_permit() -> None:
    says, hub = saying(as_answer(DETAILS))
    await hub.account()
    await hub.account()
    assert [limits.used for limits in says.limits] == [1, 2]
    assert hub._state.gate.granted == hub.limits.used == 2


REFUSED: dict[str, tuple[Response, type[APIError]]] = {
    "401": (UNAUTHORIZED, AuthenticationError),
    "403": (refusal(403, "Not granted.", "MISSING_SCOPES"), PermissionDeniedError),
    "400": (refusal(400, "No.", "VALIDATION_ERROR"), InvalidRequestError),
    "400 in HTML": (page(400), InvalidRequestError),
    "404": (page(404), InvalidRequestError),
    "404 in JSON": (refusal(404, "resource not found"), InvalidRequestError),
    "405": (page(405), InvalidRequestError),
    "302": (Response(302, {"Location": "/login"}, b""), InvalidRequestError),
    "the day": (refusal(429, "x", policyName="DAILY"), DailyLimitReached),
}


@pytest.mark.parametrize(("answer", "kind"), REFUSED.values(), ids=REFUSED)
async def test_account_that_is_refused(answer: Response, kind: type[APIError]) -> None:
    says, hub = saying(answer)
    with pytest.raises(APIError) as caught:
        await hub.account()
    assert type(caught.value) is kind
    assert caught.value.status == answer.status
    assert len(says.heard) == 1
    assert SECRET not in str(caught.value)


PASSING: dict[str, Answer] = {
    "500": page(500),
    "503 in JSON": refusal(503, "Down.", "INTERNAL_ERROR"),
    "408": page(408),
    "no answer": NoAnswer(sent=True, reason="connection failed: reset"),
    "not connected": NoAnswer(sent=False, reason="connection failed: refused"),
    "204": Response(204, {}, b""),
    "empty": Response(200, {}, b""),
    "HTML": Response(200, {}, b"<html>proxy</html>"),
    "cut short": Response(200, {}, orjson.dumps(DETAILS)[:30]),
    "a list": as_answer([DETAILS]),
    "null": as_answer(None),
    "a number": as_answer(62515),
    "no portal": as_answer({"accountType": "STANDARD"}),
    "odd portal": as_answer({"portalId": "x"}),
}


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
async def test_account_that_cannot_be_told(answer: Answer) -> None:
    says, hub = saying(answer)
    with pytest.raises(
        HubSpotUnavailable, match=r"No request got a usable answer.*\. Try again later"
    ) as caught:
        await hub.account()
    assert caught.value.status == getattr(answer, "status", None)
    assert len(says.heard) == 5


async def test_account_that_is_told_at_last() -> None:
    says, hub = saying(page(502), throttled(Retry_After="0.001"), as_answer(DETAILS))
    assert (await hub.account()).portal_id == 62515
    assert len(says.heard) == 3


# ---- secrets


async def test_no_token_in_what_is_shown_or_kept() -> None:
    """Neither of the client, nor of what it returns or raises."""
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
        hub._state,
        hub._state.credentials,
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
    for thing in (hub, hub._state):
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
