"""Checks the values of one property, encoded as strings, by its type.

HubSpot certainly refuses an error. A warning is a value that it may refuse, or accepts
and reads as something that the user cannot have meant.
"""

import re

from collections.abc import Callable
from datetime import UTC, datetime

from attrs import frozen

from hubbatch._timestamps import epoch_milliseconds
from hubbatch._wire.property_values import is_local_time
from hubbatch.models import Property


# "Property values have a limit of 65,536 characters": HubSpot's knowledge base.
LONGEST_TEXT = 65_536
# The maximum number of characters of a value, and of options, that a message quotes.
_QUOTED = 40
_NAMED = 6

# "Only digits, one leading minus and one point": HubSpot's changelog on number values,
# January 2020, which names commas and spaces among what is refused.
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)", re.ASCII)
_MILLISECONDS = re.compile(r"-?\d{1,15}", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(T.*)?", re.ASCII)
_BEGINS_WITH_A_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DAY = 86_400_000

# HubSpot, "How does HubSpot validate email addresses?": RFC 2822 without a quoted local
# part, and a top-level domain that exists. A list of those would be outdated soon; none
# has digits, and these misspelt ones do not exist (".con" was recorded).
_ATOM = r"[^\s@,;:\"()<>\[\]\\.]+"
_LABEL = r"[^\W_](?:(?:[^\W_]|-)*[^\W_])?"
_ADDRESS = re.compile(
    rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?P<top>[^\W\d_]{{2,}}|xn--[a-z0-9-]+)",
    re.IGNORECASE,
)
_MISSPELT = frozenset(
    {
        *("cim", "cmo", "cmm", "comm", "con", "coom", "cpm"),
        *("nett", "ocm", "ogr", "orgg", "vom", "xom"),
    }
)

# What databases, spreadsheets and languages write where there is no value.
_NO_VALUES = frozenset(
    {
        *("NULL", "null", "(null)", "\\N", "None", "nan", "NaN", "NaT", "<NA>"),
        *("undefined", "[object Object]"),
        *("#N/A", "#NV", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"),
    }
)
_SCIENTIFIC = re.compile(r"[+-]?\d([.,]\d+)?[eE]\+?\d{1,3}", re.ASCII)
_HASHES = re.compile(r"#{3,}")
_DECIMAL_PHONE = re.compile(r"\+?\d{5,}\.0", re.ASCII)

# A number outside of these years is hardly a time in milliseconds. HubSpot was founded
# later than that; birthdays and the like are earlier, but are written as dates.
_FIRST_YEAR, _FIRST_YEAR_OF_DATES, _LAST_YEAR = 1990, 1900, 2100
# Spreadsheets count days since this one.
_DAY_ZERO = datetime(1899, 12, 30, tzinfo=UTC)


@frozen
class Problem:
    """A value that HubSpot refuses or may refuse, or a missing one.

    Attributes:
        code: HubSpot's code; or, if it has none, one of those that `Finding` lists.
        property_name: The property.
        message: The complete message. It quotes up to 40 characters of the value.
        certain: Whether HubSpot will certainly refuse it.
    """

    code: str
    property_name: str
    message: str
    certain: bool = True


ValueCheck = Callable[[str], Problem | None]


# ---- text


def check_text(name: str, value: str, *, email: bool, phone: bool) -> Problem | None:
    """Check a text; `email` and `phone` are what it has to contain."""
    if len(value) > LONGEST_TEXT:
        what = f"{len(value):,} characters; HubSpot accepts {LONGEST_TEXT:,}"
        return problem_with("TOO_LONG", name, what)
    if email and value and not _is_address(value.strip()):
        what = f"{quote(value)} is not an e-mail address that HubSpot accepts"
        return problem_with("INVALID_EMAIL", name, what)
    if value != value.strip():
        what = f"{quote(value)} has white space around it"
        return problem_with("OUTER_WHITE_SPACE", name, what, certain=False)
    return check_artifact(name, value, phone=phone)


def _is_address(value: str) -> bool:
    found = _ADDRESS.fullmatch(value)
    return found is not None and found["top"].lower() not in _MISSPELT


def check_artifact(name: str, value: str, *, phone: bool = False) -> Problem | None:
    """Warn about what a spreadsheet or a database made of a value."""
    if value in _NO_VALUES or _HASHES.fullmatch(value):
        what = f"{quote(value)} is written as text; an empty cell keeps the value"
    elif _SCIENTIFIC.fullmatch(value):
        what = f"{quote(value)} is a number that a spreadsheet has shortened"
    elif phone and _DECIMAL_PHONE.fullmatch(value):
        what = f"{quote(value)} is a phone number that was read as a decimal number"
    else:
        return None
    return problem_with("ARTIFACT", name, what, certain=False)


# ---- numbers


def check_number(name: str, value: str) -> Problem | None:
    """Check a number."""
    if not value or _NUMBER.fullmatch(value):
        return None
    # HubSpot announced that it refuses white space around values, and withdrew it.
    perhaps = _NUMBER.fullmatch(value.strip()) is not None
    what = f"{quote(value)} is not a number: use digits, one leading minus, one point"
    return problem_with("INVALID_INTEGER", name, what, certain=not perhaps)


# ---- times


def check_time(name: str, value: str, *, midnight: bool) -> Problem | None:
    """Check a date, which is at `midnight` in UTC, or a date and time."""
    if not value:
        return None
    moment = _moment(value)
    kind = "date" if midnight else "date and time"
    if moment is None:
        what = (
            f"{quote(value)} is not a {kind}: write it as 2026-05-31"
            + ("" if midnight else "T10:00:00Z")
            + ", or as milliseconds since 1970"
        )
        nearly = _BEGINS_WITH_A_DAY.match(value.strip()) is not None
        return problem_with("INVALID_LONG", name, what, certain=not nearly)
    number = _MILLISECONDS.fullmatch(value) is not None
    if midnight and epoch_milliseconds(moment) % _DAY:
        what = f"{quote(value)} is not midnight in UTC, as a date must be"
        return problem_with("INVALID_DATE", name, what + _meant(value))
    first = _FIRST_YEAR_OF_DATES if midnight and not number else _FIRST_YEAR
    if not first <= moment.year <= _LAST_YEAR:
        shown = moment.replace(tzinfo=None).isoformat(" ", "minutes")
        what = f"{quote(value)} is {shown} UTC for HubSpot"
        what += _meant(value)
        return problem_with("UNLIKELY_TIME", name, what, certain=False)
    if not midnight and (is_local_time(value) or len(value) == len("2026-05-31")):
        what = f"{quote(value)} has no time zone: HubSpot reads it as UTC"
        return problem_with("NO_TIME_ZONE", name, what, certain=False)
    return None


def _moment(value: str) -> datetime | None:
    """Parse an instant that HubSpot accepts: epoch milliseconds or ISO 8601."""
    if _MILLISECONDS.fullmatch(value):
        return _from_epoch(int(value) / 1000)
    if not _ISO.fullmatch(value):
        return None
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):  # such as the first hour of year 1
        return None


def _from_epoch(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _meant(value: str) -> str:
    """Return what a number probably is, if it is no time in milliseconds."""
    if not value.isdecimal():
        return ""
    number = int(value)
    guesses = (
        ("seconds since 1970", _from_epoch(number), "; multiply it by 1,000"),
        ("a spreadsheet's day number", _from_day(number), ""),
        ("a date without hyphens", _from_digits(value), ""),
    )
    for what, moment, advice in guesses:
        if moment is not None and _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return f"; it looks like {what} ({moment:%Y-%m-%d}){advice}"
    return ""


def _from_day(number: int) -> datetime | None:
    return _from_epoch(_DAY_ZERO.timestamp() + number * _DAY / 1000)


def _from_digits(value: str) -> datetime | None:
    try:
        return datetime.strptime(value, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None


# ---- options


def check_of_options(definition: Property) -> ValueCheck:
    """Return the check of an enumeration or a boolean."""
    name = definition.name
    values = [option.value for option in definition.options]
    if not values and definition.type == "bool":
        values = ["true", "false"]
    if not values or definition.external_options:
        # Their options are defined elsewhere.
        return lambda value: check_artifact(name, value)
    allowed = frozenset(values)
    several = definition.type == "enumeration" and definition.field_type == "checkbox"
    labels = {option.label.lower(): option.value for option in definition.options}
    near = {value.lower(): value for value in values}
    listed = ", ".join(values[:_NAMED])
    if len(values) > _NAMED:
        listed += f", … ({len(values)} in all)"

    def check(stored: str) -> Problem | None:
        chosen = [part for part in stored.split(";") if part] if several else [stored]
        for option in chosen:
            if not option or option in allowed:
                continue
            what = f"{quote(option)} is not one of its options: {listed}"
            plain = option.strip().lower()
            meant = near.get(plain) or labels.get(plain)
            if meant is not None:
                what += f"; did you mean {quote(meant)}?"
            # Options have to match exactly, in case too: changelog "increased
            # validation for contact updates", May 2023. Whether HubSpot ignores white
            # space has not been recorded.
            certain = option.strip() not in allowed
            return problem_with("INVALID_OPTION", name, what, certain=certain)
        if several and stored.startswith(";"):
            what = (
                f"{quote(stored)} begins with a semicolon: HubSpot adds its options to "
                "those that are set. If that is meant, use --append"
            )
            return problem_with("ADDED_OPTIONS", name, what, certain=False)
        return None

    return check


# ---- messages


def problem_with(code: str, name: str, what: str, *, certain: bool = True) -> Problem:
    """Return a problem with a property's value."""
    return Problem(code, name, f"property {quote(name)}: {what}", certain)


def quote(value: str) -> str:
    """Return a value in quotes, cut and escaped so that it can be shown."""
    shown = value if len(value) <= _QUOTED else f"{value[: _QUOTED - 1]}…"
    return f'"{shown}"' if shown.isprintable() else ascii(shown)
