"""JSON as Jackson accepts it: HubSpot's parser refuses what other parsers let pass."""

import re

from collections.abc import Iterable
from typing import Any, Final

import msgspec


# Jackson's default limit since 2.15, `StreamReadConstraints.DEFAULT_MAX_DEPTH`.
MAX_DEPTH: Final = 1_000
_AT_BYTE: Final = re.compile(r"(.*) \(byte (\d+)\)")


class InvalidJSON(ValueError):
    """What is wrong with a text that is not JSON, and where.

    `line` and `column` count from 1.
    """

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column


def decode(content: bytes) -> Any:
    """Return the value that JSON stands for.

    Raises:
        InvalidJSON: If it is not JSON in UTF-8, which has no lone surrogates and
            neither NaN nor Infinity, or is nested too deeply.
    """
    try:
        value = msgspec.json.decode(content)
    except ValueError as error:
        raise _invalid(str(error), content) from None
    except RecursionError:  # its own limit, which depends on the version of Python
        raise _too_deep() from None
    # A value has at least as many brackets as levels, and most have fewer.
    brackets = content.count(b"[") + content.count(b"{")
    if brackets > MAX_DEPTH and not _is_shallow(value):
        raise _too_deep()
    return value


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
    return not any(isinstance(item, dict | list) for item in level)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _invalid(message: str, content: bytes) -> InvalidJSON:
    found = _AT_BYTE.fullmatch(message)
    # Without a place it is about a text that ends too early, or its encoding.
    reason, at = (message, len(content)) if found is None else (found[1], int(found[2]))
    line_start = content.rfind(b"\n", 0, at) + 1
    line = content.count(b"\n", 0, at) + 1
    return InvalidJSON(reason, line, at - line_start + 1)


def _too_deep() -> InvalidJSON:
    return InvalidJSON(f"nested more than {MAX_DEPTH} levels deep", 1, 1)
