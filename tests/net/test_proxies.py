"""Which proxy the environment names for a URL."""

import asyncio

from base64 import b64encode

import pytest

from yarl import URL

from hubbatch import ConfigurationError, HubBatch, HubSpotUnavailable, RetryPolicy
from hubbatch._net.proxies import proxy_from_env


HUBSPOT = URL("https://api.hubapi.com")
NAMES = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("value", ["http://proxy:3128", "proxy:3128"])
def test_a_proxy_is_used(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    proxy = proxy_from_env(HUBSPOT)
    assert proxy is not None
    assert proxy.options == {"proxy": URL("http://proxy:3128")}
    assert proxy.request_headers == {}
    assert proxy.address == "proxy:3128"


def test_without_a_proxy_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_from_env(HUBSPOT) is None
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    assert proxy_from_env(HUBSPOT) is None
    assert proxy_from_env(URL("http://api.hubapi.com")) is not None


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(
    "value",
    ["*", "api.hubapi.com", ".hubapi.com", "x, hubapi.com", "api.hubapi.com:443"],
)
def test_no_proxy_exempts_hosts(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv(name, value)
    assert proxy_from_env(HUBSPOT) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.9.9.9"])
def test_loopback_has_no_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy:3128")
    assert proxy_from_env(URL(f"http://{host}:8080")) is None


def test_the_login_is_taken_out_of_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://us:p%40ss@proxy:3128")
    login = {"Proxy-Authorization": "Basic " + b64encode(b"us:p@ss").decode()}
    tunnel, relay = map(proxy_from_env, (HUBSPOT, URL("http://api.hubapi.com")))
    assert tunnel is not None
    assert relay is not None
    assert tunnel.url == relay.url == URL("http://proxy:3128")
    assert tunnel.options == {"proxy": tunnel.url, "proxy_headers": login}
    assert relay.options == {"proxy": relay.url}
    assert (tunnel.request_headers, relay.request_headers) == ({}, login)


@pytest.mark.parametrize(
    "value",
    ["socks5://us:secret@proxy:1080", "http://", "http://[secret", "ftp:secret"],
)
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(
        ConfigurationError, match="HTTPS_PROXY must be the URL"
    ) as caught:
        HubBatch("token", trust_env=True)
    assert "secret" not in str(caught.value)
    HubBatch("token")
    monkeypatch.setenv("ALL_PROXY", value)
    monkeypatch.delenv("HTTPS_PROXY")
    with pytest.raises(ConfigurationError, match="ALL_PROXY must be the URL"):
        HubBatch("token", trust_env=True)


async def test_a_proxy_that_hangs_up_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason of such a failure does not contain its address."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        retry = RetryPolicy(attempts=1)
        async with HubBatch("token", trust_env=True, retry=retry) as hub:
            with pytest.raises(HubSpotUnavailable, match="through the proxy") as caught:
                await hub.tickets.read(["1"])
    assert f"127.0.0.1:{port}" in str(caught.value)
