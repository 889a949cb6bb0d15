"""Search: all records of an object type that match filters."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Iterable,
)
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, overload

from attrs import evolve

from ._net.property_watch import PropertyWatch
from ._net.record_iterator import RecordIterator, records_of
from ._outcomes.outcome import Summary
from ._validators import check_name
from ._verbs import Face, requested
from ._wire.arguments import PropertyNames
from ._wire.calls import Operation
from ._wire.codecs.documents import Page
from ._wire.codecs.search import ID, PAGE_SIZE, Found
from ._wire.endpoints import operation_for
from ._wire.filters import Filters
from ._wire.filters import filter_groups as parse_groups
from ._wire.user_classes import class_mapping
from .errors import HubBatchError, InvalidRequestError
from .models import Property, SimplePublicObject


if TYPE_CHECKING:
    from ._wire.search_request import SearchRequest

T = TypeVar("T")

# The whole message of HubSpot's 400 that names no cause.
_NAMELESS = "There was a problem with the request."


class Searches(Face):
    """Search and count, for the records of one object type."""

    @overload
    def search(
        self,
        filters: Filters | None = None,
        *,
        filter_groups: Iterable[Filters] | None = None,
        query: str | None = None,
        properties: PropertyNames = (),
        into: None = None,
        limit: int | None = None,
        sort: str | None = None,
    ) -> AsyncIterator[SimplePublicObject]: ...

    @overload
    def search(
        self,
        filters: Filters | None = None,
        *,
        filter_groups: Iterable[Filters] | None = None,
        query: str | None = None,
        properties: PropertyNames = (),
        into: type[T],
        limit: int | None = None,
        sort: str | None = None,
    ) -> AsyncIterator[T]: ...

    def search(
        self,
        filters: Filters | None = None,
        *,
        filter_groups: Iterable[Filters] | None = None,
        query: str | None = None,
        properties: PropertyNames = (),
        into: type[T] | None = None,
        limit: int | None = None,
        sort: str | None = None,
    ) -> AsyncIterator[Any]:
        """Iterate over all records that match, however many, 200 per call.

        Example::

            urgent = Filter("hs_ticket_priority", "in", ["HIGH", "URGENT"])
            async for ticket in hub.tickets.search([urgent], properties=["subject"]):
                print(ticket.id, ticket.properties["subject"])

        A search feeds the verbs directly:
        `hub.tickets.archive(t.id async for t in hub.tickets.search(...))`.

        Records come in the order of their ids. Each record that exists and matches from
        the start to the end comes exactly once; a record that begins or ceases to match
        meanwhile may be missing. Search sees changes after a few moments (HubSpot names
        no bound), so a record may come that no longer matches. It never finds archived
        records. To read what was just written, use `read`.

        Each page is requested once the records of the previous page are consumed.
        HubSpot allows five searches a second per account, for all apps together.

        Args:
            filters: A mapping of property names to the values they must equal, or a
                list of `Filter` objects or of dicts in HubSpot's shape. All must hold.
            filter_groups: A list of such `filters`, one of which must hold, in addition
                to `filters`. HubSpot accepts 5 groups with 6 filters each, 18 in all,
                and without `sort` one of each group is needed to page by id.
            query: Words to find in the properties that HubSpot searches by default.
            properties: As for `read`.
            into: Your own class, as for `read`. A record that does not fit it ends the
                loop with `RecordInvalid`.
            limit: The number of records to stop after; None for all.
            sort: A property to sort by, after a "-" to descend. HubSpot then returns
                only 10,000 matches: if there are more, a `ListError` says so after
                these. Records that change meanwhile may be missing.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If HubSpot would refuse a filter, or there are too many.
            RuntimeError: If the client is closed.
            APIError: While iterating, if HubSpot refuses a page or is unavailable. If
                it does not say why, the error names the property that is unknown.
            RecordInvalid: While iterating, if a record does not fit `into`.
            ListError: While iterating, if the pages do not advance, or `sort` ends.
        """
        if limit is not None and (type(limit) is not int or limit < 1):
            raise ValueError(f"limit must be a number of 1 or more, not {limit!r}.")
        name = None if sort is None else _sort_name(sort)
        request = _request(filters, filter_groups, query, sort=name)
        names = requested(properties, into)
        self._state.check_open()
        make = None if into is None else class_mapping(into).from_record
        one_search = _Search(self, request, names, None, watched=into is None)
        pages = one_search.pages("0", limit)
        call = f"{self._object_types[0]}.search()"
        return RecordIterator(records_of(pages, make), call)

    def search_pages(
        self,
        filters: Filters | None = None,
        *,
        filter_groups: Iterable[Filters] | None = None,
        query: str | None = None,
        properties: PropertyNames = (),
        after: str | None = None,
        took: Callable[[Summary], None] | None = None,
    ) -> AsyncGenerator[Page, None]:
        """Iterate over all records that match page by page, from any page.

        Example::

            async for page in hub.tickets.search_pages({"hs_pipeline": "0"}):
                print(len(page.records), page.after)

        Args:
            filters: As for `search`.
            filter_groups: As for `search`.
            query: As for `search`.
            properties: As for `search`.
            after: The `Page.after` to continue from, which is the id of the last record
                before it; None starts at the first page.
            took: A function to call with the counts of each request.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If HubSpot would refuse a filter, or `after` is not an id.
            RuntimeError: If the client is closed.
            APIError: While iterating, if HubSpot refuses a page or is unavailable.
            ListError: While iterating, if the pages do not advance.
        """
        request = _request(filters, filter_groups, query)
        names = requested(properties, None)
        cursor = _check_cursor(after)
        self._state.check_open()
        return _Search(self, request, names, took).pages(cursor, None)

    async def count(
        self,
        filters: Filters | None = None,
        *,
        filter_groups: Iterable[Filters] | None = None,
        query: str | None = None,
    ) -> int:
        """Return how many records match, in one request.

        Example::

            count = await hub.tickets.count({"hs_pipeline_stage": "1"})

        Args:
            filters: As for `search`.
            filter_groups: As for `search`.
            query: As for `search`.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If HubSpot would refuse a filter.
            RuntimeError: If the client is closed.
            APIError: If HubSpot refuses the request or is unavailable.
        """
        request = _request(filters, filter_groups, query, is_count=True)
        self._state.check_open()
        return await _Search(self, request, (ID,), None).count()

    async def _definitions(self) -> tuple[Property, ...]:
        return tuple(await self._ask(self._list_definitions()))

    def _watch(self, names: tuple[str, ...]) -> PropertyWatch:
        return PropertyWatch(self._list_definitions(), names)

    def _list_definitions(self) -> Operation:
        return operation_for(
            "property_lists", "read", *self._object_types, api_version=self._api_version
        )


class _Search:
    """One search, which requests the definitions of the properties at most once.

    They are needed for `ALL`, for `in` with values that are not in lower case, and for
    a refusal that names no cause. They may change, so no later search uses them.
    """

    def __init__(
        self,
        face: Searches,
        request: SearchRequest,
        names: tuple[str, ...] | None,
        took: Callable[[Summary], None] | None,
        *,
        watched: bool = True,
    ) -> None:
        self._face = face
        self._request = request
        self._names = names
        self._took = took
        self._watch = face._watch(names if names and watched else ())  # noqa: SLF001 -- one class in two
        self._definitions: tuple[Property, ...] | None = None

    async def pages(self, cursor: str, limit: int | None) -> AsyncGenerator[Page, None]:
        request = await self._completed()
        # Records that came twice leave fewer than `limit` within HubSpot's reach.
        ends_quietly = limit is not None and request.is_reachable(limit - 1)
        seen: set[str] = set()
        while True:
            size = PAGE_SIZE if limit is None else min(limit, PAGE_SIZE)
            page = request.page(await self._find(request, cursor, size), cursor)
            if request.sort is not None:  # records that change move between its pages
                fresh = {each.id: each for each in page.records if each.id not in seen}
                seen.update(fresh)
                page = Page([*fresh.values()], page.after)
            if limit is not None:  # no more, even if the page has more
                page = Page(page.records[:limit], page.after)
            self._watch.note(page.records)
            yield page
            if limit is not None:
                limit -= len(page.records)
            if (
                page.after is None
                or limit == 0
                or (ends_quietly and not request.is_reachable(int(page.after)))
            ):
                await self._face._state.warn_of_unknown(self._watch)  # noqa: SLF001 -- the same
                return
            cursor = page.after

    async def count(self) -> int:
        request = await self._completed()
        return (await self._find(request, "0", 1)).total

    async def _completed(self) -> SearchRequest:
        request, names = self._request, self._names
        if names is None:
            names = tuple(each.name for each in await self._defined())
        if request.needs_types:
            request = request.in_lower_case(await self._defined())
        return evolve(request, properties=names)

    async def _find(self, request: SearchRequest, cursor: str, size: int) -> Found:
        face = self._face
        operation = operation_for(
            "searches",
            "search",
            *face._object_types,  # noqa: SLF001 -- the same
            api_version=face._api_version,  # noqa: SLF001 -- the same
            options=request.body(cursor, size),
        )
        try:
            found: Found = await face._ask(operation, self._took)  # noqa: SLF001 -- the same
        except InvalidRequestError as error:
            if error.message == _NAMELESS:
                # If they cannot be read either, the refusal stays as it is.
                with suppress(HubBatchError):
                    definitions = await self._defined()
                    object_type = operation.object_type
                    error.advice = request.diagnose(object_type, definitions)
            raise
        return found

    async def _defined(self) -> tuple[Property, ...]:
        if self._definitions is None:
            self._definitions = await self._face._definitions()  # noqa: SLF001 -- the same
        return self._definitions


def _request(
    filters: Filters | None,
    groups: Iterable[Filters] | None,
    query: str | None,
    *,
    sort: str | None = None,
    is_count: bool = False,
) -> SearchRequest:
    from ._wire.search_request import SearchRequest  # noqa: PLC0415 -- seldom needed

    parsed = parse_groups(filters, groups)
    return SearchRequest(parsed, query, sort, is_count=is_count)


def _sort_name(sort: object) -> str | None:
    """Return the property to sort by; None for the order of the ids."""
    if not isinstance(sort, str) or not sort.removeprefix("-"):
        raise TypeError(
            "sort must be the name of a property, after a '-' to descend, not "
            f"{sort!r}."
        )
    check_name(sort)
    return None if sort == ID else sort


def _check_cursor(after: object) -> str:
    if after is None:
        return "0"
    if not isinstance(after, str) or not (after.isascii() and after.isdecimal()):
        raise ValueError(f"after must be the id of a record, not {after!r}.")
    return after
