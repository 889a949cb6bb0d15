"""Runs a batch against a recorded answer, and compares what became of its inputs."""

import asyncio
import inspect

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from attrs import Factory, define, field, frozen
from multidict import CIMultiDict

from hubbatch import HubBatchError, Outcome, RecordError
from hubbatch._http import Answer, Response
from hubbatch._wire.endpoints import Operation
from tests.net.crm import Crm, Heard, batch


HERE = Path(__file__).parent


@frozen
class Expected:
    """What becomes of one input.

    Attributes:
        status: the outcome's status.
        id: the outcome's id.
        result: attributes that the result has; None if there is no result.
        error: the class of the error, and attributes that it has.
    """

    status: str
    id: str | None = None
    result: Mapping[str, object] | None = None
    error: type[RecordError] | None = None
    attributes: Mapping[str, object] = field(factory=dict)


def done(id: str | None = None, **result: object) -> Expected:  # noqa: A002
    """Expect a success."""
    return Expected("succeeded", id, result)


def settled(id: str | None = None) -> Expected:  # noqa: A002
    """Expect a success to which the answer has no result."""
    return Expected("succeeded", id)


def failed(
    error: type[RecordError],
    id: str | None = None,  # noqa: A002
    **attributes: object,
) -> Expected:
    """Expect a refusal, in an error with these attributes."""
    return Expected("failed", id, None, error, attributes)


def unknown(id: str | None = None, **attributes: object) -> Expected:  # noqa: A002
    """Expect that the input may have been written."""
    return Expected("unknown", id, None, RecordError, attributes)


def not_sent(id: str | None = None) -> Expected:  # noqa: A002
    """Expect that the input was not written for lack of an answer."""
    return Expected("not_sent", id, None, RecordError, {"category": "NOT_SENT"})


@frozen
class Case:
    """A batch that meets a recorded answer.

    Attributes:
        operation: the call that is made.
        outcomes: what becomes of each input.
        inputs: what is sent; by default, the inputs of the recorded request.
        sent: how many inputs each request carries; by default, all in one.
        times: how many requests get the recorded answer; None: all of them. Those
            after it are answered as HubSpot answers when nothing is wrong.
        about: the recorded answer is only for requests with this text in their body.
        then: what is answered later on, in place of the recorded body.
        waits: how many seconds pass at least before the second request.
        ends: the error that ends the batch, of one of these classes, and attributes
            that it has.
    """

    operation: Operation
    outcomes: Sequence[Expected]
    inputs: Sequence[Any] | None = None
    sent: Sequence[int] = Factory(lambda self: [len(self.outcomes)], takes_self=True)
    times: int | None = None
    about: str = ""
    then: Sequence[Mapping[str, Any]] = ()
    waits: float = 0.0
    ends: type[HubBatchError] | tuple[type[HubBatchError], ...] = ()
    attributes: Mapping[str, object] = field(factory=dict)


@define
class Recording:
    """One file of this folder.

    Attributes:
        name: the file's, without its suffix.
        backwards: whether results and errors are answered in the opposite order: theirs
            is as HubSpot pleases.
        read: what the file holds.
    """

    name: str
    backwards: bool = False
    read: Mapping[str, Any] = Factory(
        lambda self: orjson.loads((HERE / f"{self.name}.json").read_bytes()),
        takes_self=True,
    )

    @property
    def inputs(self) -> Sequence[Any]:
        """The inputs of the recorded request."""
        body = self.read["request"]["body"]
        inputs = body if isinstance(body, list) else body["inputs"]
        assert isinstance(inputs, list), "these inputs were not published"
        return inputs

    def answer(self, body: object) -> Response:
        """Return the answer, with this body."""
        if self.backwards:
            body = _backwards(body)
        if body is None:
            content = b""
        elif isinstance(body, str):
            content = body.encode()
        else:
            content = orjson.dumps(body)
        headers = CIMultiDict(self.read["headers"])
        return Response(self.read["status"], headers, content)


def _backwards(body: object) -> object:
    if isinstance(body, list):
        return body[::-1]
    if isinstance(body, dict):
        order = {name: body[name][::-1] for name in ("results", "errors") & body.keys()}
        return {**body, **order}
    return body


async def play(recording: Recording, case: Case) -> None:
    """Run the batch of a case, and compare."""
    inputs = recording.inputs if case.inputs is None else case.inputs
    crm = _crm(recording, case, inputs)
    made = batch(crm, case.operation, [*inputs])
    raised: HubBatchError | None = None
    try:
        await made
    except HubBatchError as error:
        raised = error

    if case.ends:
        assert isinstance(raised, case.ends)
    else:
        assert raised is None
    for name, value in case.attributes.items():
        assert_attribute(raised, name, value)
    response = made.response
    assert response is not None
    assert [len(heard.inputs) for heard in crm.heard] == [*case.sent]
    if "/batch" in recording.read["request"]["path"]:
        # A client of v3 uses the associations of 2026-03, whose JSON is that of v4.
        path = recording.read["request"]["path"].replace(
            "/crm/v4/associations/", "/crm/associations/2026-03/"
        )
        assert crm.heard[0].request.path == path
    if case.waits:
        assert crm.heard[1].at - crm.heard[0].at >= case.waits
    assert len(response.outcomes) == len(case.outcomes)
    for outcome, expected in zip(response.outcomes, case.outcomes, strict=True):
        compare(outcome, expected)
    assert len(asyncio.all_tasks()) == 1


def _crm(recording: Recording, case: Case, inputs: Sequence[Any]) -> Crm:
    """Return a HubSpot that has all records of a case, and the recorded answer."""
    crm = Crm()
    later = [*case.then]
    left = float("inf") if case.times is None else case.times

    def answer(heard: Heard) -> Answer:
        nonlocal left
        if crm.heard[1:] and later:
            return recording.answer(later.pop(0))
        if left > 0 and case.about.encode() in heard.request.body:
            left -= 1
            return recording.answer(recording.read["body"])
        return crm.work(heard)

    for given in inputs:
        record_id = given.get("id", given.get("objectId"))
        if record_id is not None:
            crm.records[str(record_id)] = {}
    crm.always = answer
    return crm


def compare(outcome: Outcome[Any], expected: Expected) -> None:
    """Compare an outcome with what was expected of it."""
    assert outcome.status.value == expected.status, outcome.error
    assert outcome.id == expected.id
    assert (outcome.result is None) == (expected.result is None)
    for name, value in (expected.result or {}).items():
        assert_attribute(outcome.result, name, value)
    if outcome.result is not None:
        assert_own(outcome)
    assert (outcome.error is None) == (expected.error is None)
    if expected.error is RecordError:
        assert isinstance(outcome.error, RecordError)
    elif expected.error is not None:
        assert type(outcome.error) is expected.error
    for name, value in expected.attributes.items():
        assert_attribute(outcome.error, name, value)


def assert_attribute(holder: object, name: str, value: object) -> None:
    """Compare an attribute; words only have to contain the text."""
    found = getattr(holder, name)
    if name in ("message", "advice"):
        assert value in found
    else:
        assert (list(found) if inspect.isgenerator(found) else found) == value


def assert_own(outcome: Outcome[Any]) -> None:
    """A result that shows another value than its input wrote is another input's."""
    shown = getattr(outcome.result, "properties", None)
    written = outcome.input.get("properties") if outcome.input else None
    if isinstance(shown, Mapping) and isinstance(written, Mapping):
        for name, value in written.items():
            assert str(shown.get(name, value)).lower() == str(value).lower()
