"""A small HubSpot in memory behind the engine's one way out.

It keeps records, answers in shuffled order and fails as it is told to: by a script,
request by request, or by chance.
"""

import asyncio

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

import orjson

from attrs import define, evolve, field, frozen

from hubbatch._http import Answer, NoAnswer, Request, Response
from hubbatch._limits.window import RateLimit
from hubbatch._net.auth import Credentials, TokenSource
from hubbatch._net.batch import Batch
from hubbatch._net.client_state import ClientState
from hubbatch._net.gate import Gate
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch._wire.endpoints import Operation, Verb, operation_for


SECRET = "pat-na1-11112222-3333-4444-5555-666677778888"  # noqa: S105 -- nobody's
# The unique property that also identifies records.
UNIQUE = "ref"

Key = tuple[str | None, str]


def refusal(
    status: int,
    message: str,
    category: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> Response:
    """Write an error in HubSpot's shape."""
    body: dict[str, object] = {
        "status": "error",
        "message": message,
        "correlationId": "019cd9fe-d093-7d4f-8a52-4a0b2d9f7c11",
        **more,
    }
    if category is not None:
        body["category"] = category
    return Response(status, headers or {}, orjson.dumps(body))


def page(status: int) -> Response:
    """Return the error page of a proxy."""
    return Response(status, {}, b"<html><title>Error %d</title></html>" % status)


def throttled(policy: str = "TEN_SECONDLY_ROLLING", **headers: str) -> Response:
    """Return a 429."""
    return refusal(
        429,
        f"You have reached your {policy.lower()} limit.",
        policyName=policy,
        errorType="RATE_LIMIT",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


UNAUTHORIZED = refusal(
    401, "Authentication credentials not found.", "INVALID_AUTHENTICATION"
)
LOCKED = refusal(423, "Locked")

# Faults of a request: whether it was sent, whether it was processed, and the answer
# (None: no answer arrives).
_FATES: Mapping[str, tuple[bool, bool, Response | None]] = {
    "refused": (False, False, None),
    "throttled": (True, False, throttled()),
    "secondly": (True, False, throttled("SECONDLY")),
    "locked": (True, False, LOCKED),
    "502 before": (True, False, page(502)),
    "502 after": (True, True, page(502)),
    "dropped before": (True, False, None),
    "dropped after": (True, True, None),
}
FATES = ("fine", "truncated", *_FATES)

Fate = str | Answer | Callable[["Heard"], Answer]


@frozen
class Heard:
    """A request that HubSpot has received."""

    verb: str
    keys: Sequence[Key]
    inputs: Sequence[Mapping[str, Any]] = field(repr=False)
    body: Any = field(repr=False)
    request: Request
    at: float

    @property
    def ids(self) -> list[str]:
        return [text for _, text in self.keys]


def _as_list(fates: Iterable[Fate]) -> list[Fate]:
    return [*fates]


@define(eq=False)
class Crm:
    """The transport.

    `weights` gives fates by chance, `script` those of the next requests; a callable
    makes the answer itself. `traced`: a bad record costs only itself, else the whole
    chunk. `echoes`: results carry the trace ids of their inputs.
    """

    random: Random = field(factory=lambda: Random(1))
    weights: Mapping[str, float] = field(factory=dict)
    script: list[Fate] = field(factory=list, converter=_as_list)
    always: Fate = "fine"
    traced: bool = True
    echoes: bool = True
    latency: tuple[float, float] = (0.01, 0.05)
    headers: Mapping[str, str] = field(factory=dict)
    merged: set[str] = field(factory=set)
    records: dict[str, dict[str, str]] = field(factory=dict)
    archived: set[str] = field(factory=set)
    heard: list[Heard] = field(factory=list)
    writes: list[tuple[Key, str]] = field(factory=list)
    flying: set[Key] = field(factory=set)
    overlaps: list[Key] = field(factory=list)
    most_flying: int = 0
    closed: bool = False
    retired: int = 0
    _now_flying: int = 0
    _last_id: int = 90_000

    def fill(self, count: int, first: int = 1) -> None:
        """Add records, each with an id and a unique value."""
        for number in range(first, first + count):
            self.records[str(number)] = {UNIQUE: f"r{number}", "value": "old"}

    # ---- requests

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        heard = _heard(request)
        self.heard.append(heard)
        self.overlaps += self.flying & set(heard.keys)
        self._now_flying += 1
        self.most_flying = max(self.most_flying, self._now_flying)
        if heard.verb in ("update", "upsert"):
            self.flying.update(heard.keys)
        try:
            return await self._answer(heard, on_sent)
        finally:
            self._now_flying -= 1
            self.flying.difference_update(heard.keys)

    def retire(self) -> None:
        self.retired += 1

    async def aclose(self) -> None:
        self.closed = True

    async def _answer(self, heard: Heard, on_sent: Callable[[], None]) -> Answer:
        fate = self._fate()
        await self._travel(0.2)
        if fate == "refused":
            return NoAnswer(sent=False, reason="connection failed: refused")
        on_sent()
        await self._travel(0.4)
        if not isinstance(fate, str):
            answer = fate(heard) if callable(fate) else fate
        else:
            answer = self._meet(heard, fate)
        await self._travel(0.4)
        return answer

    def _fate(self) -> Fate:
        if self.script:
            return self.script.pop(0)
        if self.weights and self.random.random() < sum(self.weights.values()):
            return self.random.choices([*self.weights], [*self.weights.values()])[0]
        return self.always

    def _meet(self, heard: Heard, fate: str) -> Answer:
        _, done, answer = _FATES.get(fate, (True, True, None))
        own = self.work(heard) if done else None
        if fate == "fine":
            assert own is not None
            return own
        if fate == "truncated":
            assert own is not None
            return Response(own.status, {}, own.body[: len(own.body) // 2])
        return answer or NoAnswer(sent=True, reason="connection failed: reset")

    async def _travel(self, share: float) -> None:
        await asyncio.sleep(share * self.random.uniform(*self.latency))

    # ---- records

    def work(self, heard: Heard) -> Response:
        """Process a request, and return the answer."""
        if heard.verb == "archive":
            for key in heard.keys:
                if (found := self.find(key)) is not None:
                    del self.records[found]
                    self.archived.add(found)
            return Response(204, self.headers, b"")
        if heard.verb == "batch-update":
            return self._update_legacy(heard)
        if heard.verb in ("update", "upsert") and (twice := self._twice(heard)):
            return refusal(
                400,
                f"Duplicate IDs found in batch input: [{', '.join(twice)}]. "
                "IDs must be unique",
                "VALIDATION_ERROR",
            )
        bad = [item for item in heard.inputs if _is_bad(item)]
        if bad and not self.traced:
            return refusal(400, _problem(bad[0]), "VALIDATION_ERROR")
        results: list[dict[str, Any]] = []
        missing: list[Mapping[str, Any]] = []
        for key, item in zip(heard.keys, heard.inputs, strict=True):
            if not _is_bad(item):
                self._one(heard.verb, key, item, results, missing)
        errors = [_invalid(item) for item in bad]
        if missing:
            errors.append(_not_found(missing))
        return self._envelope(heard.verb, results, errors)

    def find(self, key: Key) -> str | None:
        """Return the id of the record with this key; None if there is none."""
        id_property, text = key
        if id_property is None:
            return text if text in self.records else None
        for found, properties in self.records.items():
            if properties.get(id_property, "").lower() == text:
                return found
        return None

    def _twice(self, heard: Heard) -> set[str]:
        named = [self.find(key) or key for key in heard.keys]
        return {str(name) for name in named if named.count(name) > 1}

    def _one(
        self,
        verb: str,
        key: Key,
        item: Mapping[str, Any],
        results: list[dict[str, Any]],
        missing: list[Mapping[str, Any]],
    ) -> None:
        if key[1] in self.merged:
            return
        found = None if verb == "create" else self.find(key)
        result: dict[str, Any] = {}
        if verb == "upsert":
            result["new"] = found is None
        if found is None and verb in ("create", "upsert"):
            self._last_id += 1
            found = str(self._last_id)
            self.records[found] = {} if key[0] is None else {key[0]: item["id"]}
        if found is None:
            missing.append(item)
            return
        properties = item.get("properties", {})
        self.records[found].update(properties)
        if "value" in properties:
            self.writes.append((key, properties["value"]))
        if self.echoes and "objectWriteTraceId" in item:
            result["objectWriteTraceId"] = item["objectWriteTraceId"]
        shown = dict(self.records[found])
        results.append({"id": found, "properties": shown, **result})

    def _update_legacy(self, heard: Heard) -> Response:
        results = []
        for item in heard.body:
            text = str(item["objectId"])
            pairs = {pair["name"]: pair["value"] for pair in item["properties"]}
            self.records[text].update(pairs)
            shown = {name: {"value": value} for name, value in pairs.items()}
            results.append({"objectId": item["objectId"], "properties": shown})
        self.random.shuffle(results)
        return Response(200, self.headers, orjson.dumps(results))

    def _envelope(
        self, verb: str, results: list[dict[str, Any]], errors: list[dict[str, Any]]
    ) -> Response:
        self.random.shuffle(results)
        body: dict[str, Any] = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": "2026-09-14T12:00:00.000Z",
            "completedAt": "2026-09-14T12:00:00.120Z",
        }
        if errors:
            body |= {"numErrors": len(errors), "errors": errors}
        status = 207 if errors else 201 if verb == "create" else 200
        return Response(status, self.headers, orjson.dumps(body))


def _heard(request: Request) -> Heard:
    verb = request.path.rpartition("/")[2]
    body = orjson.loads(request.body)
    inputs = body if isinstance(body, list) else body["inputs"]
    common = None if isinstance(body, list) else body.get("idProperty")
    keys = [
        (item.get("idProperty", common), str(item.get("id", item.get("objectId", ""))))
        for item in inputs
        if verb != "create"
    ] or [(None, str(item.get("objectWriteTraceId"))) for item in inputs]
    keys = [(name, text.lower()) for name, text in keys]
    at = asyncio.get_running_loop().time()
    return Heard(verb, keys, inputs, body, request, at)


def _is_bad(item: Mapping[str, Any]) -> bool:
    return str(item.get("properties", {}).get("value", "")).startswith("bad")


def _problem(item: Mapping[str, Any]) -> str:
    value = item["properties"]["value"]
    problem = {"isValid": False, "message": f"{value} is bad", "name": "value"}
    return f"Property values were not valid: {orjson.dumps([problem]).decode()}"


def _invalid(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": _problem(item),
        "context": {"objectWriteTraceId": [item["objectWriteTraceId"]]},
    }


def _not_found(missing: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some TICKET objects, they may be deleted or not "
        "exist. Check that ids are valid.",
        "context": {"ids": [item["id"] for item in missing]},
    }


# ---- clients of it


def operation(
    verb: Verb, *, max_inputs: int = 100, id_property: str | None = None
) -> Operation:
    """Return the operation of a verb of tickets."""
    if verb == "read":
        plain = operation_for(
            "objects", "read", "tickets", api_version="v3", id_property=id_property
        )
    else:
        plain = operation_for(
            "objects", verb, "tickets", api_version="v3", id_property=id_property
        )
    return evolve(plain, max_inputs=max_inputs)


def legacy(*, max_inputs: int = 100) -> Operation:
    """Return the update of `crm-objects/v1`."""
    return evolve(operation_for("legacy", "update", "tickets"), max_inputs=max_inputs)


def client_state(
    crm: Any,
    *,
    token: TokenSource = SECRET,
    rate_limit: RateLimit | None = None,
    workers: int = 8,
    policy: RetryPolicy | None = None,
) -> ClientState:
    """Return the state of a client on a scripted HubSpot."""
    return ClientState(
        gate=Gate(rate_limit, workers),
        transport=crm,
        credentials=Credentials(token),
        policy=policy or RetryPolicy(),
        max_concurrency=workers,
    )


def batch(
    crm: Any,
    call: Operation,
    source: Any,
    *,
    isolate: bool = True,
    linger: float = 0.1,
    max_failures: int | str | None = None,
    progress: Any = None,
    **options: Any,
) -> Batch[Any]:
    """Return a batch on a client of its own."""
    return Batch(
        client_state(crm, **options),
        call,
        source,
        isolate=isolate,
        linger=linger,
        max_failures=max_failures,
        progress=progress,
    )


def updates(count: int, first: int = 1) -> list[dict[str, Any]]:
    """Return updates of different records to different values."""
    return [
        {"id": str(number), "properties": {"value": f"v{number}"}}
        for number in range(first, first + count)
    ]
