"""What is retried, when retries end, and what ends a batch."""

import asyncio
import pickle

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest

from hubbatch import (
    APIError,
    AuthenticationError,
    CertificateError,
    ConfigurationError,
    DailyLimitReached,
    HubBatchError,
    HubSpotUnavailable,
    InvalidRequestError,
    OutcomeUnknown,
    PermissionDeniedError,
    ProxyError,
    RateLimit,
    RetryPolicy,
    TooManyFailures,
)
from hubbatch._http import Answer, NoAnswer, Response
from hubbatch._net.batch import Batch
from hubbatch._wire.endpoints import Verb
from tests.net.crm import (
    LOCKED,
    SECRET,
    UNAUTHORIZED,
    Crm,
    Fate,
    Heard,
    batch,
    client_state,
    legacy,
    operation,
    page,
    refusal,
    throttled,
    updates,
)


NOON = "Wed, 21 Oct 2026 12:00:00 GMT"
LATER = "Wed, 21 Oct 2026 12:01:30 GMT"
WRITES: list[Verb] = ["update", "upsert", "archive"]


def inputs_for(verb: Verb, count: int = 3) -> list[Any]:
    numbers = range(1, count + 1)
    match verb:
        case "create":
            return [{"properties": {"value": f"v{number}"}} for number in numbers]
        case "read" | "archive":
            return [*numbers]
        case _:
            return updates(count)


def meeting(
    verb: Verb, *script: Fate, always: Fate = "fine", count: int = 3, **options: Any
) -> tuple[Crm, Batch[Any]]:
    """Return a batch of one verb on a scripted HubSpot."""
    crm = Crm(script=script, always=always)
    crm.fill(500)
    id_property = "ref" if verb == "upsert" else None
    call = operation(
        verb, max_inputs=options.pop("max_inputs", 100), id_property=id_property
    )
    return crm, batch(crm, call, inputs_for(verb, count), **options)


async def ended(made: Batch[Any], kind: type[HubBatchError]) -> Any:
    with pytest.raises(HubBatchError) as caught:
        await made
    assert type(caught.value) is kind
    assert caught.value.response is made.response
    assert caught.value.summary is made.summary
    assert made.summary.inputs == made.summary.settled
    assert len(asyncio.all_tasks()) == 1
    return caught.value


async def unanswered(made: Batch[Any]) -> Any:
    """Await a batch whose requests all get no answer; return its response."""
    error = await ended(made, HubSpotUnavailable)
    assert error.maybe_written is bool(error.response.unknown)
    assert ("try again" in str(error).lower()) is not error.maybe_written
    assert error.response.status == "CANCELED"
    return error.response


async def listen(made: Batch[Any], seen: list[str]) -> None:
    async with made as stream:
        async for outcome in stream:
            seen.append(outcome.status.value)  # noqa: PERF401 -- it may raise


def statuses(response: Any) -> dict[str, int]:
    return Counter(outcome.status.value for outcome in response.outcomes)


# ---- retries

PASSING: dict[str, Fate] = {
    "refused": "refused",
    "429": "throttled",
    "429 secondly": "secondly",
    "423": "locked",
    "502 before the write": "502 before",
    "502 after the write": "502 after",
    "dropped before the write": "dropped before",
    "dropped after the write": "dropped after",
    "truncated": "truncated",
    "500": page(500),
    "524": page(524),
    "408": page(408),
    "503 without a body": Response(503, {}, b""),
    "477": refusal(477, "migration in progress", headers={"Retry-After": "2"}),
    "HTML with 200": Response(200, {}, b"<html>proxy</html>"),
}


@pytest.mark.parametrize("verb", ["read", *WRITES])
@pytest.mark.parametrize("fate", PASSING.values(), ids=PASSING)
async def test_passing_trouble_is_retried(verb: Verb, fate: Fate) -> None:
    crm, made = meeting(verb, *([fate] * 2))
    response = await made
    done = verb == "archive" and fate == "truncated"  # it has no body to truncate
    assert response.succeeded == 3
    assert len(crm.heard) == (1 if done else 3)
    assert made.summary.retries == len(crm.heard) - 1


@pytest.mark.parametrize("verb", ["read", "update", "upsert"])
async def test_an_answer_without_any_outcome_is_retried(verb: Verb) -> None:
    empty = Response(200, {}, b'{"status":"COMPLETE","results":[]}')
    crm, made = meeting(verb, empty, empty)
    response = await made
    assert response.succeeded == 3
    assert len(crm.heard) == 3


@pytest.mark.parametrize("verb", ["read", "update", "upsert"])
async def test_a_204_is_retried_where_results_are_expected(verb: Verb) -> None:
    """Nothing was confirmed: it is retried, and unknown in the end."""
    nothing = Response(204, {}, b"")
    crm, made = meeting(verb, nothing)
    assert (await made).succeeded == 3
    assert len(crm.heard) == 2

    crm, made = meeting(verb, always=nothing)
    response = await unanswered(made)
    assert statuses(response) == {"failed" if verb == "read" else "unknown": 3}
    assert len(crm.heard) == 5


async def test_a_204_is_a_success_where_no_results_are_expected() -> None:
    nothing = Response(204, {}, b"")
    crm, made = meeting("archive", always=nothing)
    response = await made
    assert [outcome.id for outcome in response.outcomes] == ["1", "2", "3"]
    old = Crm(always=nothing)
    response = await batch(old, legacy(), [{"objectId": 7, "properties": {}}])
    assert [outcome.id for outcome in response.outcomes] == ["7"]
    assert [len(crm.heard), len(old.heard)] == [1, 1]


@pytest.mark.parametrize("fate", ["refused", "throttled", "locked"])
async def test_a_create_that_was_not_processed_is_retried(fate: str) -> None:
    crm, made = meeting("create", fate, fate)
    response = await made
    assert response.succeeded == 3
    assert [outcome.attempts for outcome in response.outcomes] == [3, 3, 3]
    assert len(crm.writes) == 3


@pytest.mark.parametrize(
    "fate",
    [
        "502 before",
        "502 after",
        "dropped before",
        "dropped after",
        "truncated",
        page(408),
        Response(204, {}, b""),
    ],
)
async def test_a_create_whose_answer_was_lost_is_not_retried(fate: Fate) -> None:
    crm, made = meeting("create", fate)
    response = await unanswered(made)
    assert statuses(response) == {"unknown": 3}
    assert len(crm.heard) == 1
    for outcome in response.outcomes:
        assert isinstance(outcome.error, OutcomeUnknown)
        assert not outcome.safe_to_resend


async def test_a_burst_429_holds_all_requests_and_uses_no_attempts() -> None:
    crm, made = meeting(
        "update", *["throttled"] * 8, policy=RetryPolicy(attempts=2), max_inputs=1
    )
    response = await made
    assert response.succeeded == 3
    assert made.summary.throttled == 8
    first, second = crm.heard[0].at, crm.heard[3].at
    assert second - first >= 10


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (throttled(), 10),
        (throttled(Retry_After="3"), 3),
        (throttled(X_HubSpot_RateLimit_Interval_Milliseconds="4000"), 4),
        (throttled("SECONDLY"), 1),
        (LOCKED, 2),
        (throttled(Retry_After=LATER, Date=NOON), 90),
        (throttled(Retry_After=LATER), 10),
        (throttled(Retry_After="inf"), 10),
        (throttled(Retry_After="9" * 400), 10),
        (throttled(X_HubSpot_RateLimit_Interval_Milliseconds="9" * 400), 10),
    ],
    ids=[
        "window",
        "retry after",
        "interval",
        "secondly",
        "locked",
        "date",
        "date without a clock",
        "endless",
        "absurd",
        "absurd interval",
    ],
)
async def test_waits_as_long_as_retry_after_says(
    answer: Answer, seconds: float
) -> None:
    crm, made = meeting("update", answer)
    await made
    waited = crm.heard[1].at - crm.heard[0].at
    assert seconds <= waited < seconds + 0.6


async def test_inputs_throttled_for_too_long_are_not_sent() -> None:
    crm, made = meeting(
        "update", always="throttled", policy=RetryPolicy(max_elapsed=35)
    )
    response = await unanswered(made)
    assert statuses(response) == {"not_sent": 3}
    # At 0, 10, 20 and 30 s; the next hold would end after 35 s.
    assert len(crm.heard) == 4
    assert made.summary.throttled == 4


@pytest.mark.parametrize(
    ("seconds", "policy"),
    [
        ("121", RetryPolicy()),
        ("86400", RetryPolicy()),
        ("999999999999", RetryPolicy()),
        ("31", RetryPolicy(max_retry_after=30)),
        ("40", RetryPolicy(max_elapsed=35)),
    ],
)
async def test_inputs_throttled_beyond_the_maximum_wait_are_not_sent(
    seconds: str, policy: RetryPolicy
) -> None:
    crm, made = meeting("create", always=throttled(Retry_After=seconds), policy=policy)
    response = await unanswered(made)
    assert statuses(response) == {"not_sent": 3}
    assert asyncio.get_running_loop().time() < 1
    assert (len(crm.heard), made.summary.throttled) == (1, 1)
    held = made._state.gate.snapshot().held_for
    assert 0 < held <= policy.max_retry_after


async def test_a_day_in_retry_after_does_not_hold_the_account_for_a_day() -> None:
    crm, made = meeting("update", throttled(Retry_After="80000"))
    assert statuses(await unanswered(made)) == {"not_sent": 3}
    later: Batch[Any] = Batch(made._state, operation("update"), updates(3))
    assert (await later).succeeded == 3
    waited = crm.heard[1].at - crm.heard[0].at
    assert 119 < waited < 121


async def test_several_throttled_chunks_in_a_row_end_the_batch() -> None:
    crm, made = meeting(
        "update",
        always=throttled(Retry_After="80000"),
        count=10,
        max_inputs=1,
        workers=1,
    )
    error = await ended(made, HubSpotUnavailable)
    assert error.status == 429
    assert "rate limit allowed no request" in str(error)
    assert statuses(error.response) == {"not_sent": 10}
    assert len(crm.heard) == 3


async def test_time_counts_from_the_first_attempt() -> None:
    """Not from when its worker started to wait for a permit."""
    crm, made = meeting(
        "update",
        "fine",
        "fine",
        "502 before",
        max_inputs=1,
        rate_limit=RateLimit(1, interval=400, burst=1),
    )
    assert (await made).succeeded == 3
    assert len(crm.heard) == 4


@pytest.mark.parametrize("verb", ["create", "read", *WRITES])
async def test_inputs_are_not_sent_without_a_connection(verb: Verb) -> None:
    crm, made = meeting(verb, always="refused")
    response = await unanswered(made)
    assert statuses(response) == {"not_sent": 3}
    assert len(crm.heard) == 5
    assert all(outcome.safe_to_resend for outcome in response.outcomes)


@pytest.mark.parametrize("verb", WRITES)
async def test_a_write_without_retries_left_is_unknown(verb: Verb) -> None:
    crm, made = meeting(verb, always="502 before")
    response = await unanswered(made)
    assert statuses(response) == {"unknown": 3}
    assert len(crm.heard) == 5


async def test_a_read_without_retries_left_has_failed() -> None:
    _, made = meeting("read", always="502 before")
    response = await unanswered(made)
    assert statuses(response) == {"failed": 3}
    errors = [outcome.error for outcome in response.failures]
    assert [error and error.category for error in errors] == ["UNAVAILABLE"] * 3


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("create", refusal(502, "Bad gateway.")),
        ("update", refusal(502, "Bad gateway.")),
        ("read", refusal(502, "Bad gateway.")),
        ("update", refusal(423, "Locked.")),
    ],
    ids=["unknown at once", "unknown", "failed", "not sent"],
)
async def test_an_exhausted_chunk_names_the_correlation_id(
    verb: Verb, answer: Response
) -> None:
    _, made = meeting(verb, always=answer, policy=RetryPolicy(attempts=2))
    correlation_id = orjson.loads(answer.body)["correlationId"]
    errors = [outcome.error for outcome in (await unanswered(made)).failures]
    assert [error and error.correlation_id for error in errors] == [correlation_id] * 3


@pytest.mark.parametrize("last", ["refused", "locked", "throttled"])
async def test_an_input_that_may_have_arrived_stays_unknown(last: str) -> None:
    """A later attempt that was not processed does not undo an earlier one."""
    _, made = meeting(
        "update", "502 before", always=last, policy=RetryPolicy(max_elapsed=60)
    )
    assert statuses(await unanswered(made)) == {"unknown": 3}


async def test_retry_after_beyond_the_maximum_ends_the_retries() -> None:
    day = refusal(477, "migration", headers={"Retry-After": "86400"})
    crm, made = meeting("update", always=day)
    assert statuses(await unanswered(made)) == {"not_sent": 3}
    assert len(crm.heard) == 1


# ---- the end of the batch


async def test_several_exhausted_chunks_in_a_row_end_the_batch() -> None:
    crm, made = meeting(
        "update", always="502 before", count=100, max_inputs=10, workers=1
    )
    error = await ended(made, HubSpotUnavailable)
    assert "502" in str(error)
    assert error.status == 502
    assert made.summary.unknown == 30
    assert made.summary.not_sent == 70
    assert len(crm.heard) == 3 * 5


async def test_lost_answers_of_creates_in_a_row_end_the_batch() -> None:
    """Each is unknown at once, so sending more would only add unknown inputs."""
    down = refusal(502, "Bad gateway.", "INTERNAL_ERROR")
    crm, made = meeting("create", always=down, count=100, max_inputs=10, workers=1)
    error = await ended(made, HubSpotUnavailable)
    assert (error.status, error.category, error.correlation_id) == (
        502,
        "INTERNAL_ERROR",
        "019cd9fe-d093-7d4f-8a52-4a0b2d9f7c11",
    )
    assert statuses(error.response) == {"unknown": 30, "not_sent": 70}
    assert len(crm.heard) == 3


async def test_occasional_lost_answers_of_creates_do_not_end_the_batch() -> None:
    lost: list[Fate] = ["502 after", "502 before", "fine"]
    crm, made = meeting("create", *lost * 4, count=12, max_inputs=1, workers=1)
    assert statuses(await made) == {"unknown": 8, "succeeded": 4}
    assert len(crm.heard) == 12


async def test_no_server_raises_hubspot_unavailable() -> None:
    """Without an answer there is no status."""
    _, made = meeting("create", always="refused", count=9, max_inputs=1, workers=1)
    error = await ended(made, HubSpotUnavailable)
    assert (error.status, error.category, error.correlation_id) == (None, None, None)
    assert statuses(error.response) == {"not_sent": 9}


@pytest.mark.parametrize("verb", ["create", "read", *WRITES])
async def test_a_closed_port_raises_hubspot_unavailable(verb: Verb) -> None:
    """Two chunks are fewer than three in a row, but must not look like a success."""
    _, made = meeting(verb, always="refused", count=149)
    response = await unanswered(made)
    assert statuses(response) == {"not_sent": 149}
    assert not response.ok


MIXED: dict[str, Fate] = {
    "a success": "fine",
    "a refusal": refusal(400, "no", "VALIDATION_ERROR"),
}


@pytest.mark.parametrize("fate", MIXED.values(), ids=MIXED)
async def test_one_answer_is_enough_to_return_a_response(fate: Fate) -> None:
    """The status and the outcomes show what the others lack."""
    _, made = meeting(
        "create", fate, "502 after", count=2, max_inputs=1, workers=1, isolate=False
    )
    response = await made
    assert [str(outcome.status) for outcome in response.outcomes][1] == "unknown"
    assert (response.status, response.ok) == ("CANCELED", False)
    assert response.to_dict()["status"] == "CANCELED"


async def test_a_refusal_of_all_inputs_counts_as_an_answer() -> None:
    _, made = meeting("create", always=refusal(400, "no", "VALIDATION_ERROR"))
    response = await made
    assert statuses(response) == {"failed": 3}
    assert (response.status, response.ok) == ("COMPLETE", False)
    assert repr(response) == "<CombinedResponse of 3 inputs: 0 succeeded, 3 failed>"


async def test_a_429_does_not_count_as_an_answer() -> None:
    _, made = meeting("update", "throttled", "fine")
    response = await made
    assert (response.status, response.ok) == ("COMPLETE", True)


async def test_a_batch_of_invalid_inputs_does_not_blame_hubspot() -> None:
    crm = Crm(always="refused")
    inputs = [{"id": "512.0", "properties": {}}, None]
    response = await batch(crm, operation("update"), inputs)
    assert statuses(response) == {"failed": 2}
    assert (response.status, response.ok, crm.heard) == ("COMPLETE", False, [])
    empty = await batch(crm, operation("update"), [])
    assert (empty.status, empty.ok) == ("COMPLETE", True)


@pytest.mark.parametrize("fate", ["502 after", "refused"])
async def test_a_stream_raises_hubspot_unavailable_after_the_last_outcome(
    fate: Fate,
) -> None:
    _, made = meeting("create", always=fate, count=250)
    seen: list[str] = []
    with pytest.raises(HubSpotUnavailable) as caught:
        await listen(made, seen)
    maybe = fate == "502 after"
    assert seen == ["unknown" if maybe else "not_sent"] * 250
    assert caught.value.maybe_written is maybe
    assert caught.value.summary is made.summary


async def test_a_stream_that_was_left_does_not_raise() -> None:
    _, made = meeting("create", always="502 after", count=250)
    async with made as stream:
        async for _ in stream:
            break
    assert made.summary.settled == 250


async def test_hubspot_unavailable_says_whether_anything_may_be_written() -> None:
    for fate, maybe in {"502 after": True, "refused": False}.items():
        _, made = meeting("create", always=fate, count=9, max_inputs=1, workers=1)
        error = await ended(made, HubSpotUnavailable)
        assert error.maybe_written is maybe
        assert ("Try again later" in str(error)) is not maybe


async def test_an_error_of_the_source_is_raised_unchanged() -> None:
    """Also if it is an error that another batch raised."""
    theirs = HubSpotUnavailable("the other portal is down")

    def source() -> Any:
        yield updates(1)[0]
        raise theirs

    made = batch(Crm(always="refused"), operation("update"), source())
    error = await ended(made, HubSpotUnavailable)
    assert str(error) == "Try again later. The other portal is down."
    assert not error.maybe_written


async def test_a_timeout_takes_precedence_over_hubspot_unavailable() -> None:
    _, made = meeting("update", always="refused", policy=RetryPolicy(base=100.0))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(made, 1)
    assert made.response is not None
    assert made.response.status == "CANCELED"


async def test_too_many_failures_takes_precedence_over_hubspot_unavailable() -> None:
    _, made = meeting("create", always="502 after", max_failures=0)
    await ended(made, TooManyFailures)


async def test_an_answer_in_between_restarts_the_count() -> None:
    """Two chunks are exhausted, one succeeds, two are exhausted: it continues."""
    gone: list[Fate] = ["502 before"] * 2
    crm, made = meeting(
        "update",
        *gone * 2,
        "fine",
        *gone * 2,
        "fine",
        count=6,
        max_inputs=1,
        workers=1,
        policy=RetryPolicy(attempts=2),
    )
    assert statuses(await made) == {"succeeded": 2, "unknown": 4}
    assert len(crm.heard) == 10


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (UNAUTHORIZED, AuthenticationError),
        (refusal(403, "no", "MISSING_SCOPES"), PermissionDeniedError),
        (throttled("DAILY"), DailyLimitReached),
        (page(404), InvalidRequestError),
        (refusal(400, "Unable to infer object type from: x"), InvalidRequestError),
        (page(405), InvalidRequestError),
        (Response(302, {"Location": "/login"}, b""), InvalidRequestError),
    ],
)
@pytest.mark.parametrize("verb", ["create", "read", "upsert"])
async def test_errors_that_end_a_batch(
    verb: Verb, answer: Response, kind: type[APIError]
) -> None:
    crm, made = meeting(verb, always=answer, count=50, max_inputs=10, workers=1)
    error = await ended(made, kind)
    assert error.status == answer.status
    assert statuses(error.response) == {"not_sent": 50}
    assert len(crm.heard) == 1
    assert kind.__name__ in error.response.outcomes[49].error.message


async def test_the_end_waits_for_requests_in_flight() -> None:
    """Chunks in flight when another one ends the batch keep their answers."""
    crm, made = meeting(
        "update", "fine", UNAUTHORIZED, "fine", count=60, max_inputs=10, workers=3
    )
    await ended(made, AuthenticationError)
    answered = 10 * (len(crm.heard) - 1)
    assert statuses(made.response) == {
        "succeeded": answered,
        "not_sent": 60 - answered,
    }


async def test_a_chunk_that_is_refused_after_the_end_is_not_split() -> None:
    crm, made = meeting(
        "update",
        refusal(403, "no", "MISSING_SCOPES"),
        refusal(400, "not valid", "VALIDATION_ERROR"),
        count=4,
        max_inputs=2,
        workers=2,
    )
    crm.latency = (0.01, 0.01)  # the 403 comes first
    await ended(made, PermissionDeniedError)
    assert statuses(made.response) == {"not_sent": 4}
    assert len(crm.heard) == 2
    assert made.summary.isolating == 0


async def test_the_end_cuts_a_wait_short() -> None:
    """A chunk that waits for its next attempt is not retried."""

    crm, made = meeting(
        "update",
        refusal(477, "migration", headers={"Retry-After": "100"}),
        refusal(403, "no", "MISSING_SCOPES"),
        count=2,
        max_inputs=1,
        workers=2,
    )
    crm.latency = (0.01, 0.01)  # the 477 comes first
    await ended(made, PermissionDeniedError)
    assert statuses(made.response) == {"not_sent": 2}
    assert asyncio.get_running_loop().time() < 1
    assert len(crm.heard) == 2


async def test_the_end_cancels_workers_that_wait_for_a_permit() -> None:
    """A hold of a day does not delay a batch that has ended."""
    crm, made = meeting(
        "update",
        throttled(Retry_After="80000"),
        refusal(403, "no", "MISSING_SCOPES"),
        count=2,
        max_inputs=1,
        workers=2,
        policy=RetryPolicy(max_elapsed=100_000),
    )
    crm.latency = (0.01, 0.01)  # the 429 comes first
    await ended(made, PermissionDeniedError)
    assert asyncio.get_running_loop().time() < 1
    assert len(crm.heard) == 2


WORDLESS: dict[str, Answer] = {
    "a page": page(400),
    "{}": Response(400, {}, b"{}"),
    "an empty body": Response(400, {}, b""),
    "no words in it": Response(400, {}, b'{"status":"error","correlationId":"c"}'),
    "a list": Response(400, {}, b"[]"),
    "409": Response(409, {}, b"{}"),
    "422": Response(422, {}, b"<html>"),
    "413": page(413),
    "a 207": Response(207, {}, b'{"results":[],"errors":[{}],"numErrors":1}'),
}


@pytest.mark.parametrize("verb", ["update", "upsert", "archive", "create", "read"])
@pytest.mark.parametrize("answer", WORDLESS.values(), ids=WORDLESS)
async def test_a_refusal_without_a_message_after_a_lost_answer_is_unknown(
    verb: Verb, answer: Answer
) -> None:
    """It does not show that the first request was refused too."""
    _, made = meeting(verb, "502 after", always=answer, count=1)
    with suppress(HubSpotUnavailable):
        await made
    response = made.response
    expected = "failed" if verb == "read" else "unknown"
    assert statuses(response) == {expected: 1}


@pytest.mark.parametrize("verb", ["update", "archive"])
@pytest.mark.parametrize("status", [400, 409, 413, 422])
async def test_a_refusal_in_hubspots_words_after_a_lost_answer_has_failed(
    verb: Verb, status: int
) -> None:
    """It refused the first request for the same reason, so nothing was written."""
    worded = refusal(status, "Property values were not valid", "VALIDATION_ERROR")
    _, made = meeting(verb, "502 before", always=worded, count=1)
    assert statuses(await made) == {"failed": 1}


@pytest.mark.parametrize("verb", ["update", "archive", "read"])
async def test_a_refusal_without_a_message_at_once_has_failed(verb: Verb) -> None:
    """No earlier request may have been written."""
    _, made = meeting(verb, always=page(400), count=1)
    assert statuses(await made) == {"failed": 1}


async def test_a_502_and_then_a_401_is_unknown() -> None:
    _, made = meeting("update", "502 after", UNAUTHORIZED)
    await ended(made, AuthenticationError)
    assert statuses(made.response) == {"unknown": 3}


async def test_a_502_and_then_lasting_404s_is_unknown() -> None:
    """The path was right before: the 404s are an outage, the 502 may have written."""
    _, made = meeting(
        "upsert",
        "fine",
        "502 after",
        always=page(404),
        count=2,
        max_inputs=1,
        workers=1,
    )
    response = await made
    assert statuses(response) == {"succeeded": 1, "unknown": 1}


LOGIN = Response(407, {}, b"<title>Proxy login</title>")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("verb", ["create", "read", "update", "archive"])
async def test_a_proxys_page_ends_a_batch_without_answers(
    verb: Verb, status: int
) -> None:
    crm, made = meeting(verb, always=page(status), count=50, max_inputs=10, workers=1)
    error = await ended(made, ProxyError)
    assert (error.status, error.title) == (status, f"Error {status}")
    assert f"a page titled 'Error {status}'" in str(error)
    # The page may have replaced an answer of HubSpot.
    left = {"not_sent": 50} if verb == "read" else {"unknown": 10, "not_sent": 40}
    assert statuses(made.response) == left
    assert len(crm.heard) == 1


async def test_a_proxys_page_does_not_renew_the_token() -> None:
    asked = 0

    async def token() -> str:
        nonlocal asked
        asked += 1
        return SECRET

    crm, made = meeting("update", always=page(401), token=token)
    await ended(made, ProxyError)
    assert len(crm.heard) == asked == 1


@pytest.mark.parametrize("answer", [page(401), page(403), LOGIN])
@pytest.mark.parametrize("verb", ["read", *WRITES])
async def test_a_proxys_page_is_retried_after_an_answer(
    verb: Verb, answer: Response
) -> None:
    crm, made = meeting(verb, "fine", answer, answer, count=3, max_inputs=1, workers=1)
    assert statuses(await made) == {"succeeded": 3}
    assert len(crm.heard) == 5


@pytest.mark.parametrize(
    ("verb", "status"), [("read", "failed"), ("update", "unknown")]
)
async def test_a_lasting_proxys_page_is_named_in_the_error(
    verb: Verb, status: str
) -> None:
    crm, made = meeting(
        verb, "fine", always=page(403), count=2, max_inputs=1, workers=1
    )
    response = await made
    assert statuses(response) == {"succeeded": 1, status: 1}
    assert "a page titled 'Error 403'" in str(response.failures[0].error)
    assert len(crm.heard) == 6


async def test_a_create_answered_by_a_proxys_page_is_not_retried() -> None:
    """Some proxies receive an answer and then replace it by their page."""

    def replaced(heard: Heard) -> Answer:
        crm.work(heard)
        return page(403)

    crm, made = meeting("create", "fine", replaced, count=3, max_inputs=1, workers=1)
    assert statuses(await made) == {"succeeded": 2, "unknown": 1}
    assert len(crm.writes) == len(crm.heard) == 3


async def test_a_create_that_a_proxy_answers_with_407_is_retried() -> None:
    crm, made = meeting("create", "fine", LOGIN, count=3, max_inputs=1, workers=1)
    assert statuses(await made) == {"succeeded": 3}
    assert len(crm.writes) == 3


async def test_an_error_page_of_a_gateway_is_not_called_hubspots() -> None:
    _, made = meeting("update", always=page(503), count=30, max_inputs=10, workers=1)
    error = await ended(made, HubSpotUnavailable)
    assert "The answer is not HubSpot's JSON: a page titled 'Error 503'" in str(error)


async def test_certificate_that_is_not_trusted_ends_a_batch_at_once() -> None:
    answer = NoAnswer(sent=False, reason="self-signed", untrusted="api.hubapi.com")
    crm, made = meeting("create", always=answer, count=50, max_inputs=10, workers=1)
    await ended(made, CertificateError)
    assert statuses(made.response) == {"not_sent": 50}
    assert len(crm.heard) == 1


async def test_a_404_after_successes_is_retried_and_then_fails_its_chunk() -> None:
    crm, made = meeting(
        "upsert", "fine", *[page(404)] * 5, count=3, max_inputs=1, workers=1
    )
    response = await made
    assert [outcome.status for outcome in response.outcomes] == [
        "succeeded",
        "failed",
        "succeeded",
    ]
    assert len(crm.heard) == 7


@pytest.mark.parametrize(
    ("answer", "category", "status"),
    [
        (page(404), "UNAVAILABLE", "CANCELED"),
        (refusal(404, "no such thing", "OBJECT_NOT_FOUND"), "OBJECT_NOT_FOUND", ""),
    ],
    ids=["a page", "HubSpot's words"],
)
async def test_a_lasting_404_says_who_answered(
    answer: Response, category: str, status: str
) -> None:
    """A proxy's page is not about a record: the request got no answer."""
    _, made = meeting("create", "fine", *[answer] * 5, count=2, max_inputs=1, workers=1)
    response = await made
    [outcome] = response.failures
    assert outcome.error is not None
    assert (str(outcome.status), outcome.error.category) == ("failed", category)
    assert response.status == (status or "COMPLETE")


@pytest.mark.parametrize("verb", ["read", "update"])
async def test_a_404_in_hubspots_own_words_is_about_the_inputs(verb: Verb) -> None:
    gone = refusal(404, "resource not found", "OBJECT_NOT_FOUND")

    def answer(heard: Heard) -> Answer:
        return gone if "2" in heard.ids else crm.work(heard)

    crm, made = meeting(verb, always=answer)
    response = await made
    assert [outcome.status for outcome in response.outcomes] == [
        "succeeded",
        "failed",
        "succeeded",
    ]
    assert type(response.failures[0].error).__name__ == "RecordNotFound"


async def test_the_daily_limit_ends_a_batch_half_way() -> None:
    crm, made = meeting(
        "update",
        "fine",
        "fine",
        throttled("DAILY"),
        count=100,
        max_inputs=10,
        workers=1,
    )
    error = await ended(made, DailyLimitReached)
    assert statuses(error.response) == {"succeeded": 20, "not_sent": 80}
    assert len(crm.heard) == 3


async def test_missing_scopes_are_named_in_the_error() -> None:
    detail = {"message": "x", "context": {"requiredGranularScopes": ["tickets"]}}
    answer = refusal(403, "Not granted.", "MISSING_SCOPES", errors=[detail])
    _, made = meeting("update", answer)
    error = await ended(made, PermissionDeniedError)
    assert error.scopes == ["tickets"]
    assert "tickets" in str(error)


# ---- the token


async def test_another_token_is_requested_after_a_401() -> None:
    tokens = iter(["old", "new"])
    shown = []

    async def token() -> str:
        return next(tokens)

    def answer(heard: Heard) -> Answer:
        shown.append(heard.request.headers["Authorization"])
        return crm.work(heard) if shown[-1] == "Bearer new" else UNAUTHORIZED

    crm, made = meeting("create", always=answer, token=token)
    response = await made
    assert response.succeeded == 3
    assert shown == ["Bearer old", "Bearer new"]


async def test_a_second_401_ends_the_batch() -> None:
    async def token() -> str:
        return "old"

    crm, made = meeting("update", always=UNAUTHORIZED, token=token)
    await ended(made, AuthenticationError)
    assert len(crm.heard) == 2


async def test_the_token_callable_is_called_for_every_request() -> None:
    asked = []

    async def token() -> str:
        asked.append(1)
        return f"token-{len(asked)}"

    crm, made = meeting("update", token=token, max_inputs=1, workers=1)
    await made
    shown = [heard.request.headers["Authorization"] for heard in crm.heard]
    assert shown == ["Bearer token-1", "Bearer token-2", "Bearer token-3"]


async def test_an_exception_of_the_token_callable_is_raised() -> None:
    class Vault(Exception):
        pass

    async def token() -> str:
        raise Vault

    crm, made = meeting("update", token=token, count=20, max_inputs=2)
    with pytest.raises(Vault):
        await made
    assert made.response is not None
    assert statuses(made.response) == {"not_sent": 20}
    assert crm.heard == []


async def test_a_cancelled_error_of_the_token_callable_ends_the_batch() -> None:
    """The batch itself was not cancelled, and must not hang."""
    asked = []

    async def token() -> str:
        asked.append(1)
        if len(asked) > 2:
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            await future
        return SECRET

    crm, made = meeting("update", token=token, count=20, max_inputs=2, workers=1)
    with pytest.raises(asyncio.CancelledError):
        await made
    assert made.response is not None
    assert statuses(made.response) == {"succeeded": 4, "not_sent": 16}
    assert len(crm.heard) == 2
    assert len(asyncio.all_tasks()) == 1


async def test_a_cancelled_error_of_the_token_callable_ends_a_stream() -> None:
    async def token() -> str:
        raise asyncio.CancelledError

    _, made = meeting("update", token=token, count=20, max_inputs=2)
    seen: list[str] = []
    with pytest.raises(asyncio.CancelledError):
        await listen(made, seen)
    assert seen == ["not_sent"] * 20
    assert len(asyncio.all_tasks()) == 1


async def test_cancelling_while_waiting_for_the_token() -> None:
    async def token() -> str:
        await asyncio.sleep(1_000)
        return SECRET

    crm, made = meeting("update", token=token, count=20, max_inputs=2)
    task = asyncio.create_task(made)
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task], timeout=100)
    assert task.cancelled()
    assert made.summary.not_sent == 20
    assert crm.heard == []
    assert len(asyncio.all_tasks()) == 1


async def test_the_end_does_not_wait_for_a_token_that_hangs() -> None:
    """Another chunk ends the batch while this one waits for its token for ever."""
    asked = []

    async def token() -> str:
        asked.append(1)
        if len(asked) > 1:
            await asyncio.Event().wait()
        return SECRET

    denied = refusal(403, "no", "MISSING_SCOPES")
    crm, made = meeting("update", always=denied, token=token, count=20, max_inputs=2)
    await ended(made, PermissionDeniedError)
    assert (len(crm.heard), made.summary.not_sent) == (1, 20)
    assert len(asyncio.all_tasks()) == 1


async def test_success_does_not_wait_for_a_token_that_hangs() -> None:
    """The batch does not wait for a worker whose chunk another one took."""
    asked = []

    async def token() -> str:
        asked.append(1)
        if len(asked) == 2:
            await asyncio.Event().wait()
        return SECRET

    crm, made = meeting("update", token=token, count=4, max_inputs=2, workers=2)
    assert (await made).succeeded == 4
    assert (len(crm.heard), len(asked)) == (2, 3)
    assert len(asyncio.all_tasks()) == 1


async def test_no_token_is_requested_after_the_end() -> None:
    """The batch ends while a chunk waits for its retry."""
    asked: list[int] = []

    async def token() -> str:
        asked.append(1)
        return SECRET

    denied = refusal(403, "no", "MISSING_SCOPES")
    crm, made = meeting("update", "locked", denied, token=token, count=4, max_inputs=2)
    await ended(made, PermissionDeniedError)
    assert (len(crm.heard), len(asked)) == (2, 2)


async def test_token_callable_that_is_not_async() -> None:
    def token() -> Any:
        return SECRET

    crm, made = meeting("update", token=token)
    error = await ended(made, ConfigurationError)
    assert "must be an async callable" in str(error)
    assert SECRET not in str(error)
    assert crm.heard == []


# ---- errors


async def test_each_raise_is_a_fresh_copy() -> None:
    """Two batches with the same end share no error object, nor do the outcomes."""
    _, made = meeting("update", UNAUTHORIZED)
    error = await ended(made, AuthenticationError)
    assert made.response is not None
    assert all(outcome.error is not error for outcome in made.response.outcomes)
    for failure in made.response.failures:
        assert failure.error is not None
        assert failure.error.__traceback__ is None
    with pytest.raises(ExceptionGroup) as group:
        made.response.raise_for_failures()
    kept = {id(failure.error) for failure in made.response.failures}
    assert kept.isdisjoint(map(id, group.value.exceptions))


async def test_error_pickles_with_all_it_carries_and_without_the_token() -> None:
    _, made = meeting("update", "fine", UNAUTHORIZED, max_inputs=1, workers=1)
    error = await ended(made, AuthenticationError)
    data = pickle.dumps(error)
    assert SECRET.encode() not in data
    again = pickle.loads(data)  # noqa: S301 -- our own
    assert (str(again), again.status, again.category) == (
        str(error),
        401,
        "INVALID_AUTHENTICATION",
    )
    assert statuses(again.response) == {"succeeded": 1, "not_sent": 2}
    assert again.summary == made.summary


# ---- refusals


async def test_bad_records_of_an_untraced_chunk_are_found() -> None:
    crm, made = meeting("create", count=16)
    crm.traced = False
    made._source = [
        {"properties": {"value": f"{'bad' if place in (3, 9) else 'v'}{place}"}}
        for place in range(16)
    ]
    response = await made
    assert [failure.index for failure in response.failed] == [3, 9]
    assert response.succeeded == 14
    assert len(crm.writes) == 14
    assert len(crm.heard) <= 32
    assert made.summary.isolating > 0


async def test_without_isolation_a_refused_chunk_fails_as_a_whole() -> None:
    crm = Crm(traced=False)
    crm.fill(4)
    inputs = [*updates(3), {"id": "4", "properties": {"value": "bad"}}]
    response = await batch(crm, operation("update"), inputs, isolate=False)
    assert statuses(response) == {"failed": 4}
    assert len(crm.heard) == 1


async def test_two_names_for_one_record_are_sent_apart() -> None:
    """HubSpot refuses both as duplicates in one request, and accepts each alone."""
    crm = Crm()
    crm.fill(3)
    inputs: list[Any] = [
        *updates(3),
        {"id": "r2", "idProperty": "ref", "properties": {"value": "other"}},
    ]
    response = await batch(crm, operation("update"), inputs)
    assert response.succeeded == 4


@pytest.mark.parametrize("verb", ["update", "read"])
async def test_inputs_missing_from_the_answer_are_sent_once_more(
    verb: Verb,
) -> None:
    """Each is sent alone, and then unknown; that does not count as an outage."""
    crm, made = meeting(verb, count=20)
    crm.merged = {str(number) for number in range(1, 6)}
    response = await made
    assert statuses(response) == {"succeeded": 15, "unknown": 5}
    assert [outcome.attempts for outcome in response.unknown] == [2] * 5
    assert len(crm.heard) == 6


def forgetful(crm: Crm, *forgotten: str) -> Callable[[Heard], Answer]:
    """Process everything, and omit records from the answer."""

    def answer(heard: Heard) -> Answer:
        done = crm.work(heard)
        body = orjson.loads(done.body)
        ids = {item["objectWriteTraceId"]: item["id"] for item in heard.inputs}
        body["results"] = [
            result
            for result in body["results"]
            if ids[result["objectWriteTraceId"]] not in forgotten
        ]
        return Response(done.status, {}, orjson.dumps(body))

    return answer


@pytest.mark.parametrize("verb", ["update", "upsert"])
@pytest.mark.parametrize("always", ["locked", "refused", "throttled"])
async def test_an_input_sent_once_more_stays_unknown(verb: Verb, always: str) -> None:
    """The first request may have written it, whatever becomes of the second."""
    crm, made = meeting(verb, always=always, policy=RetryPolicy(max_elapsed=60))
    crm.script = [forgetful(crm, "3")]
    response = await made
    assert [outcome.status for outcome in response.outcomes] == [
        "succeeded",
        "succeeded",
        "unknown",
    ]
    assert response.outcomes[2].attempts > 1


@pytest.mark.parametrize("verb", ["update", "upsert"])
async def test_an_input_sent_once_more_stays_unknown_at_the_end(
    verb: Verb,
) -> None:
    crm, made = meeting(verb, always=refusal(403, "no", "MISSING_SCOPES"))
    crm.script = [forgetful(crm, "3")]
    await ended(made, PermissionDeniedError)
    assert statuses(made.response) == {"succeeded": 2, "unknown": 1}


async def test_an_upsert_sent_once_more_does_not_report_new() -> None:
    crm, made = meeting("upsert")
    crm.script = [forgetful(crm, "3")]
    response = await made
    assert [result.new for result in response.results] == [True, True, None]
    assert len(crm.heard) == 2


# ---- too many failures


def bad_updates(count: int, bad: Callable[[int], bool]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(place + 1),
            "properties": {"value": "bad" if bad(place) else f"v{place}"},
        }
        for place in range(count)
    ]


def failing(
    count: int,
    bad: Callable[[int], bool],
    max_failures: int | str | None,
    *,
    as_iterator: bool = False,
    **options: Any,
) -> tuple[Crm, Batch[Any]]:
    crm = Crm()
    crm.fill(count)
    inputs = bad_updates(count, bad)
    source = iter(inputs) if as_iterator else inputs
    call = operation("update", max_inputs=options.pop("max_inputs", 100))
    return crm, batch(crm, call, source, max_failures=max_failures, **options)


def always(_place: int) -> bool:
    return True


@pytest.mark.parametrize(
    ("max_failures", "as_iterator", "failed"),
    [
        (0, False, 100),
        (99, False, 100),
        (100, False, 200),
        ("5%", False, 300),  # of all 5,000
        ("5%", True, 100),  # of the first 1,000
        ("auto", False, 1_000),
        ("auto", True, 1_000),
    ],
)
async def test_too_many_failures(
    max_failures: int | str, failed: int, *, as_iterator: bool
) -> None:
    crm, made = failing(5_000, always, max_failures, as_iterator=as_iterator, workers=1)
    error = await ended(made, TooManyFailures)
    assert made.summary.failed == failed
    assert len(crm.heard) == failed // 100
    assert "bad is bad (tickets). Nothing further was sent." in str(error)
    counts = {"failed": failed, "not_sent": made.summary.inputs - failed}
    assert statuses(error.response) == counts
    if not as_iterator:
        assert made.summary.inputs == 5_000
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own
    assert type(again) is TooManyFailures
    assert (str(again), again.summary) == (str(error), error.summary)
    assert statuses(again.response) == counts


async def test_too_many_failures_waits_for_requests_in_flight() -> None:
    crm, made = failing(1_000, always, 0, max_inputs=10, workers=4)
    await ended(made, TooManyFailures)
    assert len(crm.heard) <= 4
    assert made.summary.failed == 10 * len(crm.heard)
    assert made.summary.not_sent == 1_000 - made.summary.failed


@pytest.mark.parametrize(
    "bad",
    [lambda place: place != 0, lambda place: place != 999],
    ids=["the first is fine", "the last is fine"],
)
async def test_one_success_is_enough_for_auto(bad: Callable[[int], bool]) -> None:
    crm, made = failing(3_000, bad, "auto", workers=1)
    assert statuses(await made) == {"failed": 2_999, "succeeded": 1}
    assert len(crm.heard) == 30


async def test_a_different_reason_is_enough_for_auto() -> None:
    crm, made = failing(2_000, always, "auto", workers=1)
    del crm.records["500"]
    made._source[499]["properties"]["value"] = "fine, but nowhere"  # type: ignore[index] # a list
    assert statuses(await made) == {"failed": 2_000}


@pytest.mark.parametrize("max_failures", [None, 2_000, "100%"])
async def test_failures_below_the_limit_do_not_end_the_batch(
    max_failures: int | str | None,
) -> None:
    crm, made = failing(2_000, always, max_failures)
    assert statuses(await made) == {"failed": 2_000}
    assert len(crm.heard) == 20


async def test_invalid_inputs_count_as_failures() -> None:
    crm = Crm()
    inputs: list[Any] = [{"id": "512.0", "properties": {}}] * 5_000
    made = batch(crm, operation("update"), iter(inputs), max_failures="auto")
    error = await ended(made, TooManyFailures)
    assert "is not a record id: '512.0'" in str(error)
    assert made.summary.failed >= 1_000
    assert made.summary.inputs < 1_200
    assert crm.heard == []


async def test_stream_with_too_many_failures() -> None:
    _, made = failing(500, always, 10, workers=1)
    seen: list[str] = []
    with pytest.raises(TooManyFailures) as caught:
        await listen(made, seen)
    assert Counter(seen) == {"failed": 100, "not_sent": 400}
    assert caught.value.summary is made.summary
    assert caught.value.response is None


async def test_a_create_missing_from_the_answer_is_unknown_at_once() -> None:
    def answer(heard: Heard) -> Answer:
        left = Heard(
            heard.verb, heard.keys[1:], heard.inputs[1:], None, heard.request, heard.at
        )
        return crm.work(left)

    crm, made = meeting("create", always=answer)
    response = await made
    assert [outcome.status for outcome in response.outcomes] == [
        "unknown",
        "succeeded",
        "succeeded",
    ]
    assert len(crm.heard) == 1


async def test_an_upsert_after_a_lost_answer_does_not_report_new() -> None:
    _, made = meeting("upsert", "502 after", count=2)
    made._source = [
        {"id": "r1", "properties": {"value": "v1"}},
        {"id": "brand new", "properties": {"value": "v2"}},
    ]
    response = await made
    assert [result.new for result in response.results] == [None, None]


async def test_legacy_batch() -> None:
    crm = Crm(script=["502 before"])
    crm.fill(250)
    response = await batch(
        crm,
        legacy(max_inputs=100),
        [
            {"objectId": number, "properties": {"value": f"v{number}"}}
            for number in range(1, 251)
        ],
    )
    assert [result.object_id for result in response.results] == [*range(1, 251)]
    assert response.started_at is None
    assert len(crm.heard) == 4


async def test_two_batches_of_a_client_share_the_gate() -> None:
    crm = Crm()
    crm.fill(100)
    shared = client_state(crm, workers=2)
    calls: list[Batch[Any]] = [
        Batch(shared, operation("update", max_inputs=5), updates(50, first))
        for first in (1, 51)
    ]
    await asyncio.gather(*calls)
    assert crm.most_flying == 2
    assert len(crm.heard) == shared.gate.granted == 20
