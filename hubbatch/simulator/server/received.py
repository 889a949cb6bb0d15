"""A request as the simulator logs it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import attrs

from hubbatch.simulator.json_text import InvalidJSON, decode
from hubbatch.simulator.masking import mask_property_values


@attrs.define(slots=False)
class Received:
    """A received request and the status of its answer.

    `status` is None if the socket was closed without an answer; `at` is the time of
    the simulator's clock, in seconds. Calls that HubSpot may have and the simulator
    does not are not `implemented`. Tokens and other secrets are masked.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes = attrs.field(repr=False)
    status: int | None
    at: float
    implemented: bool = True

    @property
    def shown_path(self) -> str:
        """The path without values of properties, for the log and the page."""
        return mask_property_values(self.path, self.query)

    @cached_property
    def body(self) -> Any:
        """The decoded JSON body, or the bytes if they are not JSON."""
        try:
            return decode(self.content)
        except InvalidJSON:
            return self.content
