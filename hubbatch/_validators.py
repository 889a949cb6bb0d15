"""Checks for the arguments of verbs. Each returns its argument or raises."""

import re

from collections.abc import Iterable
from typing import Any


_DATED = re.compile(r"[0-9]{4}-[0-9]{2}(-beta)?")
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


def check_api_version(version: object) -> str:
    """Return the version if it is `v3` or a date like `2026-03`.

    Raises:
        ValueError: If it is neither.
    """
    if not isinstance(version, str) or not (
        version == "v3" or _DATED.fullmatch(version)
    ):
        raise ValueError(
            f"api_version must be 'v3' or a date like '2026-03', not {version!r}."
        )
    return version


def check_object_type(object_type: str) -> str:
    """Return the object type if it is a single segment of a URL path.

    Raises:
        TypeError: If it is not a str.
        ValueError: If it would alter the rest of the path (`"../x"`).
    """
    if not isinstance(object_type, str):
        raise TypeError(
            f"An object type is a str, e.g. 'tickets' or '2-3456', not {object_type!r}."
        )
    if not _SEGMENT.fullmatch(object_type):
        raise ValueError(
            f"{object_type!r} is not an object type. Examples are 'tickets', '2-3456' "
            "and 'p62515_car'."
        )
    return object_type


def check_flag(name: str, value: Any) -> bool:
    """Return the flag.

    Raises:
        TypeError: If it is neither True nor False.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}.")
    return value


def check_name(name: Any) -> str | None:
    """Return the name of a property, or None.

    Raises:
        TypeError: If it is neither a str nor None.
        ValueError: If it is empty or contains unprintable characters.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"A property name must be a str, not {name!r}.")
    if name == "":
        raise ValueError("A property name must not be empty.")
    if name is not None and not name.isprintable():
        raise ValueError(f"A property name must be printable, not {name!a}.")
    return name


def check_names(names: Any) -> tuple[str, ...]:
    """Return the names of properties as a tuple.

    Raises:
        TypeError: If it is a single str instead of a collection, or if a name is not a
            str.
        ValueError: If a name is empty or contains unprintable characters.
    """
    if isinstance(names, str):
        raise TypeError(
            f"Expected a collection of property names, not {names!r}. Put it into a "
            "list."
        )
    if isinstance(names, bytes) or not isinstance(names, Iterable):
        raise TypeError(f"Expected a collection of property names, not {names!r}.")
    return tuple(_required(name) for name in names)


def _required(name: Any) -> str:
    checked = check_name(name)
    if checked is None:
        raise TypeError("A property name must be a str, not None.")
    return checked
