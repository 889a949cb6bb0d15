"""HubSpot's standard object types: one line each.

Sources: HubSpot's OpenAPI specifications of August 2026 for verbs and scopes, its
guide "Using object APIs" for ids and for the properties that a batch read returns by
default.
"""

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeVar, overload

from attrs import field

from hubbatch._classes import define
from hubbatch._near_names import OTHER_WORDS, NearNames
from hubbatch._validators import check_object_type


T_co = TypeVar("T_co", covariant=True)

ALL_VERBS = ("create", "read", "update", "upsert", "archive")
# Any of the scopes `crm.objects.*.read`, or `.write`, is enough.
ANY_OBJECT = "any object"
_READ_ONLY = ("read",)
_NO_NEW_ONES = ("read", "update")
# HubSpot publishes all verbs for every type in all other versions.
_NARROW_VERSIONS = frozenset({"v3", "2026-03", "2026-03-beta"})
# The standard types that have a merge in the specifications of these versions.
_MERGED = frozenset({"companies", "contacts", "deals", "tickets"})


class HasObjects(Protocol[T_co]):
    """An object that has the verbs of every object type."""

    def objects(self, object_type: str, /) -> T_co:
        """Return the verbs for an object type."""
        ...


@define(eq=False)
class ObjectType:
    """A standard object type, and a descriptor that returns its verbs.

    Attributes:
        id: HubSpot's object type id; None where HubSpot publishes none.
        scopes: The scope to read and the scope to write.
        verbs: The batch calls that HubSpot publishes for it in v3 and 2026-03.
        path: Its segment in paths: the name, or the id where paths only accept that.
        defaults: The properties that a batch read returns by default, in addition to
            the dates and `hs_object_id`.
        name: The name of the attribute.
    """

    id: str | None
    scopes: tuple[str, str]
    verbs: tuple[str, ...] = field(default=ALL_VERBS, kw_only=True)
    path: str = field(default="", kw_only=True)
    defaults: tuple[str, ...] = field(default=(), kw_only=True)
    name: str = field(init=False, default="")

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = name
        self.path = self.path or name

    @overload
    def __get__(self, owner: None, cls: type) -> "ObjectType": ...
    @overload
    def __get__(self, owner: HasObjects[T_co], cls: type) -> T_co: ...
    def __get__(self, owner: HasObjects[T_co] | None, cls: type) -> "ObjectType | T_co":
        return self if owner is None else owner.objects(self.name)

    def check_verb(self, verb: str, api_version: str) -> None:
        """Check that HubSpot has a verb for this type.

        Raises:
            ValueError: If it does not.
        """
        if verb not in self.verbs and api_version in _NARROW_VERSIONS:
            raise ValueError(
                f"HubSpot has no batch {verb} for {self.name} in {api_version}. "
                f"It has {' and '.join(self.verbs)}."
            )


class HasContacts(Protocol[T_co]):
    """An object that has the verbs of contacts."""

    def objects(self, object_type: Literal["contacts"], /) -> T_co:
        """Return the verbs for contacts."""
        ...


class ContactsType(ObjectType):
    """The object type that has verbs of its own."""

    @overload
    def __get__(self, owner: None, cls: type) -> "ObjectType": ...
    @overload
    def __get__(self, owner: HasContacts[T_co], cls: type) -> T_co: ...
    def __get__(
        self, owner: HasContacts[T_co] | None, cls: type
    ) -> "ObjectType | T_co":
        return self if owner is None else owner.objects("contacts")


def _crm(name: str) -> tuple[str, str]:
    return f"crm.objects.{name}.read", f"crm.objects.{name}.write"


_ANY = (ANY_OBJECT, ANY_OBJECT)
_CONTACTS = _crm("contacts")
_LINE_ITEMS = _crm("line_items")


class StandardTypes(NearNames):
    """The standard object types as attributes, each with its verbs."""

    appointments: ObjectType = ObjectType("0-421", _ANY)
    """Appointments: create, read, update, upsert, archive."""
    calls: ObjectType = ObjectType("0-48", _CONTACTS)
    """Calls: create, read, update, upsert, archive."""
    carts: ObjectType = ObjectType("0-142", _crm("carts"))
    """Carts: create, read, update, upsert, archive."""
    commerce_payments: ObjectType = ObjectType(None, _crm("commercepayments"))
    """Commerce payments: create, read, update, upsert, archive."""
    communications: ObjectType = ObjectType("0-18", _CONTACTS)
    """Communications: create, read, update, upsert, archive."""
    companies: ObjectType = ObjectType(
        "0-2", _crm("companies"), defaults=("name", "domain")
    )
    """Companies: create, read, update, upsert, archive."""
    contacts: ContactsType = ContactsType(
        "0-1", _CONTACTS, defaults=("firstname", "lastname", "email")
    )
    """Contacts: create, read, update, upsert, archive."""
    contracts: ObjectType = ObjectType(
        None, ("crm.objects.contracts.read", ANY_OBJECT), verbs=_READ_ONLY
    )
    """Contracts: read."""
    courses: ObjectType = ObjectType("0-410", _crm("courses"), path="0-410")
    """Courses: create, read, update, upsert, archive."""
    deals: ObjectType = ObjectType(
        "0-3",
        _crm("deals"),
        defaults=("dealname", "amount", "closedate", "pipeline", "dealstage"),
    )
    """Deals: create, read, update, upsert, archive."""
    discounts: ObjectType = ObjectType("0-84", _LINE_ITEMS)
    """Discounts: create, read, update, upsert, archive."""
    emails: ObjectType = ObjectType("0-49", _CONTACTS)
    """Emails: create, read, update, upsert, archive."""
    feedback_submissions: ObjectType = ObjectType(
        "0-19", ("crm.objects.feedback_submissions.read", ANY_OBJECT), verbs=_READ_ONLY
    )
    """Feedback submissions: read."""
    fees: ObjectType = ObjectType("0-85", _LINE_ITEMS)
    """Fees: create, read, update, upsert, archive."""
    goal_targets: ObjectType = ObjectType("0-74", _crm("goals"))
    """Goal targets: create, read, update, upsert, archive."""
    invoices: ObjectType = ObjectType("0-53", _crm("invoices"))
    """Invoices: create, read, update, upsert, archive."""
    leads: ObjectType = ObjectType("0-136", _crm("leads"))
    """Leads: create, read, update, upsert, archive."""
    line_items: ObjectType = ObjectType("0-8", _LINE_ITEMS)
    """Line items: create, read, update, upsert, archive."""
    listings: ObjectType = ObjectType("0-420", _crm("listings"), path="0-420")
    """Listings: create, read, update, upsert, archive."""
    meetings: ObjectType = ObjectType("0-47", _CONTACTS)
    """Meetings: create, read, update, upsert, archive."""
    notes: ObjectType = ObjectType("0-46", _CONTACTS)
    """Notes: create, read, update, upsert, archive."""
    orders: ObjectType = ObjectType("0-123", _crm("orders"))
    """Orders: create, read, update, upsert, archive."""
    partner_clients: ObjectType = ObjectType(
        None, _crm("partner-clients"), verbs=_NO_NEW_ONES
    )
    """Partner clients: read, update."""
    partner_services: ObjectType = ObjectType(
        None, _crm("partner-services"), verbs=_NO_NEW_ONES
    )
    """Partner services: read, update."""
    payments: ObjectType = ObjectType("0-101", _ANY, verbs=_READ_ONLY)
    """Payments: read."""
    postal_mail: ObjectType = ObjectType("0-116", _CONTACTS)
    """Postal mail: create, read, update, upsert, archive."""
    products: ObjectType = ObjectType(
        "0-7", _crm("products"), defaults=("name", "description", "price")
    )
    """Products: create, read, update, upsert, archive."""
    projects: ObjectType = ObjectType("0-970", _crm("projects"))
    """Projects: create, read, update, upsert, archive."""
    quotes: ObjectType = ObjectType("0-14", _crm("quotes"))
    """Quotes: create, read, update, upsert, archive."""
    services: ObjectType = ObjectType("0-162", _crm("services"), path="0-162")
    """Services: create, read, update, upsert, archive."""
    subscriptions: ObjectType = ObjectType(
        "0-69", ("crm.objects.subscriptions.read", ANY_OBJECT)
    )
    """Subscriptions: create, read, update, upsert, archive."""
    tasks: ObjectType = ObjectType("0-27", _CONTACTS)
    """Tasks: create, read, update, upsert, archive."""
    taxes: ObjectType = ObjectType("0-86", _LINE_ITEMS)
    """Taxes: create, read, update, upsert, archive."""
    tickets: ObjectType = ObjectType(
        "0-5",
        ("tickets", "tickets"),
        defaults=(
            "content",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_category",
            "hs_ticket_priority",
            "subject",
        ),
    )
    """Tickets: create, read, update, upsert, archive."""
    users: ObjectType = ObjectType("0-115", _crm("users"))
    """Users: create, read, update, upsert, archive."""

    def _meant(self, name: str) -> str | None:
        known = standard_type(name)
        return super()._meant(name) if known is None else known.name

    def _hint(self, name: str) -> str:
        owner: Any = self  # a `HasObjects`
        verb = OTHER_WORDS.get(name, name)
        if hasattr(owner.objects("tickets"), verb):
            return f" An object type has it: `.tickets.{verb}`."
        hint = super()._hint(name)
        # A name that resembles a type's may also be that of a custom type.
        if hint and (standard_type(name) or self._meant(name) not in STANDARD_TYPES):
            return hint
        return f'{hint} A custom object type is `.objects("{name}")`.'


STANDARD_TYPES: Mapping[str, ObjectType] = {
    name: row
    for name, row in vars(StandardTypes).items()
    if isinstance(row, ObjectType)
}


def _singular(name: str) -> str:
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


# HubSpot accepts a type's id or its name, singular or plural, in any case.
_BY_ANY_NAME: Mapping[str, ObjectType] = {
    known: row
    for name, row in STANDARD_TYPES.items()
    for known in (name, _singular(name), row.id)
    if known is not None
}


def standard_type(object_type: str) -> ObjectType | None:
    """Return the standard type with a name or id; None for any other type."""
    return _BY_ANY_NAME.get(object_type.lower())


def path_segment(object_type: str) -> str:
    """Return the segment that names an object type in a path."""
    known = standard_type(object_type)
    # Only a type's own name is replaced: HubSpot accepts its other names as they are.
    return known.path if known and known.name == object_type else object_type


def check_verb(verb: str, object_type: str, api_version: str) -> None:
    """Check that HubSpot has a verb for an object type.

    Raises:
        ValueError: If it does not. It has all verbs for custom types.
    """
    known = standard_type(object_type)
    if known is not None:
        known.check_verb(verb, api_version)


def check_merge(_verb: str, object_type: str, api_version: str) -> None:
    """Check that HubSpot merges records of an object type.

    Raises:
        ValueError: If it does not. It merges custom objects.
    """
    known = standard_type(object_type)
    if known is None or known.name in _MERGED or api_version not in _NARROW_VERSIONS:
        return
    raise ValueError(
        f"HubSpot has no merge for {known.name} in {api_version}. It merges "
        f"{', '.join(sorted(_MERGED))} and custom objects."
    )


def type_id(object_type: str) -> str:
    """Return the id of an object type.

    Raises:
        TypeError: If it is not a string.
        ValueError: If its id is not known.
    """
    known = standard_type(check_object_type(object_type))
    found = known.id if known else object_type
    if found is None or "-" not in found:
        raise ValueError(
            f"Lists need the object type's id, e.g. '2-3456', not {object_type!r}."
        )
    return found
