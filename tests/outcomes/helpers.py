"""Chunks as the engine makes them, and answers as HubSpot gives them."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from attrs import define, field

from hubbatch._http import Response
from hubbatch._outcomes.chunk_state import Step
from hubbatch._outcomes.matching import MatchedAnswer
from hubbatch._outcomes.outcome import Outcome, Unsuccessful
from hubbatch._outcomes.queue import Chunk
from hubbatch._outcomes.verdicts import Refused
from hubbatch._wire.endpoints import Operation, Verb, operation_for
from hubbatch._wire.inputs import encoder
from hubbatch.errors import APIError


VERBS: tuple[Verb, ...] = ("create", "read", "update", "upsert", "archive")

CREATE = operation_for("objects", "create", "tickets", api_version="v3")
READ = operation_for("objects", "read", "tickets", api_version="v3")
UPDATE = operation_for("objects", "update", "tickets", api_version="v3")
UPSERT = operation_for(
    "objects", "upsert", "tickets", api_version="v3", id_property="ref"
)
ARCHIVE = operation_for("objects", "archive", "tickets", api_version="v3")
LEGACY = operation_for("legacy", "update", "tickets")
OPERATIONS: Mapping[str, Operation] = {
    "create": CREATE,
    "read": READ,
    "update": UPDATE,
    "upsert": UPSERT,
    "archive": ARCHIVE,
    "legacy": LEGACY,
}


def some_inputs(operation: Operation, count: int) -> list[Any]:
    """Make inputs with the ids 100, 101, ... (or refs r100, ...)."""
    properties = [{"subject": f"s{n}"} for n in range(count)]
    if operation is CREATE:
        return [{"properties": texts} for texts in properties]
    if operation is LEGACY:
        return [
            {"objectId": 100 + n, "properties": texts}
            for n, texts in enumerate(properties)
        ]
    if operation is UPSERT:
        return [
            {"id": f"r{100 + n}", "properties": texts}
            for n, texts in enumerate(properties)
        ]
    if operation.call.verb in ("read", "archive"):
        return [str(100 + n) for n in range(count)]
    return [
        {"id": str(100 + n), "properties": texts} for n, texts in enumerate(properties)
    ]


def chunk_of(operation: Operation, inputs: Sequence[Any], first: int = 0) -> Chunk:
    encode = encoder(operation)
    chunk = Chunk()
    for index, given in enumerate(inputs, first):
        key, body, trace = encode(index, given)
        chunk.add(index, given, key, body, trace)
    return chunk


def some_chunk(operation: Operation, count: int, first: int = 0) -> Chunk:
    return chunk_of(operation, some_inputs(operation, count), first)


def attempted(chunk: Chunk, times: int) -> Chunk:
    """Return a chunk that this many requests have carried."""
    for _ in range(times):
        chunk = chunk.after(Step.ATTEMPT)
    return chunk


def respond(
    status: int, body: object = b"", headers: Mapping[str, str] | None = None
) -> Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Response(status, headers or {}, content)


def refusal(**options: Any) -> Refused:
    error = APIError("no", status=400, category="VALIDATION_ERROR")
    return Refused(error, **options)


def results(*ids: int) -> Mapping[str, Any]:
    return {"results": [{"id": str(n), "properties": {}} for n in ids]}


@define
class Notebook:
    """An outcome sink that keeps all it receives."""

    inputs: list[Any] = field(factory=list)
    answers: list[MatchedAnswer] = field(factory=list)
    results: dict[int, Any] = field(factory=dict)
    unsuccessful: list[Outcome[Any]] = field(factory=list)

    def took(self, inputs: list[Any]) -> None:
        self.inputs += inputs

    def answered(self, chunk: Chunk, matched: MatchedAnswer) -> None:
        assert chunk
        self.answers.append(matched)

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        assert len(results) == len(chunk)
        for index, result in zip(chunk.indices, results, strict=True):
            for place in (index, *(f for f, _ in chunk.duplicates.get(index, ()))):
                assert place not in self.results
                self.results[place] = result

    def failed(self, outcomes: Sequence[Outcome[Any]]) -> None:
        self.unsuccessful += outcomes
        if isinstance(outcomes, Unsuccessful) and isinstance(outcomes.indices, range):
            self.inputs += outcomes.inputs

    @property
    def statuses(self) -> dict[int, str]:
        """The outcome of each input; more than one is a failure."""
        told = [(outcome.index, str(outcome.status)) for outcome in self.unsuccessful]
        told += [(index, "succeeded") for index in self.results]
        assert len(dict(told)) == len(told)
        return dict(sorted(told))
