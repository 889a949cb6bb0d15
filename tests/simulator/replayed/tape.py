"""A recorded answer, and how it differs from another one."""

import re

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import attrs
import msgspec

from tests.simulator.conftest import Response, World


FOLDER: Final = Path(__file__).parents[2] / "recorded"
FILES: Final = {path.stem: path for path in sorted(FOLDER.rglob("*.json"))}

# A custom object type, whose id is the portal's.
CUSTOM: Final = "2-3604285"
# Ids, dates, numbers and hosts differ between two portals.
_MASKS: Final = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"https?://[^/ ]+"), "<host>"),
    (re.compile(r"\d+"), "0"),
)
# Values that the publisher of an answer replaced.
_HIDDEN: Final = re.compile(r"REDACTED|<[A-Z_]+>|\{HubId\}|\[user\]|X{3,}[-\w]*")
# Keys whose values are of the moment, or of the portal.
_OF_THE_MOMENT: Final = {"correlationId", "startedAt", "completedAt"}


@attrs.frozen
class Recording:
    """One file of `tests/recorded`: a request, and HubSpot's answer.

    Attributes:
        sent: The body of the request; None if there was none, or it was not published.
    """

    name: str
    sent: Any = attrs.field(default=None, kw_only=True, repr=False)
    read: Mapping[str, Any] = attrs.field(init=False, repr=False)

    @read.default
    def _load(self) -> Mapping[str, Any]:
        loaded: Mapping[str, Any] = msgspec.json.decode(FILES[self.name].read_bytes())
        return loaded

    @property
    def method(self) -> str:
        return str(self.read["request"]["method"])

    @property
    def path(self) -> str:
        return urlsplit(str(self.read["request"]["path"])).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.read["request"]["path"]).query))

    @property
    def status(self) -> int:
        return int(self.read["status"])

    @property
    def body(self) -> Any:
        return self.read["body"]

    @property
    def answered(self) -> Any:
        """The body as the simulator's tests see it: bytes, unless it is JSON."""
        if self.body is None:
            return b""
        return self.body.encode() if isinstance(self.body, str) else self.body

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The records, lists or owners that the answer shows."""
        results: list[dict[str, Any]] = self.body.get("results", [self.body])
        return results

    @property
    def headers(self) -> dict[str, str]:
        return {key.lower(): value for key, value in self.read["headers"].items()}

    @property
    def year(self) -> int:
        """The year of the answer: of its name, its headers, or its latest date."""
        dated = re.search(r"-(20\d\d)", self.name) or re.search(
            r" (20\d\d) ", self.headers.get("date", "")
        )
        if dated is not None:
            return int(dated[1])
        years = re.findall(r'edAt":"(20\d\d)-', msgspec.json.encode(self.body).decode())
        return max(map(int, years), default=2026)

    @property
    def rate_headers(self) -> set[str]:
        return {name for name in self.headers if "ratelimit" in name}

    @property
    def kind(self) -> str:
        """The object type in the path."""
        return self.path.split("/")[4]


@attrs.frozen
class Case:
    """How to reproduce a recording.

    Attributes:
        prepare: Puts into the portal what the answer presumes.
        sent: The body of the request, where none was published in full.
        query: The query of the request, where none was published.
        path: The path, where none was published, or another call answers alike.
        options: Options of the token, such as its scopes.
        token: The token, if it is not one of the portal.
        status: The status, if the recorded one is not HubSpot's.
        equal: Whether the portal holds the very ids and dates that the answer shows,
            so that these are compared too, and the order of lists.
        differs: The differences that remain, each with its reason. A key is a pattern
            for the places of differences, as `differences` returns them.
    """

    prepare: Callable[[World, Recording], object] | None = None
    sent: Any = attrs.field(default=None, kw_only=True)
    query: Mapping[str, str] | None = attrs.field(default=None, kw_only=True)
    path: str | None = attrs.field(default=None, kw_only=True)
    options: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)
    token: str | None = attrs.field(default=None, kw_only=True)
    status: int | None = attrs.field(default=None, kw_only=True)
    equal: bool = attrs.field(default=False, kw_only=True)
    differs: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)

    def send(self, world: World, recording: Recording) -> Response:
        """Prepare the portal, and send the recorded request."""
        published = recording.read["request"].get("body")
        sent = published if self.sent is None else self.sent
        if self.prepare is not None:
            self.prepare(world, attrs.evolve(recording, sent=sent))
        return world.post(
            (self.path or recording.path).replace(CUSTOM, "p_custom"),
            method=recording.method,
            query=recording.query if self.query is None else self.query,
            content=_content(sent),
            token=world.sim.issue_token(**self.options) if self.options else self.token,
        )


def _content(sent: Any) -> bytes:
    """Return the body of a request; forms are published as text."""
    if sent is None:
        return b""
    return sent.encode() if isinstance(sent, str) else msgspec.json.encode(sent)


def masked(text: str) -> str:
    """Return a text without what differs between portals."""
    for pattern, word in _MASKS:
        text = pattern.sub(word, text)
    return text


def differences(ours: Any, theirs: Any, *, equal: bool, place: str = "") -> list[str]:
    """Return the places where two bodies differ.

    "- place" is a key that only the recording has, "+ place" one that only the
    simulator has, and "~ place" is a value of another JSON type or another value.
    """
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return [*_of_keys(ours, theirs, place, equal=equal)]
    if isinstance(theirs, list) and isinstance(ours, list):
        return [*_of_items(ours, theirs, place, equal=equal)]
    if type(ours) is not type(theirs):
        hidden = isinstance(theirs, str) and _HIDDEN.fullmatch(theirs)
        return [] if hidden else [f"~ {place}"]
    if place.rpartition(".")[2] in _OF_THE_MOMENT:
        return []
    if isinstance(theirs, str):
        equal = equal and not place.endswith("url")
        same = _same_text(ours, theirs, equal=equal)
    else:
        same = ours == theirs or (not equal and type(ours) in (int, float))
    return [] if same else [f"~ {place}"]


def _same_text(ours: str, theirs: str, *, equal: bool) -> bool:
    if theirs.startswith("https://") and "?" in theirs:
        # The parameters of a link come in any order.
        ours, theirs = ("&".join(sorted(re.split("[?&]", n))) for n in (ours, theirs))
    if _HIDDEN.search(theirs):
        parts = _HIDDEN.split(masked(theirs))
        pattern = ".+".join(map(re.escape, parts))
        return re.fullmatch(pattern, masked(ours)) is not None
    return ours == theirs if equal else masked(ours) == masked(theirs)


def _of_keys(
    ours: dict[str, Any], theirs: dict[str, Any], place: str, *, equal: bool
) -> Iterator[str]:
    both = [
        [key for key in body if key in ours and key in theirs]
        for body in (ours, theirs)
    ]
    if both[0] != both[1]:
        yield f"order {place}"
    for key in [*theirs, *(key for key in ours if key not in theirs)]:
        at = f"{place}.{key}".removeprefix(".")
        if key not in ours:
            yield f"- {at}"
        elif key not in theirs:
            yield f"+ {at}"
        else:
            yield from differences(ours[key], theirs[key], equal=equal, place=at)


def _of_items(
    ours: list[Any], theirs: list[Any], place: str, *, equal: bool
) -> Iterator[str]:
    if len(ours) != len(theirs):
        yield f"{'-' if len(ours) < len(theirs) else '+'} {place}[]"
    left = [*ours]
    for item in theirs[: len(ours)]:
        found = [differences(n, item, equal=equal, place=f"{place}[]") for n in left]
        # HubSpot's batches answer in any order, and so do the ids of members: compare
        # with the most similar item.
        if equal and isinstance(item, dict):
            nearest = 0
        else:
            nearest = min(
                range(len(found)), key=lambda n: (_other(left[n], item), len(found[n]))
            )
        yield from found[nearest]
        del left[nearest]


def _other(ours: Any, theirs: Any) -> bool:
    """Return whether two items have different names."""
    both = isinstance(ours, dict) and isinstance(theirs, dict)
    return both and ours.get("name") != theirs.get("name")


def header_differences(response: Response, recording: Recording) -> list[str]:
    """Return the headers that differ, in the form of `differences`."""
    ours = {key.lower(): value for key, value in response.headers.items()}
    content_type = response.reply.answer.content_type
    if content_type is not None:
        ours["content-type"] = content_type
    theirs = recording.headers
    found = []
    rates = {name for name in ours if "ratelimit" in name}
    # Some recordings have a part of the headers only.
    if recording.rate_headers or "x-hubspot-correlation-id" in theirs:
        found += [f"- {name}" for name in sorted(recording.rate_headers - rates)]
        found += [f"+ {name}" for name in sorted(rates - recording.rate_headers)]
    if theirs.keys() - {"content-type"} and "content-type" not in theirs:
        found += ["+ content-type"] * ("content-type" in ours)
    for name in ("content-type", "location", "x-hubspot-notfound"):
        if name in theirs:
            same = masked(ours.get(name, "")).lower() == masked(theirs[name]).lower()
            found += [] if same else [f"~ {name}"]
    if "x-hubspot-correlation-id" in theirs:
        found += [] if "x-hubspot-correlation-id" in ours else ["- correlation id"]
    return found
