"""Records as the user's own classes, both ways."""

import dataclasses

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, ClassVar, Literal, NewType, Optional

import attrs
import orjson
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch import PropertyName, RecordInvalid, SimplePublicObject, UpdateInput
from hubbatch._wire.endpoints import operation_for
from hubbatch._wire.inputs import encoder
from hubbatch._wire.property_values import InvalidInput
from hubbatch._wire.user_classes import as_record, class_mapping, is_typed, typed_id


class Priority(StrEnum):
    LOW = "LOW"
    HIGH = "HIGH"


class Level(IntEnum):
    ONE = 1
    TWO = 2


class Answer(Enum):
    YES = True
    NO = False


Cents = NewType("Cents", int)


@attrs.define
class Ticket:
    id: str | None = None
    subject: str = ""
    amount: Decimal | None = None
    seats: int | None = None
    score: float | None = None
    urgent: bool | None = None
    due: date | None = None
    closed: datetime | None = None
    priority: Annotated[Priority | None, PropertyName("hs_ticket_priority")] = None
    level: Optional[Level] = None  # noqa: UP045 -- users write it too
    tags: list[str] = attrs.Factory(list)
    levels: frozenset[Level] = frozenset()


FULL = Ticket(
    "512",
    "Printer",
    Decimal("12.50"),
    3,
    0.25,
    True,  # noqa: FBT003
    date(2026, 9, 14),
    datetime(2026, 9, 14, 12, 30, 0, 125_000, tzinfo=UTC),
    Priority.HIGH,
    Level.TWO,
    ["a", "b"],
    frozenset(Level),
)
TEXTS = {
    "subject": "Printer",
    "amount": "12.50",
    "seats": "3",
    "score": "0.25",
    "urgent": "true",
    "due": "2026-09-14",
    "closed": "2026-09-14T12:30:00.125Z",
    "hs_ticket_priority": "HIGH",
    "level": "2",
    "tags": "a;b",
    "levels": "1;2",
}


def read(cls: type, **properties: Any) -> Any:
    return class_mapping(cls).from_record(SimplePublicObject("512", properties))


def sent(value: object, verb: Any = "update", id_property: str | None = None) -> Any:
    operation = operation_for(
        "objects", verb, "tickets", api_version="v3", id_property=id_property
    )
    body = orjson.loads(encoder(operation)(7, value)[1])
    assert body.pop("objectWriteTraceId") == "7"
    return body


# ---- a class and its properties


def test_its_fields_are_asked_for() -> None:
    assert class_mapping(Ticket).properties == tuple(TEXTS)


def test_a_record_becomes_one_and_one_becomes_a_record() -> None:
    assert (
        class_mapping(Ticket).from_record(SimplePublicObject("512", {**TEXTS})) == FULL
    )
    assert sent(FULL) == {"id": "512", "properties": TEXTS}
    assert as_record(FULL) == SimplePublicObject("512", {**TEXTS})
    assert typed_id(FULL) == "512"


def test_what_is_not_set() -> None:
    """It is None, or no items; a text that was cleared is a text."""
    empty = read(Ticket, **dict.fromkeys(TEXTS))
    assert empty == attrs.evolve(Ticket(), id="512")
    assert read(Ticket) == empty
    assert read(Ticket, **dict.fromkeys(TEXTS, "")) == empty


def test_none_is_what_hubspot_says_whatever_the_default() -> None:
    @attrs.define
    class Mine:
        subject: str | None = "none yet"
        kind: str = "plain"
        tags: list[str] | None = None
        more: set[str] = attrs.Factory(lambda: {"x"})

    assert read(Mine) == Mine(None, "plain", None, set())
    assert read(Mine, subject="", kind="") == Mine("", "", None, set())


def test_a_dataclass_will_do() -> None:
    @dataclasses.dataclass
    class Mine:
        seats: int
        id: int = 0
        hidden: str = dataclasses.field(default="x", init=False)
        many: list[int] = dataclasses.field(default_factory=list)
        shared: ClassVar[int] = 5

    assert class_mapping(Mine).properties == ("seats", "many")
    assert read(Mine, seats="3", many="1;2") == Mine(3, 512, [1, 2])
    assert sent(Mine(3, 512)) == {"id": "512", "properties": {"seats": "3", "many": ""}}


def test_names_in_attrs_and_names_in_hubspot() -> None:
    @attrs.define
    class Mine:
        _subject: str
        made: Annotated[datetime, PropertyName("createdate", read_only=True)]
        low: Annotated[str, PropertyName("lowest")] | None
        spare: str = attrs.field(default="x", init=False)
        own: str = attrs.field(default="y", alias="theirs")

    shape = class_mapping(Mine)
    assert shape.properties == ("subject", "createdate", "lowest", "own")
    mine = read(
        Mine, subject="s", createdate="2026-09-14T00:00:00Z", lowest="l", own="o"
    )
    assert mine == Mine("s", datetime(2026, 9, 14, tzinfo=UTC), "l", "o")
    assert sent(mine, "create")["properties"] == {
        "subject": "s",
        "lowest": "l",
        "own": "o",
    }


def test_other_ways_to_write_a_type() -> None:
    @attrs.define
    class Mine:
        cents: Cents
        price: Cents | None
        kind: Literal["a", "b", 3]
        ids: tuple[int, ...]
        yes: Answer
        named: "Annotated[str, 'a note']" = ""

    mine = read(Mine, cents="5", kind="3", ids="1;2;", yes="false")
    assert mine == Mine(Cents(5), None, 3, (1, 2), Answer.NO)
    untyped = attrs.make_class("Untyped", ["subject"])
    assert read(untyped, subject="s").subject == "s"


# ---- values


@pytest.mark.parametrize(
    ("of_type", "text", "value"),
    [
        (int, "12.0", 12),
        (int, "-1E3", -1000),
        (float, "1e3", 1000.0),
        (Decimal, "1.10", Decimal("1.10")),
        (bool, "TRUE", True),
        (bool, "false", False),
        (date, "2026-09-14T00:00:00Z", date(2026, 9, 14)),
        (date, "1789344000000", date(2026, 9, 14)),
        (datetime, "1789344000125", datetime(2026, 9, 14, 0, 0, 0, 125_000, UTC)),
        (datetime, "-1000", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (datetime, "2026-09-14", datetime(2026, 9, 14, tzinfo=UTC)),
        (
            datetime,
            "2026-09-14T12:00:00+02:00",
            datetime(2026, 9, 14, 12, tzinfo=timezone(timedelta(hours=2))),
        ),
        (list[bool], "true;false", [True, False]),
        (set[str], "a;a;b", {"a", "b"}),
    ],
)
def test_values(of_type: Any, text: str, value: object) -> None:
    mine = attrs.make_class("Mine", {"value": attrs.field(type=of_type)})
    assert read(mine, value=text).value == value


@pytest.mark.parametrize(
    ("of_type", "text", "told"),
    [
        (int, "12.5", "int"),
        (int, "many", "int"),
        (int, "NaN", "int"),
        (int, "1e2000", "int"),
        (float, "inf", "float"),
        (float, "1,5", "float"),
        (Decimal, "NaN", "Decimal"),
        (Decimal, "x", "Decimal"),
        (bool, "yes", "bool"),
        (date, "2026-09-14T12:00:00Z", "date"),
        (date, "14.9.2026", "date"),
        (datetime, "soon", "datetime"),
        (datetime, "9" * 30, "datetime"),
        (datetime, "9" * 5_000, "datetime"),
        (Priority, "MEDIUM", "Priority"),
        (Literal["a"], "b", "Literal"),
        (list[int], "1;x", "list"),
        (int | None, "x", "int"),
    ],
)
def test_a_value_that_does_not_fit_is_named(of_type: Any, text: str, told: str) -> None:
    mine = attrs.make_class("Mine", {"value": attrs.field(type=of_type)})
    with pytest.raises(RecordInvalid) as caught:
        read(mine, value=text)
    error = caught.value
    assert error.message == (
        f"property 'value' of record 512 is {text!r}, which is not of type {told}"
    )
    assert (error.property_name, error.origin) == ("value", "hubbatch")
    assert error.category == "UNEXPECTED_VALUE"


def test_a_property_that_must_be_set() -> None:
    @attrs.define
    class Mine:
        seats: int

    for properties in ({}, {"seats": None}, {"seats": ""}):
        with pytest.raises(
            RecordInvalid, match="'seats' of record 512 is not set, and"
        ):
            read(Mine, **properties)


def test_an_id_that_does_not_fit() -> None:
    @attrs.define
    class Mine:
        id: Level

    with pytest.raises(RecordInvalid, match="property 'id' of record 512 is '512'"):
        read(Mine)


def test_what_the_class_itself_refuses() -> None:
    @attrs.define
    class Mine:
        seats: int = attrs.field(validator=attrs.validators.lt(10))

    with pytest.raises(RecordInvalid, match="record 512 does not fit Mine: ValueError"):
        read(Mine, seats="11")


def test_a_value_that_is_no_text() -> None:
    """HubSpot sends none; a proxy's idea of JSON must not end the batch."""
    assert read(Ticket, seats=3, urgent=True).seats == 3


MEMBERS = st.builds(
    Ticket,
    id=st.integers(1, 10**12).map(str),
    subject=st.text(st.characters(codec="utf-8")),
    amount=st.none() | st.decimals(-(10**9), 10**9, places=3),
    seats=st.none() | st.integers(),
    score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    urgent=st.none() | st.booleans(),
    due=st.none() | st.dates(),
    closed=st.none()
    | st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 -- hypothesis adds it
        lambda instant: instant.replace(microsecond=instant.microsecond // 1000 * 1000)
    ),
    priority=st.none() | st.sampled_from(Priority),
    level=st.none() | st.sampled_from(Level),
    tags=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters=";"), min_size=1)
    ),
    levels=st.frozensets(st.sampled_from(Level)),
)


@given(MEMBERS)
def test_what_is_written_is_read_back(ticket: Ticket) -> None:
    body = sent(ticket)
    record = SimplePublicObject(body["id"], body["properties"])
    assert class_mapping(Ticket).from_record(record) == ticket


# ---- writing


def test_which_field_is_the_id() -> None:
    @attrs.define
    class Mine:
        ref: str | None = None
        seats: int | None = None
        id: int | None = None

    mine = Mine("r1", 3, 512)
    assert sent(mine) == {"id": "512", "properties": {"ref": "r1", "seats": "3"}}
    assert sent(mine, "upsert", "ref") == {
        "id": "r1",
        "idProperty": "ref",
        "properties": {"ref": "r1", "seats": "3"},
    }
    assert sent(Mine("r1"), "create") == {"properties": {"ref": "r1"}}
    assert sent(mine, "create") == sent(attrs.evolve(mine, id=None), "create")
    for wrong, options in ((Mine("r1"), ()), (Mine(id=5), ("upsert", "ref"))):
        with pytest.raises(InvalidInput, match="is missing"):
            sent(wrong, *options)


def test_the_id_is_known_by_its_name_in_hubspot() -> None:
    @attrs.define
    class Mine:
        id: Annotated[str | None, PropertyName("erp_id")] = None
        record: Annotated[int | None, PropertyName("id")] = None

    shape = class_mapping(Mine)
    assert shape.properties == ("erp_id",)
    mine = shape.from_record(SimplePublicObject("512", {"erp_id": "E1"}))
    assert mine == Mine("E1", 512)
    assert sent(mine) == {"id": "512", "properties": {"erp_id": "E1"}}


@pytest.mark.parametrize("verb", ["read", "archive"])
def test_one_may_stand_for_its_id(verb: Any) -> None:
    operation = operation_for("objects", verb, "tickets", api_version="v3")
    assert encoder(operation)(0, Ticket(id="512"))[1] == b'{"id":"512"}'
    legacy = operation_for("legacy", verb, "tickets")
    assert encoder(legacy)(0, Ticket(id="512"))[1] == b"512"


def test_a_value_that_cannot_be_written_is_named() -> None:
    naive = datetime(2026, 9, 14)  # noqa: DTZ001 -- the mistake itself
    with pytest.raises(
        InvalidInput, match="'closed' is a datetime without a time zone"
    ):
        sent(Ticket(id="1", closed=naive))


# ---- misuse


class Plain:
    subject: str


@pytest.mark.parametrize("wrong", [5, "Ticket", Plain, dict, [Ticket], Ticket(), None])
def test_what_is_no_class_with_fields(wrong: Any) -> None:
    with pytest.raises(TypeError, match="Expected an attrs class or a dataclass, not"):
        class_mapping(wrong)


@pytest.mark.parametrize(
    "of_type",
    [
        dict[str, str],
        Plain,
        int | str,
        list,
        list[Plain],
        list[list[int]],
        tuple[int, str],
        Ticket,
        Any,
    ],
    ids=str,
)
def test_what_a_property_cannot_be(of_type: Any) -> None:
    mine = attrs.make_class("Mine", {"value": attrs.field(type=of_type)})
    with pytest.raises(TypeError, match=r"Mine\.value is of type .* cannot have"):
        class_mapping(mine)


def test_two_fields_for_one_property() -> None:
    @attrs.define
    class Mine:
        one: str
        two: Annotated[str, PropertyName("one")]

    with pytest.raises(TypeError, match=r"two fields for one"):
        class_mapping(Mine)


def test_a_type_that_is_nowhere() -> None:
    @attrs.define
    class Mine:
        value: "Nowhere"  # type: ignore[name-defined] # noqa: F821 -- the mistake

    with pytest.raises(TypeError, match=r"types of Mine cannot be resolved: .*Nowhere"):
        class_mapping(Mine)


@pytest.mark.parametrize(
    ("name", "kind"), [("", ValueError), ("a\nb", TypeError), (5, TypeError)]
)
def test_a_name_that_is_none(name: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="A property name"):
        PropertyName(name)


@pytest.mark.parametrize("own", [UpdateInput("1", {}), SimplePublicObject("1", {}), {}])
def test_ours_are_not_typed(own: Any) -> None:
    assert not is_typed(type(own))
    assert as_record(own) is own
    assert typed_id(own) is None


@pytest.mark.parametrize("read_id", [typed_id, lambda one: as_record(one).id or None])
def test_one_without_an_id(read_id: Callable[[Any], Any]) -> None:
    @attrs.define
    class Mine:
        subject: str

    assert read_id(Mine("s")) is None
