"""A simulator on a virtual clock, as for the tests of the client with one."""

from tests.integration.conftest import portal, pytest_asyncio_loop_factories


__all__ = ["portal", "pytest_asyncio_loop_factories"]
