"""Secrets that a peer echoes are taken out of its answer, in whatever form."""

import html
import json

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from string import ascii_letters, digits, printable
from typing import Any
from urllib.parse import quote, quote_plus

import orjson
import pytest

from hypothesis import assume, given
from hypothesis import strategies as st

from hubbatch._http import NoAnswer, Response
from hubbatch._net.redaction import MASK, masked
from hubbatch._wire.records import read_json


TOKEN = "pat-na1-11112222-3333-4444-5555-666677778888"  # noqa: S105 -- nobody's
VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F))

tokens = st.one_of(
    st.just(TOKEN),
    st.text(ascii_letters + digits + "-_", min_size=16, max_size=60),
    st.text(VISIBLE, min_size=16, max_size=60),
)

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper": str.upper,
    "lower": str.lower,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "URL": quote,
    "URL, all of it": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "HTML": html.escape,
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64 of a header": lambda text: b64encode(f"Bearer {text}".encode()).decode(),
    "base64 in a pair": lambda text: b64encode(f"ab:{text}\n".encode()).decode(),
    "base64 for URLs": lambda text: urlsafe_b64encode(text.encode()).decode(),
}


@given(tokens, st.sampled_from([*FORMS]), st.sampled_from([400, 403, 404, 500, 302]))
def test_a_page_keeps_its_words_and_loses_the_secret(
    token: str, name: str, status: int
) -> None:
    form = FORMS[name](token)
    page = f"<title>Denied</title> you sent {form} to us"
    answer = masked(Response(status, {}, page.encode()), [token])

    assert isinstance(answer, Response)
    left = answer.body.decode()
    assert left.startswith("<title>Denied</title> you sent ")
    assert left.endswith(" to us")
    assert MASK in left
    assert form[4:-6] not in left


@given(tokens, st.sampled_from([*FORMS]))
def test_an_error_in_json_stays_json(token: str, name: str) -> None:
    form = FORMS[name](token)
    told = {
        "category": form,
        "message": f"you sent {form}",
        "context": {form: [form]},
        "n": 5,
        "none": None,
    }
    for written in (orjson.dumps(told), json.dumps(told).encode()):
        answer = masked(Response(400, {}, written), [token])

        assert isinstance(answer, Response)
        read = orjson.loads(answer.body)
        assert (read["n"], read["none"]) == (5, None)
        assert read["message"].startswith("you sent ")
        assert form[4:-6] not in str(read)


@given(tokens)
def test_characters_that_need_no_escape_may_have_one(token: str) -> None:
    """JSON lets every character be written by its number."""
    escaped = "".join(f"\\u{ord(one):04x}" for one in token)
    body = f'{{"message": "you sent {escaped}"}}'.encode()
    answer = masked(Response(400, {}, body), [token])

    assert isinstance(answer, Response)
    assert orjson.loads(answer.body) == {"message": f"you sent {MASK}"}


@pytest.mark.parametrize("status", [207, 400])
@pytest.mark.parametrize("other", [b'"\\ud800"', b'"\xff"', b"1e400", b"NaN"])
@pytest.mark.parametrize("first", ["p", "\\u0070"])
def test_what_makes_json_invalid_hides_no_secret(
    status: int, other: bytes, first: str
) -> None:
    """Answers are read leniently, and so are they searched."""
    message = f"you sent {first}{TOKEN[1:]}".encode()
    body = b'{"results":[],"errors":[{"message":"%b","n":%b}]}' % (message, other)
    answer = masked(Response(status, {}, body), [TOKEN])

    assert isinstance(answer, Response)
    assert MASK.encode() in answer.body
    assert read_json(answer.body)["errors"][0]["message"] == f"you sent {MASK}"


@pytest.mark.parametrize("depth", [300, 600, 900, 5_000])
def test_an_answer_that_is_nested_too_deeply_shows_no_secret(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    body = b'{"message":"\\u0070%b","n":%b}' % (TOKEN[1:].encode(), deep)
    answer = masked(Response(400, {}, body), [TOKEN])

    assert isinstance(answer, Response)
    assert TOKEN[1:].encode() not in answer.body


@given(st.integers(12, len(TOKEN)))
def test_a_quotation_that_is_cut_short_is_masked_too(length: int) -> None:
    body = f"you sent {TOKEN[:length]}... to us".encode()
    answer = masked(Response(400, {}, body), [TOKEN])

    assert isinstance(answer, Response)
    assert answer.body == f"you sent {MASK}... to us".encode()


@pytest.mark.parametrize("status", [200, 207, 400, 500])
@given(st.text(printable), st.dictionaries(st.sampled_from("abc"), st.text()))
def test_what_quotes_no_secret_is_returned_as_it_is(
    status: int, text: str, document: dict[str, str]
) -> None:
    for body in (text.encode(), orjson.dumps(document), json.dumps([text]).encode()):
        answer = Response(status, {"X-HubSpot-Correlation-Id": "c-1"}, body)
        assert masked(answer, [TOKEN]) is answer
        assert masked(answer, []) is answer


def test_what_begins_like_every_token_is_no_secret() -> None:
    answer = Response(400, {}, b"pat-na1-99998888 is another account's")
    assert masked(answer, [TOKEN]) is answer


def test_a_short_text_is_no_token() -> None:
    """With `category` masked, nothing could read the error."""
    answer = Response(400, {}, b'{"category": "x", "message": "no"}')
    assert masked(answer, ["category"]) is not answer
    assert masked(answer, ["catego", "x", ""]) is answer


def test_of_a_success_the_values_of_records_are_left_alone() -> None:
    record = {
        "id": TOKEN,
        "properties": {"token_of_another_app": TOKEN},
        "propertiesWithHistory": {"p": [{"value": TOKEN}]},
        "warnings": [{"category": TOKEN, "context": {"properties": TOKEN}}],
    }
    told = {"status": TOKEN, "results": [record], "errors": [{"message": TOKEN}]}
    answer = masked(Response(207, {}, orjson.dumps(told)), [TOKEN])

    assert isinstance(answer, Response)
    assert orjson.loads(answer.body) == {
        "status": MASK,
        "results": [
            {
                **record,
                "id": MASK,
                "warnings": [{"category": MASK, "context": {"properties": TOKEN}}],
            }
        ],
        "errors": [{"message": MASK}],
    }


def test_a_success_that_is_no_json_is_not_quoted_by_anybody() -> None:
    answer = Response(200, {}, TOKEN.encode())
    assert masked(answer, [TOKEN]) is answer


def test_headers_are_masked_and_still_found_in_any_case() -> None:
    class Found(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            return super().__getitem__(name.lower())

    headers = Found({"x-hubspot-correlation-id": f"c {TOKEN}", "retry-after": "5"})
    answer: Any = masked(Response(400, headers, b""), [TOKEN])

    assert answer.headers["X-HubSpot-Correlation-Id"] == f"c {MASK}"
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers.get("Location") is None
    assert [*answer.headers] == [*headers]
    assert len(answer.headers) == 2
    assert TOKEN not in repr([*answer.headers.values()])


@given(st.text(), st.text())
def test_the_reason_why_there_is_no_answer(before: str, after: str) -> None:
    """Parsers quote the line that they cannot read; any text stays what it is."""
    assume(TOKEN[:12] not in before + after)
    answer = masked(NoAnswer(sent=True, reason=f"{before}{TOKEN}{after}"), [TOKEN])

    assert answer == NoAnswer(sent=True, reason=f"{before}{MASK}{after}")


def test_several_secrets() -> None:
    body = b"client-secret-1 and refresh-token-2"
    answer = masked(Response(400, {}, body), ["client-secret-1", "refresh-token-2"])
    assert isinstance(answer, Response)
    assert answer.body == b"*** and ***"
