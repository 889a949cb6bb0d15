"""What the caller of a verb gave besides its inputs: given back, or refused at once."""

import re

from collections.abc import Iterable
from typing import Any


_DATED = re.compile(r"[0-9]{4}-[0-9]{2}(-beta)?")
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


def check_api_version(version: object) -> str:
    """Give the version back if it is `v3` or a dated one.

    Raises:
        ValueError: if it is neither.
    """
    if not isinstance(version, str) or not (
        version == "v3" or _DATED.fullmatch(version)
    ):
        raise ValueError(
            f"api_version must be 'v3' or a date like '2026-03', not {version!r}"
        )
    return version


def check_object_type(object_type: str) -> str:
    """Give the object type back if it is one segment of a path.

    Raises:
        TypeError: if it is no text.
        ValueError: if it would leave its place in the path.
    """
    if not isinstance(object_type, str):
        raise TypeError(
            f"an object type is a str, e.g. 'tickets' or '2-3456', not {object_type!r}"
        )
    if not _SEGMENT.fullmatch(object_type):
        raise ValueError(
            f"{object_type!r} is not an object type; expected e.g. 'tickets', "
            "'2-3456' or 'p62515_car'"
        )
    return object_type


def check_flag(name: str, value: Any) -> bool:
    """Give a flag back.

    Raises:
        TypeError: if it is neither True nor False.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return value


def check_name(name: Any) -> str | None:
    """Give a property's name back.

    Raises:
        TypeError: if it is no text.
        ValueError: if it is empty.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"a property name must be a str, not {name!r}")
    if name == "":
        raise ValueError("a property name must not be empty")
    if name is not None and not name.isprintable():
        raise ValueError(f"{name!a} is not the name of a property")
    return name


def check_names(names: Any) -> tuple[str, ...]:
    """Give the names of properties back.

    Raises:
        TypeError: for one text where a collection belongs.
    """
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise TypeError(f"expected a collection of property names, not {names!r}")
    return tuple(_required(name) for name in names)


def _required(name: Any) -> str:
    checked = check_name(name)
    if checked is None:
        raise TypeError("a property name must be a str, not None")
    return checked
