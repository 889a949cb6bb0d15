"""What an answer means: a table over verbs, statuses and bodies; and any bytes."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._http import NoAnswer, Response
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.queue import Chunk
from hubbatch._outcomes.record_errors import record_error_from_refusal
from hubbatch._outcomes.recovery import lookup_request
from hubbatch._outcomes.verdicts import (
    Answered,
    Blocked,
    EndpointNotFound,
    Fatal,
    Refused,
    Retryable,
    Throttled,
    Unauthorized,
    Verdict,
)
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch._wire.inputs import encoder
from hubbatch.errors import (
    APIError,
    AuthenticationError,
    CertificateError,
    DailyLimitReached,
    InvalidRequestError,
    PermissionDeniedError,
    ProxyError,
)

from .fake_run import FakeRun
from .helpers import (
    ARCHIVE,
    CREATE,
    LEGACY,
    OPERATIONS,
    READ,
    UPDATE,
    UPSERT,
    chunk_of,
    respond,
    some_chunk,
    some_inputs,
)


HTML = b"<html><title>Error</title><h2>HTTP ERROR</h2></html>"
JSON: dict[str, Any] = {
    "status": "error",
    "message": "it was not to be",
    "correlationId": "c-1",
    "category": "VALIDATION_ERROR",
}
# What is in an error's body; none of them may make a difference to a 5xx.
BODIES: Mapping[str, bytes] = {
    "json": orjson.dumps(JSON),
    "envelope": orjson.dumps({"status": "COMPLETE", "results": []}),
    "empty": b"",
    "html": HTML,
    "truncated": orjson.dumps(JSON)[:20],
    "list": b"[]",
    "text": b'"Gateway Timeout"',
    "number": b"17",
    "null": b"null",
    "not utf-8": b"\xff\xfe",
}
IS_OBJECT = {"json", "envelope"}

# Status: the kind of verdict, whatever the body and the verb are.
ALWAYS: Mapping[int, type[Verdict]] = {
    301: Fatal,
    402: Fatal,
    405: Fatal,
    407: Blocked,
    414: Fatal,
    423: Retryable,
    429: Throttled,
    477: Retryable,
    **dict.fromkeys([408, 500, 502, 503, 504, 521, 522, 523, 524, 525, 526], Retryable),
    400: Refused,
    409: Refused,
    413: Refused,
    422: Refused,
}


def ask(
    name: str, status: int, body: object, headers: Mapping[str, str] | None = None
) -> Verdict:
    operation = OPERATIONS[name]
    return classify(operation, some_chunk(operation, 3), respond(status, body, headers))


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("status", ALWAYS)
@pytest.mark.parametrize("kind", BODIES)
def test_the_status_decides(name: str, status: int, kind: str) -> None:
    verdict = ask(name, status, BODIES[kind])

    assert type(verdict) is ALWAYS[status]
    if not isinstance(verdict, Throttled | Answered):
        assert isinstance(verdict.error, APIError)
        assert verdict.error.status == status
        assert verdict.error.message


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize(("status", "own"), [(401, Unauthorized), (403, Fatal)])
def test_a_page_in_place_of_hubspots_json(
    name: str, kind: str, status: int, own: type[Verdict]
) -> None:
    """It says nothing of the token: a proxy does not know what HubSpot would say."""
    verdict = ask(name, status, BODIES[kind])

    if kind == "json":
        assert type(verdict) is own
        return
    assert isinstance(verdict, Blocked)
    assert verdict.maybe_processed
    assert type(verdict.error) is ProxyError
    assert "not HubSpot's" in str(verdict.error)
    assert not {"scope", "token"} & {*str(verdict.error).lower().split()}


PAGES: Mapping[str, tuple[bytes, str | None, str]] = {
    "a title": (
        b"<!DOCTYPE html><TITLE lang='en'>\n Access &amp; Use\n  denied </TITLE><p>no",
        "Access & Use denied",
        "a page titled 'Access & Use denied'",
    ),
    "a text": (
        b"Gateway\r\n Timeout",
        "Gateway Timeout",
        "it begins with 'Gateway Timeout'",
    ),
    "a gateway's json": (
        b'{"message":"Forbidden"}',
        '{"message":"Forbidden"}',
        "it begins with '{",
    ),
    "an empty title": (b"<html><title> </title></html>", None, "a page titled ''"),
    "nothing": (b"", None, "it is empty"),
    "control codes": (b"\x1b[31m<title>\x1b]0;x\x07red\x00</title>", "]0;xred", "red"),
    "no text": (b"\xff" * 5_000, "\ufffd" * 100, "it begins"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_known_by_its_title(name: str) -> None:
    body, title, told = PAGES[name]
    verdict = ask("create", 403, body)

    assert isinstance(verdict, Blocked)
    assert verdict.error.title == title
    assert told in verdict.error.message
    assert verdict.error.message.isprintable()


@pytest.mark.parametrize("name", [name for name in PAGES if name != "nothing"])
def test_a_5xx_page_says_that_it_is_not_hubspots(name: str) -> None:
    verdict = ask("create", 502, PAGES[name][0])

    assert isinstance(verdict, Retryable)
    assert verdict.maybe_processed
    assert isinstance(verdict.error, ProxyError)
    assert verdict.error.title == PAGES[name][1]


def test_a_5xx_without_a_body_may_be_hubspots() -> None:
    verdict = ask("create", 500, b"")

    assert isinstance(verdict, Retryable)
    assert type(verdict.error) is APIError
    assert verdict.error.message == "HubSpot did not say why"


@pytest.mark.parametrize(
    "header", ["X-HubSpot-Correlation-Id", "X-HubSpot-Auth-Failure"]
)
def test_an_empty_body_is_hubspots_by_its_headers(header: str) -> None:
    assert isinstance(ask("read", 401, b"", {header: "x"}), Unauthorized)
    assert isinstance(ask("read", 401, HTML, {header: "x"}), Blocked)


# As recorded: with and without a category, a correlation id, and causes.
OWN: Mapping[str, Mapping[str, Any]] = {
    "a category": {
        "status": "error",
        "message": "Authentication credentials not found.",
        "correlationId": "501651f6-bb90-40f1-b0db-349f62916993",
        "category": "INVALID_AUTHENTICATION",
    },
    "no category": {
        "status": "error",
        "message": "You do not have permissions to view object type COMPANY",
        "correlationId": "8756b2ab-46c6-49e9-93ce-0d1f00eb4227",
    },
    "a status": {"status": "error", "message": "no"},
    "a category alone": {"category": "FORBIDDEN", "message": "no"},
    "causes": {"errors": [{"context": {"requiredGranularScopes": ["tickets"]}}]},
}


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("status", [401, 403, 500])
def test_what_hubspot_answers_is_its_own(name: str, status: int) -> None:
    verdict = ask("update", status, OWN[name])

    assert isinstance(verdict, Unauthorized | Fatal | Retryable)
    assert not isinstance(verdict.error, ProxyError)


def test_a_proxy_that_wants_a_login_has_passed_nothing_on() -> None:
    verdict = ask("create", 407, HTML)

    assert isinstance(verdict, Blocked)
    assert not verdict.maybe_processed


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Blocked), (403, Blocked), (407, Blocked), (502, Retryable)],
)
def test_a_proxy_that_does_not_connect(status: int, kind: type[Verdict]) -> None:
    chunk = some_chunk(CREATE, 1)
    verdict = classify(
        CREATE, chunk, NoAnswer(sent=False, reason="Login, please", proxy_status=status)
    )

    assert type(verdict) is kind
    assert isinstance(verdict, Blocked | Retryable)
    assert not verdict.maybe_processed
    assert isinstance(verdict.error, ProxyError)
    assert (verdict.error.status, verdict.error.title) == (status, "Login, please")


def test_a_certificate_that_is_not_trusted() -> None:
    answer = NoAnswer(
        sent=False, reason="self-signed certificate", untrusted="api.hubapi.com"
    )
    verdict = classify(CREATE, some_chunk(CREATE, 1), answer)

    assert isinstance(verdict, Fatal)
    assert type(verdict.error) is CertificateError
    for word in ("api.hubapi.com", "(self-signed certificate)", "SSL_CERT_FILE"):
        assert word in str(verdict.error)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("kind", BODIES)
def test_404(name: str, kind: str) -> None:
    """JSON is about the inputs where inputs can be missing; else the path is wrong."""
    of_inputs = kind in IS_OBJECT and name in ("read", "update", "legacy")
    verdict = ask(name, 404, BODIES[kind])

    assert type(verdict) is (Refused if of_inputs else EndpointNotFound)
    if isinstance(verdict, EndpointNotFound):
        assert isinstance(verdict.error, InvalidRequestError)
        assert (kind in IS_OBJECT) != (OPERATIONS[name].path in verdict.error.advice)


@pytest.mark.parametrize(
    "status", [408, 500, 502, 503, 504, 521, 522, 523, 524, 525, 526]
)
def test_after_a_timeout_or_a_5xx_it_may_have_arrived(status: int) -> None:
    verdict = ask("update", status, HTML, {"Retry-After": "7"})

    assert isinstance(verdict, Retryable)
    assert verdict == Retryable(verdict.error, maybe_processed=True, retry_after=7.0)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_call_that_the_simulator_lacks_is_not_retried(name: str) -> None:
    verdict = ask(name, 501, {"message": "the simulator does not have GET /x"})

    assert isinstance(verdict, Fatal)
    assert isinstance(verdict.error, InvalidRequestError)
    assert isinstance(ask(name, 501, HTML), Retryable)


@pytest.mark.parametrize("sent", [True, False])
def test_no_answer(*, sent: bool) -> None:
    answer = NoAnswer(sent, "the connection was lost")
    verdict = classify(UPDATE, some_chunk(UPDATE, 1), answer)

    assert isinstance(verdict, Retryable)
    assert (verdict.maybe_processed, verdict.retry_after) == (sent, 0.0)
    assert verdict.error.message == "the connection was lost"
    assert verdict.error.status is None


@pytest.mark.parametrize(
    ("header", "wait"),
    [(None, 2.0), ("1", 2.0), ("5", 5.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 2.0)],
)
def test_a_lock_lasts_two_seconds(header: str | None, wait: float) -> None:
    verdict = ask("update", 423, b"", {"Retry-After": header} if header else {})

    assert isinstance(verdict, Retryable)
    assert (verdict.maybe_processed, verdict.retry_after) == (False, wait)


@pytest.mark.parametrize(
    ("header", "wait"),
    [("86400", 86400.0), ("", 0.0), ("-1", 0.0), ("nan", 0.0), ("inf", 0.0)],
)
def test_a_migration_says_how_long(header: str, wait: float) -> None:
    verdict = ask("create", 477, b"", {"Retry-After": header})

    assert isinstance(verdict, Retryable)
    assert (verdict.maybe_processed, verdict.retry_after) == (False, wait)


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308])
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_redirect_hints_at_the_base_url(name: str, status: int) -> None:
    verdict = ask(name, status, HTML, {"Location": "https://app.example/login"})

    assert isinstance(verdict, Fatal)
    assert isinstance(verdict.error, InvalidRequestError)
    assert "Check base_url: it leads to a redirect, which is not followed." in str(
        verdict.error
    )


@pytest.mark.parametrize("status", [402, 405, 414])
def test_only_a_redirect_hints_at_the_base_url(status: int) -> None:
    verdict = ask("update", status, HTML)

    assert isinstance(verdict, Fatal)
    assert "base_url" not in str(verdict.error)


# ---- Retry-After

NOON = "Wed, 21 Oct 2026 12:00:00 GMT"
LATER = "Wed, 21 Oct 2026 12:01:30 GMT"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": LATER, "Date": NOON}, 90.0),
        ({"Retry-After": NOON, "Date": LATER}, 0.0),
        ({"Retry-After": LATER}, 0.0),
        ({"Retry-After": LATER, "Date": "today"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2026 12:01:30 -0000", "Date": NOON}, 0.0),
        ({"Retry-After": f"{LATER[:-3]}+{'9' * 20}", "Date": NOON}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 99999 12:00:00 GMT", "Date": NOON}, 0.0),
        ({"Retry-After": "9" * 400}, 0.0),
        ({"Retry-After": "1e999"}, 0.0),
        ({"Retry-After": "-inf"}, 0.0),
        ({"Retry-After": "nan"}, 0.0),
        ({"Retry-After": "soon"}, 0.0),
    ],
)
def test_retry_after_in_every_spelling(headers: dict[str, str], wait: float) -> None:
    """A date is read by the answer's own clock; what cannot be read is as none."""
    verdict = ask("update", 503, b"", headers)

    assert isinstance(verdict, Retryable)
    assert verdict.retry_after == wait


@given(st.text(st.characters(codec="latin-1")), st.text(st.characters(codec="latin-1")))
def test_no_retry_after_raises(header: str, date: str) -> None:
    for text in (header, f"Mon, 5 Jan 2026 00:00:00 {header}"):
        verdict = ask("update", 429, b"", {"Retry-After": text, "Date": date})

        assert isinstance(verdict, Throttled)
        assert 0 < verdict.retry_after < float("inf")


# ---- 429

BURST = {
    "status": "error",
    "message": "You have reached your ten_secondly_rolling limit.",
    "errorType": "RATE_LIMIT",
    "policyName": "TEN_SECONDLY_ROLLING",
}
SECONDLY = {
    "status": "error",
    "message": "You have reached your secondly limit.",
    "category": "RATE_LIMITS",
}
DAILY = {
    "status": "error",
    "message": "You have reached your daily limit.",
    "errorType": "RATE_LIMIT",
    "correlationId": "c-2",
    "policyName": "DAILY",
}
INTERVAL = {"X-HubSpot-RateLimit-Interval-Milliseconds": "5000"}


@pytest.mark.parametrize(
    ("body", "headers", "wait"),
    [
        (BURST, {}, 10.0),
        (BURST, INTERVAL, 5.0),
        (BURST, {**INTERVAL, "Retry-After": "3"}, 3.0),
        (BURST, {"X-HubSpot-RateLimit-Interval-Milliseconds": "soon"}, 10.0),
        (BURST, {"X-HubSpot-RateLimit-Interval-Milliseconds": "inf"}, 10.0),
        (BURST, {"X-HubSpot-RateLimit-Interval-Milliseconds": "9" * 5000}, 10.0),
        (BURST, {**INTERVAL, "Retry-After": "nan"}, 5.0),
        (BURST, {"Retry-After": LATER, "Date": NOON}, 90.0),
        ({**BURST, "policyName": None}, {}, 10.0),
        (SECONDLY, {}, 1.0),
        (SECONDLY, INTERVAL, 1.0),
        (SECONDLY, {"Retry-After": "4"}, 4.0),
        ({**SECONDLY, "policyName": "SECONDLY"}, {}, 1.0),
        ({"policyName": 5}, {}, 10.0),
        ({"message": ["x"]}, {}, 10.0),
        (b"", {}, 10.0),
        (b"error code: 1015", {}, 10.0),
        (HTML, {"Retry-After": "inf"}, 10.0),
    ],
)
@pytest.mark.parametrize("name", OPERATIONS)
def test_everybody_waits(
    name: str, body: object, headers: dict[str, str], wait: float
) -> None:
    policy = body.get("policyName") if isinstance(body, dict) else None
    told = None if policy is None else str(policy)
    assert ask(name, 429, body, headers) == Throttled(wait, told)


@pytest.mark.parametrize(
    "body",
    [
        DAILY,
        {"message": DAILY["message"]},
        {"policyName": "DAILY", "message": "You have reached your secondly limit."},
    ],
)
def test_the_day_is_used_up(body: object) -> None:
    verdict = ask("read", 429, body)

    assert isinstance(verdict, Fatal)
    assert type(verdict.error) is DailyLimitReached
    assert verdict.error.status == 429


def test_the_policy_s_name_stands_above_the_message() -> None:
    body = {**DAILY, "policyName": "TEN_SECONDLY_ROLLING"}

    assert ask("read", 429, body) == Throttled(10.0, "TEN_SECONDLY_ROLLING")


# ---- refusals


@pytest.mark.parametrize("status", [400, 409, 413, 422])
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(
    "message",
    [
        "Unable to infer object type from: butterflies",
        (
            "Unable to perform update/upsert by non-unique 0-2 property hs_object_id "
            "in portal ID 62515"
        ),
    ],
)
def test_a_refusal_of_the_call(name: str, status: int, message: str) -> None:
    verdict = ask(name, status, {"message": message, "correlationId": "c-3"})

    assert isinstance(verdict, Fatal)
    assert type(verdict.error) is InvalidRequestError
    assert (verdict.error.message, verdict.error.correlation_id) == (message, "c-3")


NON_UNIQUE = "Unable to perform update/upsert by non-unique 0-5 property"


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        (f"{NON_UNIQUE} subject in portal ID 1", "subject is not one"),
        (NON_UNIQUE, "id_property must name a property whose values are unique."),
    ],
)
def test_an_id_property_that_is_not_unique(message: str, advice: str) -> None:
    verdict = ask("update", 400, {"message": message})

    assert isinstance(verdict, Fatal)
    assert isinstance(verdict.error, InvalidRequestError)
    assert advice in verdict.error.advice


@pytest.mark.parametrize("value", ["Invalid input JSON", "Unable to infer object type"])
def test_a_quoted_value_is_not_a_refusal_of_the_call(value: str) -> None:
    message = f"{value} was not one of the allowed options: [A, B]"
    told = f'Property values were not valid: [{{"message":"{message}"}}]'

    assert isinstance(ask("update", 400, {"message": told}), Refused)


TOO_MANY = "The maximum number of inputs supported in a batch is 100. Please reduce"
TOO_MANY_WITH_HISTORY = (
    "The maximum number of inputs supported in a batch request for property histories "
    "is 50. Please reduce"
)
DUPLICATES = "Duplicate IDs found in batch input: [5]. IDs must be unique"
HALF = "Cannot set PropertyValueCoordinates{portalId=1} on 7. 5 already has that value."


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(
    ("status", "message", "because"),
    [
        (400, TOO_MANY, "inputs"),
        (400, TOO_MANY_WITH_HISTORY, "inputs"),
        (413, "too large", "bytes"),
        (400, "Invalid input JSON on line 1, column 2: Cannot deserialize", "syntax"),
        (400, DUPLICATES, "duplicates"),
        (400, "Property values were not valid: []", "records"),
        (409, "Contact already exists. Existing ID: 5", "records"),
        (422, "no", "records"),
    ],
)
def test_a_refusal_of_the_chunk(
    name: str, status: int, message: str, because: str
) -> None:
    verdict = ask(name, status, {**JSON, "message": message})

    assert isinstance(verdict, Refused)
    assert (verdict.because, verdict.written) == (because, False)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(
    ("status", "body"),
    [(400, {**JSON, "message": HALF}), (400, HTML), (409, b""), (422, b"[]")],
)
def test_a_refusal_that_may_have_written(name: str, status: int, body: object) -> None:
    """Only for a create it matters: the others are as good sent twice."""
    verdict = ask(name, status, body)

    assert isinstance(verdict, Refused)
    assert verdict.written is (name != "read")


def test_all_that_hubspot_says_of_a_refusal() -> None:
    body = {
        **JSON,
        "errors": [
            {"message": "m", "code": "C", "context": {"propertyName": ["a"]}},
            "not an object",
        ],
        "context": {"ids": [5]},
    }
    verdict = ask("update", 400, body)

    assert isinstance(verdict, Refused)
    assert verdict.error.message == "it was not to be"
    assert verdict.error.category == "VALIDATION_ERROR"
    assert verdict.error.correlation_id == "c-1"
    assert verdict.error.context == {"ids": ["5"]}
    assert [error.code for error in verdict.error.errors] == ["C"]


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        ([{"message": "name is required"}, {"message": "more"}], "name is required"),
        (["a text", {"message": "more"}], "a text"),
        ([{"code": "X"}, {"message": "more"}], "HubSpot did not say why"),
        ([], "HubSpot did not say why"),
        ("none", "HubSpot did not say why"),
    ],
)
def test_without_a_message_the_first_cause_is_one(errors: object, message: str) -> None:
    verdict = ask("update", 400, {"category": "VALIDATION_ERROR", "errors": errors})

    assert isinstance(verdict, Refused)
    assert verdict.error.message == message


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("permission", ["Edit Associations", "Edit property settings"])
def test_a_permission_is_missing(name: str, permission: str) -> None:
    message = f"Missing '{permission}' permission."
    verdict = ask(name, 400, {**JSON, "message": message})

    assert isinstance(verdict, Fatal)
    assert type(verdict.error) is PermissionDeniedError
    assert verdict.error.message == message


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_refusal_that_is_a_page_is_not_hubspots(status: int) -> None:
    verdict = ask("update", status, HTML)

    assert isinstance(verdict, Refused)
    assert isinstance(verdict.error, ProxyError)


def test_a_call_without_inputs_that_cannot_be_read() -> None:
    operation = operation_for("account", "details", api_version="v3")
    body = {"message": "Invalid input JSON on line 1", "status": "error"}
    verdict = classify(operation, Chunk(), respond(400, body))

    assert isinstance(verdict, Fatal)
    assert type(verdict.error) is InvalidRequestError


def test_the_correlation_id_is_in_a_header_too() -> None:
    verdict = ask("update", 500, HTML, {"X-HubSpot-Correlation-Id": "c-4"})

    assert isinstance(verdict, Retryable)
    assert verdict.error.correlation_id == "c-4"
    assert str(verdict.error) == (
        "HubSpot's front end or a proxy answered instead of its API. 500: The answer "
        "is not HubSpot's JSON: a page titled 'Error' (correlation id c-4)."
    )


def test_the_errors_of_a_207_are_found_by_the_answer_that_they_came_with() -> None:
    """They have no correlation id of their own; what we make up gets none."""
    error = {
        "category": "OBJECT_NOT_FOUND",
        "message": "gone",
        "context": {"ids": ["1"]},
    }
    chunk = chunk_of(UPDATE, [{"id": n, "properties": {}} for n in (1, 2)])
    body = {"status": "COMPLETE", "results": [{"id": "2"}], "errors": [error]}

    verdict = classify(
        UPDATE, chunk, respond(207, body, {"X-HubSpot-Correlation-Id": "c-5"})
    )

    assert isinstance(verdict, Answered)
    assert verdict.matched.failed[0].correlation_id == "c-5"


def test_error_type_stands_for_a_category() -> None:
    verdict = ask("update", 500, {"errorType": "INTERNAL", "errors": "none"})

    assert isinstance(verdict, Retryable)
    assert verdict.error.category == "INTERNAL"


@pytest.mark.parametrize("odd", [5, ["a"], {"a": 1}, True])
def test_an_error_of_odd_types_is_still_an_error(odd: object) -> None:
    body = dict.fromkeys(["category", "correlationId", "message", "errors"], odd)
    verdict = ask("update", 400, body)

    assert isinstance(verdict, Refused)
    assert record_error_from_refusal(verdict.error).category == str(odd)
    assert verdict.error.correlation_id == str(odd)


# ---- 401 and 403


def test_401() -> None:
    body = {
        "message": "The OAuth token used to make this call expired 0 second(s) ago.",
        "category": "EXPIRED_AUTHENTICATION",
        "context": {"expire time": ["2026-03-10T23:04:41.164Z"]},
    }
    verdict = ask("upsert", 401, body)

    assert isinstance(verdict, Unauthorized)
    assert type(verdict.error) is AuthenticationError
    assert verdict.error.category == "EXPIRED_AUTHENTICATION"


SCOPES = {"requiredScopes": ["tickets"], "requiredGranularScopes": ["crm.a", "crm.b"]}


@pytest.mark.parametrize(
    ("body", "scopes"),
    [
        ({"errors": [{"context": SCOPES}]}, ["crm.a", "crm.b", "tickets"]),
        ({"message": "no", "context": {"requiredGranularScopes": ["x"]}}, ["x"]),
        ({"message": "no", "context": "text", "errors": [{"message": "m"}]}, []),
    ],
    ids=["in errors", "in context", "unnamed"],
)  # fmt: skip
def test_403_names_the_missing_scopes(body: object, scopes: list[str]) -> None:
    verdict = ask("update", 403, body)

    assert isinstance(verdict, Fatal)
    error = verdict.error
    assert isinstance(error, PermissionDeniedError)
    assert error.scopes == scopes
    assert all(scope in str(error) for scope in scopes)


# ---- 2xx

RECORD = {"id": "100", "properties": {}, "objectWriteTraceId": "0"}


@pytest.mark.parametrize("name", ["create", "read", "update", "upsert"])
@pytest.mark.parametrize("status", [200, 201, 202, 207, 299])
def test_an_envelope_is_read_by_its_shape(name: str, status: int) -> None:
    operation = OPERATIONS[name]
    body = {"status": "COMPLETE", "results": [RECORD]}
    verdict = classify(operation, some_chunk(operation, 1), respond(status, body))

    assert isinstance(verdict, Answered)
    [result] = verdict.matched.results
    assert result.id == "100"


@pytest.mark.parametrize("name", OPERATIONS)
def test_204(name: str) -> None:
    """Nothing to say is a success where nothing is ever said, and nowhere else."""
    verdict = ask(name, 204, b"")

    if name not in ("archive", "legacy"):
        assert isinstance(verdict, Retryable)
        assert verdict.maybe_processed
    else:
        assert isinstance(verdict, Answered)
        assert verdict.matched.results == [None] * 3
        assert (verdict.matched.open, verdict.matched.failed) == ([], {})
        assert verdict.matched.part.started_at is None


def test_an_archive_may_answer_with_an_envelope() -> None:
    """The dated versions do: without errors all went well, with them the others did."""
    error = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["101"]}}
    fine = ask("archive", 200, {"status": "COMPLETE", "results": []})
    partial = ask("archive", 207, {"results": [], "errors": [error], "numErrors": 1})

    assert isinstance(fine, Answered)
    assert (fine.matched.open, fine.matched.failed) == ([], {})
    assert isinstance(partial, Answered)
    assert [*partial.matched.failed] == [1]
    assert partial.matched.open == []


def test_a_legacy_answer_is_a_list() -> None:
    body = [{"objectId": 101}, {"objectId": 100}, {"objectId": 102}]
    verdict = ask("legacy", 200, body)

    assert isinstance(verdict, Answered)
    results = verdict.matched.results
    assert [result.object_id for result in results] == [100, 101, 102]


NO_ANSWERS: Mapping[str, object] = {
    "empty": b"",
    "html": HTML,
    "truncated": b'{"status":"COMPLETE","results":[{"id":"100","prop',
    "null": b"null",
    "number": b"1",
    "text": b'"ok"',
    "object": {},
    "error": JSON,
    "results null": {"results": None},
    "results text": {"results": "ok"},
    "results of texts": {"results": ["100"]},
    "result without id": {"results": [{"properties": {}}]},
    "result of odd id": {"results": [{"id": [1], "properties": {}}]},
    "result of odd properties": {"results": [{"id": "100", "properties": "x"}]},
    "envelope in a list": [{"results": []}],
    "v1 without id": [{"properties": {}}],
    "v1 odd id": [{"objectId": "abc"}],
    "v1 odd properties": [{"objectId": 100, "properties": {"a": 5}}],
}


@pytest.mark.parametrize("status", [200, 201, 207])
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("kind", NO_ANSWERS)
def test_a_success_that_is_none(name: str, status: int, kind: str) -> None:
    """It may have been written: as good as a 500."""
    verdict = ask(name, status, NO_ANSWERS[kind], {"X-HubSpot-Correlation-Id": "c-5"})

    assert isinstance(verdict, Retryable)
    assert verdict.maybe_processed
    assert (verdict.error.status, verdict.error.correlation_id) == (status, "c-5")


@pytest.mark.parametrize("name", ["create", "read", "update", "upsert"])
def test_a_success_that_accounts_for_nothing(name: str) -> None:
    verdict = ask(name, 200, {"status": "COMPLETE", "results": []})

    assert isinstance(verdict, Retryable)
    assert verdict.maybe_processed
    assert "accounts for none" in verdict.error.message


def test_a_legacy_success_that_accounts_for_nothing() -> None:
    assert isinstance(ask("legacy", 200, []), Retryable)


@pytest.mark.parametrize("context", [{"ids": [""]}, {"ids": ["", "101"]}, {"id": [""]}])
def test_an_error_may_name_nothing_at_all(context: dict[str, list[str]]) -> None:
    """An empty name matches no input; the rest of the answer is usable."""
    named = "101" in context.get("ids", ())
    results: list[Any] = [{"id": text, "properties": {}} for text in ("100", "102")]
    body = {"results": results, "errors": [{"message": "no", "context": context}]}
    verdict = ask("update", 207, body)

    assert isinstance(verdict, Answered)
    assert [*verdict.matched.failed] == ([1] if named else [])
    assert verdict.matched.open == ([] if named else [1])


# ---- the account

ACCOUNT = operation_for("account", "details", api_version="v3")


def ask_account(status: int, body: object) -> Verdict:
    chunk = Chunk()
    key, encoded, trace = encoder(ACCOUNT)(0, None)
    chunk.add(0, None, key, encoded, trace)
    return classify(ACCOUNT, chunk, respond(status, body))


@pytest.mark.parametrize("status", [400, 409, 413, 422])
@pytest.mark.parametrize("kind", BODIES)
def test_a_call_without_inputs_has_no_record_to_blame(status: int, kind: str) -> None:
    verdict = ask_account(status, BODIES[kind])

    assert isinstance(verdict, Fatal)
    assert isinstance(verdict.error, InvalidRequestError)
    assert verdict.error.status == status


@pytest.mark.parametrize(
    "body", [b"", HTML, [], {}, {"portalId": None}, {"portalId": "x"}, {"portalId": []}]
)
@pytest.mark.parametrize("status", [200, 204])
def test_an_account_without_an_id_is_no_answer(status: int, body: object) -> None:
    assert isinstance(ask_account(status, body), Retryable)


def test_an_account() -> None:
    verdict = ask_account(200, {"portalId": 62515, "additionalCurrencies": None})

    assert isinstance(verdict, Answered)
    [account] = verdict.matched.results
    assert (account.portal_id, account.additional_currencies) == (62515, [])


# ---- anything at all

NAMES = st.sampled_from(
    [
        "id",
        "objectId",
        "properties",
        "results",
        "errors",
        "context",
        "category",
        "message",
        "numErrors",
        "status",
        "objectWriteTraceId",
        "ids",
        "subCategory",
        "links",
        "policyName",
        "correlationId",
        "code",
        "in",
        "email",
        "archivedAt",
        "createdAt",
        "propertiesWithHistory",
        "versions",
        "value",
        "timestamp",
        "new",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["100", "101", "r100", "0", "1", "", "COMPLETE", "DAILY"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
    ),
    max_leaves=10,
)
RECORDS = st.fixed_dictionaries(
    {"id": st.sampled_from(["100", "101", "102", 7, "x"])},
    optional={
        "properties": ANYTHING,
        "objectWriteTraceId": SCALARS,
        "propertiesWithHistory": ANYTHING,
        "createdAt": SCALARS,
        "new": SCALARS,
    },
)
LEGACY_RECORDS = st.fixed_dictionaries(
    {"objectId": st.sampled_from([100, "101", 102, 7, "x"])},
    optional={"properties": ANYTHING},
)
ERRORS = st.dictionaries(NAMES, ANYTHING, max_size=4)
ENVELOPES = st.fixed_dictionaries(
    {"results": st.lists(RECORDS | ANYTHING, max_size=4)},
    optional={"errors": st.lists(ERRORS | ANYTHING, max_size=3), "numErrors": SCALARS},
)
BYTES = (
    st.binary(max_size=20)
    | ANYTHING.map(orjson.dumps)
    | ENVELOPES.map(orjson.dumps)
    | st.lists(LEGACY_RECORDS, max_size=4).map(orjson.dumps)
    | ERRORS.map(orjson.dumps)
)
STATUSES = st.sampled_from([200, 201, 204, 207, *ALWAYS, 404]) | st.integers(200, 599)


@given(
    st.sampled_from([CREATE, READ, UPDATE, UPSERT, ARCHIVE, LEGACY]),
    st.integers(1, 3),
    STATUSES,
    BYTES,
    st.dictionaries(
        st.sampled_from(["Retry-After", *INTERVAL, "X-HubSpot-Correlation-Id"]),
        st.text(max_size=4),
    ),
)
def test_nothing_that_is_answered_raises(
    operation: Any, count: int, status: int, body: bytes, headers: dict[str, str]
) -> None:
    """And if it is an answer, every input is accounted for once."""
    chunk = some_chunk(operation, count)
    verdict = classify(operation, chunk, Response(status, headers, body))

    if isinstance(verdict, Answered):
        matched = verdict.matched
        given_out = [p for p, r in enumerate(matched.results) if r is not None]
        assert len(matched.results) == count
        assert {*matched.open} <= {*range(count)}
        assert {*matched.open}.isdisjoint(matched.failed)
        assert {*given_out}.isdisjoint([*matched.open, *matched.failed])
        assert matched.trustworthy
    elif isinstance(verdict, Refused | EndpointNotFound):
        assert str(record_error_from_refusal(verdict.error))
    elif isinstance(verdict, Throttled):
        assert 0 < verdict.retry_after < float("inf")
    else:
        assert str(verdict.error)


RECONCILED = operation_for(
    "objects", "create", "tickets", api_version="v3", reconcile_by="subject"
)


@given(
    st.sampled_from([CREATE, READ, UPDATE, UPSERT, ARCHIVE, LEGACY, RECONCILED]),
    st.integers(1, 3),
    st.lists(st.tuples(STATUSES, BYTES), max_size=12),
    st.booleans(),
)
def test_whatever_is_answered_every_input_has_one_outcome(
    operation: Operation,
    count: int,
    answers: list[tuple[int, bytes]],
    isolate: bool,  # noqa: FBT001 -- a strategy's
) -> None:
    """Chunks that are isolated or looked up too; after the answers nothing comes."""
    run = FakeRun(operation, isolate=isolate, max_inputs=2)
    like = CREATE if operation is RECONCILED else operation
    run.take_in(some_inputs(like, count))
    while run.has_work:
        chunk = run.take()
        looking_up = chunk.state.looking_up
        call, carried = (
            lookup_request(operation, chunk) if looking_up else (operation, chunk)
        )
        verdict: Verdict = Retryable(APIError("nothing comes"), maybe_processed=True)
        if answers:
            status, body = answers.pop()
            verdict = classify(call, carried, Response(status, {}, body))
        run.resolve(chunk, verdict)
    assert [*run.statuses] == [*range(count)]
    run.check()


def test_the_details_of_crm_objects_v1() -> None:
    """It calls them otherwise, and they name the property all the same."""
    body = {
        "status": "error",
        "message": "Property values were not valid",
        "validationResults": [
            {
                "isValid": False,
                "message": "99 was not one of the allowed options",
                "error": "INVALID_OPTION",
                "name": "hs_pipeline_stage",
            }
        ],
    }
    verdict = ask("legacy", 400, body)

    assert isinstance(verdict, Refused)
    [detail] = verdict.error.errors
    assert (detail.code, detail.context) == (
        "INVALID_OPTION",
        {"propertyName": ["hs_pipeline_stage"]},
    )
