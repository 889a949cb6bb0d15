"""OAuth's token endpoint: what is asked of it, and what its answers mean."""

import re

from typing import Any

import orjson
import pytest

from hubbatch import APIError, AuthenticationError, ReconnectRequired
from hubbatch._http import Response
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.queue import Chunk
from hubbatch._outcomes.verdicts import (
    Answered,
    Blocked,
    EndpointNotFound,
    Fatal,
    Retryable,
    Throttled,
)
from hubbatch._wire.bodies import Bodies
from hubbatch._wire.codecs.oauth import Grant, refresh_request
from hubbatch._wire.endpoints import operation_for
from hubbatch._wire.inputs import encoder, request_body


OPERATION = operation_for("oauth", "token", api_version="v3")
REQUEST = refresh_request("app", "hush & hush", "na1=1")
CHUNK = Chunk([0], [REQUEST], [None], Bodies([REQUEST.body]))


def meaning(status: int, body: Any) -> Any:
    return classify(OPERATION, CHUNK, Response(status, {}, orjson.dumps(body)))


def test_the_body_is_a_form() -> None:
    key, body, trace = encoder(OPERATION)(0, REQUEST)
    assert (key, trace) == (None, None)
    assert request_body(OPERATION, Bodies([body])) == (
        b"grant_type=refresh_token&client_id=app"
        b"&client_secret=hush+%26+hush&refresh_token=na1%3D1"
    )
    assert "hush" not in repr(REQUEST)


@pytest.mark.parametrize(
    ("body", "grant"),
    [
        (
            {"access_token": "a", "refresh_token": "r", "expires_in": 1800},
            Grant("a", "r", 1800),
        ),
        ({"access_token": "a", "refresh_token": None}, Grant("a", None, None)),
        ({"access_token": "a", "refresh_token": ""}, Grant("a", None, None)),
        ({"access_token": "a", "expires_in": 0}, Grant("a", None, None)),
        ({"access_token": "a", "expires_in": -1}, Grant("a", None, None)),
        ({"access_token": "a", "expires_in": "1800"}, Grant("a", None, None)),
    ],
)
def test_what_it_gives(body: dict[str, Any], grant: Grant) -> None:
    verdict = meaning(200, body)
    assert isinstance(verdict, Answered)
    assert verdict.matched.results == [grant]
    assert repr(grant) == f"Grant(expires_in={grant.expires_in!r})"


@pytest.mark.parametrize(
    "body", [{}, [], "a", None, {"access_token": None}, {"access_token": ""}]
)
def test_an_answer_without_a_token_is_none(body: Any) -> None:
    assert isinstance(meaning(200, body), Retryable)


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize(
    ("body", "kind", "category", "told"),
    [
        (
            {
                "error": "invalid_grant",
                "error_description": "refresh token is invalid, expired or revoked",
                "status": "BAD_REFRESH_TOKEN",
                "message": "the same",
            },
            ReconnectRequired,
            "invalid_grant",
            "refreshed. The account must .*: refresh token is invalid, expired or",
        ),
        (
            {"status": "BAD_REFRESH_TOKEN", "message": "missing or unknown"},
            ReconnectRequired,
            "BAD_REFRESH_TOKEN",
            "missing or unknown",
        ),
        (
            {"error": "invalid_client", "status": "BAD_CLIENT", "message": "no"},
            AuthenticationError,
            "invalid_client",
            "Check the client id and the client secret. .*: no",
        ),
        ({"status": "error"}, AuthenticationError, None, "HubSpot gave no reason"),
    ],
)
def test_refusals(
    status: int, body: Any, kind: type[APIError], category: str | None, told: str
) -> None:
    verdict = meaning(status, body)
    assert isinstance(verdict, Fatal)
    assert type(verdict.error) is kind
    assert (verdict.error.status, verdict.error.category) == (status, category)
    assert re.search(told, str(verdict.error))


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Fatal), (401, Blocked), (403, Blocked)]
)
def test_a_page_in_place_of_the_token_endpoint(status: int, kind: type) -> None:
    assert isinstance(meaning(status, []), kind)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, EndpointNotFound),
        (429, Throttled),
        (500, Retryable),
        (302, Fatal),
        (418, Fatal),
    ],
)
def test_other_answers_mean_what_they_always_do(status: int, kind: type) -> None:
    verdict = meaning(status, {"message": "x"})
    assert type(verdict) is kind
