from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hypothesis import assume, given
from hypothesis import strategies as st

from hubbatch import ConfigurationError, WhereError
from hubbatch._timestamps import epoch_milliseconds
from hubbatch.jobs import Where
from hubbatch.models import Property, PropertyOption

from .conftest import Desk


BERLIN = "Europe/Berlin"
SCHEMA = [
    Property("subject", label="Ticket name", type="string"),
    Property("amount", type="number"),
    Property("createdate", label="Create date", type="datetime"),
    Property("closed", type="date"),
    Property(
        "priority",
        type="enumeration",
        options=[
            PropertyOption(label="High", value="HIGH"),
            PropertyOption(label="Not urgent", value="not urgent"),
        ],
    ),
    Property("done", type="bool"),
    Property("owner", type="enumeration", referenced_object_type="OWNER"),
    Property("place", type="object_coordinates"),
    Property("untyped"),
]


def only(text: str, timezone: str | None = None) -> Any:
    [[found]] = Where(text, timezone=timezone).groups(SCHEMA)
    return found


def test_filters_in_hubspots_json() -> None:
    where = Where("amount > 100 or priority = HIGH", "done = false")

    done = {"propertyName": "done", "operator": "EQ", "value": "false"}
    assert where.groups(SCHEMA) == [
        [{"propertyName": "amount", "operator": "GT", "value": "100"}, done],
        [{"propertyName": "priority", "operator": "EQ", "value": "HIGH"}, done],
    ]
    assert (where.texts[1], where.timezone) == ("done = false", "UTC")
    assert Where().groups(SCHEMA) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("amount between -1 and .5", {"value": "-1", "highValue": ".5"}),
        ("amount in (1, 2)", {"values": ["1", "2"]}),
        # HubSpot wants the values of IN in lower case, of texts only.
        ("subject in (One, TWO)", {"values": ["one", "two"]}),
        ("subject not in ('ÄH')", {"values": ["äh"]}),
        ("priority in (HIGH)", {"values": ["HIGH"]}),
        ("subject = One", {"value": "One"}),
        ("subject contains Fire*", {"value": "Fire*"}),
        ("priority contains HI*", {"value": "HI*"}),
        # It may be an option that has been removed, which some records still have.
        ("priority = URGENT", {"value": "URGENT"}),
        ("owner in (5, 6)", {"values": ["5", "6"]}),
        ("owner contains 5*", {"value": "5*"}),
        ("place > x", {"value": "x"}),
        ("untyped < 5", {"value": "5"}),
        ("has subject", {}),
        ("closed is not set", {}),
        ("associations.contact = 5", {"value": "5"}),
        ("closed <= 2026-01-31", {"value": "1769817600000"}),
        ("closed != 2026-01-31", {"value": "1769817600000"}),
        ("closed in (2026-01-31)", {"values": ["1769817600000"]}),
        ("createdate != 2026-01-31T10:00Z", {"value": "1769853600000"}),
        ("createdate in (1769853600000)", {"values": ["1769853600000"]}),
        ("createdate > 2026-01-31t10:00:00.123z", {"value": "1769853600123"}),
        ("createdate > '2026-01-31 10:00'", {"value": "1769853600000"}),
        ("createdate > 2026-01-31T10:00+01:00", {"value": "1769850000000"}),
        (
            "createdate between 2026-01-31 and 2026-01-31",
            {"value": "1769817600000", "highValue": "1769903999999"},
        ),
    ],
)
def test_values_are_sent_as_the_type_needs_them(text: str, found: Any) -> None:
    sent = only(text)
    assert {
        name: sent[name] for name in sent.keys() - {"propertyName", "operator"}
    } == (found)


@pytest.mark.parametrize(
    ("text", "wrong", "reason"),
    [
        ("subjct = 5", "subjct", "does not exist. Did you mean subject?"),
        ("createDate = 5", "createDate", "does not exist. Did you mean createdate?"),
        ("zzz = 5", "zzz", "the property zzz does not exist"),
        ("associations. = 5", "associations.", "associations. does not exist"),
        ("amount = 1e5", "1e5", "the property amount is a number"),
        ("amount in (1, x)", "x", "the property amount is a number"),
        (
            "subject > 5",
            ">",
            "the property subject is text: HubSpot compares the order",
        ),
        (
            "done >= true",
            ">=",
            "the property done is true or false: HubSpot compares the order",
        ),
        (
            "priority between 1 and 2",
            "between",
            "the property priority is an enumeration",
        ),
        (
            "amount contains 5",
            "contains",
            "a number: HubSpot finds words in texts only",
        ),
        ("priority = high", "high", "has no option high. Did you mean HIGH?"),
        (
            "priority in (HIGH, 'Not Urgent')",
            "'Not Urgent'",
            'Did you mean "not urgent"?',
        ),
        ("done = TRUE", "TRUE", "has no option TRUE. Did you mean true?"),
        ("owner = ada@x.org", "ada@x.org", "expected the id of an owner, which is a"),
        ("done = yes", "yes", "the property done is true or false"),
        ("closed > 2026-01-31T10:00", "2026-01-31T10:00", "closed is a date: write it"),
        ("closed > 31.1.2026", "31.1.2026", "closed is a date: write it"),
        ("createdate > 2026", "2026", "createdate is a time: write it as"),
        ("createdate > 2026-02-30", "2026-02-30", "day"),
        ("amount between 2 and 1.5", "2", "Write the lower one first"),
        (
            "createdate between 2026-02-01 and 2026-01-31",
            "2026-02-01",
            "Write the lower one first",
        ),
        ("closed between 2026-02-01 and 2026-01-31", "2026-02-01", "the lower one"),
        (
            "createdate > 2026-01-31T25:00",
            "2026-01-31T25:00",
            "hour must be in 0..23",
        ),
        (
            "createdate > 2026-03-29T02:30",
            "2026-03-29T02:30",
            "is skipped or repeated in Europe/Berlin",
        ),
        (
            "createdate != 2026-01-31",
            "2026-01-31",
            "Write `(createdate < 2026-01-31 or createdate > 2026-01-31)`",
        ),
        (
            "createdate not in (2026-01-31T10:00Z, 2026-01-31)",
            "2026-01-31",
            "Write `(createdate < 2026-01-31 or createdate > 2026-01-31)`",
        ),
        (
            "createdate in (2026-01-31)",
            "2026-01-31",
            "Write `createdate = 2026-01-31`, with `or` between the days",
        ),
        ("associations.contact != 5", "!=", "compares associations with `=` only"),
        ("associations.contact is set", "is", "compares associations with `=` only"),
        ("associations.contact = Ada", "Ada", "expected the id of a record"),
    ],
)
def test_what_does_not_suit_a_property_is_marked(
    text: str, wrong: str, reason: str
) -> None:
    where = Where(text, timezone=BERLIN)
    with pytest.raises(WhereError) as raised:
        where.groups(SCHEMA)

    error = raised.value
    assert reason in error.reason
    assert error.text[error.start : error.end] == wrong


def test_a_label_is_recognized() -> None:
    with pytest.raises(WhereError, match="Did you mean closed"):
        Where("shut = 5").groups([Property("closed", label="Shut")])


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Unknown time zone 'Mars'"):
        Where("a = 1", timezone="Mars")
    with pytest.raises(ConfigurationError, match="need a time zone, such as UTC"):
        Where("a = 1", timezone="as-is")


async def test_the_groups_of_a_search(desk: Desk) -> None:
    create = desk.sim.store.create
    ids = [create("tickets", {"subject": name}).id for name in ("One", "two")]

    groups = await Where("subject in (ONE, three)").ask_groups(desk.hub, "tickets")
    found = [each async for each in desk.hub.tickets.search(filter_groups=groups)]

    assert [each.id for each in found] == ids[:1]
    assert await Where().ask_groups(desk.hub, "tickets") is None


EARLIEST, LATEST = datetime(1990, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001 -- local
# The clocks of Cairo and Santiago skip midnight, those of Havana repeat it.
ZONES = st.sampled_from(
    [
        *("UTC", BERLIN, "America/New_York", "Asia/Kathmandu"),
        *("Africa/Cairo", "America/Santiago", "America/Havana"),
    ]
)
OPERATORS = st.sampled_from(["=", "<", "<=", ">", ">="])


@given(
    st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    st.timedeltas(timedelta(-2), timedelta(2)),
    OPERATORS,
    ZONES,
)
def test_a_day_is_compared_as_a_whole_day_of_its_zone(
    day: date, distance: timedelta, sign: str, zone: str
) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    instant = noon + distance
    local = instant.astimezone(ZoneInfo(zone)).date()
    expected = {
        "=": local == day,
        "<": local < day,
        "<=": local <= day,
        ">": local > day,
        ">=": local >= day,
    }[sign]

    assert matches(only(f"createdate {sign} {day}", zone), instant) == expected


@given(
    st.datetimes(EARLIEST, LATEST),
    st.sampled_from([-1, 0, 1]),
    OPERATORS,
    ZONES,
)
def test_a_time_is_compared_as_an_instant_of_its_zone(
    local: datetime, milliseconds: int, sign: str, zone: str
) -> None:
    local = local.replace(microsecond=local.microsecond // 1000 * 1000)
    first, second = (local.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    assume(first.utcoffset() == second.utcoffset())
    start = first.astimezone(UTC)
    instant = start + timedelta(milliseconds=milliseconds)
    expected = {
        "=": instant == start,
        "<": instant < start,
        "<=": instant <= start,
        ">": instant > start,
        ">=": instant >= start,
    }[sign]
    written = local.isoformat("T", "milliseconds")

    assert matches(only(f"createdate {sign} {written}", zone), instant) == expected


def matches(sent: Any, instant: datetime) -> bool:
    """Whether HubSpot finds a record with this time by a filter."""
    at, value = epoch_milliseconds(instant), int(sent["value"])
    match sent["operator"]:
        case "EQ":
            return at == value
        case "BETWEEN":
            return value <= at <= int(sent["highValue"])
        case "LT":
            return at < value
        case "LTE":
            return at <= value
        case "GT":
            return at > value
        case operator:
            assert operator == "GTE"
            return at >= value


@pytest.mark.parametrize(
    ("day", "zone", "first", "after"),
    [
        (
            "2026-04-24",
            "Africa/Cairo",
            "2026-04-24T01:00+03:00",
            "2026-04-25T00:00+03:00",
        ),
        (
            "2026-04-23",
            "Africa/Cairo",
            "2026-04-23T00:00+02:00",
            "2026-04-24T01:00+03:00",
        ),
        (
            "2026-11-01",
            "America/Havana",
            "2026-11-01T00:00-04:00",
            "2026-11-02T00:00-05:00",
        ),
    ],
)
def test_a_day_begins_at_its_first_moment_whatever_the_clocks_do(
    day: str, zone: str, first: str, after: str
) -> None:
    begin, end = map(epoch_milliseconds, map(datetime.fromisoformat, (first, after)))

    found = only(f"createdate = {day}", zone)

    assert (found["value"], found["highValue"]) == (str(begin), str(end - 1))


@pytest.mark.parametrize("zone", ["UTC", BERLIN, "America/New_York"])
def test_the_last_day_of_all_can_be_an_end(zone: str) -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, 999_999, ZoneInfo(zone))
    found = only("createdate <= 9999-12-31", zone)
    assert found["value"] == str(epoch_milliseconds(last))


def test_microseconds_are_cut_off() -> None:
    found = only("createdate >= 2026-01-31T10:00:00.123456Z")
    assert found["value"] == "1769853600123"
