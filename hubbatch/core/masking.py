"""Mask the secrets of a request in its answer, before anything else reads the answer.

A proxy, a debugging endpoint or HubSpot itself may quote the request that it refuses,
with the access token. A secret that is not in the answer cannot reach an error, an
event, a log, a journal or a report.
"""

import json

from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

from attrs import evolve

from .answers import Answer, NoAnswer, Response


MASK = "***"
# Peers truncate long quotations, so the beginning of a secret is masked too, from this
# many characters. Fewer occur elsewhere: `pat-na1-` begins every token.
_PREFIX = 12
# A shorter secret is not a HubSpot token, and to mask it would garble any answer.
_MIN_SECRET = 8
# Values of records are the caller's data, even if one of them is a token.
_DATA = frozenset({"properties", "propertiesWithHistory"})
_RESULTS = frozenset({"results"})


def masked(answer: Answer, secrets: Iterable[str]) -> Answer:
    """Return an answer in which the secrets of its request do not occur.

    Secrets are found in every encoding in which a peer may quote them. An answer
    without secrets is returned itself. In a success, the values of records are kept.
    """
    mask = _Mask([secret for secret in secrets if len(secret) >= _MIN_SECRET])
    if isinstance(answer, NoAnswer):
        return evolve(answer, reason=mask.string(answer.reason))
    success = 200 <= answer.status < 300  # noqa: PLR2004 -- HTTP's own figures
    body = mask.document(answer.body, kept=_DATA if success else frozenset())
    if not success:
        body = mask.data(body)
    headers = mask.headers(answer.headers)
    if body is answer.body and headers is answer.headers:
        return answer
    return Response(answer.status, headers, body)


class _Mask:
    """Replaces secrets in every encoding in which a peer may quote them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The encoded secrets by their prefix. Of those with the same prefix, the
        # longest match is replaced.
        self._encoded: dict[bytes, set[bytes]] = defaultdict(set)
        for secret in secrets:
            for encoded, length in _encode(secret):
                self._encoded[encoded[:length]].add(encoded)

    def data(self, data: bytes) -> bytes:
        """Return bytes without the secrets: the same object if it has none."""
        for prefix, secrets in self._encoded.items():
            at = data.find(prefix)
            if at < 0:
                continue
            parts, end = [], 0
            while at >= 0:
                parts += [data[end:at], MASK.encode()]
                end = at + max(_common_length(data, at, secret) for secret in secrets)
                at = data.find(prefix, end)
            data = b"".join((*parts, data[end:]))
        return data

    def string(self, value: str) -> str:
        """Return a string without the secrets."""
        data = value.encode("utf-8", "surrogatepass")
        return self.data(data).decode("utf-8", "surrogatepass")

    def headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Return headers without the secrets; lookups in them ignore case."""
        replaced = {
            name: clean
            for name, value in headers.items()
            if (clean := self.string(value)) != value
        }
        return _Headers(headers, replaced) if replaced else headers

    def document(self, body: bytes, *, kept: frozenset[str]) -> bytes:
        """Return a JSON document without the secrets, except in members named `kept`.

        A body that is not JSON is returned unchanged.
        """
        plain = self.data(body) is body
        # JSON may write any character as an escape.
        if plain and b"\\" not in body:
            return body
        if plain and kept:  # in a success, only the errors quote the request
            kept |= _RESULTS
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return body
        clean = self._value(document, kept)
        return body if clean == document else orjson.dumps(clean)

    def _value(self, value: Any, kept: frozenset[str]) -> Any:
        match value:
            case str():
                return self.string(value)
            case list():
                return [self._value(item, kept) for item in value]
            case dict():
                return {
                    self.string(name): item if name in kept else self._value(item, kept)
                    for name, item in value.items()
                }
            case _:
                return value


class _Headers(Mapping[str, str]):
    """Headers of which some values are replaced. Lookups still ignore case."""

    def __init__(self, headers: Mapping[str, str], replaced: Mapping[str, str]) -> None:
        self._headers = headers
        self._replaced = {name.lower(): value for name, value in replaced.items()}

    def __getitem__(self, name: str) -> str:
        value = self._headers[name]
        return self._replaced.get(name.lower(), value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)


def _common_length(data: bytes, at: int, secret: bytes) -> int:
    """Return the length of the common prefix of a secret and the data from `at`."""
    part = data[at : at + len(secret)]
    for count, (left, right) in enumerate(zip(part, secret, strict=False)):
        if left != right:
            return count
    return len(part)


def _encode(secret: str) -> Iterator[tuple[bytes, int]]:
    """Yield the encodings of a secret, each with the length of its prefix to find."""
    for variant in {secret, secret.lower(), secret.upper()}:
        prefix = variant[:_PREFIX]
        for encode in _ENCODINGS:
            yield encode(variant).encode(), len(encode(prefix).encode())
    for offset in range(3):
        yield from _in_base64(secret.encode(), offset)


def _in_json(value: str) -> str:
    return json.dumps(value)[1:-1]


def _in_json_twice(value: str) -> str:
    return _in_json(_in_json(value))


def _quote_in_lower_case(value: str) -> str:
    """Quote a string for a URL, with lower-case hexadecimal digits."""
    return "".join(
        letter if letter == quoted else quoted.lower()
        for letter, quoted in ((letter, quote(letter, safe="")) for letter in value)
    )


_ENCODINGS: tuple[Callable[[str], str], ...] = (
    str,
    escape,
    _in_json,
    _in_json_twice,
    quote,
    quote_plus,
    _quote_in_lower_case,
)


def _in_base64(secret: bytes, offset: int) -> Iterator[tuple[bytes, int]]:
    """Yield the Base64 characters that depend on the secret only, not on its neighbors.

    `offset` is the number of bytes before the secret in its first group of three.
    """
    first = -(-offset * 8 // 6)
    last = (offset + len(secret)) * 8 // 6
    prefix_end = (offset + min(_PREFIX, len(secret))) * 8 // 6
    encoded = b64encode(bytes(offset) + secret)
    for variant in {encoded, encoded.translate(_URL_SAFE)}:
        yield variant[first:last], prefix_end - first


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
