"""Calls that the simulator does not have, and secrets that it does not keep."""

import asyncio
import logging

from collections.abc import AsyncIterator

import aiohttp
import pytest

from hubbatch.simulator import Simulator
from hubbatch.simulator.masking import (
    Secrets,
    mask_path,
    mask_property_values,
    masked,
)
from hubbatch.simulator.server.serving import log_line
from hubbatch.simulator.wire import Request

from .behaviours import behaviour
from .conftest import World


PAT = "pat-eu1-6b1a9a3c-2f5d-4c3e-9f5b-0c3f1d2e4a5b"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/marketing/v3/emails"),
        ("POST", "/crm/v3/imports"),
        ("PATCH", "/x"),
        ("POST", "/crm-object-schemas/v3/schemas/boat/purge"),
        ("GET", "/"),
    ],
)
@behaviour("not-implemented")
def test_a_call_that_the_simulator_does_not_have(
    world: World, method: str, path: str
) -> None:
    """Even without a token: the answer names the call and is not like HubSpot's."""
    response = world.post(path, {}, method=method, token="-")  # noqa: S106

    assert response.status == 501
    assert response.body["category"] == "SIMULATOR_NOT_IMPLEMENTED"
    assert response.message == f"the simulator does not have {method} {path}"
    assert "not HubSpot's" in response.body["hint"]
    assert response.body.keys().isdisjoint({"status", "correlationId"})
    assert response.headers["Server"] == "hubbatch-simulator"


@pytest.mark.parametrize(
    ("version", "status"),
    [
        *((version, 200) for version in ("2025-09", "2026-03", "2026-09", "2027-03")),
        *((version, 200) for version in ("2026-09-beta", "2027-03-beta")),
        *((version, 501) for version in ("2020-01", "2026-04", "2031-01-beta")),
    ],
)
@behaviour("versions", "not-implemented")
def test_versions(world: World, version: str, status: int) -> None:
    """The answer to a version that HubSpot does not have names it."""
    response = world.get(f"/crm/objects/{version}/tickets")

    assert response.status == status
    if status != 200:
        assert f"the version {version} (GET /crm/objects/" in response.message


@behaviour("not-implemented")
def test_a_missing_call_is_not_counted(world: World) -> None:
    world.post("/marketing/v3/emails")

    assert world.sim.account.day.used == 0


@behaviour("unknown-path", "wrong-method")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/crm/v3/objects/tickets/batch/destroy", 404),
        ("POST", "/crm-objects/v1/objects/contacts/batch-update", 404),
        ("POST", "/crm/objects/v3/tickets/splits/batch/read", 404),
        ("GET", "/crm/object-schemas/v3/schemas", 404),
        ("GET", "/crm/v3/objects/tickets/batch/update", 405),
        ("DELETE", "/crm/v3/objects/tickets", 405),
    ],
)
def test_hubspots_own_refusals_stay(
    world: World, method: str, path: str, status: int
) -> None:
    response = world.post(path, {}, method=method)

    assert response.status == status
    assert isinstance(response.body, bytes)


@behaviour("masked-secrets")
async def test_tokens_in_headers(sim: Simulator) -> None:
    async with aiohttp.ClientSession(sim.url) as http:
        headers = {"Authorization": f"Bearer {sim.token}"}
        async with http.get("/crm/v3/objects/tickets", headers=headers) as answer:
            assert answer.status == 200
    (received,) = sim.requests

    assert received.headers["Authorization"] == "Bearer ***"
    assert sim.token not in repr(received)


@behaviour("masked-secrets")
def test_secrets_are_not_printed(world: World) -> None:
    refresh_token = world.sim.install_app("app", "hush")
    installation = world.sim.apps.installations[refresh_token]
    token = world.sim.apps.tokens[world.token]

    assert "hush" not in repr(installation)
    assert world.token not in repr(token) + repr(world.sim.apps)


@behaviour("masked-secrets")
def test_names_of_headers_have_any_case() -> None:
    """Node's clients send them in lower case."""
    headers = {"authorization": "Bearer secret"}

    assert masked(Request("GET", "/x", {}, headers, b"")).headers == {
        "authorization": "Bearer ***"
    }


@behaviour("masked-secrets")
async def test_tokens_in_paths(sim: Simulator) -> None:
    """In the log, on the page and in the answer, too."""
    path = f"/oauth/v1/access-tokens/{sim.token}"
    async with aiohttp.ClientSession(sim.url) as http:
        async with http.get(path) as answer:
            assert sim.token not in await answer.text()
        async with http.get(f"/unknown/{sim.token}") as answer:
            assert answer.status == 501
            assert sim.token not in await answer.text()
        async with http.get("/simulator/state") as answer:
            state = await answer.json()
    paths = ["/oauth/v1/access-tokens/***", "/unknown/***"]

    assert [received.path for received in sim.requests] == paths
    assert [shown["path"] for shown in reversed(state["requests"])] == paths


@behaviour("masked-secrets")
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (
            b"client_id=7&client_secret=hush%21&refresh_token=na1-1",
            b"client_id=7&client_secret=***&refresh_token=***",
        ),
        (
            b"code=abc&redirect_uri=https%3A%2F%2Fa.example%2F%3Fcode%3D1",
            b"code=***&redirect_uri=https%3A%2F%2Fa.example%2F%3Fcode%3D1",
        ),
        (b"%63ode=abc", b"%63ode=***"),
        (b'{"tokenKey":"a\\"b","x":"y"}', b'{"tokenKey":"***","x":"y"}'),
        (b'{"tokenKey" : 17, "x": 1}', b'{"tokenKey" : "***", "x": 1}'),
        (b'{"client_secret": "cut of', b'{"client_secret": "***"'),
        (b'{"client_id": "7", "text": "\xc3\xa9 & \xff"}',) * 2,
    ],
)
def test_secrets_in_bodies_of_oauth(sent: bytes, kept: bytes) -> None:
    """Only the values are replaced: all else can be compared."""
    request = Request("POST", "/oauth/2026-03/token", {}, {}, sent)

    assert masked(request).content == kept


@behaviour("masked-secrets")
def test_other_bodies_keep_all_but_tokens() -> None:
    """A property may be called "code"."""
    content = b'{"properties":{"code":"X1","token":"no secret","note":"%s"}}'
    request = Request("POST", "/crm/v3/objects/deals", {}, {}, content % PAT.encode())

    assert masked(request).content == content % b"***"


@behaviour("masked-secrets")
def test_secrets_in_parameters_and_other_headers() -> None:
    query = {"hapikey": "k", "code": "c", "after": "5", "q": f"x {PAT}"}
    headers = {"Proxy-Authorization": "Basic eA==", "X-Token": PAT, "Accept": "*/*"}
    shown = masked(Request("GET", "/crm/v3/lists", query, headers, b""))

    assert shown.query == {"hapikey": "***", "code": "***", "after": "5", "q": "x ***"}
    assert shown.headers == {
        "Proxy-Authorization": "Basic ***",
        "X-Token": "***",
        "Accept": "*/*",
    }


@behaviour("masked-secrets")
@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/oauth/v1/refresh-tokens/na1-0", "/oauth/v1/refresh-tokens/***"),
        ("/oauth/v1/access-tokens", "/oauth/v1/access-tokens"),
        ("/crm/v3/objects/contacts/pat-1", "/crm/v3/objects/contacts/pat-1"),
    ],
)
def test_secrets_in_paths_of_oauth(path: str, shown: str) -> None:
    assert mask_path(path) == shown


@behaviour("masked-secrets")
def test_headers_that_are_secret_as_a_whole() -> None:
    headers = {"private-app-legacy": "k", "X-API-Key": "k", "Cookie": "a=b; c=d"}
    shown = masked(Request("GET", "/x", {}, headers, b"")).headers

    assert shown == dict.fromkeys(headers, "***")


@behaviour("masked-secrets")
def test_names_of_parameters_have_any_case() -> None:
    query = {"Access_Token": "a", "CLIENT_SECRET": "b", "code_verifier": "c"}
    shown = masked(Request("GET", "/x", query, {}, b"Code=a&CODE_VERIFIER=b"))
    body = b"Client_Secret=a&code_verifier=b&x=c"
    sent = Request("POST", "/oauth/v1/token", {}, {}, body)

    assert shown.query == dict.fromkeys(query, "***")
    assert masked(sent).content == b"Client_Secret=***&code_verifier=***&x=c"


@behaviour("masked-secrets")
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b'{"code": ["a", "b"], "x": 1}', b'{"code": "***", "x": 1}'),
        (b'{"token": {"x": ["a"]}}', b'{"token": "***"}'),
        (b'{"\\u0063ode": "a", "code": "b"}', b'{"code":"***","code":"***"}'),
        (b'{"code": ["a", "b', b'{"code": "***"'),
        (b'[{"Refresh_Token":"a"}]', b'[{"Refresh_Token":"***"}]'),
    ],
)
def test_secrets_in_json_of_oauth(sent: bytes, kept: bytes) -> None:
    """Lists and objects are secret as a whole, and escapes hide no names."""
    shown = masked(Request("POST", "/oauth/v3/token", {}, {}, sent)).content

    assert shown == kept


SECRETS = ["refresh-102", "hush", "code/7 é"]


@behaviour("masked-secrets")
@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ('{"properties": {"note": "x hush, refresh-102"}}', None),
        ('{"note": "code/7 é"}', '{"note": "***"}'),
        ('{"note": "\\u0068ush"}', '{"note":"***"}'),
        ('{"hush": [1]}', '{"***": [1]}'),
        ("a=code%2F7+%C3%A9&b=c", "a=***&b=c"),
        ("hushed and unhush are other words", "hushed and unhush are other words"),
    ],
)
def test_known_secrets_in_bodies(content: str, kept: str | None) -> None:
    secrets = Secrets()
    for each in SECRETS:
        secrets.add(each)
    shown = masked(Request("POST", "/x", {}, {}, content.encode()), secrets).content
    expected = '{"properties": {"note": "x ***, ***"}}' if kept is None else kept

    assert shown.decode() == expected


@behaviour("masked-secrets")
def test_known_secrets_in_any_spelling_of_a_form() -> None:
    secrets = Secrets()
    secrets.add("refresh-102")
    sent = Request("POST", "/oauth/v1/token", {}, {}, b"a=%72efresh-102&b=%72")

    assert masked(sent, secrets).content == b"a=***&b=%72"


@behaviour("masked-secrets")
async def test_known_secrets_wherever_they_are(sim: Simulator) -> None:
    """Even of tokens that the request itself revokes."""
    sim.register_app("app", "client-hush", redirect_uris=["https://a.example"])
    refresh_token = sim.install_app("app", "client-hush")
    code = sim.issue_code("app", "https://a.example", value="code-of-ada")
    token = sim.issue_token(tier="oauth", value="CAccessToken")
    values = [refresh_token, "client-hush", code, token]
    sim.store.lists.add(f"list {code}", "0-1", "MANUAL")
    async with aiohttp.ClientSession(sim.url) as http:
        for value in values:
            query, headers = {"q": f"x {value}", value: "y"}, {"X-Other": value}
            body = f'{{"x": "{value}"}}'
            path = f"/unknown/{value}/x"
            async with http.post(
                path, params=query, headers=headers, data=body
            ) as answer:
                assert answer.status == 501
                assert value not in await answer.text()
        async with http.delete(f"/oauth/v1/refresh-tokens/{refresh_token}"):
            pass
        async with http.get(f"/unknown/{refresh_token}"):
            pass
        async with http.get("/simulator/state") as answer:
            state = await answer.text()
    kept = " ".join(f"{each!r} {each.content!r}" for each in sim.requests)

    assert len(sim.requests) == 6
    assert sim.requests[0].query == {"q": "x ***", "***": "y"}
    assert not [value for value in values if value in kept + state]


@behaviour("shown-paths")
@pytest.mark.parametrize(
    ("path", "parameters", "shown"),
    [
        ("/crm/v3/objects/contacts/7", [], "/crm/v3/objects/contacts/7"),
        (
            "/crm/v3/objects/contacts/Ada/L",
            ["idProperty"],
            "/crm/v3/objects/contacts/***",
        ),
        (
            "/crm/objects/2026-03/0-1/Ada",
            ["x", "idproperty"],
            "/crm/objects/2026-03/0-1/***",
        ),
        (
            "/crm/v4/objects/0-1/Ada/associations/deals",
            ["idProperty"],
            "/crm/v4/objects/0-1/***/associations/deals",
        ),
        (
            "/crm/v3/objects/contacts/batch/read",
            ["idProperty"],
            "/crm/v3/objects/contacts/batch/read",
        ),
        ("/contacts/v1/a@b.example/profile", [], "/contacts/v1/***/profile"),
    ],
)
def test_property_values_in_shown_paths(
    path: str, parameters: list[str], shown: str
) -> None:
    assert mask_property_values(path, parameters) == shown


@behaviour("shown-paths")
async def test_ids_that_are_property_values() -> None:
    """The log and the page do not show them; `requests` keeps them."""
    lines: list[str] = []
    path = "/crm/v3/objects/contacts/ada@acme.example"
    async with Simulator(on_request=lambda each: lines.append(log_line(each))) as sim:
        headers = {"Authorization": f"Bearer {sim.token}"}
        async with aiohttp.ClientSession(sim.url, headers=headers) as http:
            async with http.get(path, params={"idProperty": "email"}):
                pass
            async with http.get("/simulator/state") as answer:
                (request,) = (await answer.json())["requests"]

    assert request["path"] == "/crm/v3/objects/contacts/***"
    assert lines == ["GET /crm/v3/objects/contacts/*** -> 404"]
    assert sim.requests[0].path == path


@behaviour("malformed-request")
@pytest.mark.parametrize(
    "sent",
    [
        "GET / HTTP/1.1\r\nAuthorization: Bearer pat-na1-test\x01\r\n\r\n",
        "GET / HTTP/1.1\r\nX: " + "pat-na1-test" * 700 + "\r\n\r\n",
        "GET /oauth/v1/refresh-tokens/pat-na1-test?x=é HTTP/1.1\r\n\r\n",
        "GET http://a:pat-na1-test/ HTTP/1.1\r\n\r\n",
        "pat-na1-test\r\n\r\n",
    ],
)
async def test_malformed_requests_are_not_repeated(
    sim: Simulator,
    sent: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Neither in the answer nor in the log, whatever its level."""
    caplog.set_level(logging.DEBUG)
    port = int(sim.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent.encode())
    answer = await reader.read()
    writer.close()
    printed = "".join(capfd.readouterr())

    assert answer.partition(b"\r\n")[0].endswith(b" 400 Bad Request")
    assert b"pat-na1" not in answer
    assert "refused a malformed request" in caplog.messages
    assert "pat-na1" not in caplog.text + printed


@behaviour("malformed-request")
async def test_requests_are_not_in_the_access_log(
    sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        aiohttp.ClientSession(sim.url) as http,
        http.get("/x", params={"access_token": "hush"}),
    ):
        pass

    assert "hush" not in caplog.text
