"""Properties and object types, and the checks of property values."""

import re

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import attrs

from attrs.validators import in_

from hubbatch.simulator.wire import iso


PropertyType = Literal[
    "string",
    "number",
    "datetime",
    "date",
    "enumeration",
    "bool",
    "phone_number",
    "json",
    "object_coordinates",
]

# RFC 2822 without quotation marks, and a top-level domain that exists: HubSpot's page
# "How does HubSpot validate email addresses?". ".con" was recorded; the others do not
# exist either. Domains that are reserved for tests, such as ".example", are accepted.
_LOCAL_PART = r"[^\s@,;:\"()<>\[\]\\.]+(\.[^\s@,;:\"()<>\[\]\\.]+)*"
_DOMAIN = r"([^\W_](([^\W_]|-)*[^\W_])?\.)+(?P<top>[^\W\d_]{2,}|xn--[a-z0-9-]+)"
_EMAIL = re.compile(f"{_LOCAL_PART}@{_DOMAIN}", re.IGNORECASE)
_NO_DOMAINS = frozenset(
    {
        *("cim", "cmo", "cmm", "comm", "con", "coom", "cpm"),
        *("nett", "ocm", "ogr", "orgg", "vom", "xom"),
    }
)
# Only digits, one "-" in front and one "."; no comma, space or second dot: changelog
# on number values, January 2020. Exponents and "+" are among the refused characters.
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)", re.ASCII)
_MILLISECONDS = re.compile(r"-?\d{1,15}", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(T.*)?", re.ASCII)
DAY_MS = 86_400_000
# The years 1 to 9999; ISO 8601 goes beyond them by mutual agreement only.
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999


@attrs.frozen
class Problem:
    """Why a value is invalid: the property, HubSpot's error code and its message."""

    name: str
    code: str
    message: str

    def embedded(self) -> dict[str, object]:
        """Return the problem as embedded in a refusal's `message`."""
        return {
            "isValid": False,
            "message": self.message,
            "error": self.code,
            "name": self.name,
        }

    def detail(self) -> dict[str, object]:
        """Return the problem as an item of a refusal's `errors`."""
        return {
            "message": self.message,
            "code": self.code,
            "context": {"propertyName": [self.name]},
        }


@attrs.frozen
class Property:
    """A property of an object type.

    Args:
        name: Its internal name.
        type: The type of its values: "string", "number", "datetime", "date",
            "enumeration", "bool", "phone_number", "json" or "object_coordinates".
        options: The allowed values of an enumeration.
        unique: Whether its values identify records.
        read_only: Whether only HubSpot sets it.
        multiple: Whether it takes several values, separated by semicolons.
        email: Whether its values must be e-mail addresses.
        calculated: Whether HubSpot computes it, so that no caller can set it.
        external: Whether its options are records of another kind, such as owners; if
            it lists no options, values are not checked.
        custom: Whether the account defined it; `store.define` sets this.
        descriptive: What the properties API shows of it beyond that, by HubSpot's keys:
            `label`, `fieldType`, `groupName`, `options` and others.

    Raises:
        ValueError: If the type is unknown.
    """

    name: str
    type: PropertyType = attrs.field(
        default="string", validator=in_(get_args(PropertyType))
    )
    options: tuple[str, ...] = ()
    unique: bool = attrs.field(default=False, kw_only=True)
    read_only: bool = attrs.field(default=False, kw_only=True)
    multiple: bool = attrs.field(default=False, kw_only=True)
    email: bool = attrs.field(default=False, kw_only=True)
    calculated: bool = attrs.field(default=False, kw_only=True)
    external: bool = attrs.field(default=False, kw_only=True)
    custom: bool = attrs.field(default=False, kw_only=True)
    descriptive: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True, hash=False)
    # Whether callers can set it.
    writable: bool = attrs.field(init=False)
    # Whether every string is valid, so that `accept` need not be called.
    plain: bool = attrs.field(init=False)

    @writable.default
    def _is_writable(self) -> bool:
        return not (self.read_only or self.calculated)

    @plain.default
    def _is_plain(self) -> bool:
        return self.writable and not self.email and self.type not in _ACCEPT

    def accept(self, value: str) -> str | Problem:
        """Return the value as HubSpot stores it, or the problem with it."""
        if not self.writable:
            message = f'"{self.name}" is a read only property; its value cannot be set.'
            return Problem(self.name, "READ_ONLY_VALUE", message)
        if not value or self.plain:
            return value
        if self.email:
            return self._accept_emails(value)
        return _ACCEPT[self.type](self, value)

    def appended(self, stored: str, value: str) -> str:
        """Return the value that results from writing `value` over `stored`.

        "Add a semicolon before the first value" to append to the options that are
        set, objects guide; an option that is already set is not repeated.
        """
        if not (self.multiple and value.startswith(";")) or self.email:
            return value
        chosen = (*stored.split(";"), *value.split(";"))
        return ";".join(dict.fromkeys(option for option in chosen if option))

    def key(self, value: str) -> str:
        """Return the normalized value: equal values have equal keys."""
        return value.strip().lower() if self.email else value

    def _accept_emails(self, value: str) -> str | Problem:
        addresses = value.split(";") if self.multiple else [value]
        for address in addresses:
            found = _EMAIL.fullmatch(address.strip())
            if found is None or found["top"].lower() in _NO_DOMAINS:
                message = f"Email address {address} is invalid"
                return Problem(self.name, "INVALID_EMAIL", message)
        return ";".join(address.strip().lower() for address in addresses)


def _accept_number(schema: Property, value: str) -> str | Problem:
    if _NUMBER.fullmatch(value):
        return value
    message = f"{value} was not a valid number"
    return Problem(schema.name, "INVALID_INTEGER", message)


def _accept_datetime(schema: Property, value: str) -> str | Problem:
    milliseconds = parse_instant(value)
    if milliseconds is not None:
        return iso(milliseconds)
    return Problem(schema.name, "INVALID_LONG", f"{value} was not a valid long.")


def _accept_date(schema: Property, value: str) -> str | Problem:
    milliseconds = parse_instant(value)
    if milliseconds is None:
        return Problem(schema.name, "INVALID_LONG", f"{value} was not a valid long.")
    if milliseconds % DAY_MS:
        seconds, left = divmod(milliseconds % DAY_MS, 1000)
        minutes, second = divmod(seconds, 60)
        time = f"{minutes // 60}:{minutes % 60}:{second}.{left}"
        message = f"{value} is at {time} UTC, not midnight!"
        return Problem(schema.name, "INVALID_DATE", message)
    return iso(milliseconds)[:10]


def _accept_option(schema: Property, value: str) -> str | Problem:
    options = schema.options or (("true", "false") if schema.type == "bool" else ())
    if schema.external and not options:
        return value
    # Options match exactly, in upper and lower case too: changelog "increased
    # validation for contact updates", May 2023.
    chosen = [part for part in value.split(";") if part] if schema.multiple else [value]
    for option in chosen:
        if option not in options:
            allowed = ", ".join(options)
            message = f"{option} was not one of the allowed options: [{allowed}]"
            return Problem(schema.name, "INVALID_OPTION", message)
    return value


_ACCEPT: dict[PropertyType, Callable[[Property, str], str | Problem]] = {
    "number": _accept_number,
    "datetime": _accept_datetime,
    "date": _accept_date,
    "enumeration": _accept_option,
    "bool": _accept_option,
}


def parse_instant(value: str) -> int | None:
    """Return the milliseconds since 1970 of an instant; None if it is invalid.

    HubSpot accepts epoch milliseconds and ISO 8601.
    """
    if _MILLISECONDS.fullmatch(value):
        milliseconds = int(value)
    elif _ISO.fullmatch(value):
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            return None
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        milliseconds = round(instant.timestamp() * 1000)
    else:
        return None
    return milliseconds if _FIRST <= milliseconds <= _LAST else None


@attrs.frozen
class Group:
    """A group that properties of an object type belong to."""

    name: str
    label: str
    display_order: int = -1


@attrs.frozen
class Rule:
    """A property that a portal requires, enforced in versions from 2026-09 on.

    Attributes:
        name: The required property.
        when: The condition: property names, with the values that make `name` required
            when they are written (empty: any value). Empty: all new records need it.
    """

    name: str
    when: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, hash=False)


@attrs.frozen
class ObjectType:
    """An object type: its names, its properties and how each verb treats them.

    Attributes:
        id: The object type id, such as "0-5".
        properties: The properties by name.
        names: Further names that a path may use.
        created: The property that holds the creation date.
        modified: The property that holds the date of the last change.
        read_by_default: The properties that a read returns if it requests none.
        shown_by_update: The properties that every update returns.
        fixed: The values that HubSpot sets on new records.
        derived: How to compute properties from a new record's other properties.
        recomputed: The derived properties that are computed again after a change.
        required: The properties that a create must set.
        rules: The portal's own required properties.
        scopes: The scopes to read and to write, any one of which is enough.
        verbs: The batch verbs before version 2026-09.
        unique: The properties whose values identify records.
        legacy_name: The name in messages and in v1, such as "LINE_ITEM".
        archived: The archived properties by name.
        groups: The groups of properties that the account defined, by name.
        descriptive: What the schemas API shows of it beyond that, by HubSpot's keys:
            `labels`, `primaryDisplayProperty`, `createdAt` and others.
    """

    id: str
    singular: str
    plural: str
    properties: Mapping[str, Property] = attrs.field(factory=dict, repr=False)
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
    archived: Mapping[str, Property] = attrs.field(
        factory=dict, kw_only=True, repr=False
    )
    groups: Mapping[str, Group] = attrs.field(factory=dict, kw_only=True, repr=False)
    descriptive: Mapping[str, Any] = attrs.field(
        factory=dict, kw_only=True, repr=False, hash=False
    )
    unique: tuple[str, ...] = attrs.field(init=False)
    legacy_name: str = attrs.field(init=False)

    @unique.default
    def _unique(self) -> tuple[str, ...]:
        schemas = self.properties.values()
        return tuple(schema.name for schema in schemas if schema.unique)

    @legacy_name.default
    def _legacy_name(self) -> str:
        return self.singular.upper().replace(" ", "_")

    @property
    def is_custom(self) -> bool:
        """Whether the account defined the type."""
        return self.id.startswith("2-")

    def all_names(self) -> Iterable[str]:
        """Return the names that a path may use, in lower case."""
        return {self.id, self.singular, self.plural, *self.names}

    def extended(
        self, more: Iterable[Property], required: Iterable[str]
    ) -> "ObjectType":
        """Return the type with more properties, and more that a create must set."""
        added = {schema.name: schema for schema in more}
        return attrs.evolve(
            self,
            properties={**self.properties, **added},
            archived={n: p for n, p in self.archived.items() if n not in added},
            required=tuple(dict.fromkeys((*self.required, *required))),
        )

    def without(self, schema: Property) -> "ObjectType":
        """Return the type with a property archived; `schema` is its last state."""
        return attrs.evolve(
            self,
            properties={n: p for n, p in self.properties.items() if n != schema.name},
            archived={**self.archived, schema.name: schema},
        )

    def uses(self, name: str) -> int:
        """Return the number of places that use a property, so that it must stay."""
        rules = sum(name in (rule.name, *rule.when) for rule in self.rules)
        return rules + self.required.count(name)

    def group_of(self, schema: Property) -> str:
        """Return the name of the group that a property belongs to."""
        # HubSpot's for custom objects, as recorded for appointments.
        default = f"{self.singular.replace(' ', '_')}_information"
        own = self.properties.get("hs_object_id", schema).descriptive
        return str(schema.descriptive.get("groupName") or own.get("groupName", default))
