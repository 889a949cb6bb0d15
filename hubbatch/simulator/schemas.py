"""Properties and object types: what a value may be, and in which words it may not."""

import re

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal, get_args

import attrs

from attrs.validators import in_

from hubbatch.simulator.wire import iso


type_name = Literal["string", "number", "datetime", "date", "enumeration", "bool"]

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;.]+(\.[^@\s,;.]+)+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MILLISECONDS = re.compile(r"-?\d{1,15}", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(T.*)?", re.ASCII)
DAY_MS = 86_400_000
# The years 1 to 9999, which is as far as ISO 8601 goes without an agreement.
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999


@attrs.frozen
class Problem:
    """Why a value was not valid, as HubSpot puts it into its messages."""

    name: str
    code: str
    message: str

    def embedded(self) -> dict[str, object]:
        """Return the item that stands as JSON inside the message text."""
        return {
            "isValid": False,
            "message": self.message,
            "error": self.code,
            "name": self.name,
        }

    def detail(self) -> dict[str, object]:
        """Return the item of `errors`."""
        return {
            "message": self.message,
            "code": self.code,
            "context": {"propertyName": [self.name]},
        }


@attrs.frozen
class Property:
    """One property of an object type."""

    name: str
    type: type_name = attrs.field(default="string", validator=in_(get_args(type_name)))
    options: tuple[str, ...] = ()
    unique: bool = attrs.field(default=False, kw_only=True)
    read_only: bool = attrs.field(default=False, kw_only=True)
    multiple: bool = attrs.field(default=False, kw_only=True)
    email: bool = attrs.field(default=False, kw_only=True)
    custom: bool = attrs.field(default=False, kw_only=True)
    # Label, group and the like, as the properties API was told them.
    told: Mapping[str, str] = attrs.field(factory=dict, kw_only=True, hash=False)
    plain: bool = attrs.field(init=False)

    @plain.default
    def _is_plain(self) -> bool:
        return self.type == "string" and not (self.read_only or self.email)

    def accept(self, text: str) -> str | Problem:
        """Return the value as HubSpot stores it, or why it does not."""
        if self.read_only:
            message = f'"{self.name}" is a read only property; its value cannot be set.'
            return Problem(self.name, "READ_ONLY_VALUE", message)
        if not text or self.plain:
            return text
        if self.email:
            return self._accept_emails(text)
        return _ACCEPT[self.type](self, text)

    def key(self, text: str) -> str:
        """Return what two equal values of this property have in common."""
        return text.strip().lower() if self.email else text

    def _accept_emails(self, text: str) -> str | Problem:
        addresses = text.split(";") if self.multiple else [text]
        for address in addresses:
            if not _EMAIL.fullmatch(address.strip()):
                message = f"Email address {address} is invalid"
                return Problem(self.name, "INVALID_EMAIL", message)
        return ";".join(address.strip().lower() for address in addresses)


def _accept_number(schema: Property, text: str) -> str | Problem:
    if _NUMBER.fullmatch(text.strip()):
        return text.strip()
    message = f"{text} was not a valid number"
    return Problem(schema.name, "INVALID_INTEGER", message)


def _accept_datetime(schema: Property, text: str) -> str | Problem:
    milliseconds = instant(text)
    if milliseconds is not None:
        return iso(milliseconds)
    return Problem(schema.name, "INVALID_LONG", f"{text} was not a valid long.")


def _accept_date(schema: Property, text: str) -> str | Problem:
    milliseconds = instant(text)
    if milliseconds is None:
        return Problem(schema.name, "INVALID_LONG", f"{text} was not a valid long.")
    if milliseconds % DAY_MS:
        seconds, left = divmod(milliseconds % DAY_MS, 1000)
        minutes, second = divmod(seconds, 60)
        time = f"{minutes // 60}:{minutes % 60}:{second}.{left}"
        message = f"{text} is at {time} UTC, not midnight!"
        return Problem(schema.name, "INVALID_DATE", message)
    return iso(milliseconds)[:10]


def _accept_option(schema: Property, text: str) -> str | Problem:
    options = schema.options or (("true", "false") if schema.type == "bool" else ())
    chosen = [part for part in text.split(";") if part] if schema.multiple else [text]
    for option in chosen:
        if option not in options:
            allowed = ", ".join(options)
            message = f"{option} was not one of the allowed options: [{allowed}]"
            return Problem(schema.name, "INVALID_OPTION", message)
    return text


_ACCEPT: dict[type_name, Callable[[Property, str], str | Problem]] = {
    "number": _accept_number,
    "datetime": _accept_datetime,
    "date": _accept_date,
    "enumeration": _accept_option,
    "bool": _accept_option,
}


def instant(text: str) -> int | None:
    """Read epoch milliseconds or ISO 8601, which HubSpot takes alike."""
    if _MILLISECONDS.fullmatch(text):
        milliseconds = int(text)
    elif _ISO.fullmatch(text):
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            return None
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        milliseconds = round(instant.timestamp() * 1000)
    else:
        return None
    return milliseconds if _FIRST <= milliseconds <= _LAST else None


@attrs.frozen
class Rule:
    """A property that a portal requires; versions before 2026-09 do not check it.

    Attributes:
        name: The property.
        when: The properties whose writing makes it required, and which of their
            values do (empty: any value). Empty: every new record needs the property.
    """

    name: str
    when: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, hash=False)


@attrs.frozen
class ObjectType:
    """An object type: its names, its properties and what each verb shows of them."""

    id: str
    singular: str
    plural: str
    properties: Mapping[str, Property] = attrs.field(repr=False)
    names: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    created: str = attrs.field(default="hs_createdate", kw_only=True)
    modified: str = attrs.field(default="hs_lastmodifieddate", kw_only=True)
    read_by_default: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    shown_by_update: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    fixed: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    derived: Mapping[str, Callable[[Mapping[str, str]], str | None]] = attrs.field(
        factory=dict, kw_only=True
    )
    required: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    rules: tuple[Rule, ...] = attrs.field(default=(), kw_only=True)
    recomputed: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    scopes: tuple[tuple[str, ...], tuple[str, ...]] = attrs.field(
        default=((), ()), kw_only=True
    )
    verbs: tuple[str, ...] = attrs.field(
        default=("create", "read", "update", "upsert", "archive"), kw_only=True
    )
    unique: tuple[str, ...] = attrs.field(init=False)
    legacy: str = attrs.field(init=False)

    @unique.default
    def _unique(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.properties.values() if one.unique)

    @legacy.default
    def _legacy(self) -> str:
        # TICKET, LINE_ITEM: the word of "Could not get some CONTACT objects".
        return self.singular.upper().replace(" ", "_")

    def known_as(self) -> Iterable[str]:
        """Yield every name a path may use, in lower case."""
        return {self.id, self.singular, self.plural, *self.names}

    def extended(
        self, more: Iterable[Property], required: Iterable[str]
    ) -> "ObjectType":
        """Return the type with custom properties, and some that a create must set."""
        properties = {**self.properties, **{one.name: one for one in more}}
        needed = tuple(dict.fromkeys((*self.required, *required)))
        return attrs.evolve(self, properties=properties, required=needed)

    def without(self, name: str) -> "ObjectType":
        """Return the type without a property."""
        properties = {key: one for key, one in self.properties.items() if key != name}
        required = tuple(one for one in self.required if one != name)
        return attrs.evolve(self, properties=properties, required=required)
