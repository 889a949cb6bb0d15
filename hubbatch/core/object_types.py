"""HubSpot's standard object types, as attributes of what has the verbs of any type."""

from typing import Protocol, TypeVar, overload


T_co = TypeVar("T_co", covariant=True)


class HasObjects(Protocol[T_co]):
    """What has the verbs of any object type."""

    def objects(self, object_type: str, /) -> T_co:
        """Give the verbs of an object type."""
        ...


class ObjectType:
    """A standard object type, and an attribute that gives its verbs.

    `path` is what paths call it, where that is not its name.
    """

    def __init__(self, path: str = "") -> None:
        self.path = path

    def __set_name__(self, _owner: type, name: str) -> None:
        self.path = self.path or name

    @overload
    def __get__(self, owner: None, cls: type) -> "ObjectType": ...
    @overload
    def __get__(self, owner: HasObjects[T_co], cls: type) -> T_co: ...
    def __get__(self, owner: HasObjects[T_co] | None, cls: type) -> "ObjectType | T_co":
        return self if owner is None else owner.objects(self.path)


class StandardTypes:
    """The standard object types by the names of their paths.

    Deals and some others are published under an id only and are known by their names
    all the same.
    """

    appointments: ObjectType = ObjectType()
    calls: ObjectType = ObjectType()
    carts: ObjectType = ObjectType()
    commerce_payments: ObjectType = ObjectType()
    communications: ObjectType = ObjectType()
    companies: ObjectType = ObjectType()
    contacts: ObjectType = ObjectType()
    contracts: ObjectType = ObjectType()
    courses: ObjectType = ObjectType("0-410")
    deals: ObjectType = ObjectType()
    discounts: ObjectType = ObjectType()
    emails: ObjectType = ObjectType()
    feedback_submissions: ObjectType = ObjectType()
    fees: ObjectType = ObjectType()
    goal_targets: ObjectType = ObjectType()
    invoices: ObjectType = ObjectType()
    leads: ObjectType = ObjectType()
    line_items: ObjectType = ObjectType()
    listings: ObjectType = ObjectType("0-420")
    meetings: ObjectType = ObjectType()
    notes: ObjectType = ObjectType()
    orders: ObjectType = ObjectType()
    partner_clients: ObjectType = ObjectType()
    partner_services: ObjectType = ObjectType()
    payments: ObjectType = ObjectType()
    postal_mail: ObjectType = ObjectType()
    products: ObjectType = ObjectType()
    projects: ObjectType = ObjectType()
    quotes: ObjectType = ObjectType()
    services: ObjectType = ObjectType("0-162")
    subscriptions: ObjectType = ObjectType()
    tasks: ObjectType = ObjectType()
    taxes: ObjectType = ObjectType()
    tickets: ObjectType = ObjectType()
    users: ObjectType = ObjectType()
