"""Finds the proxy that the environment names for a URL."""

from base64 import b64encode
from typing import Any

from yarl import URL

from hubbatch._classes import frozen
from hubbatch.errors import ConfigurationError

from .loopback import is_loopback


@frozen
class Proxy:
    """A proxy, and the headers that log in to it.

    aiohttp would look for it before every request, in a thread, and would also log in
    to HubSpot with what `~/.netrc` says.

    Attributes:
        tunnels: whether it passes on bytes, as for https, and not requests.
    """

    url: URL
    headers: dict[str, str]
    tunnels: bool

    @property
    def options(self) -> dict[str, Any]:
        """Aiohttp's options for a request."""
        tunnel = {"proxy_headers": self.headers} if self.headers else {}
        return {"proxy": self.url, **(tunnel if self.tunnels else {})}

    @property
    def request_headers(self) -> dict[str, str]:
        """The headers to add to a request."""
        return {} if self.tunnels else self.headers

    @property
    def address(self) -> str:
        """Its host and port, without the login."""
        return f"{self.url.host}:{self.url.port}"


def proxy_from_env(target: URL) -> Proxy | None:
    """Return the proxy for a URL, if the environment names one.

    As for curl, that is HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, in either case, except
    for the hosts in NO_PROXY. A loopback address never has one: another machine could
    not reach it.

    Raises:
        ConfigurationError: If the proxy is not a URL that can be used.
    """
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 -- a large module

    host = target.host or ""
    named = getproxies()
    value = named.get(target.scheme) or named.get("all") or ""
    if not value or is_loopback(host) or proxy_bypass(f"{host}:{target.port}"):
        return None
    name = f"{target.scheme.upper()}_PROXY" if named.get(target.scheme) else "ALL_PROXY"
    try:
        url = URL(value if "://" in value else f"http://{value}")
    except ValueError:
        url = URL()
    usable = url.scheme in ("http", "https") and url.host and url.port
    if not usable:  # the value is not shown: it may contain a password
        raise ConfigurationError(
            f"{name} must be the URL of an HTTP proxy, such as http://proxy:3128. "
            "Correct it, unset it, or add the host to NO_PROXY."
        )
    headers = {}
    if url.user is not None:
        login = f"{url.user}:{url.password or ''}".encode()
        headers["Proxy-Authorization"] = f"Basic {b64encode(login).decode()}"
    return Proxy(url.origin(), headers, tunnels=target.scheme == "https")
