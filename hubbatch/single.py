"""Single records: many callers' calls ride together in one request."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from .core.arguments import check_name, check_names, check_object_type
from .core.object_types import StandardTypes
from .core.operations import look_up
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
from .net.engine import Engine
from .net.mailbox import Mailboxes


# Every call looks its operation up, and few operations recur all the time.
_look_up = lru_cache(768)(look_up)


class SingleObjects:
    """Calls on single records of one object type: one in, its result out.

    Calls that wait at the same time leave in one request. A lone call waits 3 ms for
    others; when there are many, requests leave evenly, at the rate that the account may
    keep up, each with all the calls that wait by then. No call fails for another's
    record.

    Every call raises the error of its record, an own copy of it:

    * `RecordInvalid`, `RecordNotFound`, `RecordConflict` (with `existing_id`), or any
      other `RecordError`;
    * `OutcomeUnknown` if it was sent and no trustworthy answer came: it may have been
      written;
    * `RecordError` of the category `NOT_SENT` if something else than HubSpot kept it
      back, such as a token callable that raises; that is its `__cause__`.

    Besides it raises what concerns more than one record (`AuthenticationError`,
    `PermissionDeniedError`, `InvalidRequestError`, `DailyLimitReached`,
    `HubSpotUnavailable` if no usable answer came; nothing was written then),
    `OverloadedError` at once if `max_pending` calls wait already, `TypeError` or
    `ValueError` for options that mean nothing, and `RuntimeError` if the client is
    closed.

    A call that is cancelled before it was sent is not sent; after that, only the
    waiting ends. Writes to one record are sent in the order of the calls.
    """

    def __init__(
        self, mailboxes: Mailboxes, object_type: str, *, api_version: str
    ) -> None:
        self._mailboxes = mailboxes
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

        One whose answer was lost is never sent again: that is an `OutcomeUnknown`.
        """
        operation = _look_up(
            "objects", "create", self._object_type, api_version=self._api_version
        )
        given = CreateInput(properties, associations)  # type: ignore[arg-type] # HubSpot's shape will do
        created: SimplePublicObject = await self._mailboxes.ask(operation, given)
        return created

    async def read(
        self,
        id: str | int,  # noqa: A002 -- HubSpot's word
        properties: Iterable[str] = (),
        *,
        id_property: str | None = None,
    ) -> SimplePublicObject:
        """Read a record by id, or by the value of the unique property `id_property`.

        Without `properties` HubSpot answers the type's default ones. Callers who ask
        for the same at the same time share one input, until it is sent; nothing is
        cached, so that whoever has written reads what was written.
        """
        operation = _look_up(
            "objects",
            "read",
            self._object_type,
            api_version=self._api_version,
            id_property=check_name(id_property),
            # In any order they are the same question.
            properties=tuple(sorted({*check_names(properties)})),
        )
        read: SimplePublicObject = await self._mailboxes.ask(operation, id)
        return read

    async def update(
        self,
        id: str | int,  # noqa: A002 -- HubSpot's word
        properties: Mapping[str, object],
        *,
        id_property: str | None = None,
    ) -> SimplePublicObject:
        """Set properties of a record, named by id or by the value of `id_property`."""
        operation = _look_up(
            "objects",
            "update",
            self._object_type,
            api_version=self._api_version,
            id_property=check_name(id_property),
        )
        given = UpdateInput(id, properties)
        updated: SimplePublicObject = await self._mailboxes.ask(operation, given)
        return updated

    async def upsert(
        self,
        id: str | int,  # noqa: A002 -- HubSpot's word
        properties: Mapping[str, object],
        *,
        id_property: str,
    ) -> SimplePublicUpsertObject:
        """Set properties of the record whose `id_property` is `id`, or create it."""
        operation = _look_up(
            "objects",
            "upsert",
            self._object_type,
            api_version=self._api_version,
            id_property=check_name(id_property),
        )
        given = UpsertInput(id, properties)
        upserted: SimplePublicUpsertObject = await self._mailboxes.ask(operation, given)
        return upserted

    async def archive(self, id: str | int) -> None:  # noqa: A002 -- HubSpot's word
        """Archive a record; HubSpot answers the same for one that does not exist."""
        operation = _look_up(
            "objects", "archive", self._object_type, api_version=self._api_version
        )
        await self._mailboxes.ask(operation, id)


class Single(StandardTypes):
    """The object types, each with calls on single records that ride together."""

    def __init__(self, engine: Engine, *, api_version: str) -> None:
        self._mailboxes = Mailboxes(engine)
        self._api_version = api_version

    def objects(self, object_type: str) -> SingleObjects:
        """Give the calls of any object type, by name or id: `"2-3456"`, `"p1_car"`.

        Raises:
            TypeError: if it is no text.
            ValueError: if it is not one segment of a path.
        """
        return SingleObjects(
            self._mailboxes, object_type, api_version=self._api_version
        )

    @property
    def max_pending(self) -> int:
        """How many calls may wait at a time, of all kinds together; 10,000 unless set.

        Any more are refused at once, with `OverloadedError`.

        Raises:
            ConfigurationError: if it is set to anything but a number above zero.
        """
        return self._mailboxes.max_pending

    @max_pending.setter
    def max_pending(self, number: int) -> None:
        if type(number) is not int or number < 1:
            raise ConfigurationError(f"max_pending must be above zero, not {number!r}")
        self._mailboxes.max_pending = number
