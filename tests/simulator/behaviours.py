"""Which behaviour of HubSpot a test is about: a row of docs/simulator.md."""

from collections.abc import Callable
from typing import TypeVar


F = TypeVar("F", bound=Callable[..., object])


def behaviour(*_names: str) -> Callable[[F], F]:
    """Name the rows a test proves; test_documentation.py holds the two together."""

    def same(test: F) -> F:
        return test

    return same
