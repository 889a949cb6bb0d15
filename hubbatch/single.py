"""Calls for single records, which are sent together in one request."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar, overload

from ._near_names import NearNames
from ._net.client_state import ClientState
from ._net.coalescing import CallBatchers
from ._validators import check_name, check_names, check_object_type
from ._wire.endpoints import operation_for
from ._wire.object_types import StandardTypes
from ._wire.user_classes import class_mapping
from .errors import ConfigurationError
from .models import (
    AssociationTo,
    CreateInput,
    Record,
    SimplePublicObject,
    SimplePublicUpsertObject,
    UpdateInput,
    UpsertInput,
)


T = TypeVar("T")

# A backend makes the same few kinds of calls over and over: look each of them up once.
_CACHED = 768
_look_up = lru_cache(_CACHED)(operation_for)


class SingleObjects(NearNames):
    """Calls for single records of one object type, each of which returns its result.

    Calls that wait at the same time are sent in one request. A lone call waits 3 ms for
    others. Under load, requests are sent evenly at the rate that the account allows,
    each with all calls that are waiting. A bad record in one call does not affect the
    others.

    Every call raises a copy of its record's error:

    * `RecordInvalid`, `RecordNotFound`, `RecordConflict` (with `existing_id`), or
      another `RecordError`;
    * `OutcomeUnknown` if it was sent but no trustworthy answer came: it may have been
      written;
    * `RecordError` with category `NOT_SENT` if it was not sent for another reason, e.g.
      a token callable that raised, whose exception is then the `__cause__`.

    Or it raises an error that affects all records: `AuthenticationError`,
    `PermissionDeniedError`, `InvalidRequestError`, `DailyLimitReached`, or
    `HubSpotUnavailable` if no usable answer came and nothing was written;
    `OverloadedError`, without waiting, if `max_pending` calls are waiting already;
    `TypeError` or `ValueError` for wrong arguments; `RuntimeError` if the client is
    closed.

    A call that is cancelled before it is sent is never sent; after that, cancelling
    only ends the wait. Writes to one record are sent in the order of the calls, each in
    a request of its own.
    """

    def __init__(
        self, batchers: CallBatchers, object_type: str, *, api_version: str
    ) -> None:
        self._batchers = batchers
        self._object_type = check_object_type(object_type)
        self._api_version = api_version

    def __repr__(self) -> str:
        return f"<SingleObjects {self._object_type!r}>"

    async def create(
        self,
        properties: Mapping[str, object],
        associations: Iterable[AssociationTo | Record] = (),
    ) -> SimplePublicObject:
        """Create a record.

        Example::

            ticket = await hub.single.tickets.create({"subject": "Printer"})

        If the answer is lost, this raises `OutcomeUnknown` and is not sent again.

        Args:
            properties: Values by the name of the property.
            associations: Records to associate the new one with, as `AssociationTo`.
        """
        operation = _look_up(
            "objects", "create", self._object_type, api_version=self._api_version
        )
        record = CreateInput(properties, associations)  # type: ignore[arg-type] # HubSpot's shape works too
        created: SimplePublicObject = await self._batchers.call(operation, record)
        return created

    @overload
    async def read(
        self,
        id: str | int,
        properties: Iterable[str] = (),
        *,
        id_property: str | None = None,
        into: None = None,
    ) -> SimplePublicObject: ...

    @overload
    async def read(
        self,
        id: str | int,
        properties: Iterable[str] = (),
        *,
        id_property: str | None = None,
        into: type[T],
    ) -> T: ...

    async def read(
        self,
        id: str | int,  # noqa: A002 -- HubSpot's word
        properties: Iterable[str] = (),
        *,
        id_property: str | None = None,
        into: type[T] | None = None,
    ) -> Any:
        """Read a record by id, or by the value of the unique property `id_property`.

        Example::

            ticket = await hub.single.tickets.read("512", ["subject"])
            subject = ticket.properties["subject"]

        Equal reads that wait at the same time share one input until it is sent. Nothing
        is cached, so a read after a write returns what was written.

        Args:
            id: The record's id, or the value of `id_property`.
            properties: Names of the properties to return; by default those that
                HubSpot returns for the type.
            id_property: The unique property (e.g. "email") that `id` is the value of.
            into: Your own attrs class or dataclass, as for `hub.tickets.read`: its
                fields are requested as properties, and the result is an instance of it.
                A record that does not fit raises `RecordInvalid`, which names the
                property and its value.
        """
        fields = () if into is None else class_mapping(into).properties
        operation = _look_up(
            "objects",
            "read",
            self._object_type,
            api_version=self._api_version,
            id_property=check_name(id_property),
            # Sorted, so that reads with another order of names are equal.
            properties=tuple(sorted({*fields, *check_names(properties)})),
            into=into,  # type: ignore[arg-type] # mypy: a class is not hashable
        )
        return await self._batchers.call(operation, id)

    async def update(
        self,
        id: str | int,  # noqa: A002 -- HubSpot's word
        properties: Mapping[str, object],
        *,
        id_property: str | None = None,
    ) -> SimplePublicObject:
        """Set properties of a record, by id or by the value of a unique property.

        Example::

            ticket = await hub.single.tickets.update("512", {"subject": "Printer"})

        Args:
            id: The record's id, or the value of `id_property`.
            properties: Values by the name of the property.
            id_property: The unique property (e.g. "email") that `id` is the value of.
        """
        operation = _look_up(
            "objects",
            "update",
            self._object_type,
            api_version=self._api_version,
            id_property=check_name(id_property),
        )
        record = UpdateInput(id, properties)
        updated: SimplePublicObject = await self._batchers.call(operation, record)
        return updated

    async def upsert(
        self,
        id: str | int,  # noqa: A002 -- HubSpot's word
        properties: Mapping[str, object],
        *,
        id_property: str,
    ) -> SimplePublicUpsertObject:
        """Set properties of the record with a unique value, or create it.

        Example::

            contact = await hub.single.contacts.upsert(
                "ada@example.com", {"firstname": "Ada"}, id_property="email"
            )

        Args:
            id: The value of `id_property`.
            properties: Values by the name of the property.
            id_property: The unique property (e.g. "email") that `id` is the value of.
        """
        operation = _look_up(
            "objects",
            "upsert",
            self._object_type,
            api_version=self._api_version,
            id_property=check_name(id_property),
        )
        record = UpsertInput(id, properties)
        upserted: SimplePublicUpsertObject
        upserted = await self._batchers.call(operation, record)
        return upserted

    async def archive(self, id: str | int) -> None:  # noqa: A002 -- HubSpot's word
        """Archive a record. An id that does not exist succeeds too.

        Example::

            await hub.single.tickets.archive("512")

        Args:
            id: The record's id.
        """
        operation = _look_up(
            "objects", "archive", self._object_type, api_version=self._api_version
        )
        await self._batchers.call(operation, id)


class Single(StandardTypes):
    """The object types, each with calls for single records, which are sent together."""

    def __init__(self, state: ClientState, *, api_version: str) -> None:
        self._batchers = CallBatchers(state)
        self._api_version = api_version

    def objects(self, object_type: str) -> SingleObjects:
        """Return the calls for an object type, by name or id: `"2-3456"`, `"p1_car"`.

        Raises:
            TypeError: If `object_type` is not a string.
            ValueError: If it contains characters other than letters, digits, - and _.
        """
        return SingleObjects(self._batchers, object_type, api_version=self._api_version)

    @property
    def max_pending(self) -> int:
        """The maximum number of waiting calls of all kinds.

        Default: 10,000. Further calls raise `OverloadedError` without waiting.

        Raises:
            ConfigurationError: If it is set to anything but an int above zero.
        """
        return self._batchers.max_pending

    @max_pending.setter
    def max_pending(self, number: int) -> None:
        if type(number) is not int or number < 1:
            raise ConfigurationError(
                f"max_pending must be an int above zero, not {number!r}"
            )
        self._batchers.max_pending = number
