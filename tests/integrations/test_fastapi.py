"""The FastAPI integration: dependencies, lifespans, error responses."""

import asyncio
import re
import subprocess
import sys

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest

from fastapi import Depends, FastAPI, Header, HTTPException, WebSocket

from hubbatch import (
    Accounts,
    APIError,
    AuthenticationError,
    BatchFailed,
    CertificateError,
    CheckFailed,
    ConfigurationError,
    DailyLimitReached,
    HubBatch,
    HubBatchError,
    HubSpotUnavailable,
    InvalidRequestError,
    LimiterUnavailable,
    ListError,
    OutcomeUnknown,
    OverloadedError,
    PermissionDeniedError,
    ProxyError,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
    SourceError,
    TooManyFailures,
)
from hubbatch._outcomes.outcome import Summary
from hubbatch.integrations.fastapi import (
    Hub,
    add_exception_handlers,
    client_of,
    lifespan,
)
from hubbatch.simulator import Simulator


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Run an application's lifespan and pass on its state, like a server."""
    async with app.router.lifespan_context(app) as state:

        async def served(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(served, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as http:
            yield http


# ---- clients


async def test_the_client_of_the_process(hubspot_simulator: Simulator) -> None:
    sim, opened = hubspot_simulator, []

    def opening() -> HubBatch:
        opened.append(HubBatch(sim.token, base_url=sim.url))
        return opened[-1]

    app = FastAPI(lifespan=lifespan(opening))

    @app.get("/tickets/{ticket_id}")
    async def read(ticket_id: str, hub: Hub) -> dict[str, str | None]:
        return (await hub.single.tickets.read(ticket_id, ["subject"])).properties

    ticket = sim.store.create("tickets", {"subject": "Hello"})
    assert not opened
    async with serving(app) as http:
        answers = await asyncio.gather(
            *(http.get(f"/tickets/{ticket.id}") for _ in range(5))
        )
        assert {answer.json()["subject"] for answer in answers} == {"Hello"}
        assert len(opened) == 1
    assert len(sim.requests) == 1
    with pytest.raises(RuntimeError, match="closed"):
        await opened[0].single.tickets.read("1")


async def test_a_stop_waits_for_what_is_under_way(
    hubspot_simulator: Simulator,
) -> None:
    """Also for a call whose request was abandoned."""
    sim = hubspot_simulator
    ticket = sim.store.create("tickets", {"subject": "old"})
    app = FastAPI(lifespan=lifespan(lambda: HubBatch(sim.token, base_url=sim.url)))
    tasks = []

    @app.post("/")
    async def write(hub: Hub) -> None:
        call = hub.single.tickets.update(ticket.id, {"subject": "new"})
        tasks.append(asyncio.create_task(call))
        await asyncio.sleep(0)  # it has begun

    async with serving(app) as http:
        await http.post("/")
        assert not tasks[0].done()
    assert tasks[0].done()
    assert ticket.properties["subject"] == "new"


async def test_the_example_of_the_readme(
    hubspot_simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = hubspot_simulator
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", sim.token)
    monkeypatch.setenv("HUBBATCH_BASE_URL", sim.url)
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    [example] = re.findall(r"```python\n(from fastapi .*?)```", readme, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 -- our own
    ids = [sim.store.create("tickets", {"subject": "old"}).id for _ in range(50)]
    async with serving(names["app"]) as http:

        async def change(ticket: str) -> httpx.Response:
            return await http.patch(f"/tickets/{ticket}", json={"subject": ticket})

        answers = await asyncio.gather(*map(change, ids))
        assert [answer.json()["id"] for answer in answers] == ids
        subjects = [answer.json()["properties"]["subject"] for answer in answers]
        assert subjects == ids
        assert (await change("404")).status_code == 404
    assert len(sim.requests) == 2


async def account(x_account: Annotated[str, Header()]) -> str:
    return x_account


async def load(account: str) -> str:
    if account != "62515":
        raise HTTPException(404, "no such account")
    return "pat-1"


async def test_the_client_of_an_account_that_the_request_names() -> None:
    app = FastAPI(lifespan=lifespan(lambda: Accounts(load)))
    theirs = client_of(account)

    @app.get("/")
    async def whose(hub: Annotated[HubBatch, Depends(theirs)]) -> int:
        return id(hub)

    async with serving(app) as http:
        first = await http.get("/", headers={"X-Account": "62515"})
        second = await http.get("/", headers={"X-Account": "62515"})
        assert first.json() == second.json()
        unknown = await http.get("/", headers={"X-Account": "1"})
        assert (unknown.status_code, unknown.json()) == (
            404,
            {"detail": "no such account"},
        )
        assert (await http.get("/")).status_code == 422


async def test_a_lifespan_within_another() -> None:
    @asynccontextmanager
    async def mine(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with lifespan(lambda: HubBatch("pat-1"))(app) as state:
            yield {**state, "mine": "too"}

    app = FastAPI(lifespan=mine)

    @app.get("/")
    async def look(hub: Hub) -> str:
        return type(hub).__name__

    async with serving(app) as http:
        assert (await http.get("/")).json() == "HubBatch"


@pytest.mark.parametrize(
    ("opening", "dependency", "told"),
    [
        (None, Hub, "lifespan=lifespan"),
        (None, Annotated[HubBatch, Depends(client_of(account))], "lifespan=lifespan"),
        (lambda: Accounts(load), Hub, "client_of"),
        (
            lambda: HubBatch("pat-1"),
            Annotated[HubBatch, Depends(client_of(account))],
            "Depend on Hub",
        ),
    ],
    ids=["no lifespan", "no lifespan for many", "many", "one"],
)
async def test_a_mistake_in_the_wiring_is_named(
    opening: Any, dependency: Any, told: str
) -> None:
    app = FastAPI(lifespan=lifespan(opening) if opening else None)

    async def look(hub: Any) -> None: ...

    look.__annotations__["hub"] = dependency
    app.get("/")(look)
    async with app.router.lifespan_context(app) as state:

        async def served(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(served), base_url="http://a"
        ) as http:
            with pytest.raises(RuntimeError, match=told):
                await http.get("/", headers={"X-Account": "62515"})


def test_a_client_in_place_of_its_class_is_explained() -> None:
    opened: Any = HubBatch("pat-1")
    with pytest.raises(TypeError, match=r"Write `lifespan\(HubBatch\)`"):
        lifespan(opened)


# ---- errors

TEXT = "the-value"


async def answer_to(error: Exception) -> httpx.Response:
    app = FastAPI()
    add_exception_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    async with serving(app) as http:
        return await http.get("/")


def not_sent() -> RecordError:
    return RecordError(TEXT, category="NOT_SENT", origin="hubbatch")


def maybe_written() -> HubSpotUnavailable:
    error = HubSpotUnavailable(TEXT, status=503)
    error.maybe_written = True
    return error


NESTED: Any = BatchFailed(TEXT, [RecordNotFound(TEXT)])

STATUSES: list[tuple[HubBatchError, int, str | None]] = [
    (RecordNotFound(TEXT), 404, None),
    (RecordConflict(TEXT), 409, None),
    (RecordInvalid(TEXT), 422, None),
    (RecordError(TEXT, category="SOMETHING_NEW"), 422, None),
    (TooManyFailures(TEXT), 422, None),
    (DailyLimitReached(TEXT, status=429), 429, "3600"),
    (AuthenticationError(TEXT, status=401), 502, None),
    (PermissionDeniedError(TEXT, status=403), 502, None),
    (InvalidRequestError(TEXT, status=400), 502, None),
    (APIError(TEXT, status=418), 502, None),
    (HubSpotUnavailable(TEXT, status=503), 503, "30"),
    (maybe_written(), 504, None),
    (ProxyError(TEXT, status=403), 502, None),
    (CertificateError(TEXT), 502, None),
    (ListError(TEXT), 502, None),
    (SourceError(TEXT), 422, None),
    (CheckFailed(TEXT), 422, None),
    (LimiterUnavailable(TEXT), 503, "1"),
    (OverloadedError(TEXT), 503, "1"),
    (HubBatchError(TEXT), 503, "1"),
    (not_sent(), 503, "1"),
    (RecordError(TEXT, category="UNAVAILABLE", origin="hubbatch"), 503, "1"),
    (OutcomeUnknown(TEXT, category="OUTCOME_UNKNOWN"), 504, None),
    (BatchFailed(TEXT, [RecordNotFound(TEXT)]), 404, None),
    (BatchFailed(TEXT, [NESTED]), 404, None),
    (BatchFailed(TEXT, [RecordNotFound(TEXT), RecordInvalid(TEXT)]), 422, None),
    (BatchFailed(TEXT, [not_sent(), RecordInvalid(TEXT)]), 503, None),
    (BatchFailed(TEXT, [not_sent(), OutcomeUnknown(TEXT)]), 504, None),
]


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    STATUSES,
    ids=[f"{n} {type(one[0]).__name__}" for n, one in enumerate(STATUSES)],
)
async def test_errors_are_answers(
    error: HubBatchError, status: int, retry_after: str | None
) -> None:
    answer = await answer_to(error)
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == retry_after
    assert answer.json()["error"] == type(error).__name__
    assert answer.json()["detail"].endswith(".")
    assert TEXT not in answer.text


def test_every_error_is_in_the_table() -> None:
    """A new error class must be added here."""

    def family(cls: type[Exception]) -> set[type[Exception]]:
        children = {child for child in cls.__subclasses__() if _ours(child)}
        return {cls}.union(*(family(child) for child in children))

    def _ours(cls: type[Exception]) -> bool:
        return cls.__module__ == "hubbatch"

    known = {type(error) for error, _, _ in STATUSES} | {ConfigurationError}
    left_out = {cls.__name__ for cls in family(HubBatchError) - known}
    of_jobs = {"JournalError", "LoadFailed", "WhereError"}
    assert left_out <= {"ReconnectRequired", *of_jobs}


async def test_the_response_for_a_record() -> None:
    error = RecordInvalid(
        "Property values were not valid: the-value",
        category="VALIDATION_ERROR",
        code="INVALID_OPTION",
        property_name="hs_ticket_priority",
        correlation_id="c-7",
        context={"values": ["the-value"]},
    )
    assert (await answer_to(error)).json() == {
        "detail": "HubSpot does not accept the data.",
        "error": "RecordInvalid",
        "category": "VALIDATION_ERROR",
        "code": "INVALID_OPTION",
        "property": "hs_ticket_priority",
        "correlation_id": "c-7",
    }


async def test_the_response_for_a_batch() -> None:
    errors = [RecordInvalid(TEXT, property_name=f"p{n}") for n in range(150)]
    body = (await answer_to(BatchFailed(TEXT, errors))).json()
    assert body["count"] == 150
    assert len(body["errors"]) == 100
    assert body["errors"][7] == {"error": "RecordInvalid", "property": "p7"}


async def test_what_was_done_before_a_batch_ended() -> None:
    error = HubSpotUnavailable(TEXT)
    error.summary = Summary(inputs=9, succeeded=4, not_sent=5)
    body = (await answer_to(error)).json()
    assert (body["summary"]["succeeded"], body["summary"]["not_sent"]) == (4, 5)


async def test_the_daily_limit_sets_retry_after() -> None:
    error = DailyLimitReached(TEXT)
    error.resets_at = datetime.now(UTC) + timedelta(hours=2)
    seconds = int((await answer_to(error)).headers["Retry-After"])
    assert 7190 <= seconds <= 7200
    error.resets_at = datetime.now(UTC) - timedelta(hours=2)
    assert (await answer_to(error)).headers["Retry-After"] == "1"


async def test_a_mistake_of_the_set_up_is_left_to_the_server() -> None:
    answer = await answer_to(ConfigurationError(TEXT))
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


@pytest.mark.parametrize("accepted", [True, False])
async def test_an_error_of_a_websocket(*, accepted: bool) -> None:
    """It has no HTTP response, so the server closes it."""
    app = FastAPI()
    add_exception_handlers(app)
    sent: list[str] = []
    scope = {
        "type": "websocket",
        "path": "/",
        "headers": [],
        "query_string": b"",
        "state": {},
        "extensions": {"websocket.http.response": {}},
    }

    @app.websocket("/")
    async def fail(socket: WebSocket) -> None:
        if accepted:
            await socket.accept()
        raise RecordNotFound(TEXT)

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    with pytest.raises(RecordNotFound):
        await app(scope, receive, send)
    assert sent == ["websocket.accept"] * accepted


# ---- the log


async def test_the_log_names_the_account(
    hubspot_simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    sim = hubspot_simulator

    async def wrong(_: str) -> str:
        return "wrong-token"

    app = FastAPI(lifespan=lifespan(lambda: Accounts(wrong, base_url=sim.url)))
    add_exception_handlers(app)
    theirs = Annotated[HubBatch, Depends(client_of(account))]

    @app.get("/single")
    async def single(hub: theirs) -> None:
        await hub.single.tickets.read("1")

    @app.get("/batch")
    async def batch(hub: theirs) -> None:
        await hub.tickets.read(["1"])

    async with serving(app) as http:
        for path in ("/single", "/batch"):
            caplog.clear()
            answer = await http.get(path, headers={"X-Account": "62515"})
            assert answer.status_code == 502
            [line] = [one for one in caplog.messages if one.startswith("A call")]
            assert line.startswith(
                "A call of account 62515 to HubSpot failed: 401 AuthenticationError, "
            )
            assert line.endswith(
                ". Check the access token that the function `load` returns for it."
            )
            assert "62515" not in answer.text


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (ListError(TEXT), "Try a smaller one."),
        (APIError(TEXT, status=418), "status.hubspot.com."),
        (APIError(TEXT, status=418, correlation_id="c"), "to HubSpot's support."),
    ],
)
async def test_the_log_advises_what_can_be_done(
    error: Exception, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await answer_to(error)).status_code == 502
    [line] = [one for one in caplog.messages if one.startswith("A call")]
    assert line.endswith(hint)
    assert ("correlation id" in line) is ("support" in line)


def test_without_fastapi_the_error_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['fastapi'] = None\n"
        "import hubbatch\n"
        "import hubbatch.integrations.fastapi"
    )
    ran = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "pip install 'hubbatch[fastapi]'" in ran.stderr
