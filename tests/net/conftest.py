"""These tests run on a virtual clock, except where real sockets are used."""

import asyncio

from collections.abc import Callable, Mapping

import pytest

from tests.net.virtual import VirtualTimeLoop


_REAL = {"test_transport.py"}


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name in _REAL:
        return {"real": asyncio.new_event_loop}
    return {"virtual": VirtualTimeLoop}
