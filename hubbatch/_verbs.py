"""The base class of all batch verbs: their arguments, return value and errors."""

from collections.abc import AsyncGenerator, Callable
from datetime import tzinfo
from inspect import Parameter, signature
from types import FunctionType
from typing import Any, TypedDict, cast, get_type_hints

from ._near_names import NearNames, near_name
from ._net.batch import Batch
from ._net.client_state import ClientState
from ._net.property_watch import PropertyWatch
from ._net.run_options import CompleteOperation
from ._net.source import Source
from ._outcomes.outcome import Summary
from ._outcomes.response import Collector
from ._validators import check_names, check_object_type
from ._wire.arguments import ALL, PropertyNames, Table
from ._wire.calls import Operation
from ._wire.codecs.documents import Items
from ._wire.user_classes import class_mapping
from .errors import ListError


class Options(TypedDict, total=False):
    """The keyword arguments that every verb accepts in addition to its own.

    Attributes:
        isolate: Whether to split a chunk that HubSpot refuses as a whole until the bad
            records are found. If False, all its records fail. Default: True.
        max_failures: End the batch with `TooManyFailures` once more records than this
            number, or this share of all records (`"5%"`), are failed or unknown.
            `"auto"`, the default, ends it when the first 1,000 records all fail for the
            same reason; with None there is no limit.
        linger: Seconds that a partial chunk waits for more inputs from an async source.
            Default: 0.1.
        progress: Called as `progress(done, total)` at the start, after each chunk and
            at the end. `done` is the number of inputs that have their outcome, `total`
            the number of all inputs (None for an iterator or stream). For a tqdm bar:
            `lambda done, total: bar.update(done - bar.n)`. For a task of rich's
            `Progress`: `lambda done, total: bar.update(task, completed=done)`. It runs
            in the event loop, so it must not block. If it raises, the log reports this
            once, and the batch continues without it.
    """

    isolate: bool
    max_failures: int | str | None
    linger: float
    progress: Callable[[int, int | None], object] | None


_OPTIONS = get_type_hints(Options)
_BATCH_PARAMETERS = signature(Batch).parameters
_OPTION_PARAMETERS = [
    _BATCH_PARAMETERS[name].replace(annotation=annotation)
    for name, annotation in _OPTIONS.items()
]


class Face(NearNames):
    """Base of the classes whose methods make calls, for some object types."""

    def __init__(
        self, state: ClientState, *object_types: str, api_version: str
    ) -> None:
        self._state = state
        self._object_types = tuple(map(check_object_type, object_types))
        self._api_version = api_version

    def __repr__(self) -> str:
        types = " to ".join(map(repr, self._object_types))
        return f"<{type(self).__name__}{' ' * bool(types)}{types}>"

    async def _ask(
        self, operation: Operation, took: Callable[[Summary], None] | None = None
    ) -> Any:
        """Send a request that has no inputs, and return its single result.

        `took` is called with the counts of the request, even if it fails.
        """
        collector: Collector[Any] = Collector(operation)
        run = self._state.new_run(operation, collector)
        try:
            await self._state.execute(run, [None])
        finally:
            if took is not None:
                took(run.summary)
        [result] = collector.response().results
        return result

    async def _walk(
        self, page_at: Callable[[str | None], Operation]
    ) -> AsyncGenerator[Any, None]:
        """Yield the items of all pages; `page_at` returns the request of a cursor.

        Raises:
            ListError: If a page names itself as the next page.
        """
        after = None
        while True:
            operation = page_at(after)
            page: Items = await self._ask(operation)
            for item in page.items:
                yield item
            if page.after is None:
                return
            if page.after == after:
                raise ListError(
                    f"{operation.name} does not advance: page {after!r} names itself "
                    "as the next page. Start again"
                )
            after = page.after


class Verbs(Face):
    """Base of the classes whose methods are batch verbs.

    **What every verb does.** It takes any number of inputs, from an iterable or an
    async iterable, and the keyword arguments of `Options`. It returns a `Batch` and
    sends nothing yet: `await` the batch for one combined response, or enter it with
    `async with` for a stream of outcomes. An input that is invalid, or that HubSpot
    refuses, becomes a failed outcome and does not stop the others.

    Calling a verb raises `TypeError` if the inputs are not a collection (a string, or
    a single input without a list around it) or an option is unknown or of the wrong
    type, and `ValueError` if an option has an impossible value or HubSpot has no such
    verb for the object type.

    Awaiting or iterating the batch raises `AuthenticationError`,
    `PermissionDeniedError`, `InvalidRequestError`, `ProxyError`, `CertificateError` or
    `DailyLimitReached` when no further chunk can succeed; `HubSpotUnavailable` when no
    request gets a usable answer, or several chunks in a row use up their retries;
    `TooManyFailures` (see `Options`); `RuntimeError` if the client is closed or the
    batch was used before; and any exception from the source. A `HubBatchError` reports
    the work done until then, as `response` (await) or `summary` (stream).
    """

    def __init_subclass__(cls) -> None:
        """Add the paragraphs above, and the options to the signatures, for `help()`."""
        super().__init_subclass__()
        for member in vars(cls).values():
            if isinstance(member, FunctionType):
                show_options(member)
        shared = (Verbs.__doc__ or "").partition("\n\n")[2]
        cls.__doc__ = f"{(cls.__doc__ or '').rstrip()}\n\n{shared}"

    def _batch(
        self,
        operation: Operation,
        source: Source | Table,
        options: Options,
        *,
        complete: CompleteOperation | None = None,
        watch: PropertyWatch | None = None,
    ) -> Batch[Any]:
        unknown = next((name for name in options if name not in _OPTIONS), None)
        if unknown is not None:
            known = self._keywords(operation.call.verb)
            meant = near_name(unknown, known)
            hint = "" if meant is None else f" Did you mean {meant}?"
            raise TypeError(
                f"{operation.name}() got an unexpected keyword argument {unknown!r}."
                f"{hint} Its keyword arguments are {', '.join(known)}."
            )
        if hasattr(source, "__arrow_c_stream__"):
            from ._tables.table_inputs import is_table, table_inputs  # noqa: PLC0415 -- seldom needed

            source = table_inputs(source, operation) if is_table(source) else source
        inputs = cast("Source", source)  # `Batch` checks it
        return Batch(
            self._state, operation, inputs, complete=complete, watch=watch, **options
        )

    def _keywords(self, verb: str) -> list[str]:
        """Return the names of a verb's keyword arguments, its own first."""
        parameters = signature(getattr(type(self), verb)).parameters.values()
        return [one.name for one in parameters if one.kind is Parameter.KEYWORD_ONLY]


def requested(properties: PropertyNames, into: type | None) -> tuple[str, ...] | None:
    """Return the names of the properties to request; None for `ALL`."""
    fields = () if into is None else class_mapping(into).properties
    if properties is ALL:
        return None
    return tuple(dict.fromkeys((*fields, *check_names(properties))))


def zone_of(timezone: str | None) -> tzinfo | None:
    """Return the time zone with a name; None for None.

    Raises:
        ConfigurationError: If the name is unknown.
    """
    if timezone is None:
        return None
    from ._tables.zones import Zone  # noqa: PLC0415 -- seldom needed

    return Zone.named(timezone).tz


def show_options(verb: FunctionType) -> None:
    """List a verb's options in its signature instead of `**options`."""
    shown = signature(verb)
    parameters = [*shown.parameters.values()]
    if parameters[-1].kind is not Parameter.VAR_KEYWORD:
        return
    parameters[-1:] = _OPTION_PARAMETERS
    verb.__signature__ = shown.replace(parameters=parameters)  # type: ignore[attr-defined] # inspect looks for it
