"""The transport on real sockets: all kinds of answers, and none."""

import asyncio
import gzip
import os
import re
import socket
import ssl
import subprocess
import sys

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from attrs import evolve
from yarl import URL

from hubbatch import CertificateError, ChunkSent, ConfigurationError, Event, HubBatch
from hubbatch._http import Answer, NoAnswer, Request, Response
from hubbatch._net import transport as module
from hubbatch._net.transport import AiohttpTransport, check_base_url
from tests.net.crm import SECRET


Serve = Callable[[bytes, bytes, asyncio.StreamWriter], Awaitable[None]]

REQUEST = Request(
    "POST",
    "/crm/v3/objects/tickets/batch/update",
    {"archived": "true"},
    {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"},
    b'{"inputs":[]}',
)


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[URL]:
    """Listen on localhost; `serve` gets the head and the body of each request."""

    async def connected(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = head.lower().partition(b"content-length: ")[2]
                body = await reader.readexactly(int(length.split(b"\r\n")[0] or 0))
                await serve(head, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield URL(f"http://{host}:{port}")
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def opened(url: URL, **options: Any) -> AsyncIterator[AiohttpTransport]:
    made = AiohttpTransport(url, **{"timeout": 30.0, **options})
    try:
        yield made
    finally:
        await made.aclose()


async def send(
    made: AiohttpTransport, request: Request = REQUEST
) -> tuple[Answer, int]:
    """Send a request, and count the calls of `on_sent`."""
    count = 0

    def on_sent() -> None:
        nonlocal count
        count += 1

    return await made.send(request, on_sent), count


def whole(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def writing(data: bytes, *, then_close: bool = False) -> Serve:
    async def serve(_head: bytes, _body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        if then_close:
            writer.close()
        await writer.drain()

    return serve


async def exchange(data: bytes, **options: Any) -> tuple[Answer, int]:
    close = options.pop("then_close", False)
    async with serving(writing(data, then_close=close)) as url, opened(url) as made:
        return await send(made)


# ---- answers


async def test_method_path_query_headers_and_body_are_sent() -> None:
    heard: list[bytes] = []

    async def serve(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        heard.extend([head, body])
        writer.write(whole("200 OK", b"{}"))

    async with serving(serve) as url, opened(url / "proxied") as made:
        answer, count = await send(made)
    head, body = heard
    first = b"POST /proxied/crm/v3/objects/tickets/batch/update?archived=true HTTP/1.1"
    assert head.splitlines()[0] == first
    assert f"Authorization: Bearer {SECRET}".encode() in head
    assert b"Cookie" not in head
    assert body == REQUEST.body
    assert count == 1
    assert isinstance(answer, Response)
    assert (answer.status, answer.body) == (200, b"{}")


async def test_a_request_without_a_body_is_sent_with_its_headers() -> None:
    """It has no body to wait for, and `on_sent` is called once."""
    heard: list[bytes] = []

    async def serve(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        heard.extend([head, body])
        writer.write(whole("200 OK", b"{}"))

    request = Request("GET", "/account-info/v3/details", headers=REQUEST.headers)
    async with serving(serve) as url, opened(url) as made:
        for _ in range(2):
            answer, count = await send(made, request)
            assert isinstance(answer, Response)
            assert count == 1
    assert heard[0].startswith(b"GET /account-info/v3/details HTTP/1.1\r\n")
    assert heard[1] == b""


async def test_a_lost_request_without_a_body_counts_as_sent() -> None:
    async def serve(_head: bytes, _body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with serving(serve) as url, opened(url) as made:
        answer, count = await send(made, Request("GET", "/account-info/v3/details"))
    assert isinstance(answer, NoAnswer)
    assert (answer.sent, count) == (True, 1)


async def test_headers_are_case_insensitive() -> None:
    answer, _ = await exchange(whole("429 X", b"", "x-hubspot-ratelimit-max: 190"))
    assert isinstance(answer, Response)
    assert answer.headers.get("X-HubSpot-RateLimit-Max") == "190"
    assert answer.headers.get("X-HUBSPOT-RATELIMIT-MAX") == "190"


@pytest.mark.parametrize("status", [200, 204, 207, 400, 404, 429, 502, 524])
async def test_every_status_is_an_answer(status: int) -> None:
    body = b"" if status == 204 else b"<html>Bad gateway</html>"
    answer, count = await exchange(
        whole(f"{status} X", body, "Content-Type: text/html")
    )
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, count) == (status, body, 1)


async def test_compressed_answer_is_decoded() -> None:
    packed = gzip.compress(b'{"status":"COMPLETE"}')
    answer, _ = await exchange(whole("200 OK", packed, "Content-Encoding: gzip"))
    assert isinstance(answer, Response)
    assert answer.body == b'{"status":"COMPLETE"}'


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirect_is_not_followed(status: int) -> None:
    """The token would be sent wherever the answer points to."""
    asked = []

    async def serve(head: bytes, _body: bytes, writer: asyncio.StreamWriter) -> None:
        asked.append(head)
        writer.write(whole(f"{status} X", b"", "Location: /elsewhere"))

    async with serving(serve) as url, opened(url) as made:
        answer, _ = await send(made)
    assert isinstance(answer, Response)
    assert answer.status == status
    assert len(asked) == 1


async def test_cookies_are_not_kept() -> None:
    heads = []

    async def serve(head: bytes, _body: bytes, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(whole("200 OK", b"", "Set-Cookie: __cf_bm=1; path=/"))

    async with serving(serve) as url, opened(url.with_host("localhost")) as made:
        await send(made)  # the usual jar ignores cookies of IP addresses
        await send(made)
    assert b"__cf_bm" not in heads[1]


# ---- no answers

CLOSED = "The connection was closed before the answer"
DAMAGED = "The answer was cut short or is damaged"
BROKEN = {
    "closed without a word": (b"", CLOSED),
    "cut in the head": (b"HTTP/1.1 200 OK\r\nContent-Le", CLOSED),
    "cut in the body": (
        b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"results":',
        DAMAGED,
    ),
    "cut in a chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n80\r\n{",
        DAMAGED,
    ),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "The answer is not HTTP"),
    "not gzip": (whole("200 OK", b"plain", "Content-Encoding: gzip"), DAMAGED),
}


@pytest.mark.parametrize(("data", "reason"), BROKEN.values(), ids=BROKEN)
async def test_a_request_with_a_broken_answer_counts_as_sent(
    data: bytes, reason: str
) -> None:
    answer, count = await exchange(data, then_close=True)
    assert isinstance(answer, NoAnswer)
    assert answer.sent
    assert count == 1
    assert answer.reason == reason
    assert SECRET not in answer.reason


async def test_a_request_reset_after_sending_counts_as_sent() -> None:
    async def serve(_head: bytes, _body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with serving(serve) as url, opened(url) as made:
        answer, count = await send(made)
    assert isinstance(answer, NoAnswer)
    assert (answer.sent, count) == (True, 1)


async def test_a_refused_connection_counts_as_not_sent() -> None:
    async with serving(writing(b"")) as url:
        pass  # the port is closed now
    async with opened(url) as made:
        answer, count = await send(made)
    assert isinstance(answer, NoAnswer)
    assert (answer.sent, count) == (False, 0)
    assert answer.reason == (
        f"Cannot connect to 127.0.0.1:{url.port}: Connection refused"
    )


async def test_an_unknown_host_counts_as_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object, **__: object) -> Any:
        raise socket.gaierror(8, "Name or service not known")  # as macOS numbers it

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)
    async with opened(URL("https://nowhere.invalid")) as made:
        answer, count = await send(made)
    reason = "Cannot connect to nowhere.invalid:443: Name or service not known"
    assert answer == NoAnswer(sent=False, reason=reason)
    assert count == 0


async def test_a_tls_error_counts_as_not_sent() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"this is not TLS\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(URL(f"https://127.0.0.1:{port}")) as made:
        answer, count = await send(made)
    assert isinstance(answer, NoAnswer)
    assert re.fullmatch(
        rf"Cannot connect to 127\.0\.0\.1:{port}: TLS failed \([a-z0-9 ]+\)",
        answer.reason,
    )
    assert (answer.sent, count) == (False, 0)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a self-signed certificate for localhost, with its key."""
    made = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem "
        "-out cert.pem -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(command.split(), cwd=made, check=True, capture_output=True)  # noqa: S603
    return made / "cert.pem"


@asynccontextmanager
async def serving_tls(certificate: Path) -> AsyncIterator[str]:
    """Answer each request over TLS with an empty success."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(whole("200 OK", b"{}"))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.filterwarnings("ignore:.*unclosed:ResourceWarning")
async def test_an_untrusted_certificate_is_reported_with_its_host(
    certificate: Path,
) -> None:
    async with serving_tls(certificate) as url, opened(URL(url)) as made:
        answer, count = await send(made)
    assert isinstance(answer, NoAnswer)
    assert (answer.sent, count) == (False, 0)
    assert answer.untrusted == "127.0.0.1"
    assert answer.reason.startswith("self")  # "self-signed", in OpenSSL's spelling


async def test_certificate_error_ends_a_batch_at_once(certificate: Path) -> None:
    asked = 0

    def count(event: Event) -> None:
        nonlocal asked
        asked += isinstance(event, ChunkSent)

    async with (
        serving_tls(certificate) as url,
        HubBatch(SECRET, base_url=url, max_concurrency=1, listeners=[count]) as hub,
    ):
        with pytest.raises(CertificateError, match="SSL_CERT_FILE") as caught:
            await hub.tickets.create([{"properties": {"a": "b"}}] * 500)
    assert asked == 1
    assert caught.value.summary.not_sent == 500
    assert "127.0.0.1" in str(caught.value)


SEND_ONE = """
import asyncio, sys
from yarl import URL
from hubbatch._http import Request
from hubbatch._net.transport import AiohttpTransport

async def main():
    made = AiohttpTransport(URL(sys.argv[1]), timeout=30)
    print(await made.send(Request("GET", "/"), lambda: None))
    await made.aclose()

asyncio.run(main())
"""


@pytest.mark.parametrize("trusted", [True, False])
async def test_ssl_cert_file_makes_a_private_authority_trusted(
    certificate: Path,
    trusted: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """The advice in the error works, and is needed."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    env.pop("SSL_CERT_FILE", None)
    if trusted:
        env["SSL_CERT_FILE"] = str(certificate)
    async with serving_tls(certificate) as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SEND_ONE, url, env=env, stdout=subprocess.PIPE
        )
        out, _ = await process.communicate()
    assert out.startswith(b"Response(status=200" if trusted else b"NoAnswer(sent=False")


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "502 Gone"])
async def test_proxy_that_refuses_to_connect(
    status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[bytes] = []

    async def serve(head: bytes, _body: bytes, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(whole(status, b"<title>no</title>"))

    async with serving(serve) as url:
        monkeypatch.setenv("HTTPS_PROXY", str(url))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        target = URL("https://api.hubapi.invalid")
        async with opened(target, trust_env=True) as made:
            answer, count = await send(made)
    assert heads[0].startswith(b"CONNECT api.hubapi.invalid:443")
    code, _, reason = status.partition(" ")
    assert answer == NoAnswer(sent=False, reason=reason, proxy_status=int(code))
    assert count == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_why_a_connection_was_lost_shows_no_password(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiohttp's messages may quote a connection, and with it its proxy."""
    heads: list[bytes] = []

    async def serve(head: bytes, _body: bytes, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        if len(heads) == 1:
            writer.write(whole("200 OK", b"{}"))
        else:
            writer.close()

    async with serving(serve) as url:
        monkeypatch.setenv("HTTP_PROXY", str(url.with_user("us").with_password("pw-1")))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with opened(URL("http://api.invalid"), trust_env=True) as made:
            await send(made, evolve(REQUEST, method=method))
            answer, count = await send(made, evolve(REQUEST, method=method))
    assert isinstance(answer, NoAnswer)
    assert answer.sent
    assert (count, len(heads)) == (1, 2)
    assert "pw-1" not in answer.reason
    assert answer.reason.endswith(
        CLOSED
        if method == "POST"
        else "failed: a kept connection was closed by the peer"
    )


async def test_bare_tls_error_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise ssl.SSLError

    monkeypatch.setattr(aiohttp.ClientSession, "_request", fail)
    async with opened(URL("http://127.0.0.1:1")) as made:
        answer, _ = await send(made)
    assert isinstance(answer, NoAnswer)
    assert answer.reason == "The connection failed: TLS failed (no reason given)"


async def test_timeout() -> None:
    """The wait ends, and the request may have been processed."""

    async def serve(_head: bytes, _body: bytes, _: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0)

    async with serving(serve) as url, opened(url, timeout=0.05) as made:
        answer, count = await send(made)
    assert answer == NoAnswer(sent=True, reason="No answer within 0.05 s")
    assert count == 1


async def test_timeout_in_the_middle_of_a_body() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"
    async with serving(writing(data)) as url, opened(url, timeout=0.05) as made:
        answer, _ = await send(made)
    assert answer == NoAnswer(sent=True, reason="No answer within 0.05 s")


async def test_cancelling_a_request() -> None:
    arrived = asyncio.Event()

    async def serve(_head: bytes, _body: bytes, _: asyncio.StreamWriter) -> None:
        arrived.set()

    async with serving(serve) as url, opened(url) as made:
        task = asyncio.create_task(send(made))
        await arrived.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


# ---- answers that are too large


@pytest.mark.parametrize(
    ("size", "taken"), [(9_999, True), (10_000, True), (10_001, False)]
)
async def test_an_answer_above_the_maximum_size(
    size: int, *, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 10_000)
    answer, _ = await exchange(whole("200 OK", b"x" * size))
    assert isinstance(answer, Response) == taken
    if isinstance(answer, NoAnswer):
        assert answer == NoAnswer(sent=True, reason="The answer is larger than 256 MiB")


async def test_an_endless_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 100_000)

    async def serve(_head: bytes, _body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
            await writer.drain()

    async with serving(serve) as url, opened(url) as made:
        answer, _ = await send(made)
    assert isinstance(answer, NoAnswer)


async def test_a_compressed_answer_above_the_maximum_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its size is counted while it is decompressed, which then stops."""
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 1_000_000)
    bomb = gzip.compress(bytes(64_000_000), 1)
    answer, _ = await exchange(whole("200 OK", bomb, "Content-Encoding: gzip"))
    assert isinstance(answer, NoAnswer)
    assert answer.sent


# ---- sessions


async def test_connections_are_reused() -> None:
    ports = set()

    async def serve(_head: bytes, _body: bytes, writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername"))
        writer.write(whole("200 OK", b"{}"))

    async with serving(serve) as url, opened(url) as made:
        for _ in range(3):
            _, count = await send(made)
            assert count == 1
    assert len(ports) == 1


async def test_a_transport_can_be_closed_twice_or_unused() -> None:
    made = AiohttpTransport(URL("http://127.0.0.1:1"), timeout=1)
    made.retire()  # before anything was sent
    await made.aclose()
    await send(made)
    await made.aclose()
    await made.aclose()


@pytest.mark.parametrize("shared", [False, True])
async def test_a_closed_transport_sends_nothing(*, shared: bool) -> None:
    """A batch that outlives its client must not open a session that stays open."""
    async with (
        serving(writing(whole("200 OK", b"{}"))) as url,
        aiohttp.ClientSession() as session,
    ):
        made = AiohttpTransport(url, timeout=30, session=session if shared else None)
        assert isinstance((await send(made))[0], Response)
        await made.aclose()
        answer, count = await send(made)
        assert answer == NoAnswer(sent=False, reason="This client is closed")
        assert count == 0
        assert made._session is None


def complain(answer: aiohttp.ClientResponse) -> Any:
    raise AssertionError(answer.status)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
@pytest.mark.parametrize("preference", [True, complain])
async def test_a_callers_session_may_raise_for_status(
    status: int, preference: Any
) -> None:
    """A refusal is an answer, whatever the session's option says."""
    async with (
        serving(writing(whole(f"{status} X", b'{"message":"no"}'))) as url,
        aiohttp.ClientSession(raise_for_status=preference) as session,
        opened(url, session=session) as made,
    ):
        answer, count = await send(made)
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, count) == (status, b'{"message":"no"}', 1)


async def test_a_callers_session_is_not_changed() -> None:
    """Neither its trace configs nor its other requests are affected."""
    seen = []

    async def on_chunk(
        _session: aiohttp.ClientSession, context: Any, _params: Any
    ) -> None:
        seen.append(context.trace_request_ctx)

    theirs = aiohttp.TraceConfig()
    theirs.on_request_chunk_sent.append(on_chunk)
    async with (
        serving(writing(whole("200 OK", b"{}"))) as url,
        aiohttp.ClientSession(trace_configs=[theirs]) as session,
    ):
        made = AiohttpTransport(url, timeout=30, session=session)
        for _ in range(2):
            _, count = await send(made)
            assert count == 1
        assert session.trace_configs == [theirs]
        for context in (None, {"own": 1}):
            async with session.post(url, data=b"x", trace_request_ctx=context) as own:
                assert own.status == 200
        await made.aclose()
        assert not session.closed
        assert session.trace_configs == [theirs]
        assert seen[2:] == [None, {"own": 1}]


async def test_a_callers_session_that_was_never_used() -> None:
    async with aiohttp.ClientSession() as session:
        made = AiohttpTransport(URL("http://127.0.0.1:1"), timeout=1, session=session)
        await made.aclose()
        assert not session.closed


async def test_a_middleware_of_the_callers_session_can_read_the_body() -> None:
    """For example to sign it; reading is not writing."""
    seen = []

    async def sign(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        assert isinstance(request.body, aiohttp.Payload)
        seen.append(request.body.decode().encode())
        return await handler(request)

    async with (
        serving(writing(whole("200 OK", b"{}"))) as url,
        aiohttp.ClientSession(middlewares=[sign]) as session,
    ):
        made = AiohttpTransport(url, timeout=30, session=session)
        answer, count = await send(made)
        await made.aclose()
    assert isinstance(answer, Response)
    assert (seen, count) == ([REQUEST.body], 1)


async def test_two_clients_may_share_a_session() -> None:
    async with (
        serving(writing(whole("200 OK", b"{}"))) as url,
        aiohttp.ClientSession() as session,
    ):
        one = AiohttpTransport(url, timeout=30, session=session)
        other = AiohttpTransport(url, timeout=30, session=session)
        assert [(await send(one))[1], (await send(other))[1]] == [1, 1]
        await one.aclose()
        assert (await send(other))[1] == 1
        await other.aclose()


# ---- the base URL


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.hubapi.com",
        "https://api.hubapi.com/",
        "https://gateway.example/hubspot",
        "http://localhost:8080",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
    ],
)
def test_base_url(base_url: str) -> None:
    assert check_base_url(base_url, allow_http=False) == URL(base_url)


@pytest.mark.parametrize(
    ("base_url", "message"),
    [
        ("http://api.hubapi.com", "without TLS. Use https .in Python, allow_http=True"),
        ("http://localhost.example", "without TLS"),
        ("http://127.0.0.1.example", "without TLS"),
        ("ftp://api.hubapi.com", "must be a URL"),
        ("api.hubapi.com", "must be a URL"),
        ("https://", "must be a URL"),
        ("https://host:port", "must be a URL"),
        ("", "must be a URL"),
        (None, "must be a URL"),
        ("https://user:pass@api.hubapi.com", "must not hold credentials"),
        ("https://api.hubapi.com?hapikey=1", "must not hold credentials or a query"),
        ("https://api.hubapi.com#x", "must not hold credentials"),
    ],
)
def test_invalid_base_urls_are_refused(base_url: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        check_base_url(base_url, allow_http=False)
    assert "pass@" not in str(caught.value)


def test_http_to_another_host_must_be_allowed() -> None:
    url = "http://gateway.internal"
    assert check_base_url(url, allow_http=True) == URL(url)


async def test_a_large_body_is_sent_without_a_warning() -> None:
    """aiohttp warns about more than 1 MiB in one piece; here warnings are errors."""
    heard = []

    async def serve(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        heard.append((head, body))
        writer.write(whole("200 OK", b"{}"))

    large = b"x" * (1024 * 1024 + 1)
    async with serving(serve) as url, opened(url) as made:
        answer, count = await send(made, evolve(REQUEST, body=large))
    assert isinstance(answer, Response)
    assert count == 1
    [(head, body)] = heard
    assert body == large
    assert b"content-type: application/json\r\n" in head.lower()
