"""Warns of calls whose API version HubSpot soon stops supporting."""

import sys
import warnings

from collections.abc import Callable
from datetime import datetime
from types import FrameType

from hubbatch._wire.calls import Operation
from hubbatch._wire.endpoints import RETIREMENTS
from hubbatch.errors import HubSpotDeprecation


# HubSpot announces breaking changes 90 days ahead.
_DAYS = 90
# The calls that this process has warned of: (API, verb, version).
_warned: set[tuple[str, str, str]] = set()


def warn_of_retirement(operation: Operation, now: Callable[[], datetime]) -> None:
    """Warn, once per process and call, if its version ends within 90 days."""
    ends = RETIREMENTS.get(operation.version)
    if ends is None or (ends - now().date()).days > _DAYS:
        return
    call = operation.call
    key = call.api.name, call.verb, operation.version
    if key in _warned:
        return
    warnings.warn(
        f"HubSpot stops supporting {operation.version} in {ends:%Y-%m}, and "
        f"{operation.name} uses it. {call.api.successor}",
        HubSpotDeprecation,
        stacklevel=_callers_level(),
    )
    # Only now: where warnings are errors, every call raises.
    _warned.add(key)


def _callers_level() -> int:
    """Return the `stacklevel` of the first frame outside of this package.

    In a task this is a frame of asyncio, because the stack does not show who awaits.
    """
    level, frame = 1, sys._getframe(1)  # noqa: SLF001 -- as `warnings` does
    while _is_ours(frame) and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    return level


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] == "hubbatch"
