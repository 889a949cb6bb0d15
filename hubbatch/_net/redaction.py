"""Masks secrets that a peer echoes in its answer, before anything else reads it.

A proxy, a debugging endpoint or HubSpot itself may quote the request that it refuses,
including the access token. A secret that is removed here cannot reach an error, an
event, a log, a journal or a report.
"""

import json

from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from attrs import evolve
from msgspec.json import encode

from hubbatch._http import Answer, NoAnswer, Response
from hubbatch._wire.records import read_json


MASK = "***"
# Peers truncate long quotations, so the beginning of a secret is masked too. Fewer
# characters than this can occur by chance: every private-app token begins `pat-na1-`.
_PREFIX = 12
# HubSpot's tokens are longer than this; masking a shorter string would garble answers.
_SHORTEST = 8
# Values of records are the caller's data. A token stored in HubSpot is not masked.
_DATA = frozenset({"properties", "propertiesWithHistory"})
_RESULTS = frozenset({"results"})


def masked(answer: Answer, secrets: Iterable[str]) -> Answer:
    """Return an answer with the secrets of its request masked.

    Every form in which a peer may quote a secret is replaced. An answer without any is
    returned unchanged. Record values in a successful answer are not changed.
    """
    mask = _Mask([secret for secret in secrets if len(secret) >= _SHORTEST])
    if isinstance(answer, NoAnswer):
        return evolve(answer, reason=mask.text(answer.reason))
    success = 200 <= answer.status < 300  # noqa: PLR2004 -- HTTP's own figures
    body = mask.document(answer.body, spared=_DATA if success else frozenset())
    if not success:
        body = mask.data(body)
    headers = mask.headers(answer.headers)
    if body is answer.body and headers is answer.headers:
        return answer
    return Response(answer.status, headers, body)


class _Mask:
    """Replaces secrets in every form in which a peer may quote them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # Forms by their first characters. Where several forms begin alike, the longest
        # match is replaced.
        self._forms: dict[bytes, set[bytes]] = defaultdict(set)
        for secret in secrets:
            for form, prefix in _forms(secret):
                self._forms[form[:prefix]].add(form)

    def data(self, data: bytes) -> bytes:
        """Replace secrets in bytes; bytes without any are returned unchanged."""
        for head, forms in self._forms.items():
            at = data.find(head)
            if at < 0:
                continue
            parts, end = [], 0
            while at >= 0:
                parts += [data[end:at], MASK.encode()]
                end = at + max(_common(data, at, form) for form in forms)
                at = data.find(head, end)
            data = b"".join((*parts, data[end:]))
        return data

    def text(self, text: str) -> str:
        """Replace secrets in a string."""
        data = text.encode("utf-8", "surrogatepass")
        return self.data(data).decode("utf-8", "surrogatepass")

    def headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Replace secrets in the values of headers, a mapping that ignores case."""
        found = {
            name: masked
            for name, value in headers.items()
            if (masked := self.text(value)) != value
        }
        return _Headers(headers, found) if found else headers

    def document(self, body: bytes, *, spared: frozenset[str]) -> bytes:
        """Replace secrets in a JSON document, except in the members named in `spared`.

        A body that is not JSON is returned unchanged.
        """
        plain = self.data(body) is body
        # JSON may write any character as an escape.
        if plain and b"\\" not in body:
            return body
        if plain and spared:  # in a success, only errors quote the request
            spared |= _RESULTS
        try:
            # As leniently as it is read later: an invalid character hides no secret.
            document = read_json(body)
            clean = self._value(document, spared)
            return body if clean == document else encode(clean)
        except ValueError:
            return body
        except RecursionError:  # it cannot be searched, so nothing may quote it
            return b""

    def _value(self, value: Any, spared: frozenset[str]) -> Any:
        match value:
            case str():
                return self.text(value)
            case list():
                return [self._value(item, spared) for item in value]
            case dict():
                return {
                    self.text(name): item
                    if name in spared
                    else self._value(item, spared)
                    for name, item in value.items()
                }
            case _:
                return value


class _Headers(Mapping[str, str]):
    """Headers with some of their values replaced."""

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


def _common(data: bytes, at: int, form: bytes) -> int:
    """Return the length of the common prefix of a form and the data at a position."""
    part = data[at : at + len(form)]
    for count, (found, expected) in enumerate(zip(part, form, strict=False)):
        if found != expected:
            return count
    return len(part)


def _forms(secret: str) -> Iterator[tuple[bytes, int]]:
    """Yield the forms of a secret, each with the length of the prefix to search for."""
    for written in {secret, secret.lower(), secret.upper()}:
        head = written[:_PREFIX]
        for escaped in _ENCODINGS:
            yield escaped(written).encode(), len(escaped(head).encode())
    for offset in range(3):
        yield from _in_base64(secret.encode(), offset)


def _in_html(text: str) -> str:
    from html import escape  # noqa: PLC0415 -- it loads a large table

    return escape(text)


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _in_json_twice(text: str) -> str:
    return _in_json(_in_json(text))


def _in_quote(text: str) -> str:
    """Quote for a URL, with the hexadecimal digits in lower case."""
    return "".join(
        letter if letter == quoted else quoted.lower()
        for letter, quoted in ((letter, quote(letter, safe="")) for letter in text)
    )


_ENCODINGS: tuple[Callable[[str], str], ...] = (
    str,
    _in_html,
    _in_json,
    _in_json_twice,
    quote,
    quote_plus,
    _in_quote,
)


def _in_base64(secret: bytes, offset: int) -> Iterator[tuple[bytes, int]]:
    """Yield the part of a secret's Base64 that is independent of the bytes around it.

    `offset` is the number of preceding bytes that share the secret's first group.
    """
    first = -(-offset * 8 // 6)
    last = (offset + len(secret)) * 8 // 6
    prefix = (offset + min(_PREFIX, len(secret))) * 8 // 6
    encoded = b64encode(bytes(offset) + secret)
    for form in {encoded, encoded.translate(_URL_SAFE)}:
        yield form[first:last], prefix - first


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
