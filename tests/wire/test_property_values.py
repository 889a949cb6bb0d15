"""Python values as the texts that HubSpot's properties hold."""

import math
import pickle

from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._timestamps import epoch_milliseconds, iso_milliseconds
from hubbatch._wire.property_values import (
    AS_IS,
    Append,
    InvalidInput,
    TimeFormat,
    Unsendable,
    append_of,
    check_encodable,
    is_local_time,
    may_have_local_time,
    property_values,
    record_id,
)


BERLIN = timezone(timedelta(hours=2))


class Stage(Enum):
    NEW = 1
    OPEN = "open"
    BOTH = ("open", "new")
    NOTHING = None


class Priority(StrEnum):
    HIGH = "HIGH"


class Level(IntEnum):
    LOW = 3


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "not this"


class NumpyFloat(float):
    """What numpy 2 does: a float whose repr is no number."""

    def __repr__(self) -> str:
        return f"np.float64({float.__repr__(self)})"


class Scalar:
    """A numpy scalar, as far as we look at one."""

    def __init__(self, inner: object) -> None:
        self.inner = inner

    def __repr__(self) -> str:
        return f"Scalar({self.inner!r})"

    def item(self) -> object:
        return self.inner


class Several:
    """An array of several values: it has no single one."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __repr__(self) -> str:
        return f"Several({self.error!r})"

    def item(self) -> object:
        raise self.error


def text_of(value: object, *, legacy: bool = False) -> str | None:
    return property_values({"a": value}, TimeFormat(legacy=legacy)).get("a")


def refused(value: object, *, legacy: bool = False) -> str:
    with pytest.raises(InvalidInput) as caught:
        text_of(value, legacy=legacy)

    assert caught.value.field == "a"
    assert "'a'" in str(caught.value)

    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        (" a;b ", " a;b "),
        (Text("text"), "text"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-12, "-12"),
        (2**80, str(2**80)),
        (Level.LOW, "3"),
        (Priority.HIGH, "HIGH"),
        (Stage.NEW, "1"),
        (Stage.OPEN, "open"),
        (Stage.BOTH, "open;new"),
        (1.5, "1.5"),
        (3.0, "3"),
        (-0.0, "0"),
        (1e-7, "0.0000001"),
        (1e22, "1" + 22 * "0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (NumpyFloat(0.1), "0.1"),
        (NumpyFloat(2.0), "2"),
        (Decimal("10.50"), "10.50"),
        (Decimal("1E+3"), "1000"),
        (datetime(2026, 3, 1, 12, 30, 15, 123999, UTC), "2026-03-01T12:30:15.123Z"),
        (datetime(2026, 3, 1, 1, tzinfo=BERLIN), "2026-02-28T23:00:00.000Z"),
        (date(2026, 3, 1), "2026-03-01"),
        ([], ""),
        (["a", "b"], "a;b"),
        (("a", 1, True, 2.0), "a;1;true;2"),
        # Its own text is another one in every process.
        pytest.param({"b", "a", "c"}, "a;b;c", id="a set"),
        (frozenset({2, 1}), "1;2"),
        ([date(2026, 3, 1), Stage.OPEN, Scalar(7)], "2026-03-01;open;7"),
        (Scalar(5), "5"),
        (Scalar(inner=True), "true"),
        (Scalar("x"), "x"),
        (Scalar([1, 2]), "1;2"),
    ],
    ids=repr,
)
def test_a_value_has_a_text(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [None, Stage.NOTHING, Scalar(None)], ids=repr)
def test_none_leaves_a_property_out(value: object) -> None:
    assert property_values({"a": value, "b": ""}) == {"b": ""}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(1970, 1, 1, 0, 0, 1, 5999, UTC), "1005"),
        (datetime(2018, 4, 4, 22, 9, 22, 16000, tzinfo=BERLIN), "1522872562016"),
        (datetime(1969, 12, 31, 23, 59, 59, 999000, UTC), "-1"),
        (date(1970, 1, 2), "86400000"),
        ([date(1970, 1, 2), datetime(1970, 1, 1, tzinfo=UTC)], "86400000;0"),
        ([Stage.BOTH.value[0]], "open"),
        (True, "true"),
    ],
)
def test_the_legacy_api_takes_milliseconds(value: object, text: str) -> None:
    assert text_of(value, legacy=True) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Decimal("NaN")])
def test_a_number_must_be_finite(value: object) -> None:
    assert "not a finite number" in refused(value)
    assert "not a finite number" in refused(Scalar(value))
    assert "not a finite number" in refused([1, value])


def test_a_datetime_needs_a_time_zone() -> None:
    naive = datetime(2026, 3, 1, 12)  # noqa: DTZ001 -- that is the point

    assert "without a time zone" in refused(naive)
    assert "without a time zone" in refused(naive, legacy=True)
    assert "without a time zone" in refused([naive])


def test_an_item_must_not_be_taken_for_two() -> None:
    """HubSpot separates the values of an enumeration by semicolons."""
    assert "';'" in refused(["a;b"])
    assert "';'" in refused({"a;b"})
    assert "';'" in refused([Stage.BOTH])


@pytest.mark.parametrize("item", [None, Stage.NOTHING, Scalar(None)], ids=repr)
def test_a_list_has_no_room_for_none(item: object) -> None:
    assert "None in it" in refused(["a", item])


@pytest.mark.parametrize(
    "value",
    [
        object(),
        b"bytes",
        {"a": "mapping"},
        [["nested"]],
        1j,
        Scalar,
        Several(ValueError("can only convert an array of size 1")),
        Several(RuntimeError("a Tensor with 2 elements cannot be converted")),
        iter(["a"]),
    ],
    ids=lambda value: repr(value).split(" at ")[0],
)
def test_other_values_have_no_text(value: object) -> None:
    assert "type" in refused(value)


class RaisingOffset(datetime):
    """What pandas' NaT does: a datetime whose methods raise."""

    def utcoffset(self) -> timedelta:
        raise ValueError("NaTType does not support utcoffset")


@pytest.mark.parametrize(
    "value",
    [
        10**5000,
        RaisingOffset(2026, 1, 1, tzinfo=UTC),
        datetime.min.replace(tzinfo=BERLIN),
    ],
    ids=["a number of 5001 digits", "NaT", "before the year 1"],
)
def test_a_value_that_raises_is_that_record_s_own_trouble(value: object) -> None:
    assert "cannot be written" in refused(value)


def test_item_may_unwrap_more_than_once() -> None:
    class Outer(Scalar):
        pass

    assert text_of(Outer(Scalar(3))) == "3"
    assert "type Scalar" in refused(Scalar(Scalar(3)))


class Kind:
    """A numpy dtype, as far as anybody looks."""

    type: Any = float

    def __init__(self, kind: str) -> None:
        self.kind = kind


class NumpyTime(Scalar):
    """A numpy datetime64 (`M`) or timedelta64 (`m`)."""

    def __init__(self, kind: str, value: object) -> None:
        super().__init__(value)
        self.dtype = Kind(kind)


# What item() gives depends on the unit: nanoseconds are a bare number.
NUMPY_TIMES = [
    NumpyTime("M", 1_760_000_000_000_000_000),
    NumpyTime("M", datetime(2026, 1, 1)),  # noqa: DTZ001 -- that is what it gives
    NumpyTime("M", None),
    NumpyTime("m", 5),
    NumpyTime("m", timedelta(seconds=5)),
]


@pytest.mark.parametrize("value", NUMPY_TIMES)
def test_a_numpy_time_has_no_time_zone(value: object) -> None:
    assert "a time without a time zone" in refused(value)
    assert "a time without a time zone" in refused([value])


class Datetime64(NumpyTime):
    """A numpy datetime64 in nanoseconds: astype() makes its item() a datetime."""

    def astype(self, dtype: str) -> Scalar:
        assert dtype == "datetime64[us]"
        return Scalar(datetime(2026, 5, 31, 12))  # noqa: DTZ001 -- that is what it gives


def test_a_numpy_time_is_local_in_a_zone() -> None:
    times = TimeFormat(BERLIN)
    value = Datetime64("M", 1_760_000_000_000_000_000)

    assert property_values({"a": value}, times) == {"a": "2026-05-31T10:00:00.000Z"}
    with pytest.raises(InvalidInput, match="a time without a time zone"):
        property_values({"a": NumpyTime("m", 5)}, times)


class Datetime64OfDays(NumpyTime):
    """A numpy datetime64 in days: its item() is a date, or a number beyond year 9999"""

    def astype(self, _dtype: str) -> Scalar:
        return self


@pytest.mark.parametrize("times", [TimeFormat(), TimeFormat(BERLIN)])
def test_a_numpy_day_is_a_date(times: TimeFormat) -> None:
    day = Datetime64OfDays("M", date(2026, 1, 31))

    assert property_values({"a": day}, times) == {"a": "2026-01-31"}


def test_a_numpy_time_that_python_lacks_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'a' is not in the years 1 to 9999"):
        property_values({"a": Datetime64OfDays("M", 10**9)}, TimeFormat(BERLIN))


class Float32(float):
    """A numpy float32, whose text has fewer digits than that of its item()."""

    def __str__(self) -> str:
        return f"{float(self):.7g}"


def test_a_float_of_32_bits_has_its_own_digits() -> None:
    value = NumpyTime("f", 0.10000000149011612)
    value.dtype.type = Float32

    assert text_of(value) == "0.1"


def test_an_array_is_a_list() -> None:
    class Array(Several):
        def tolist(self) -> list[object]:
            return ["a", 1]

    assert text_of(Array(ValueError("can only convert an array of size 1"))) == "a;1"


def test_an_arrow_scalar_is_its_value() -> None:
    class ArrowScalar:
        def as_py(self) -> int:
            return 5

    assert text_of(ArrowScalar()) == "5"
    assert record_id(ArrowScalar()) == "5"


@pytest.mark.parametrize("value", NUMPY_TIMES)
def test_a_numpy_time_is_no_id(value: object) -> None:
    with pytest.raises(InvalidInput, match="not type NumpyTime"):
        record_id(value)


def test_other_numpy_scalars_are_unwrapped() -> None:
    assert text_of(NumpyTime("i", 7)) == "7"
    assert record_id(NumpyTime("i", 7)) == "7"


@pytest.mark.parametrize(
    "value",
    ["1e300000000", "1e-300000000", "0e300000000", "-1e1001", "1e1001", "9" * 2000],
)
def test_a_decimal_of_too_many_digits_is_never_written_out(value: str) -> None:
    assert "too many digits" in refused(Decimal(value))
    assert "too many digits" in refused([Decimal(value)])


def test_a_decimal_of_many_digits_is() -> None:
    assert text_of(Decimal("1e1000")) == "1" + 1000 * "0"
    assert text_of(Decimal("1e-1000")) == "0." + 999 * "0" + "1"


@pytest.mark.parametrize("properties", [None, "a=b", ["a"], 5, {"a"}], ids=repr)
def test_properties_are_a_mapping(properties: object) -> None:
    with pytest.raises(InvalidInput, match="must be a mapping") as caught:
        property_values(properties)

    assert caught.value.field == "properties"


@pytest.mark.parametrize("name", [1, None, "", ("a",), b"a"], ids=repr)
def test_a_property_name_is_a_text(name: Any) -> None:
    with pytest.raises(InvalidInput, match="property name") as caught:
        property_values({name: "x"})

    assert caught.value.field == str(name)


def test_a_name_may_be_a_member_of_a_str_enum() -> None:
    texts = property_values({Priority.HIGH: 1})

    assert texts == {"HIGH": "1"}
    assert [type(name) for name in texts] == [str]


def test_any_mapping_will_do_and_is_not_changed() -> None:
    properties = OrderedDict(a=1, b=None)

    assert property_values(properties) == {"a": "1"}
    assert properties == OrderedDict(a=1, b=None)


SCALARS = (
    st.text()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.datetimes(timezones=st.just(UTC) | st.just(BERLIN) | st.none())
    | st.dates()
    | st.sampled_from(Stage)
    | st.none()
    | st.binary()
)


@given(st.dictionaries(st.text(), SCALARS | st.lists(SCALARS)), st.booleans())
def test_every_value_is_a_text_or_refused_by_name(
    properties: dict[str, object],
    legacy: bool,  # noqa: FBT001 -- a strategy's
) -> None:
    texts: dict[str, str] = {}
    blamed = None
    try:
        texts = property_values(properties, TimeFormat(legacy=legacy))
    except InvalidInput as error:
        blamed = error.field

    left_out = {
        name for name, value in properties.items() if value in (None, Stage.NOTHING)
    }
    assert blamed in properties or texts.keys() == properties.keys() - left_out
    assert {type(text) for text in texts.values()} <= {str}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_its_value_without_an_exponent(value: float) -> None:
    text = text_of(value)

    assert text is not None
    assert float(text) == value
    assert "e" not in text.lower()


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_keeps_its_value(value: Decimal) -> None:
    text = text_of(value)

    assert text is not None
    assert Decimal(text) == value


@given(st.sets(st.text("abc", min_size=1) | st.integers()))
def test_a_set_always_gives_the_same_text(values: set[object]) -> None:
    again: set[object] = set()
    for value in sorted(values, key=repr):
        again.add(value)  # in another order than hypothesis did

    assert text_of(values) == text_of(again) == text_of(frozenset(values))


AWARE = st.datetimes(
    datetime.min + timedelta(days=1),  # noqa: DTZ901 -- hypothesis adds the zone
    datetime.max - timedelta(days=1),  # noqa: DTZ901
    timezones=st.just(UTC) | st.just(BERLIN),
)


@given(AWARE)
def test_a_datetime_is_written_to_the_millisecond(value: datetime) -> None:
    text = iso_milliseconds(value)
    read = datetime.fromisoformat(text)

    assert text.endswith("Z")
    assert len(text) == len("2026-03-01T12:30:15.123Z")
    assert timedelta(0) <= value - read < timedelta(milliseconds=1)


@given(AWARE)
def test_epoch_milliseconds_are_exact(value: datetime) -> None:
    since = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        milliseconds=epoch_milliseconds(value)
    )

    assert timedelta(0) <= value - since < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("512", "512"),
        (512, "512"),
        ("0512", "0512"),
        (
            "550e8400-e29b-41d4-a716-446655440000",
            "550e8400-e29b-41d4-a716-446655440000",
        ),
        (Level.LOW, "3"),
        (Priority.HIGH, "HIGH"),
        (Text("7"), "7"),
        (Scalar(8), "8"),
        (Scalar("9"), "9"),
        (Decimal(512), "512"),
        (Decimal("5.120e2"), "512"),
        (Scalar(Decimal(512)), "512"),
    ],
    ids=repr,
)
def test_an_id(value: object, text: str) -> None:
    assert record_id(value) == text
    assert type(record_id(value)) is str


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "id is missing"),
        ("", "empty"),
        ("  ", "empty"),
        (" 512", "white space"),
        ("512\n", "white space"),
        ("512.0", "not a record id"),
        ("5.12e2", "not a record id"),
        ("5E2", "not a record id"),
        ("-512", "not a record id"),
        ("\u0665\u0661\u0662", "not a record id"),
        ("\uff15\uff11\uff12", "not a record id"),
        ("51\uff12", "not a record id"),
        (512.0, "type float"),
        (Decimal("512.5"), "type Decimal"),
        (Decimal("nan"), "type Decimal"),
        (Decimal("1e300000000"), "type Decimal"),
        (True, "type bool"),
        (b"512", "type bytes"),
        ([512], "type list"),
        (Scalar(512.0), "type Scalar"),
        (Scalar(None), "type Scalar"),
        (Several(RuntimeError("two")), "type Several"),
        pytest.param(10**5000, "too large", id="5001 digits"),
    ],
    ids=repr,
)
def test_no_id(value: object, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        record_id(value)

    assert caught.value.field == "id"


@pytest.mark.parametrize("value", ["512.0", "-5", "5e2", "a@example.com"])
def test_a_unique_value_may_look_like_any_number(value: str) -> None:
    assert record_id(value, id_property="ref") == value


def test_a_missing_unique_value_is_named() -> None:
    with pytest.raises(InvalidInput, match="the value of 'ref' is missing"):
        record_id(None, id_property="ref")


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.binary()))
def test_every_id_is_a_text_or_refused(value: object) -> None:
    try:
        told = record_id(value)
    except InvalidInput as error:
        told = f"not an {error.field}"

    assert told in (str(value).strip(), "not an id")


@pytest.mark.parametrize("texts", [{"a": "x", "b": "\ud800"}, {"b\ud800": "x"}])
def test_text_that_is_not_utf_8_is_found(texts: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="UTF-8") as caught:
        check_encodable(texts)

    assert caught.value.field in texts
    assert caught.value.field != "a"


@pytest.mark.parametrize("texts", [{}, {"a": "ü€🎫"}])
def test_other_text_is_utf_8(texts: dict[str, str]) -> None:
    check_encodable(texts)


def test_what_a_source_could_not_make_fails_with_its_reason() -> None:
    """As an id, and as a value."""
    with pytest.raises(InvalidInput, match=r"^'A' is gone$"):
        record_id(Unsendable("'A' is gone"))
    with pytest.raises(InvalidInput, match=r"^property 'size': no number$") as caught:
        property_values({"size": Unsendable("no number")})
    assert caught.value.field == "size"


# ---- text that is a time without a zone


LOCAL = [
    "2026-05-31T10:00",
    "2026-05-31 10:00",
    "2026-05-31T10:00:00",
    "2026-05-31 10:00:00.5",
    "2026-05-31 10:00:00.123456789",
    "2026-05-31T10:00:00,5",
]
NOT_LOCAL = [
    "2026-05-31",
    "2026-05-31T10:00:00Z",
    "2026-05-31T10:00:00+02:00",
    "2026-05-31 10:00 Uhr",
    "at 2026-05-31 10:00",
    "2026-02-31 10:00",
    "2026-05-31 24:60",
    "1780185600000",
    "x" * 16,
]


@pytest.mark.parametrize("text", LOCAL)
def test_text_that_is_a_time_needs_a_zone(text: str) -> None:
    assert is_local_time(text)
    assert may_have_local_time(f'{{"at":"{text}"}}'.encode())
    with pytest.raises(InvalidInput, match="without a time zone") as caught:
        property_values({"at": text})
    assert caught.value.field == "at"
    assert text not in str(caught.value)  # logs have no values

    [sent] = property_values({"at": text}, TimeFormat(BERLIN)).values()
    assert sent.startswith("2026-05-31T08:00:00.")
    legacy = property_values({"at": text}, TimeFormat(BERLIN, legacy=True))
    assert legacy["at"].startswith("1780214400")
    as_is = TimeFormat(AS_IS)
    assert property_values({"at": text}, as_is) == {"at": text}


@pytest.mark.parametrize("text", NOT_LOCAL)
def test_any_other_text_is_sent_as_it_is(text: str) -> None:
    assert not is_local_time(text)
    for zone in (None, BERLIN, AS_IS):
        assert property_values({"at": text}, TimeFormat(zone)) == {"at": text}


@given(st.datetimes() | st.text())
def test_a_time_is_found_in_json_if_it_is_found_in_a_string(value: object) -> None:
    text = str(value)
    if is_local_time(text):
        assert may_have_local_time(f'["{text}"]'.encode())


def test_a_time_of_a_string_subclass_needs_a_zone() -> None:
    class Text(str):
        __slots__ = ()

    with pytest.raises(InvalidInput, match="without a time zone"):
        property_values({"at": Text(LOCAL[0])})


def test_the_hour_that_comes_twice_is_not_guessed_from_text() -> None:
    times = TimeFormat(ZoneInfo("Europe/Berlin"))

    with pytest.raises(InvalidInput, match=r"property 'at': .*skipped or repeated"):
        property_values({"at": "2026-10-25 02:30"}, times)


def test_as_is_is_no_zone_for_a_datetime() -> None:
    local = datetime.fromisoformat(LOCAL[0])

    with pytest.raises(InvalidInput, match="is a datetime without a time zone"):
        property_values({"at": local}, TimeFormat(AS_IS))
    assert pickle.loads(pickle.dumps(AS_IS)) is AS_IS  # noqa: S301 -- our own bytes
    assert repr(AS_IS) == "AS_IS"
    assert local.replace(tzinfo=AS_IS).tzname() == "as-is"
    assert local.replace(tzinfo=AS_IS).dst() is None
    assert local.replace(tzinfo=AS_IS).utcoffset() is None


# ---- options


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (["", "x"], "x"),
        (["x", "", "y", ""], "x;y"),
        ([""], ""),
        (Append(["x"]), ";x"),
        (Append(["x", "", Priority.HIGH, 5]), ";x;HIGH;5"),
        (Append({"x"}), ";x"),
        (Append(option for option in "xy"), ";x;y"),
    ],
)
def test_only_append_begins_with_a_semicolon(value: object, sent: str) -> None:
    assert property_values({"interests": value}) == {"interests": sent}


@pytest.mark.parametrize("options", [[], [""], ()])
def test_nothing_to_append_leaves_the_property_out(options: Any) -> None:
    assert property_values({"interests": Append(options)}) == {}


@pytest.mark.parametrize("options", ["a;b", b"a", 5, None])
def test_append_takes_a_list(options: Any) -> None:
    with pytest.raises(TypeError, match="expects a list of options"):
        Append(options)


@pytest.mark.parametrize("options", [["a;b"], [None], [["a"]]])
def test_options_that_cannot_be_sent(options: Any) -> None:
    with pytest.raises(InvalidInput, match="'interests'"):
        property_values({"interests": Append(options)})


@pytest.mark.parametrize(
    ("cell", "same"),
    [("a;b", ["a", "b"]), (["a"], ["a"]), (5, [5]), (";a", ["", "a"])],
)
def test_a_cell_of_options(cell: object, same: list[object]) -> None:
    made = append_of(cell)

    assert made == Append(same)
    assert made != same
    assert hash(made) == hash(Append(same))
    assert repr(made) == f"Append({same!r})"
