"""The verbs for one object type."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Iterable,
)
from copy import copy
from typing import Any, TypeVar, Unpack, overload

from attrs import evolve

from ._net.batch import Batch
from ._net.record_iterator import RecordIterator, records_of
from ._outcomes.outcome import Summary
from ._validators import check_flag, check_name, check_names
from ._verbs import Options, Verbs, requested, zone_of
from ._wire.arguments import ALL, Id, Inputs, PropertyNames
from ._wire.calls import Operation, Verb
from ._wire.codecs.documents import Page, page_query
from ._wire.endpoints import operation_for
from ._wire.user_classes import Typed, class_mapping
from .errors import ListError, RecordNotFound
from .merges import Merges
from .models import (
    CreateInput,
    Record,
    SimplePublicObject,
    SimplePublicUpsertObject,
    UpdateInput,
    UpsertInput,
)
from .search import Searches


T = TypeVar("T")

# If the property names are longer than this, they are sent in the body of a batch read.
# HubSpot answers 414 to a URL that is too long and publishes no limit; many servers
# refuse 8 KiB.
_LONGEST_QUERY = 6_000


class Objects(Searches, Merges, Verbs):
    """Batch verbs for the records of one object type.

    An input is a `CreateInput`, `UpdateInput` or `UpsertInput`, or a mapping in
    HubSpot's shape: `{"id": ..., "properties": {...}}`. `read` and `archive` take ids.

    Inputs may also be instances of your own attrs class or dataclass. Its fields are
    the properties (see `PropertyName` to map other names); a field that is None is not
    sent. The field `id`, or the one named like `id_property`, holds the id, which
    `create` ignores.

    Rows work too: a pandas, polars, pyarrow or DuckDB table, or flat mappings such as
    those of `csv.DictReader`. The column `id_property`, or else `id`, holds the id, and
    the other columns are properties. A missing value (None, NaN) leaves its property
    out. `timezone` (such as `"Europe/Berlin"`) is the time zone of times without one.

    HubSpot accepts 100 inputs per call (its guide "Using object APIs").
    """

    def create(
        self,
        inputs: Inputs[CreateInput | Record | Typed],
        *,
        reconcile_by: str | None = None,
        timezone: str | None = None,
        **options: Unpack[Options],
    ) -> Batch[SimplePublicObject]:
        """Create records.

        Example::

            records = [{"properties": {"subject": "Printer", "content": "On fire"}}]
            response = await hub.tickets.create(records)

        A create whose answer was lost is not sent again: its outcome is `unknown`,
        unless `reconcile_by` is set.

        Args:
            inputs: Dicts as above, flat ones, a table (pandas, polars), instances
                of your own attrs class or dataclass, or `CreateInput` objects.
            reconcile_by: A unique property that every record sets. A record whose
                answer was lost is looked up by it, and created again only if it does
                not exist.
            timezone: The IANA zone of datetimes without one, e.g. "Europe/Berlin".
            isolate: Whether to split a chunk that HubSpot refuses as a whole until the
                bad records are found. Default: True.
            max_failures: End the batch with `TooManyFailures` once more records than
                this number, or this share of all records (`"5%"`), are failed or
                unknown. Default: "auto".
            linger: Seconds that a partial chunk waits for more inputs from an async
                source. Default: 0.1.
            progress: Called as `progress(done, total)` at the start, after each chunk
                and at the end. Default: None.
        """
        operation = operation_for(
            "objects",
            "create",
            *self._object_types,
            api_version=self._api_version,
            reconcile_by=check_name(reconcile_by),
            zone=zone_of(timezone),
        )
        return self._batch(operation, inputs, options)

    @overload
    def read(
        self,
        ids: Inputs[Id],
        *,
        properties: PropertyNames = (),
        properties_with_history: Iterable[str] = (),
        id_property: str | None = None,
        archived: bool = False,
        into: None = None,
        **options: Unpack[Options],
    ) -> Batch[SimplePublicObject]: ...

    @overload
    def read(
        self,
        ids: Inputs[Id],
        *,
        properties: PropertyNames = (),
        id_property: str | None = None,
        archived: bool = False,
        into: type[T],
        **options: Unpack[Options],
    ) -> Batch[T]: ...

    def read(
        self,
        ids: Inputs[Id],
        *,
        properties: PropertyNames = (),
        properties_with_history: Iterable[str] = (),
        id_property: str | None = None,
        archived: bool = False,
        into: type[T] | None = None,
        **options: Unpack[Options],
    ) -> Batch[Any]:
        """Read records by id, or by the value of a unique property.

        Example::

            response = await hub.tickets.read(["512", 513], properties=["subject"])
            subjects = [ticket.properties["subject"] for ticket in response.results]

        Args:
            ids: Record ids, or values of `id_property`; also inputs or records of your
                own class, for their ids.
            properties: Names of the properties to return; by default those that
                HubSpot returns for the type. `ALL` returns every property: one more
                request reads their names first.
            properties_with_history: Names of the properties to return with their
                earlier values. HubSpot then accepts 50 inputs per call instead of 100
                (it answers 400 to more).
            id_property: The unique property (e.g. "email") that `ids` are values of.
                It is also requested, so that results can be matched, and HubSpot then
                returns no default properties; hubbatch requests them by name for types
                whose defaults HubSpot publishes. For other types only `id_property` is
                returned, so set `properties`.
            archived: Whether to read archived records instead of active ones.
            into: Your own attrs class or dataclass. Its fields are requested as
                properties (see `PropertyName` to map other names), and each result is
                an instance of it; a field `id` holds the record's id. A field may be a
                str, int, float, Decimal, bool, date, datetime, Enum or Literal, a list,
                set or tuple of these (`a;b`), or any of them `| None`. A property
                without a value becomes None, else the field's default, else an empty
                collection. A record that does not fit fails with a `RecordInvalid` that
                names the property and its value.
            isolate: Whether to split a chunk that HubSpot refuses as a whole until the
                bad records are found. Default: True.
            max_failures: End the batch with `TooManyFailures` once more records than
                this number, or this share of all records (`"5%"`), are failed or
                unknown. Default: "auto".
            linger: Seconds that a partial chunk waits for more inputs from an async
                source. Default: 0.1.
            progress: Called as `progress(done, total)` at the start, after each chunk
                and at the end. Default: None.

        Raises:
            TypeError: If `properties` is a string, or a field of `into` has a type
                that no property value can have.
            ValueError: If `into` is combined with `properties_with_history`.
        """
        names = requested(properties, into)
        histories = check_names(properties_with_history)
        if into is not None and histories:
            raise ValueError(
                "into= cannot be combined with properties_with_history: its fields "
                "hold one value each."
            )
        operation = operation_for(
            "objects",
            "read",
            *self._object_types,
            api_version=self._api_version,
            id_property=check_name(id_property),
            properties=names or (),
            properties_with_history=histories,
            archived=check_flag("archived", archived),
            into=into,
        )
        complete = self._with_all_properties if names is None else None
        watch = self._watch(names) if into is None and names else None
        return self._batch(operation, ids, options, complete=complete, watch=watch)

    @overload
    def list(
        self,
        *,
        properties: PropertyNames = (),
        archived: bool = False,
        into: None = None,
    ) -> AsyncIterator[SimplePublicObject]: ...

    @overload
    def list(
        self, *, properties: PropertyNames = (), archived: bool = False, into: type[T]
    ) -> AsyncIterator[T]: ...

    def list(
        self,
        *,
        properties: PropertyNames = (),
        archived: bool = False,
        into: type[T] | None = None,
    ) -> AsyncIterator[Any]:
        """Iterate over all records of the type, in HubSpot's order, 100 per call.

        Each page is requested once the records of the previous page are consumed.

        Example::

            async for ticket in hub.tickets.list(properties=["subject"]):
                print(ticket.id, ticket.properties["subject"])

        Args:
            properties: As for `read`.
            archived: Whether to list archived records instead of active ones.
            into: Your own class, as for `read`. A record that does not fit it ends the
                loop with `RecordInvalid`. `read` continues past such records:
                `hub.tickets.read((t.id async for t in hub.tickets.list()), into=T)`.

        Raises:
            TypeError: If `properties` is a string, or a field of `into` has a type
                that no property value can have.
            RuntimeError: If the client is closed.
            APIError: While iterating, if HubSpot refuses a page or is unavailable.
            RecordInvalid: While iterating, if a record does not fit `into`.
            ListError: While iterating, if a page names itself as the next page.
        """
        names = requested(properties, into)
        check_flag("archived", archived)
        self._state.check_open()
        make = None if into is None else class_mapping(into).from_record
        pages = self._pages(names, archived=archived, after=None, took=None)
        name = f"{self._object_types[0]}.list()"
        return RecordIterator(records_of(pages, make), name)

    def pages(
        self,
        *,
        properties: PropertyNames = (),
        archived: bool = False,
        after: str | None = None,
        took: Callable[[Summary], None] | None = None,
    ) -> AsyncGenerator[Page, None]:
        """Iterate over all records of the type page by page, from any page.

        Example::

            async for page in hub.tickets.pages():
                print(len(page.records), page.after)

        Args:
            properties: As for `list`.
            archived: As for `list`.
            after: The `Page.after` to continue from; None starts at the first page.
            took: A function to call with the counts of each request.

        Raises:
            TypeError: If `properties` is a string.
            RuntimeError: If the client is closed.
            APIError: While iterating, if HubSpot refuses a page or is unavailable.
            ListError: While iterating, if a page names itself as the next page.
        """
        names = None if properties is ALL else check_names(properties)
        check_flag("archived", archived)
        self._state.check_open()
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
        # Names too long for a URL: list ids only, and read each page with a batch read.
        in_url = names if len(",".join(names)) <= _LONGEST_QUERY else ()
        watch = self._watch(in_url)
        while True:
            operation = operation_for(
                "object_pages",
                "list",
                *self._object_types,
                api_version=self._api_version,
                archived=archived,
                parameters=page_query(in_url, after),
            )
            page: Page = await self._ask(operation, took)
            if page.records and in_url != names:
                page = await self._read_page(page, names, archived=archived, took=took)
            watch.note(page.records)
            yield page
            if page.after is None:
                await self._state.warn_of_unknown(watch)
                return
            if page.after == after:
                raise ListError(
                    f"HubSpot's list does not advance: page {after!r} names itself as "
                    "the next page. Start the list again"
                )
            after = page.after

    async def _read_page(
        self,
        page: Page,
        names: tuple[str, ...],
        *,
        archived: bool,
        took: Callable[[Summary], None] | None,
    ) -> Page:
        """Read the records of a page, except those that were deleted meanwhile."""
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
        return tuple(each.name for each in await self._definitions())

    async def _with_all_properties(self, operation: Operation) -> Operation:
        return evolve(operation, properties=await self._all_properties())

    def update(
        self,
        inputs: Inputs[UpdateInput | Record | Typed],
        *,
        id_property: str | None = None,
        timezone: str | None = None,
        **options: Unpack[Options],
    ) -> Batch[SimplePublicObject]:
        """Set properties of existing records.

        Example::

            records = [{"id": "512", "properties": {"subject": "Printer"}}]
            response = await hub.tickets.update(records)

        Two inputs for one record are sent one after the other.

        Args:
            inputs: Dicts as above, flat ones, a table (pandas, polars), instances
                of your own attrs class or dataclass, or `UpdateInput` objects.
            id_property: The unique property (e.g. "email") that the inputs' `id` values
                belong to; inputs with their own `idProperty` keep it.
            timezone: The IANA zone of datetimes without one, e.g. "Europe/Berlin".
            isolate: Whether to split a chunk that HubSpot refuses as a whole until the
                bad records are found. Default: True.
            max_failures: End the batch with `TooManyFailures` once more records than
                this number, or this share of all records (`"5%"`), are failed or
                unknown. Default: "auto".
            linger: Seconds that a partial chunk waits for more inputs from an async
                source. Default: 0.1.
            progress: Called as `progress(done, total)` at the start, after each chunk
                and at the end. Default: None.
        """
        operation = self._operation("update", id_property, timezone)
        return self._batch(operation, inputs, options)

    def upsert(
        self,
        inputs: Inputs[UpsertInput | Record | Typed],
        *,
        id_property: str | None = None,
        timezone: str | None = None,
        **options: Unpack[Options],
    ) -> Batch[SimplePublicUpsertObject]:
        """Update records by a unique property, and create those that do not exist.

        Example::

            records = [{"id": "ada@example.com", "properties": {"firstname": "Ada"}}]
            response = await hub.contacts.upsert(records, id_property="email")

        Args:
            inputs: Dicts as above, flat ones, a table (pandas, polars), instances
                of your own attrs class or dataclass, or `UpsertInput` objects.
            id_property: The unique property (e.g. "email") that the inputs' `id` values
                belong to; inputs with their own `idProperty` keep it.
            timezone: The IANA zone of datetimes without one, e.g. "Europe/Berlin".
            isolate: Whether to split a chunk that HubSpot refuses as a whole until the
                bad records are found. Default: True.
            max_failures: End the batch with `TooManyFailures` once more records than
                this number, or this share of all records (`"5%"`), are failed or
                unknown. Default: "auto".
            linger: Seconds that a partial chunk waits for more inputs from an async
                source. Default: 0.1.
            progress: Called as `progress(done, total)` at the start, after each chunk
                and at the end. Default: None.
        """
        operation = self._operation("upsert", id_property, timezone)
        return self._batch(operation, inputs, options)

    def archive(
        self, ids: Inputs[Id], **options: Unpack[Options]
    ) -> Batch[SimplePublicObject]:
        """Archive records. An id that does not exist succeeds too.

        Example::

            response = await hub.tickets.archive(["512", 513])

        Args:
            ids: Record ids; also inputs or records of your own class, for their ids.
            isolate: Whether to split a chunk that HubSpot refuses as a whole until the
                bad records are found. Default: True.
            max_failures: End the batch with `TooManyFailures` once more records than
                this number, or this share of all records (`"5%"`), are failed or
                unknown. Default: "auto".
            linger: Seconds that a partial chunk waits for more inputs from an async
                source. Default: 0.1.
            progress: Called as `progress(done, total)` at the start, after each chunk
                and at the end. Default: None.
        """
        return self._batch(self._operation("archive"), ids, options)

    def _operation(
        self,
        verb: Verb,
        id_property: str | None = None,
        timezone: str | None = None,
    ) -> Operation:
        return operation_for(
            "objects",
            verb,
            *self._object_types,
            api_version=self._api_version,
            id_property=check_name(id_property),
            zone=zone_of(timezone),
        )
