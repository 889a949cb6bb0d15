"""The decorator that links a test to the behaviours listed in docs/simulator.md."""

from collections.abc import Callable
from typing import TypeVar


F = TypeVar("F", bound=Callable[..., object])


def behaviour(*_names: str) -> Callable[[F], F]:
    """Name the rows that a test proves; test_documentation.py compares both sides."""

    def same(test: F) -> F:
        return test

    return same
