"""The verbs of one object type."""

from collections.abc import AsyncIterable, Iterable
from typing import Any, TypeVar, overload

from .core.operations import (
    check_object_type,
    create_operation,
    object_operation,
    read_operation,
)
from .core.typed import Typed, shape_of
from .models import (
    CreateInput,
    Record,
    SimplePublicObject,
    SimplePublicUpsertObject,
    UpdateInput,
    UpsertInput,
)
from .net.batch import LINGER, Batch
from .net.engine import Engine


T = TypeVar("T")

Id = str | int | Record | Typed
Ids = Iterable[Id] | AsyncIterable[Id]
Create = CreateInput | Record | Typed
Creates = Iterable[Create] | AsyncIterable[Create]
Update = UpdateInput | Record | Typed
Updates = Iterable[Update] | AsyncIterable[Update]
Upsert = UpsertInput | Record | Typed
Upserts = Iterable[Upsert] | AsyncIterable[Upsert]


class Objects:
    """Batch calls on the records of one object type.

    Every verb takes any number of inputs, from any iterable or async iterable, and
    gives a `Batch`: `await` it for one combined response, or enter it with
    `async with` for a stream of outcomes. A record that cannot be sent, or that
    HubSpot refuses, is a failed outcome and never stops the others.

    Records may be of an attrs class or a dataclass of yours too: its fields are the
    properties (see `PropertyName` for other names), and None leaves one out. The id is
    the field `id`, or the field that is `id_property`; a create has no use for it.

    Every verb takes these keywords too:

    * `isolate`: whether a chunk that HubSpot refuses as a whole is split to find the
      records that are to blame; otherwise all of them fail.
    * `max_failures`: more failed or unknown records than this number, or this share
      (`"5%"`) of all, end the batch with `TooManyFailures`. `"auto"` ends it when
      its first 1,000 records all failed for the same reason; None never does.
    * `linger`: seconds that a partial chunk waits for more inputs from an
      asynchronous source.

    Awaiting or iterating raises `AuthenticationError`, `PermissionDeniedError`,
    `InvalidRequestError`, `DailyLimitReached` or `HubSpotUnavailable` when no chunk
    can succeed any more, and what the source raises.
    """

    def __init__(self, engine: Engine, object_type: str, *, api_version: str) -> None:
        self._engine = engine
        self._object_type = check_object_type(object_type)
        self._api_version = api_version

    def __repr__(self) -> str:
        return f"<Objects {self._object_type!r}>"

    def create(
        self,
        inputs: Creates,
        *,
        reconcile_by: str | None = None,
        isolate: bool = True,
        max_failures: int | str | None = "auto",
        linger: float = LINGER,
    ) -> Batch[SimplePublicObject]:
        """Create records.

        A create whose answer was lost is never simply sent again: its outcome is
        `unknown`. With `reconcile_by`, a unique property that every record sets, it
        is looked for by that property, and created again only if it is not there.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        operation = create_operation(
            self._object_type,
            api_version=self._api_version,
            reconcile_by=check_name(reconcile_by),
        )
        return Batch(
            self._engine,
            operation,
            inputs,
            isolate=isolate,
            max_failures=max_failures,
            linger=linger,
        )

    @overload
    def read(
        self,
        ids: Ids,
        *,
        properties: Iterable[str] = (),
        properties_with_history: Iterable[str] = (),
        id_property: str | None = None,
        archived: bool = False,
        into: None = None,
        isolate: bool = True,
        max_failures: int | str | None = "auto",
        linger: float = LINGER,
    ) -> Batch[SimplePublicObject]: ...

    @overload
    def read(
        self,
        ids: Ids,
        *,
        properties: Iterable[str] = (),
        id_property: str | None = None,
        archived: bool = False,
        into: type[T],
        isolate: bool = True,
        max_failures: int | str | None = "auto",
        linger: float = LINGER,
    ) -> Batch[T]: ...

    def read(
        self,
        ids: Ids,
        *,
        properties: Iterable[str] = (),
        properties_with_history: Iterable[str] = (),
        id_property: str | None = None,
        archived: bool = False,
        into: type[T] | None = None,
        isolate: bool = True,
        max_failures: int | str | None = "auto",
        linger: float = LINGER,
    ) -> Batch[Any]:
        """Read records by id, or by the value of a unique property.

        Without `properties` HubSpot answers the type's default ones. With
        `properties_with_history` it takes 50 inputs a call instead of 100. `archived`
        reads only records that are archived.

        `into` is an attrs class or a dataclass of yours: its fields are asked for as
        properties (see `PropertyName` for other names), and each result is one of
        them. A field `id` gets the record's id. Fields may be of str, int, float,
        Decimal, bool, date, datetime, an Enum, a Literal, lists, sets and tuples of
        these (`a;b`), and `| None`. A property that is not set is None, or else the
        field's default, or else no items. A record that does not fit has failed with
        a `RecordInvalid` that names the property and its value.

        Raises:
            TypeError: if `ids` is no collection of ids, or properties is one text, or
                a property cannot be what a field of `into` is.
            ValueError: if histories are asked for, which `into` has no place for.
        """
        if into is not None:
            asked = check_names(properties)
            properties = dict.fromkeys((*shape_of(into).properties, *asked))
            if check_names(properties_with_history):
                raise ValueError("into= has no place for properties_with_history")
        operation = read_operation(
            self._object_type,
            api_version=self._api_version,
            id_property=check_name(id_property),
            properties=check_names(properties),
            properties_with_history=check_names(properties_with_history),
            archived=check_flag("archived", archived),
            into=into,
        )
        return Batch(
            self._engine,
            operation,
            ids,
            isolate=isolate,
            max_failures=max_failures,
            linger=linger,
        )

    def update(
        self,
        inputs: Updates,
        *,
        id_property: str | None = None,
        isolate: bool = True,
        max_failures: int | str | None = "auto",
        linger: float = LINGER,
    ) -> Batch[SimplePublicObject]:
        """Set properties of existing records.

        `id_property` is for the inputs that name none: their id is the value of that
        unique property. Two inputs for one record are sent one after the other.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        operation = object_operation(
            "update",
            self._object_type,
            api_version=self._api_version,
            id_property=check_name(id_property),
        )
        return Batch(
            self._engine,
            operation,
            inputs,
            isolate=isolate,
            max_failures=max_failures,
            linger=linger,
        )

    def upsert(
        self,
        inputs: Upserts,
        *,
        id_property: str | None = None,
        isolate: bool = True,
        max_failures: int | str | None = "auto",
        linger: float = LINGER,
    ) -> Batch[SimplePublicUpsertObject]:
        """Set properties of the records with a unique value; create what is missing.

        `id_property` is for the inputs that name none.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        operation = object_operation(
            "upsert",
            self._object_type,
            api_version=self._api_version,
            id_property=check_name(id_property),
        )
        return Batch(
            self._engine,
            operation,
            inputs,
            isolate=isolate,
            max_failures=max_failures,
            linger=linger,
        )

    def archive(
        self,
        ids: Ids,
        *,
        isolate: bool = True,
        max_failures: int | str | None = "auto",
        linger: float = LINGER,
    ) -> Batch[SimplePublicObject]:
        """Archive records; HubSpot answers the same for ids that do not exist.

        Raises:
            TypeError: if `ids` is no collection of ids.
        """
        operation = object_operation(
            "archive", self._object_type, api_version=self._api_version
        )
        return Batch(
            self._engine,
            operation,
            ids,
            isolate=isolate,
            max_failures=max_failures,
            linger=linger,
        )


def check_flag(name: str, value: Any) -> bool:
    """Give a flag back.

    Raises:
        TypeError: if it is neither True nor False.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return value


def check_name(name: Any) -> str | None:
    """Give a property's name back.

    Raises:
        TypeError: if it is no text.
        ValueError: if it is empty.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"a property name must be a str, not {name!r}")
    if name == "":
        raise ValueError("a property name must not be empty")
    if name is not None and not name.isprintable():
        raise ValueError(f"{name!a} is not the name of a property")
    return name


def check_names(names: Any) -> tuple[str, ...]:
    """Give the names of properties back.

    Raises:
        TypeError: for one text where a collection belongs.
    """
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise TypeError(f"expected a collection of property names, not {names!r}")
    return tuple(_required(name) for name in names)


def _required(name: Any) -> str:
    checked = check_name(name)
    if checked is None:
        raise TypeError("a property name must be a str, not None")
    return checked
