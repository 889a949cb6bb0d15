"""The types of the arguments of verbs."""

from collections.abc import AsyncIterable, Iterable
from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar

from hubbatch.models import Record

from .user_classes import Typed


T = TypeVar("T")

Inputs: TypeAlias = Iterable[T] | AsyncIterable[T]
"""Any number of inputs, in a list or other collection, a generator, an async stream."""

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
