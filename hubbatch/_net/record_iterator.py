"""The iterator over all records of an object type."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from hubbatch._wire.codecs.documents import Page
from hubbatch.models import SimplePublicObject


T = TypeVar("T")


class RecordIterator(AsyncGenerator[T, None]):
    """An async generator of records whose near misses get a hint.

    Args:
        records: The generator.
        name: The call that returned it, for messages.
    """

    def __init__(self, records: AsyncGenerator[T, None], name: str) -> None:
        self._records = records
        self._name = name

    def __repr__(self) -> str:
        return f"<RecordIterator {self._name}>"

    def __aiter__(self) -> AsyncIterator[T]:
        return self._records

    async def asend(self, value: None) -> T:
        """Return the next record."""
        return await self._records.asend(value)

    async def athrow(self, *error: Any) -> T:
        """Raise an error where the generator waits."""
        return await self._records.athrow(*error)

    async def aclose(self) -> None:
        """End the iteration."""
        await self._records.aclose()

    if not TYPE_CHECKING:  # type checkers report these without our help

        def __iter__(self) -> NoReturn:
            raise TypeError(
                f"The records of {self._name} arrive page by page. Write `async for "
                "record in ...:` or `[record async for record in ...]`. Without "
                "asyncio, use `with HubBatch.sync() as hub:`."
            )

        __await__ = __iter__


async def records_of(
    pages: AsyncGenerator[Page, None],
    make: Callable[[SimplePublicObject], Any] | None,
) -> AsyncGenerator[Any, None]:
    """Yield the records of pages, each converted by `make` if it is not None."""
    async with aclosing(pages):
        async for page in pages:
            for record in page.records:
                yield record if make is None else make(record)
