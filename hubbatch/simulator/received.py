"""What came in, as the simulator remembers it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import attrs
import orjson


@attrs.define(slots=False)
class Received:
    """A request that came in, and the status it got (None: the socket was closed)."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes = attrs.field(repr=False)
    status: int | None
    at: float

    @cached_property
    def body(self) -> Any:
        """The JSON that was sent, or the bytes if it was none."""
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            return self.content
