"""What the simulator takes for JSON: no more than Jackson does."""

import json

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch.simulator.json_text import MAX_DEPTH, InvalidJSON, decode

from .behaviours import behaviour
from .conftest import World


READ = "/crm/v3/objects/tickets/batch/read"
INVALID = {
    "nothing": b"",
    "only white space": b" \n",
    "cut off": b'{"inputs": [{"id": "1"',
    "more than a value": b"{} {}",
    "trailing comma": b"[1,]",
    "single quotes": b"{'a': 1}",
    "key that is no string": b"{1: 2}",
    "comment": b"[1] // one",
    "leading zero": b"[01]",
    "leading plus": b"[+1]",
    "no digit after the point": b"[1.]",
    "NaN": b"[NaN]",
    "Infinity": b"[Infinity]",
    "-Infinity": b"[-Infinity]",
    "infinite as a float": b"[1e400]",
    "unknown escape": rb'["\x41"]',
    "short escape": rb'["\u12"]',
    "control character": b'["a\tb"]',
    "lone high surrogate": rb'["\ud800"]',
    "high surrogate before a letter": rb'["\ud800 and more"]',
    "lone low surrogate": rb'["\udc00 and more"]',
    "surrogates in the wrong order": rb'["\udc00\ud800"]',
    "surrogate as a key": rb'{"\ud800 and more": 1}',
    "surrogate as bytes": b'["\xed\xa0\x80"]',
    "Latin-1": '["é"]'.encode("latin-1"),
    "UTF-16": '["a"]'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf[]",
    "overlong UTF-8": b'["\xc0\xaf"]',
}


@behaviour("invalid-json")
@pytest.mark.parametrize("content", INVALID.values(), ids=INVALID)
def test_what_is_not_json(content: bytes) -> None:
    with pytest.raises(InvalidJSON):
        decode(content)


@behaviour("invalid-json")
@pytest.mark.parametrize(
    "value",
    [r'"\ud800 and more"', r'"\udc00"', '"\t"', '"\xe9"', "NaN", "[" * 999 + "]" * 999],
)
def test_the_whole_call_is_refused(world: World, value: str) -> None:
    content = f'{{"inputs": [{{"id": "1"}}], "properties": [{value}]}}'
    response = world.post(READ, content=content.encode("latin-1"))

    assert response.status == 400
    assert response.message.startswith("Invalid input JSON on line 1, column ")
    assert "category" not in response.body


@behaviour("invalid-json")
@pytest.mark.parametrize("opened", ["[", '{"a":', '[{"a":'])
@pytest.mark.parametrize("more", [1, 100_000])
def test_too_deep(opened: str, more: int) -> None:
    levels = MAX_DEPTH // (opened.count("[") + opened.count("{")) + more
    closed = {"[": "]", '{"a":': "}", '[{"a":': "}]"}[opened]

    with pytest.raises(InvalidJSON, match="nested more than 1000 levels deep"):
        decode(f"{opened * levels}1{closed * levels}".encode())


@behaviour("invalid-json")
def test_many_brackets_are_not_deep() -> None:
    value = [[{}] * MAX_DEPTH, "[" * MAX_DEPTH, ["{" * MAX_DEPTH]]

    assert decode(json.dumps(value).encode()) == value


@behaviour("invalid-json")
@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b"{]", 1, 2),
        (b'{\n "a": 1,\n "b": ?\n}', 3, 7),
        (b'{\n "a": [1,\n', 3, 1),
    ],
)
def test_where_it_is_invalid(content: bytes, line: int, column: int) -> None:
    with pytest.raises(InvalidJSON) as raised:
        decode(content)

    assert (raised.value.line, raised.value.column) == (line, column)
    assert "byte" not in raised.value.reason


@behaviour("invalid-json")
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    )
)
def test_all_other_values(value: object) -> None:
    for ascii_only in (True, False):
        content = json.dumps(value, ensure_ascii=ascii_only).encode()

        assert decode(content) == value
