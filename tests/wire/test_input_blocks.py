"""Blocks of writes, encoded at once: the bytes of the single encoder, or none."""

from collections import OrderedDict
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._wire.bodies import Bodies
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch._wire.inputs import block_encoder, encoder
from hubbatch._wire.property_values import InvalidInput
from hubbatch.models import CreateInput, UpdateInput, UpsertInput
from tests.outcomes.helpers import ARCHIVE, CREATE, LEGACY, READ, UPDATE, UPSERT


UPDATE_BY_REF = operation_for(
    "objects", "update", "tickets", api_version="v3", id_property="ref"
)
RECONCILED = operation_for(
    "objects", "create", "tickets", api_version="v3", reconcile_by="ref"
)
READ_BY_REF = operation_for(
    "objects", "read", "tickets", api_version="v3", id_property="ref"
)
UPSERT_BY_NOTHING = operation_for("objects", "upsert", "tickets", api_version="v3")


UPDATE_IN_BERLIN = operation_for(
    "objects", "update", "tickets", zone=ZoneInfo("Europe/Berlin")
)
NOON = datetime(2026, 5, 31, 12)  # noqa: DTZ001 -- a time without a zone


class Priority(StrEnum):
    HIGH = "HIGH"


class Text(str):
    __slots__ = ()


class Unreadable:
    def __repr__(self) -> str:
        raise OSError("no repr")


class Incomparable:
    """It collides with a name of another record, and cannot be compared with it."""

    def __hash__(self) -> int:
        return hash("subject")

    def __eq__(self, other: object) -> bool:
        raise OSError("no comparison")


PLAIN: dict[str, Any] = {"id": "512", "properties": {"subject": "a", "note": ""}}

TEXTS = st.text(max_size=3) | st.sampled_from(
    ["", " ", "512", "0512", "\u0665", "\ud800", "2026-05-31 10:00"]
)
IDS = st.integers(1, 10**12).map(str) | TEXTS | st.integers(0, 9) | st.none()
VALUES = (
    TEXTS
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
    | st.sampled_from([Priority.HIGH, Text("t"), ["a", 1], object(), 10**40, NOON])
)
PROPERTIES = st.dictionaries(TEXTS | st.integers(0, 1), VALUES, max_size=3)
PLAIN_PROPERTIES = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.text(st.characters(exclude_categories=["Cs"])) | st.just("2026-05-31T10:00:00"),
    max_size=3,
)
INPUTS = st.one_of(
    st.builds(
        lambda n, texts: {"id": str(n), "properties": texts},
        st.integers(1, 10**12),
        PLAIN_PROPERTIES,
    ),
    st.fixed_dictionaries(
        {"id": IDS, "properties": PROPERTIES | st.integers()},
        optional={"objectWriteTraceId": TEXTS, "idProperty": st.just("ref")},
    ),
    st.builds(UpdateInput, IDS, PROPERTIES, st.none() | st.just("ref"), st.none()),
    st.builds(UpsertInput, st.just("7"), PLAIN_PROPERTIES),
    st.builds(lambda texts: {"properties": texts}, PLAIN_PROPERTIES | PROPERTIES),
    # Rows: flat mappings.
    st.builds(
        lambda n, texts: {"id": n, **texts},
        st.integers(1, 10**12) | st.integers(1, 10**12).map(str),
        PLAIN_PROPERTIES,
    ),
    st.fixed_dictionaries({"ref": IDS, "subject": VALUES}, optional={"id": IDS}),
    st.dictionaries(TEXTS, VALUES | st.just({"a": "b"}), max_size=3),
    st.integers(1, 10**12).map(str),
    TEXTS,
    st.integers(),
)
OPERATIONS = st.sampled_from(
    [
        UPDATE,
        UPDATE_BY_REF,
        UPDATE_IN_BERLIN,
        UPSERT,
        UPSERT_BY_NOTHING,
        CREATE,
        RECONCILED,
        READ,
        READ_BY_REF,
        ARCHIVE,
        LEGACY,
    ]
)
BLOCKS = st.lists(INPUTS, min_size=1, max_size=4) | st.lists(
    INPUTS, min_size=1, max_size=1
).map(lambda some: some * 2)


def in_a_block(operation: Operation, block: list[Any], first: int = 0) -> Any:
    return block_encoder(operation)(first, block)


@given(OPERATIONS, BLOCKS, st.integers(0, 10**6))
def test_a_block_has_the_bytes_of_its_inputs(
    operation: Operation, block: list[Any], first: int
) -> None:
    """What is done at once is what would have been done one by one."""
    at_once = in_a_block(operation, block, first)
    if at_once is None:
        return

    encode = encoder(operation)
    keys, joined, traces = at_once
    singly = [encode(index, given) for index, given in enumerate(block, first)]
    bodies = Bodies.of_block(joined, len(block))
    assert [*zip(keys, bodies, [None] * len(block), strict=True)] == singly
    sent = [orjson.loads(body).get("objectWriteTraceId") for body in bodies]
    assert traces == [trace for trace in sent if trace is not None]


@given(OPERATIONS, BLOCKS)
def test_what_must_not_be_sent_is_never_done_at_once(
    operation: Operation, block: list[Any]
) -> None:
    encode, refused = encoder(operation), False
    for index, given_input in enumerate(block):
        try:
            encode(index, given_input)
        except InvalidInput:
            refused = True

    if refused:
        assert in_a_block(operation, block) is None


@pytest.mark.parametrize(
    ("operation", "usual"),
    [
        (UPDATE, PLAIN),
        (UPDATE, {"id": "1", "properties": {}}),
        (UPDATE, {**PLAIN, "properties": {"rank": 5}}),
        (UPDATE, {**PLAIN, "properties": {"rank": None}}),
        (UPDATE, {**PLAIN, "properties": {"rank": Priority.HIGH}}),
        (UPDATE, UpdateInput("512", {"subject": "a"})),
        (UPDATE, UpsertInput("512", {"subject": "a"})),
        (UPSERT, {"id": "T-7", "properties": {"subject": "ä"}}),
        (UPSERT, UpsertInput("T-7", {"subject": "a"})),
        (CREATE, {"properties": {"subject": "a"}}),
        (CREATE, {"properties": {"subject": 5}}),
        (READ, "512"),
        (READ_BY_REF, "T-7"),
        (ARCHIVE, "512"),
        (UPDATE, {"id": "1", "properties": {"at": "2026-05-31T10:00:00Z"}}),
        (UPDATE, {"id": "1", "properties": {"at": "2026-05-31 10:00 h"}}),
        (UPDATE_IN_BERLIN, {"id": "1", "properties": {"at": "2026-05-31 10:00"}}),
    ],
)
def test_the_usual_is_done_at_once(operation: Operation, usual: Any) -> None:
    keys, joined, _ = in_a_block(operation, [usual, usual], first=41)
    inputs = orjson.loads(b"[%b]" % joined)

    assert len(keys) == len(inputs) == 2
    traces = [one.get("objectWriteTraceId") for one in inputs]
    traced = operation.call.creates or operation in (UPDATE, UPDATE_IN_BERLIN)
    assert traces == (["41", "42"] if traced else [None, None])


@pytest.mark.parametrize(
    ("operation", "row", "shaped"),
    [
        (UPDATE, {"id": 512, "a": "b"}, {"id": "512", "properties": {"a": "b"}}),
        (UPSERT, {"ref": "T-7", "a": 5}, {"id": "T-7", "properties": {"a": "5"}}),
        (CREATE, {"id": 512, "a": "b"}, {"properties": {"a": "b"}}),
        (READ, {"id": 512, "a": "b"}, "512"),
        (READ_BY_REF, {"ref": "T-7", "a": "b"}, "T-7"),
        (ARCHIVE, {"id": "512"}, "512"),
    ],
)
def test_rows_are_done_at_once_like_inputs_in_hubspots_shape(
    operation: Operation, row: Any, shaped: Any
) -> None:
    at_once = in_a_block(operation, [row, row])

    assert at_once is not None
    assert at_once == in_a_block(operation, [shaped, shaped])


@pytest.mark.parametrize(
    ("operation", "other"),
    [
        (UPDATE, {**PLAIN, "id": 512}),
        (UPDATE, {**PLAIN, "id": "0512"}),
        (UPDATE, {**PLAIN, "id": ""}),
        (UPDATE, {**PLAIN, "id": "T-7"}),
        (UPDATE, {**PLAIN, "id": "\u0665\u0661"}),
        (UPDATE, {**PLAIN, "id": Text("512")}),
        (UPDATE, {**PLAIN, "objectWriteTraceId": "mine"}),
        (UPDATE, {"properties": {}, "objectWriteTraceId": "mine"}),
        (UPDATE, {"id": "512", "associations": []}),
        (UPDATE, {**PLAIN, "properties": {"rank": object()}}),
        (UPDATE, {**PLAIN, "properties": {"": "a"}}),
        (UPDATE, {**PLAIN, "properties": {5: "a"}}),
        (UPDATE, {**PLAIN, "properties": {10**5000: 5}}),
        (UPDATE, {**PLAIN, "properties": {Unreadable(): 5}}),
        (CREATE, {"properties": {Unreadable(): 5}}),
        (UPDATE, {**PLAIN, "properties": {Incomparable(): "a"}}),
        (CREATE, {"properties": {Incomparable(): "a"}}),
        (UPDATE, {**PLAIN, "properties": {"a": "\ud800"}}),
        (UPDATE, {**PLAIN, "properties": OrderedDict(a="b")}),
        (UPDATE, {**PLAIN, "properties": [("a", "b")]}),
        (UPDATE, OrderedDict(PLAIN)),
        (UPDATE, UpdateInput("512", {}, "ref")),
        (UPDATE, UpdateInput("512", {}, None, "mine")),
        (UPDATE, "512"),
        (UPDATE_BY_REF, PLAIN),
        (UPSERT, {**PLAIN, "id": " T-7"}),
        (UPSERT, {**PLAIN, "id": ""}),
        (UPSERT_BY_NOTHING, PLAIN),
        (CREATE, {"properties": {"": "a"}}),
        (CREATE, {"properties": {}, "associations": []}),
        (CREATE, {"objectWriteTraceId": "mine"}),
        (CREATE, CreateInput({"subject": "a"})),
        (RECONCILED, {"properties": {"ref": "a"}}),
        (READ, 512),
        (READ, "0512"),
        (READ, Text("512")),
        (READ, {"id": "512", "properties": {}}),
        (READ_BY_REF, "T-7 "),
        (READ_BY_REF, "\ud800"),
        (LEGACY, {"objectId": 5, "properties": []}),
    ],
)
def test_anything_else_is_left_to_the_single_encoder(
    operation: Operation, other: Any
) -> None:
    plain = {CREATE: {"properties": {}}, READ: "1"}.get(operation, PLAIN)
    assert in_a_block(operation, [other]) is None
    assert in_a_block(operation, [plain, other]) is None
    assert in_a_block(operation, [other, plain]) is None


@pytest.mark.parametrize("operation", [UPDATE, UPSERT, CREATE, READ, ARCHIVE])
def test_nothing_is_no_block(operation: Operation) -> None:
    assert in_a_block(operation, []) is None
