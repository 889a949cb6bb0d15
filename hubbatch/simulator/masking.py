"""Masks secrets in what is kept or shown of a request: the log, the page, answers.

Only the values of secrets are replaced, so that everything else can be compared.
"""

import json
import re

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote_plus

import attrs

from hubbatch.simulator.wire import Request


MASK: Final = "***"

# In lower case, as names are compared.
_FIELDS: Final = frozenset(
    {
        *("access_token", "accesstoken", "client_secret", "clientsecret", "code"),
        *("code_verifier", "codeverifier", "refresh_token", "refreshtoken"),
        *("token", "tokenkey"),
    }
)
# Parameters of a URL, of any call. `hapikey` was HubSpot's API key until 2022.
_PARAMETERS: Final = frozenset({*_FIELDS, "hapikey"})
# Headers whose value is a scheme and a secret, and those that are secret as a whole.
_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization"})
_SECRET_HEADERS: Final = frozenset({"cookie", "private-app-legacy", "x-api-key"})
# OAuth v1 has tokens in paths.
_TOKEN_PATH: Final = re.compile(r"(/oauth/[^/]+/(?:access|refresh)-tokens/)[^/]+")
# Private app tokens, wherever they are.
_TOKEN: Final = re.compile(r"\bpat-[a-z]{2,3}\d?-[0-9A-Za-z-]{8,}")
_NAMES: Final = "|".join(sorted(_FIELDS))
# A value may lack its end: a body can be cut off anywhere.
_JSON_FIELD: Final = re.compile(
    rf'("(?:{_NAMES})"\s*:\s*)'
    r'("(?:[^"\\]|\\.)*+"?|\[[^\]]*\]?|\{[^}]*\}?|[^\s",}\]]+)',
    re.DOTALL | re.IGNORECASE,
)
# The id of a record in a path.
_RECORD_PATH: Final = re.compile(
    r"(/crm/(?:v\d+/objects|objects/[^/]+)/[^/]+/)"
    r"(?!(?:batch/.*|search|merge|gdpr-delete)$)(.+?)(/associations(?:/.*)?)?",
    re.DOTALL,
)

# Shorter secrets are part of too much that is no secret, and those that are not long
# are masked as whole words only.
_SHORTEST: Final = 4
_LONG: Final = 8


@attrs.define
class Secrets:
    """Secrets that are known by value, so that they are masked wherever they are.

    Secrets are never forgotten: a revoked token stays one.
    """

    _known: set[str] = attrs.field(factory=set, init=False, repr=False)
    # The known secrets in all spellings, longest first: one may contain another.
    _long: list[str] = attrs.field(factory=list, init=False, repr=False)
    _words: list[re.Pattern[str]] = attrs.field(factory=list, init=False, repr=False)

    def add(self, secret: str) -> None:
        """Mask a secret from now on, unless it is shorter than four characters."""
        if secret in self._known or len(secret) < _SHORTEST:
            return
        self._known.add(secret)
        if len(secret) < _LONG:
            self._words += [
                re.compile(rf"(?<!\w){re.escape(each)}(?!\w)")
                for each in _spellings(secret)
            ]
        elif not _TOKEN.fullmatch(secret):  # others are masked in any case
            self._long += _spellings(secret)
            self._long.sort(key=len, reverse=True)

    def mask(self, text: str) -> str:
        """Return a text without known secrets and private app tokens."""
        for secret in self._long:
            if secret in text:
                text = text.replace(secret, MASK)
        for word in self._words:
            text = word.sub(MASK, text)
        return _TOKEN.sub(MASK, text) if "pat-" in text else text

    def mask_values(self, value: Any) -> Any:
        """Return JSON without secrets in its strings; keys stay."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, list):
            return [self.mask_values(each) for each in value]
        if isinstance(value, dict):
            return {name: self.mask_values(each) for name, each in value.items()}
        return value


def _spellings(secret: str) -> list[str]:
    """Return a secret as it is, in URLs and forms, and in JSON."""
    return sorted(
        {
            *(secret, quote(secret), quote(secret, safe=""), quote_plus(secret)),
            *(json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]),
        },
        key=len,
        reverse=True,
    )


_NONE: Final = Secrets()


def masked(request: Request, secrets: Secrets = _NONE) -> Request:
    """Return a request without its secrets."""
    return Request(
        secrets.mask(request.method),
        mask_path(request.path, secrets),
        {
            secrets.mask(name): MASK
            if name.lower() in _PARAMETERS
            else secrets.mask(text)
            for name, text in request.query.items()
        },
        _headers(request.headers, secrets),
        _content(request.path, request.content, secrets),
        request.kept,
        request.origin,
    )


def mask_path(path: str, secrets: Secrets = _NONE) -> str:
    """Return a path without tokens and known secrets."""
    return secrets.mask(_TOKEN_PATH.sub(rf"\1{MASK}", path))


def mask_property_values(path: str, parameters: Iterable[str]) -> str:
    """Return a path without values of properties, to show it.

    With the parameter `idProperty`, the id of a record is the value of a property.
    Everything with an "@" is taken for an address, whatever the call is.
    """
    if any(name.lower() == "idproperty" for name in parameters):
        found = _RECORD_PATH.fullmatch(path)
        if found is not None:
            path = f"{found[1]}{MASK}{found[3] or ''}"
    return re.sub(r"[^/]*@[^/]*", MASK, path)


def _headers(headers: Mapping[str, str], secrets: Secrets) -> dict[str, str]:
    return {name: _header(name.lower(), headers[name], secrets) for name in headers}


def _header(name: str, value: str, secrets: Secrets) -> str:
    if name in _SECRET_HEADERS:
        return MASK
    if name not in _CREDENTIALS:
        return secrets.mask(value)
    scheme, space, _ = value.partition(" ")
    return f"{secrets.mask(scheme)} {MASK}" if space else MASK


def _content(path: str, content: bytes, secrets: Secrets) -> bytes:
    encoding = "utf-8"
    try:
        text = content.decode()
    except ValueError:
        # Every byte is a character of Latin-1, whatever the encoding is.
        encoding = "latin-1"
        text = content.decode(encoding)
    # Only OAuth's bodies have secret fields: elsewhere "code" is a property.
    fields = _FIELDS if path.startswith("/oauth/") else frozenset[str]()
    shown = secrets.mask(text)
    if fields:
        shown = _JSON_FIELD.sub(rf'\1"{MASK}"', shown)
    # Escapes can hide secrets, and the names of fields, in a text.
    value = _parse(text) if fields or "\\" in text else None
    if value is not None:
        masked_value = _mask_json(value, fields, secrets)
        if masked_value != _parse(shown):
            shown = _dump(masked_value)
    elif fields:
        shown = "&".join(_pair(pair, secrets) for pair in shown.split("&"))
    return content if shown == text else shown.encode(encoding)


class _Pairs(list[tuple[str, Any]]):
    """The names and values of a JSON object, whose names may repeat."""


def _parse(text: str) -> Any:
    """Return a JSON object or list; None for everything else."""
    try:
        value = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else None


def _mask_json(value: Any, fields: frozenset[str], secrets: Secrets) -> Any:
    if isinstance(value, str):
        return secrets.mask(value)
    if isinstance(value, _Pairs):
        return _Pairs(
            (
                secrets.mask(name),
                MASK if name.lower() in fields else _mask_json(each, fields, secrets),
            )
            for name, each in value
        )
    if isinstance(value, list):
        return [_mask_json(each, fields, secrets) for each in value]
    return value


def _dump(value: Any) -> str:
    if isinstance(value, _Pairs):
        pairs = (f"{json.dumps(name)}:{_dump(each)}" for name, each in value)
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    return json.dumps(value)


def _pair(pair: str, secrets: Secrets) -> str:
    """Return a field of a form without its secret."""
    name, equals, value = pair.partition("=")
    # Both may be percent-encoded in any way.
    if unquote_plus(name).strip().lower() in _FIELDS:
        return f"{name}{equals}{MASK}"
    plain = unquote_plus(value)
    hidden = secrets.mask(plain)
    return pair if hidden == plain else f"{name}{equals}{quote_plus(hidden, safe='*')}"
