"""The types of the arguments of verbs."""

from collections.abc import AsyncIterable, Iterable
from enum import Enum
from typing import Any, Final, Literal, Protocol, TypeAlias, TypeVar

from hubbatch.models import Record

from .user_classes import Typed


T = TypeVar("T")


class Table(Protocol):
    """A table with the Arrow C stream interface: pandas, polars, pyarrow, DuckDB."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> object:
        """Return the table as a stream of Arrow record batches."""
        ...


Inputs: TypeAlias = Table | Iterable[T] | AsyncIterable[T]
"""Any number of inputs, in a collection, a generator, an async stream or a table."""

Id: TypeAlias = str | int | Record | Typed
"""A record's id or a unique value; or an input or record of your own that has it."""


class AllProperties(Enum):
    """The type of `ALL`."""

    ALL = "all"

    def __repr__(self) -> str:
        return "ALL"


ALL: Final = AllProperties.ALL
"""All properties of the object type, as the value of `properties`."""

PropertyNames: TypeAlias = Iterable[str] | Literal[AllProperties.ALL]
"""Names of properties, or `ALL`."""
