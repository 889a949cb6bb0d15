"""Masks secrets in what is kept or shown of a request: the log, the page, answers.

Only the values of secrets are replaced, so that everything else can be compared.
"""

import re

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from hubbatch.simulator.wire import Request


MASK: Final = "***"

_FIELDS: Final = (
    *("access_token", "accessToken", "client_secret", "clientSecret", "code"),
    *("refresh_token", "refreshToken", "token", "tokenKey"),
)
# Parameters of a URL, of any call. `hapikey` was HubSpot's API key until 2022.
_PARAMETERS: Final = frozenset({*_FIELDS, "hapikey"})
_HEADERS: Final = frozenset({"authorization", "proxy-authorization"})
# OAuth v1 has tokens in paths.
_TOKEN_PATH: Final = re.compile(r"(/oauth/[^/]+/(?:access|refresh)-tokens/)[^/]+")
# Private app tokens, wherever they are.
_TOKEN: Final = re.compile(r"\bpat-[a-z]{2,3}\d?-[0-9A-Za-z-]{8,}")
_NAMES: Final = "|".join(_FIELDS)
# A value may lack its end: a body can be cut off anywhere.
_JSON_FIELD: Final = re.compile(
    rf'("(?:{_NAMES})"\s*:\s*)("(?:[^"\\]|\\.)*+"?|[^\s",}}\]]+)', re.DOTALL
)


def masked(request: Request) -> Request:
    """Return a request without its secrets."""
    return Request(
        request.method,
        mask_path(request.path),
        {name: _parameter(name, text) for name, text in request.query.items()},
        _headers(request.headers),
        _content(request.path, request.content),
        request.kept,
        request.origin,
    )


def mask_path(path: str) -> str:
    """Return a path without tokens."""
    return _text(_TOKEN_PATH.sub(rf"\1{MASK}", path))


def _text(text: str) -> str:
    return _TOKEN.sub(MASK, text) if "pat-" in text else text


def _parameter(name: str, value: str) -> str:
    return MASK if name in _PARAMETERS else _text(value)


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: _credentials(value) if name.lower() in _HEADERS else _text(value)
        for name, value in headers.items()
    }


def _credentials(value: str) -> str:
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {MASK}" if space else MASK


def _content(path: str, content: bytes) -> bytes:
    # Only OAuth's bodies have secret fields: elsewhere "code" is a property.
    is_oauth = path.startswith("/oauth/")
    if not is_oauth and b"pat-" not in content:
        return content
    # Every byte is a character of Latin-1, whatever the encoding is.
    text = _text(content.decode("latin-1"))
    if is_oauth:
        text = _JSON_FIELD.sub(rf'\1"{MASK}"', text)
        text = "&".join(_pair(pair) for pair in text.split("&"))
    return text.encode("latin-1")


def _pair(pair: str) -> str:
    """Return a field of a form without its secret."""
    name, equals, _ = pair.partition("=")
    # The name may be percent-encoded, too.
    decoded = dict(parse_qsl(f"{name}=1"))
    return f"{name}{equals}{MASK}" if decoded.keys() & set(_FIELDS) else pair
