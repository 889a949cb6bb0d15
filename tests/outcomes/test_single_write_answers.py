"""Answers to the writes of one record in a call."""

from pathlib import Path

import orjson
import pytest

from multidict import CIMultiDict

from hubbatch._http import Response
from hubbatch._outcomes.chunk import Chunk
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch._outcomes.verdicts import (
    Answered,
    EndpointNotFound,
    Refused,
    Retryable,
    Verdict,
)
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch.errors import APIError, RecordNotFound

from .fake_run import FakeRun
from .helpers import UPDATE


MERGE = operation_for("merges", "merge", "contacts")
DELETE = operation_for("gdpr_deletes", "gdpr_delete", "contacts")
SEND = operation_for("events", "send")
INPUTS = {MERGE: ("1", "2"), DELETE: "1", SEND: {"eventName": "pe1_x", "utk": "u"}}
RECORDED = Path(__file__).parents[1] / "recorded" / "beside"


def recorded(name: str) -> Response:
    """Return the answer that HubSpot gave."""
    answer = orjson.loads((RECORDED / f"{name}.json").read_bytes())
    headers = CIMultiDict(answer["headers"])
    return Response(answer["status"], headers, answer["body"].encode())


def begun(run: FakeRun) -> Chunk:
    run.take_in([INPUTS[run.operation]])
    return run.take()


def verdict_of(operation: Operation, answer: Response) -> Verdict:
    return classify(operation, begun(FakeRun(operation)), answer)


@pytest.mark.parametrize("operation", [MERGE, DELETE], ids=["merge", "delete"])
def test_a_page_may_say_that_the_record_does_not_exist(operation: Operation) -> None:
    answer = recorded("404-html-get-after-delete-2024")
    run = FakeRun(operation)
    chunk = begun(run)
    verdict = classify(operation, chunk, answer)

    assert isinstance(verdict, Refused)
    run.resolve(chunk, verdict)
    run.check()
    assert run.statuses == {0: "failed"}
    error = run.error(0)
    assert isinstance(error, RecordNotFound)
    assert "no such record" in str(error)
    assert error.correlation_id == answer.headers["X-HubSpot-Correlation-Id"]


def test_any_other_page_is_about_the_path() -> None:
    page = recorded("404-html-get-after-delete-2024")
    assert isinstance(verdict_of(MERGE, Response(404, {}, page.body)), EndpointNotFound)
    chunk = FakeRun(UPDATE).begin(1)
    assert isinstance(classify(UPDATE, chunk, page), EndpointNotFound)


def test_the_answer_to_a_merge_is_the_record_that_is_left() -> None:
    body = b'{"id": "9", "properties": {"hs_merged_object_ids": "1;2"}}'
    verdict = verdict_of(MERGE, Response(200, {}, body))

    assert isinstance(verdict, Answered)
    assert [record.id for record in verdict.matched.results] == ["9"]
    assert verdict.matched.open == []


@pytest.mark.parametrize("operation", [DELETE, SEND], ids=["delete", "send"])
def test_an_empty_answer_is_a_success(operation: Operation) -> None:
    for answer in (Response(204, {}, b""), Response(200, {}, b"")):
        verdict = verdict_of(operation, answer)

        assert isinstance(verdict, Answered)
        assert verdict.matched.open == []


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (MERGE, b""),
        (MERGE, b'{"properties": {}}'),
        (MERGE, b'{"status": "COMPLETE", "results": []}'),
        (DELETE, b'{"id": "5"}'),
        (SEND, b'{"status": "COMPLETE", "results": [{"id": "5"}]}'),
    ],
    ids=["none", "no id", "a batch", "a record", "records"],
)
def test_an_answer_to_something_else_is_not_trusted(
    operation: Operation, body: bytes
) -> None:
    verdict = verdict_of(operation, Response(200, {}, body))

    assert isinstance(verdict, Retryable)
    assert verdict.maybe_processed


def test_a_contact_that_a_lost_delete_may_have_deleted_is_not_called_missing() -> None:
    run = FakeRun(DELETE, policy=RetryPolicy())
    run.resolve(begun(run), Retryable(APIError("lost"), maybe_processed=True))
    missing = APIError("gone", status=404, category="OBJECT_NOT_FOUND")

    run.resolve(run.take(), Refused(missing))
    run.check()

    assert run.statuses == {0: "unknown"}
