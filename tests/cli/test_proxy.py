"""The command line behind a company's proxy, over TLS."""

import subprocess

from collections.abc import Iterator
from pathlib import Path

import pytest

from yarl import URL

from tests.processes import untraced

from .conftest import Shell
from .processes import HUBBATCH
from .proxy import HOST, Proxy, certificate, proxying


@pytest.fixture(scope="module")
def cert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def proxy(shell: Shell, cert: Path) -> Iterator[Proxy]:
    with proxying(URL(shell.sim.url), cert) as running:
        yield running


def run(
    proxy: Proxy, cert: Path, *words: str, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment that names the proxy."""
    known: dict[str, str] = {
        "HUBBATCH_BASE_URL": f"https://{HOST}",
        "HTTPS_PROXY": proxy.url,
        "SSL_CERT_FILE": str(cert),
        "NO_PROXY": "",
    }
    clean = {
        k: v for k, v in untraced(**(known | env)).items() if not k.endswith("_proxy")
    }
    return subprocess.run(  # noqa: S603 -- our own command
        [*HUBBATCH, *words], env=clean, capture_output=True, text=True, check=False
    )


def test_a_job_runs_through_the_proxy(shell: Shell, proxy: Proxy, cert: Path) -> None:
    ids = shell.tickets(250)
    shell.write("t.csv", "id,subject", *(f"{id_},new" for id_ in ids))
    done = run(proxy, cert, "update", "tickets", "t.csv")
    assert "250 rows: 250 succeeded." in done.stderr
    assert done.returncode == 0
    assert {head.split("\r\n")[0] for head in proxy.heads} == {
        f"CONNECT {HOST}:443 HTTP/1.1"
    }
    assert shell.sim.token not in "".join(proxy.heads)


def test_a_proxy_with_a_login(shell: Shell, proxy: Proxy, cert: Path) -> None:
    assert shell.sim.url
    proxy.login = "ann:p@ss"
    with_login = proxy.url.replace("//", "//ann:p%40ss@")
    assert run(proxy, cert, "whoami", HTTPS_PROXY=with_login).returncode == 0
    wrong = run(proxy, cert, "whoami")
    assert wrong.returncode == 3
    assert "The proxy refuses to connect to HubSpot: Proxy Auth" in wrong.stderr
    assert "http://user:password@proxy:3128" in wrong.stderr
    assert "p%40ss" not in wrong.stderr


def test_the_proxy_can_be_turned_off(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("HUBBATCH_BASE_URL", f"https://{HOST}")
    shell.write("t.csv", "id,subject", "1,new")
    words = ("update", "tickets", "t.csv", "--dry-run")
    refused = shell(*words)
    assert refused.status == 2
    assert "HTTPS_PROXY must be the URL of an HTTP proxy" in refused.err
    assert shell(*words, "--no-proxy").status == 0
    monkeypatch.setenv("NO_PROXY", HOST)
    assert shell(*words).status == 0


def test_a_dead_proxy_is_named(proxy: Proxy, cert: Path, shell: Shell) -> None:
    assert shell.sim.url
    proxy.dead = True
    done = run(proxy, cert, "whoami")
    assert done.returncode == 3
    address = proxy.url.removeprefix("http://")
    assert f"(through the proxy {address})" in done.stderr


def test_a_refused_proxy_is_named(proxy: Proxy, cert: Path, shell: Shell) -> None:
    assert shell.sim.url
    done = run(proxy, cert, "whoami", HTTPS_PROXY="http://127.0.0.1:9")
    assert done.returncode == 3
    assert "Cannot connect to the proxy 127.0.0.1:9: Connection refused" in done.stderr


def test_a_simulator_on_this_machine_needs_no_proxy(
    shell: Shell, proxy: Proxy, cert: Path
) -> None:
    url = {"HUBBATCH_BASE_URL": shell.sim.url, "HTTP_PROXY": proxy.url}
    assert run(proxy, cert, "whoami", **url, ALL_PROXY=proxy.url).returncode == 0
    assert proxy.heads == []
