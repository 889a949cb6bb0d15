"""The verbs of one object type."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
)
from contextlib import aclosing
from copy import copy
from enum import Enum
from typing import Any, Final, Literal, TypeVar, Unpack, overload

from attrs import evolve

from .core.arguments import check_flag, check_name, check_names, check_object_type
from .core.calls import Operation, Verb
from .core.dialects.documents import Page, page_query
from .core.operations import look_up
from .core.outcomes import Summary
from .core.typed import Typed, class_mapping
from .errors import ListError, RecordNotFound
from .models import (
    CreateInput,
    Record,
    SimplePublicObject,
    SimplePublicUpsertObject,
    UpdateInput,
    UpsertInput,
)
from .net.batch import Batch
from .net.engine import Engine
from .net.verbs import Options, ask, call, takes_options


T = TypeVar("T")

Id = str | int | Record | Typed
Ids = Iterable[Id] | AsyncIterable[Id]
Create = CreateInput | Record | Typed
Creates = Iterable[Create] | AsyncIterable[Create]
Update = UpdateInput | Record | Typed
Updates = Iterable[Update] | AsyncIterable[Update]
Upsert = UpsertInput | Record | Typed
Upserts = Iterable[Upsert] | AsyncIterable[Upsert]


class AllProperties(Enum):
    """The type of `ALL`."""

    ALL = "all"

    def __repr__(self) -> str:
        return "ALL"


ALL: Final = AllProperties.ALL
"""Every property that the object type has, whatever they are."""

Properties = Iterable[str] | Literal[AllProperties.ALL]

# Names of all properties may be too long for a URL, for which HubSpot has a 414 and
# no figure; many servers draw the line at 8 KiB.
_LONGEST_QUERY = 6_000


class Objects:
    """Batch calls on the records of one object type.

    Every verb takes any number of inputs, from any iterable or async iterable, and
    gives a `Batch`: `await` it for one combined response, or enter it with
    `async with` for a stream of outcomes. A record that cannot be sent, or that
    HubSpot refuses, is a failed outcome and never stops the others.

    Records may be of an attrs class or a dataclass of yours too: its fields are the
    properties (see `PropertyName` for other names), and None leaves one out. The id is
    the field `id`, or the field that is `id_property`; a create has no use for it.

    Every verb takes the keywords of `hubbatch.Options` too: `isolate`,
    `max_failures` and `linger`. A verb that HubSpot does not have for the type is a
    ValueError.

    Awaiting or iterating raises `AuthenticationError`, `PermissionDeniedError`,
    `InvalidRequestError` or `DailyLimitReached` when no chunk can succeed any more,
    `HubSpotUnavailable` when no request gets a usable answer or several chunks in a row
    get none, and what the source raises.
    """

    def __init__(self, engine: Engine, object_type: str, *, api_version: str) -> None:
        self._engine = engine
        self._object_type = check_object_type(object_type)
        self._api_version = api_version

    def __repr__(self) -> str:
        return f"<Objects {self._object_type!r}>"

    @takes_options
    def create(
        self,
        inputs: Creates,
        *,
        reconcile_by: str | None = None,
        **options: Unpack[Options],
    ) -> Batch[SimplePublicObject]:
        """Create records.

        A create whose answer was lost is never simply sent again: its outcome is
        `unknown`. With `reconcile_by`, a unique property that every record sets, it
        is looked for by that property, and created again only if it is not there.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        operation = look_up(
            "objects",
            "create",
            self._object_type,
            api_version=self._api_version,
            reconcile_by=check_name(reconcile_by),
        )
        return call(self._engine, operation, inputs, options)

    @overload
    def read(
        self,
        ids: Ids,
        *,
        properties: Properties = (),
        properties_with_history: Iterable[str] = (),
        id_property: str | None = None,
        archived: bool = False,
        into: None = None,
        **options: Unpack[Options],
    ) -> Batch[SimplePublicObject]: ...

    @overload
    def read(
        self,
        ids: Ids,
        *,
        properties: Properties = (),
        id_property: str | None = None,
        archived: bool = False,
        into: type[T],
        **options: Unpack[Options],
    ) -> Batch[T]: ...

    @takes_options
    def read(
        self,
        ids: Ids,
        *,
        properties: Properties = (),
        properties_with_history: Iterable[str] = (),
        id_property: str | None = None,
        archived: bool = False,
        into: type[T] | None = None,
        **options: Unpack[Options],
    ) -> Batch[Any]:
        """Read records by id, or by the value of a unique property.

        Without `properties` HubSpot answers the type's default ones; with `ALL` it is
        asked once which there are. With `properties_with_history` it takes 50 inputs
        a call instead of 100. `archived` reads only records that are archived.

        The `id_property` is asked for as well, which turns HubSpot's defaults off: so
        a type's are named along with it. Of a type whose defaults HubSpot does not
        publish only the `id_property` comes back; name the `properties` to have more.

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
        names = _asked(properties, into)
        histories = check_names(properties_with_history)
        if into is not None and histories:
            raise ValueError("into= has no place for properties_with_history")
        operation = look_up(
            "objects",
            "read",
            self._object_type,
            api_version=self._api_version,
            id_property=check_name(id_property),
            properties=names or (),
            properties_with_history=histories,
            archived=check_flag("archived", archived),
            into=into,
        )
        complete = self._with_all_properties if names is None else None
        return call(self._engine, operation, ids, options, complete=complete)

    @overload
    def list(
        self,
        *,
        properties: Properties = (),
        archived: bool = False,
        into: None = None,
    ) -> AsyncIterator[SimplePublicObject]: ...

    @overload
    def list(
        self, *, properties: Properties = (), archived: bool = False, into: type[T]
    ) -> AsyncIterator[T]: ...

    def list(
        self,
        *,
        properties: Properties = (),
        archived: bool = False,
        into: type[T] | None = None,
    ) -> AsyncIterator[Any]:
        """Go through all the records of the type, 100 a call, as HubSpot orders them.

        A page is asked for when the one before it has been gone through. Without
        `properties` HubSpot answers the type's default ones; with `ALL` it is asked
        once which there are. `archived` lists only records that are archived.

        `into` is a class of yours, as for `read`. A record that does not fit it raises,
        which is the end of the loop; `read` goes on past it:
        `hub.tickets.read((t.id async for t in hub.tickets.list()), into=Ticket)`.

        Raises:
            TypeError: if properties is one text, or a property cannot be what a field
                of `into` is.
            APIError: while going through, if HubSpot refuses a page, or cannot give it.
            RecordInvalid: while going through, for a record that does not fit `into`.
            ListError: while going through, if a page names itself as the next one.
        """
        names = _asked(properties, into)
        check_flag("archived", archived)
        self._engine.check_open()
        make = None if into is None else class_mapping(into).from_record
        pages = self._pages(names, archived=archived, after=None, took=None)
        return _records_of(pages, make)

    def pages(
        self,
        *,
        properties: Properties = (),
        archived: bool = False,
        after: str | None = None,
        took: Callable[[Summary], None] | None = None,
    ) -> AsyncGenerator[Page, None]:
        """Go through all the records of the type, page by page, from any page on.

        Args:
            properties: as of `list`.
            archived: as of `list`.
            after: `Page.after` of the page before the first that is wanted.
            took: called with what each call has taken.

        Raises:
            TypeError: if properties is one text.
            APIError: while going through, if HubSpot refuses a page, or cannot give it.
        """
        names = None if properties is ALL else check_names(properties)
        check_flag("archived", archived)
        self._engine.check_open()
        return self._pages(names, archived=archived, after=after, took=took)

    async def _pages(
        self,
        names: tuple[str, ...] | None,
        *,
        archived: bool,
        after: str | None,
        took: Callable[[Summary], None] | None,
    ) -> AsyncGenerator[Page, None]:
        if names is None:
            names = await self._all_properties()
        # Names too long for a URL are asked for in a body, a page of ids at a time.
        in_url = names if len(",".join(names)) <= _LONGEST_QUERY else ()
        while True:
            operation = look_up(
                "object_pages",
                "list",
                self._object_type,
                api_version=self._api_version,
                archived=archived,
                parameters=page_query(in_url, after),
            )
            page: Page = await ask(self._engine, operation, took)
            if page.records and in_url != names:
                page = await self._read_page(page, names, archived=archived, took=took)
            yield page
            if page.after is None:
                return
            if page.after == after:
                raise ListError(f"HubSpot's list does not move on from {after!r}")
            after = page.after

    async def _read_page(
        self,
        page: Page,
        names: tuple[str, ...],
        *,
        archived: bool,
        took: Callable[[Summary], None] | None,
    ) -> Page:
        """Read the records of a page again; one that went meanwhile is passed over."""
        ids = [record.id for record in page.records]
        batch = self.read(ids, properties=names, archived=archived)
        response = await batch
        if took is not None:
            took(batch.summary)
        for outcome in response.failures:
            if not isinstance(outcome.error, RecordNotFound) and outcome.error:
                raise copy(outcome.error)
        records = [outcome.result for outcome in response.outcomes if outcome.result]
        return Page(records, page.after)

    async def _all_properties(self) -> tuple[str, ...]:
        operation = look_up(
            "property_lists", "read", self._object_type, api_version=self._api_version
        )
        return tuple(one.name for one in await ask(self._engine, operation))

    async def _with_all_properties(self, operation: Operation) -> Operation:
        return evolve(operation, properties=await self._all_properties())

    @takes_options
    def update(
        self,
        inputs: Updates,
        *,
        id_property: str | None = None,
        **options: Unpack[Options],
    ) -> Batch[SimplePublicObject]:
        """Set properties of existing records.

        `id_property` is for the inputs that name none: their id is the value of that
        unique property. Two inputs for one record are sent one after the other.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        operation = self._operation("update", id_property)
        return call(self._engine, operation, inputs, options)

    @takes_options
    def upsert(
        self,
        inputs: Upserts,
        *,
        id_property: str | None = None,
        **options: Unpack[Options],
    ) -> Batch[SimplePublicUpsertObject]:
        """Set properties of the records with a unique value; create what is missing.

        `id_property` is for the inputs that name none.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        operation = self._operation("upsert", id_property)
        return call(self._engine, operation, inputs, options)

    @takes_options
    def archive(
        self, ids: Ids, **options: Unpack[Options]
    ) -> Batch[SimplePublicObject]:
        """Archive records; HubSpot answers the same for ids that do not exist.

        Raises:
            TypeError: if `ids` is no collection of ids.
        """
        return call(self._engine, self._operation("archive"), ids, options)

    def _operation(self, verb: Verb, id_property: str | None = None) -> Operation:
        return look_up(
            "objects",
            verb,
            self._object_type,
            api_version=self._api_version,
            id_property=check_name(id_property),
        )


async def _records_of(
    pages: AsyncGenerator[Page, None],
    make: Callable[[SimplePublicObject], Any] | None,
) -> AsyncIterator[Any]:
    async with aclosing(pages):
        async for page in pages:
            for record in page.records:
                yield record if make is None else make(record)


def _asked(properties: Properties, into: type | None) -> tuple[str, ...] | None:
    """Give the properties to ask for, with those of a class; None for all there are."""
    fields = () if into is None else class_mapping(into).properties
    if properties is ALL:
        return None
    return tuple(dict.fromkeys((*fields, *check_names(properties))))
