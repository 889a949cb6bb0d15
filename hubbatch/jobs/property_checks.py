"""What HubSpot would refuse of a record, found by the definitions of its properties.

What is certain and what is not are kept apart: a definition is not the whole truth
(owners, pipelines and their stages live elsewhere), and what HubSpot makes of text
that is nearly right has not been recorded. Codes are HubSpot's own where it has one.
"""

import re

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches

from attrs import frozen

from hubbatch.core.calls import Verb
from hubbatch.core.object_types import standard_type
from hubbatch.core.values import epoch_milliseconds
from hubbatch.models import Property


# "Property values have a limit of 65,536 characters": HubSpot's knowledge base.
LONGEST_TEXT = 65_536
# So much of a value, and so many options, are quoted.
_QUOTED = 40
_NAMED = 6

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# What people put into numbers, and a program may or may not take out of them.
_DECORATION = re.compile(r"[\s,'_%$€£]")
_MILLISECONDS = re.compile(r"-?\d{1,15}", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(T.*)?", re.ASCII)
_BEGINS_WITH_A_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DAY = 86_400_000
_ADDRESS = re.compile(r"[^@\s,;]+@[^@\s,;.]+(\.[^@\s,;.]+)+")


@frozen
class Problem:
    """Something about a record that HubSpot refuses, or may refuse.

    Attributes:
        code: HubSpot's code, or one of ours where it has none: TOO_LONG,
            OUTER_WHITE_SPACE, NO_RECORD_ID, REQUIRED_PROPERTY.
        property_name: which property it is about.
        message: the whole sentence; it quotes the value, up to 40 characters of it.
        certain: whether HubSpot surely refuses it.
    """

    code: str
    property_name: str
    message: str
    certain: bool = True


Judge = Callable[[str], Problem | None]


class Checker:
    """Checks records of one object type, as the texts that would be sent.

    Args:
        properties: the definitions of all properties of the type.
        verb: what is to be done with the records.
        object_type: e.g. `contacts`.
        required: the properties that a new record must have.
    """

    def __init__(
        self,
        properties: Iterable[Property],
        verb: Verb,
        object_type: str,
        required: Iterable[str] = (),
    ) -> None:
        self._known = {one.name: one for one in properties if not one.archived}
        known = standard_type(object_type)
        self._email = known is not None and known.name == "contacts"
        self._verb = verb
        self._type = known
        self._required = tuple(required)
        self._judges: dict[str, Judge] = {}

    def check(self, texts: Mapping[str, str]) -> list[Problem]:
        """Find what is wrong with the values of one record."""
        judges, found = self._judges, []
        for name, text in texts.items():
            judge = judges.get(name)
            if judge is None:
                judge = judges[name] = self._judge(name)
            problem = judge(text)
            if problem is not None:
                found.append(problem)
        return found

    def check_required(self, texts: Mapping[str, str]) -> list[Problem]:
        """Find what a new record must have and does not.

        Of a type of HubSpot's own its schema says so, and HubSpot may still be content.
        """
        what = "a new record must have it"
        return [
            _problem("REQUIRED_PROPERTY", name, what, certain=self._type is None)
            for name in self._required
            if not texts.get(name)
        ]

    def check_id(self, text: str) -> list[Problem]:
        """Find out whether a record can have this id."""
        if text.isascii() and text.isdecimal():
            return []
        what = f"{_quote(text)} is not a record id, which is a number"
        # To archive what there is not is no error.
        return [Problem("NO_RECORD_ID", "", what, certain=self._verb != "archive")]

    def check_read(self, names: Iterable[str]) -> list[Problem]:
        """Find the properties that are asked for in vain; HubSpot ignores them."""
        return [
            self._unknown(name, certain=False)
            for name in names
            if name not in self._known
        ]

    def check_key(self, name: str | None) -> list[Problem]:
        """Find out whether records can be told by this property; None is their id."""
        if name is None:
            return []
        one = self._known.get(name)
        if one is None:
            return [self._unknown(name)]
        if one.has_unique_value or (self._email and name == "email"):
            return []
        # Its definition does not always say so of a property that is unique.
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
        """Whether no two records may have one value of a property."""
        one = self._known.get(name)
        unique = one is not None and bool(one.has_unique_value)
        return unique or (self._email and name == "email")

    def _unknown(self, name: str, *, certain: bool = True) -> Problem:
        near = get_close_matches(name.lower(), self._known, 1, 0.75)
        hint = f"; did you mean {_quote(near[0])}?" if near else ""
        message = f"property {_quote(name)} does not exist{hint}"
        return Problem("PROPERTY_DOESNT_EXIST", name, message, certain)

    def _judge(self, name: str) -> Judge:
        one = self._known.get(name)
        if one is None:
            problem = self._unknown(name)
            return lambda _: problem
        about = one.modification_metadata
        if about is not None and about.read_only_value:
            problem = _problem("READ_ONLY_VALUE", name, "it is read-only")
            return lambda _: problem
        if one.calculated:
            problem = _problem(
                "READ_ONLY_VALUE", name, "HubSpot calculates it", certain=False
            )
            return lambda _: problem
        return self._judge_of_values(one)

    def _judge_of_values(self, one: Property) -> Judge:
        name = one.name
        match one.type:
            case "number":
                return lambda text: _check_number(name, text)
            case "date" | "datetime":
                midnight = one.type == "date"
                return lambda text: _check_instant(name, text, midnight=midnight)
            case "enumeration" | "bool":
                return _judge_of_options(one)
            case "string" | "phone_number":
                email = self._email and name == "email"
                return lambda text: _check_text(name, text, email=email)
            case _:  # a type that came after this was written
                return lambda _: None


def _check_text(name: str, text: str, *, email: bool) -> Problem | None:
    if len(text) > LONGEST_TEXT:
        what = f"{len(text):,} characters; HubSpot takes {LONGEST_TEXT:,}"
        return _problem("TOO_LONG", name, what)
    if email and text and not _ADDRESS.fullmatch(text.strip()):
        what = f"{_quote(text)} is not an e-mail address"
        return _problem("INVALID_EMAIL", name, what, certain="@" not in text)
    if text != text.strip():
        what = f"{_quote(text)} has white space around it"
        return _problem("OUTER_WHITE_SPACE", name, what, certain=False)
    return None


def _check_number(name: str, text: str) -> Problem | None:
    if not text or _NUMBER.fullmatch(text.strip()):
        return None
    perhaps = _NUMBER.fullmatch(_DECORATION.sub("", text)) is not None
    what = f"{_quote(text)} is not a number"
    return _problem("INVALID_INTEGER", name, what, certain=not perhaps)


def _check_instant(name: str, text: str, *, midnight: bool) -> Problem | None:
    if not text:
        return None
    milliseconds = _milliseconds(text)
    kind = "date" if midnight else "date and time"
    if milliseconds is None:
        what = (
            f"{_quote(text)} is not a {kind}: write it as 2026-05-31"
            + ("" if midnight else "T10:00:00Z")
            + ", or as milliseconds since 1970"
        )
        nearly = _BEGINS_WITH_A_DAY.match(text.strip()) is not None
        return _problem("INVALID_LONG", name, what, certain=not nearly)
    if midnight and milliseconds % _DAY:
        what = f"{_quote(text)} is not midnight in UTC, as a date must be"
        return _problem("INVALID_DATE", name, what)
    return None


def _milliseconds(text: str) -> int | None:
    """Read what HubSpot takes for an instant: epoch milliseconds, or ISO 8601."""
    if _MILLISECONDS.fullmatch(text):
        return int(text)
    if not _ISO.fullmatch(text):
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return epoch_milliseconds(instant)


def _judge_of_options(one: Property) -> Judge:
    values = [option.value for option in one.options]
    if not values and one.type == "bool":
        values = ["true", "false"]
    if not values or one.external_options:
        return lambda _: None  # they are kept elsewhere
    name, allowed = one.name, frozenset(values)
    several = one.type == "enumeration" and one.field_type == "checkbox"
    labels = {option.label.lower(): option.value for option in one.options}
    near = {value.lower(): value for value in values}
    listed = ", ".join(values[:_NAMED])
    if len(values) > _NAMED:
        listed += f", … ({len(values)} in all)"

    def judge(text: str) -> Problem | None:
        chosen = [part for part in text.split(";") if part] if several else [text]
        for option in chosen:
            if not option or option in allowed:
                continue
            what = f"{_quote(option)} is not one of its options: {listed}"
            plain = option.strip().lower()
            meant = near.get(plain) or labels.get(plain)
            if meant is not None:
                what += f"; did you mean {_quote(meant)}?"
            # Whether HubSpot minds case and white space was never recorded.
            return _problem("INVALID_OPTION", name, what, certain=plain not in near)
        return None

    return judge


def _problem(code: str, name: str, what: str, *, certain: bool = True) -> Problem:
    return Problem(code, name, f"property {_quote(name)}: {what}", certain)


def _quote(text: str) -> str:
    shown = text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"
    return f'"{shown}"' if shown.isprintable() else ascii(shown)
