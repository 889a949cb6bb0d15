"""These tests run on a clock that jumps."""

import asyncio

from collections.abc import Callable, Mapping

import pytest

from tests.net.virtual import VirtualTimeLoop


pytest.register_assert_rewrite("tests.recorded.tape")


def pytest_asyncio_loop_factories() -> Mapping[
    str, Callable[[], asyncio.AbstractEventLoop]
]:
    return {"virtual": VirtualTimeLoop}
