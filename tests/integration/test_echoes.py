"""A peer that echoes requests: no secret appears anywhere afterwards."""

import asyncio
import json
import logging
import pickle
import traceback

from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from hubbatch import (
    AuthenticationError,
    Event,
    HubBatch,
    HubBatchError,
    OAuth,
    OAuthTokens,
    RetryPolicy,
)
from hubbatch.jobs import Job, write_report


TOKEN = "pat-na1-11112222-3333-4444-5555-666677778888"  # noqa: S105 -- nobody's
CLIENT_SECRET = "hush/hush+very-secret=="  # noqa: S105 -- nobody's
REFRESH_TOKEN = "na1-refresh-aaaa-bbbb/cccc"  # noqa: S105 -- nobody's

# Takes head and body of a request; returns status line, headers and body.
Echo = Callable[[str, str], tuple[str, str, bytes]]


def forms(secret: str) -> list[str]:
    """Return the strings that must not appear: also beginnings, also encoded."""
    inner = b64encode(f"Bearer {secret}".encode()).decode()[12:-6]
    return [secret[:14], secret[-14:], quote(secret, safe=""), inner]


def in_json(status: int, **more: Any) -> Echo:
    def echo(head: str, body: str) -> tuple[str, str, bytes]:
        told = f"{head} {body} {quote(head, safe='')} {b64encode(head.encode())!r}"
        cause = {
            "message": told,
            "code": told,
            "context": {"propertyName": [told], told: [told]},
        }
        answer = {
            "status": "error",
            "category": told,
            "subCategory": told,
            "message": told,
            "correlationId": told,
            "policyName": told,
            "error": told,
            "error_description": told,
            "context": {"ids": [told], "requiredScopes": [told]},
            "errors": [cause],
            **more,
        }
        line = f"HTTP/1.1 {status} {_first_line(head)}"
        return line, f"X-HubSpot-Correlation-Id: {_line(head)}", orjson.dumps(answer)

    return echo


def as_page(status: int) -> Echo:
    def echo(head: str, body: str) -> tuple[str, str, bytes]:
        page = f"<html><head><title>Denied: {head}</title></head>{head}{body}</html>"
        line = f"HTTP/1.1 {status} {_first_line(head)}"
        return line, f"Content-Type: text/html; of={_line(head)}", page.encode()

    return echo


def of_each_input(head: str, body: str) -> tuple[str, str, bytes]:
    """Answer 207: some records are refused, with messages that echo the request."""
    inputs = orjson.loads(body)["inputs"]
    traces = [one.get("objectWriteTraceId") for one in inputs]
    told = json.dumps(head)
    errors = [
        {
            "status": "error",
            "category": told,
            "message": told,
            "context": {"objectWriteTraceId": [trace], "ids": [told]},
            "errors": [{"message": told, "code": told}],
        }
        for trace in traces
    ]
    answer = {"status": told, "results": [], "numErrors": len(errors), "errors": errors}
    return (
        "HTTP/1.1 207 Multi",
        f"X-HubSpot-Correlation-Id: {_line(head)}",
        (orjson.dumps(answer)),
    )


def of_success(head: str, body: str) -> tuple[str, str, bytes]:
    """Answer 200, with an echo in everything but property values."""
    inputs = orjson.loads(body)["inputs"]
    results = [
        {
            "id": one.get("id", str(number)),
            "properties": {},
            "objectWriteTraceId": one.get("objectWriteTraceId"),
            "url": head,
            "warnings": [{"category": head, "context": {"propertyName": head}}],
        }
        for number, one in enumerate(inputs, 1)
    ]
    answer = {"status": head, "results": results, "links": {"next": head}}
    return "HTTP/1.1 200 OK", "X-Echo: none", orjson.dumps(answer)


def as_nonsense(head: str, _: str) -> tuple[str, str, bytes]:
    """Answer with what an HTTP parser refuses and quotes."""
    return f"HTTP/1.1 {_line(head)}", f"Bad Header\x01 {_line(head)}", b""


def as_bad_header(head: str, _: str) -> tuple[str, str, bytes]:
    return "HTTP/1.1 400 Bad", f"Bad\x00Header {_line(head)}: x", b""


def as_garbage(head: str, _: str) -> tuple[str, str, bytes]:
    return "HTTP/1.1 200 OK", f"X-HubSpot-Correlation-Id: {_line(head)}", head.encode()


ECHOES: dict[str, Echo] = {
    "400": in_json(400),
    "400 of the call": in_json(400, message=f"Invalid input JSON {TOKEN}"),
    "400 without a message": in_json(400, message=None),
    "401": in_json(401),
    "403": in_json(403),
    "404": in_json(404),
    "404 page": as_page(404),
    "403 page": as_page(403),
    "409": in_json(409),
    "413": in_json(413),
    "423": in_json(423),
    "429": in_json(429),
    "429 of the day": in_json(429, policyName=f"DAILY {TOKEN}"),
    "477": in_json(477),
    "500": in_json(500),
    "502 page": as_page(502),
    "302": as_page(302),
    "207": of_each_input,
    "200": of_success,
    "200 page": as_garbage,
    "no HTTP": as_nonsense,
    "bad header": as_bad_header,
}


def _line(head: str) -> str:
    return " ".join(head.split())


def _first_line(head: str) -> str:
    return (
        next(line for line in head.splitlines() if "uthorization" in line)
        if ("uthorization" in head)
        else "No"
    )


@asynccontextmanager
async def serving(echo: Echo) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (
                int(line.partition(":")[2])
                for line in head.splitlines()
                if line.lower().startswith("content-length")
            ),
            0,
        )
        body = (await reader.readexactly(length)).decode()
        status, header, answer = echo(head, body)
        size = f"Content-Length: {len(answer)}\r\nConnection: close"
        written = f"{status}\r\n{header}\r\n{size}\r\n\r\n".encode() + answer
        writer.write(written)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"


class Seen:
    """All that a user can see, as one string."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def __call__(self, event: Event) -> None:
        self.parts += [repr(event), repr(pickle.dumps(event))]

    def error(self, error: BaseException) -> None:
        self.parts += ["".join(traceback.format_exception(error))]
        while error is not None:
            self.parts += [str(error), repr(error), repr(vars(error))]
            self.parts.append(repr(pickle.dumps(error)))
            error = error.__cause__  # type: ignore[assignment] # the end is None

    def response(self, response: Any) -> None:
        self.parts += [repr(response), repr(response.to_dict())]
        self.parts.append(repr(pickle.dumps(response)))
        for outcome in response.outcomes:
            self.parts += [repr(outcome), repr(outcome.warnings)]
            if outcome.error is not None:
                self.error(outcome.error)

    def files(self, folder: Path) -> None:
        for path in folder.rglob("*"):
            self.parts.append(path.read_bytes().decode("latin-1"))

    def check(self, *secrets: str) -> None:
        assert self.parts
        for secret in secrets:
            for form in forms(secret):
                assert not [part for part in self.parts if form in part]


def hub_at(url: str, seen: Seen, token: Any = TOKEN) -> HubBatch:
    return HubBatch(
        token,
        base_url=url,
        retry=RetryPolicy(attempts=2, base=0.01, max_elapsed=30, max_retry_after=1),
        listeners=[seen],
    )


async def first_of(hub: HubBatch) -> Any:
    return await anext(aiter(hub.tickets.list()))


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("verb", ["update", "create", "read", "archive"])
async def test_no_batch_shows_it(
    echo: Echo, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = Seen()
    inputs: list[Any] = ["1", "2"]
    if verb in ("update", "create"):
        inputs = [{"id": n, "properties": {"subject": "x"}} for n in inputs]
    if verb == "create":
        inputs = [{"properties": one["properties"]} for one in inputs]
    async with serving(echo) as url, hub_at(url, seen) as hub:
        batch = getattr(hub.tickets, verb)(inputs)
        try:
            (await batch).raise_for_failures()
        except HubBatchError as error:
            seen.error(error)
        seen.response(batch.response)
        seen.parts.append(repr(batch.summary))
    seen.parts += [repr(vars(record)) for record in caplog.records] + [caplog.text]
    seen.check(TOKEN)


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
async def test_no_single_call_and_no_question_shows_it(
    echo: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = Seen()
    async with serving(echo) as url, hub_at(url, seen) as hub:
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: hub.single.tickets.update("1", {"subject": "x"}),
            lambda: hub.single.tickets.create({"subject": "x"}),
        ]
        if echo not in (of_each_input, of_success):  # those are answers to inputs
            calls += [hub.account, lambda: first_of(hub)]
        for call in calls:
            try:
                seen.parts.append(repr(await call()))
            except HubBatchError as error:
                seen.error(error)
    seen.parts += [repr(vars(record)) for record in caplog.records] + [caplog.text]
    seen.check(TOKEN)


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
async def test_no_file_of_a_job_has_it(echo: Echo, tmp_path: Path) -> None:
    seen = Seen()
    rows = [{"id": str(n), "subject": "x"} for n in range(1, 4)]
    async with serving(echo) as url, hub_at(url, seen) as hub:
        job = Job(
            hub,
            "update",
            "tickets",
            rows,
            journal=tmp_path / "run.db",
            results=tmp_path / "results.jsonl",
            failures=tmp_path / "failures.jsonl",
        )
        try:
            report = await job.run()
            seen.parts.append(repr(report))
        except HubBatchError as error:
            seen.error(error)
    if (tmp_path / "run.db").stat().st_size:
        write_report(tmp_path / "run.db", tmp_path / "report.html", values=True)
    seen.files(tmp_path)
    seen.check(TOKEN)


REFUSED_LOGINS = {
    name: echo
    for name, echo in ECHOES.items()
    if name not in ("207", "200", "429", "no HTTP")
}


@pytest.mark.parametrize("echo", REFUSED_LOGINS.values(), ids=REFUSED_LOGINS)
async def test_no_login_shows_its_secrets(
    echo: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = Seen()
    login = OAuth("app", CLIENT_SECRET, REFRESH_TOKEN)
    async with serving(echo) as url, hub_at(url, seen, login) as hub:
        batch = hub.tickets.update([{"id": "1", "properties": {"subject": "x"}}])
        with pytest.raises(HubBatchError) as caught:
            await batch
        seen.error(caught.value)
        seen.response(batch.response)
    seen.parts += [repr(vars(record)) for record in caplog.records] + [caplog.text]
    seen.check(CLIENT_SECRET, REFRESH_TOKEN)


async def test_the_answer_that_brings_a_token_is_not_altered() -> None:
    """It returns the refresh token of the request, as it must."""
    heads: list[str] = []

    def echo(head: str, body: str) -> tuple[str, str, bytes]:
        heads.append(head)
        if "/oauth/" in head:
            told = {
                "access_token": TOKEN,
                "refresh_token": REFRESH_TOKEN,
                "expires_in": 1800,
            }
            return "HTTP/1.1 200 OK", "X-Echo: none", orjson.dumps(told)
        return in_json(401)(head, body)

    seen = Seen()
    stored: list[OAuthTokens] = []
    login = OAuth("app", CLIENT_SECRET, REFRESH_TOKEN, on_refresh=stored.append)
    async with serving(echo) as url, hub_at(url, seen, login) as hub:
        with pytest.raises(AuthenticationError) as caught:
            await hub.tickets.archive(["1"])
    seen.error(caught.value)
    seen.check(TOKEN, CLIENT_SECRET, REFRESH_TOKEN)
    assert {(one.access_token, one.refresh_token) for one in stored} == {
        (TOKEN, REFRESH_TOKEN)
    }
    assert f"Bearer {TOKEN}" in heads[1]
