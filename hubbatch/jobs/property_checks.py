"""Finds the values that HubSpot would refuse in a record, by its property definitions.

Certain refusals are distinguished from possible ones. Definitions do not cover
everything: owners, pipelines and stages are defined elsewhere, and HubSpot's treatment
of nearly valid values has not been recorded. Codes are HubSpot's own where it has one.
"""

import re

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches

from attrs import frozen

from hubbatch._timestamps import epoch_milliseconds
from hubbatch._wire.calls import Verb
from hubbatch._wire.object_types import standard_type
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
_ADDRESS = re.compile(r"[^@\s,;]+@[^@\s,;.]+(\.[^@\s,;.]+)+")


@frozen
class Problem:
    """A value that HubSpot refuses or may refuse, or a missing one.

    Attributes:
        code: HubSpot's code; or, if it has none, TOO_LONG, OUTER_WHITE_SPACE,
            NO_RECORD_ID or REQUIRED_PROPERTY.
        property_name: The property.
        message: The complete message. It quotes up to 40 characters of the value.
        certain: Whether HubSpot will certainly refuse it.
    """

    code: str
    property_name: str
    message: str
    certain: bool = True


ValueCheck = Callable[[str], Problem | None]


class Checker:
    """Checks records of one object type, whose values are encoded as strings.

    Args:
        properties: The definitions of all properties of the type.
        verb: The verb to call with the records.
        object_type: E.g. `contacts`.
        required: The properties that a new record must have.
    """

    def __init__(
        self,
        properties: Iterable[Property],
        verb: Verb,
        object_type: str,
        required: Iterable[str] = (),
    ) -> None:
        self._known = {
            definition.name: definition
            for definition in properties
            if not definition.archived
        }
        known = standard_type(object_type)
        self._email = known is not None and known.name == "contacts"
        self._verb = verb
        self._type = known
        self._required = tuple(required)
        self._checks: dict[str, ValueCheck] = {}

    def check(self, values: Mapping[str, str]) -> list[Problem]:
        """Return the problems with the values of one record."""
        checks, found = self._checks, []
        for name, value in values.items():
            check_value = checks.get(name)
            if check_value is None:
                check_value = checks[name] = self._check_of(name)
            problem = check_value(value)
            if problem is not None:
                found.append(problem)
        return found

    def check_required(self, values: Mapping[str, str]) -> list[Problem]:
        """Return the required properties that a new record lacks.

        The schema of a standard type lists some that HubSpot does not enforce.
        """
        what = "a new record must have it"
        return [
            _problem("REQUIRED_PROPERTY", name, what, certain=self._type is None)
            for name in self._required
            if not values.get(name)
        ]

    def check_id(self, value: str) -> list[Problem]:
        """Check whether a string can be a record id."""
        if value.isascii() and value.isdecimal():
            return []
        what = f"{_quote(value)} is not a record id, which is a number"
        # Archiving a record that does not exist is not an error.
        return [Problem("NO_RECORD_ID", "", what, certain=self._verb != "archive")]

    def check_read(self, names: Iterable[str]) -> list[Problem]:
        """Return a problem for each requested property that does not exist."""
        return [
            self._unknown(name, certain=False)
            for name in names
            if name not in self._known
        ]

    def check_key(self, name: str | None) -> list[Problem]:
        """Check whether a property can identify records; None means their id."""
        if name is None:
            return []
        definition = self._known.get(name)
        if definition is None:
            return [self._unknown(name)]
        if definition.has_unique_value or (self._email and name == "email"):
            return []
        # Some unique properties are not marked as unique in their definition.
        return [
            Problem(
                "NOT_UNIQUE",
                name,
                f"{_quote(name)} is not defined as unique: HubSpot {self._verb}s by "
                "unique properties only",
                certain=name == "hs_object_id",
            )
        ]

    def is_unique(self, name: str) -> bool:
        """Whether no two records may have the same value of a property."""
        definition = self._known.get(name)
        unique = definition is not None and bool(definition.has_unique_value)
        return unique or (self._email and name == "email")

    def _unknown(self, name: str, *, certain: bool = True) -> Problem:
        near = get_close_matches(name.lower(), self._known, 1, 0.75)
        hint = f"; did you mean {_quote(near[0])}?" if near else ""
        message = f"property {_quote(name)} does not exist{hint}"
        return Problem("PROPERTY_DOESNT_EXIST", name, message, certain)

    def _check_of(self, name: str) -> ValueCheck:
        definition = self._known.get(name)
        if definition is None:
            problem = self._unknown(name)
            return lambda _: problem
        about = definition.modification_metadata
        if about is not None and about.read_only_value:
            problem = _problem("READ_ONLY_VALUE", name, "it is read-only")
            return lambda _: problem
        if definition.calculated:
            problem = _problem(
                "READ_ONLY_VALUE", name, "HubSpot calculates it", certain=False
            )
            return lambda _: problem
        return self._check_of_values(definition)

    def _check_of_values(self, definition: Property) -> ValueCheck:
        name = definition.name
        match definition.type:
            case "number":
                return lambda value: _check_number(name, value)
            case "date" | "datetime":
                midnight = definition.type == "date"
                return lambda value: _check_instant(name, value, midnight=midnight)
            case "enumeration" | "bool":
                return _check_of_options(definition)
            case "string" | "phone_number":
                email = self._email and name == "email"
                return lambda value: _check_text(name, value, email=email)
            case _:  # a type unknown to hubbatch
                return lambda _: None


def _check_text(name: str, value: str, *, email: bool) -> Problem | None:
    if len(value) > LONGEST_TEXT:
        what = f"{len(value):,} characters; HubSpot accepts {LONGEST_TEXT:,}"
        return _problem("TOO_LONG", name, what)
    if email and value and not _ADDRESS.fullmatch(value.strip()):
        what = f"{_quote(value)} is not an e-mail address"
        return _problem("INVALID_EMAIL", name, what, certain="@" not in value)
    if value != value.strip():
        what = f"{_quote(value)} has white space around it"
        return _problem("OUTER_WHITE_SPACE", name, what, certain=False)
    return None


def _check_number(name: str, value: str) -> Problem | None:
    if not value or _NUMBER.fullmatch(value):
        return None
    # HubSpot announced that it refuses white space around values, and withdrew it.
    perhaps = _NUMBER.fullmatch(value.strip()) is not None
    what = f"{_quote(value)} is not a number: use digits, one leading minus, one point"
    return _problem("INVALID_INTEGER", name, what, certain=not perhaps)


def _check_instant(name: str, value: str, *, midnight: bool) -> Problem | None:
    if not value:
        return None
    milliseconds = _milliseconds(value)
    kind = "date" if midnight else "date and time"
    if milliseconds is None:
        what = (
            f"{_quote(value)} is not a {kind}: write it as 2026-05-31"
            + ("" if midnight else "T10:00:00Z")
            + ", or as milliseconds since 1970"
        )
        nearly = _BEGINS_WITH_A_DAY.match(value.strip()) is not None
        return _problem("INVALID_LONG", name, what, certain=not nearly)
    if midnight and milliseconds % _DAY:
        what = f"{_quote(value)} is not midnight in UTC, as a date must be"
        return _problem("INVALID_DATE", name, what)
    return None


def _milliseconds(value: str) -> int | None:
    """Parse an instant that HubSpot accepts: epoch milliseconds or ISO 8601."""
    if _MILLISECONDS.fullmatch(value):
        return int(value)
    if not _ISO.fullmatch(value):
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return epoch_milliseconds(instant)


def _check_of_options(definition: Property) -> ValueCheck:
    values = [option.value for option in definition.options]
    if not values and definition.type == "bool":
        values = ["true", "false"]
    if not values or definition.external_options:
        return lambda _: None  # their options are defined elsewhere
    name, allowed = definition.name, frozenset(values)
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
            what = f"{_quote(option)} is not one of its options: {listed}"
            plain = option.strip().lower()
            meant = near.get(plain) or labels.get(plain)
            if meant is not None:
                what += f"; did you mean {_quote(meant)}?"
            # Whether HubSpot ignores case and white space has not been recorded.
            return _problem("INVALID_OPTION", name, what, certain=plain not in near)
        return None

    return check


def _problem(code: str, name: str, what: str, *, certain: bool = True) -> Problem:
    return Problem(code, name, f"property {_quote(name)}: {what}", certain)


def _quote(value: str) -> str:
    shown = value if len(value) <= _QUOTED else f"{value[: _QUOTED - 1]}…"
    return f'"{shown}"' if shown.isprintable() else ascii(shown)
