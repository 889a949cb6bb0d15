"""What all tests begin with: signals as in a terminal, and the order."""

import os
import signal

import pytest

from hypothesis import settings


# What they need is large: they have sessions of their own, which name them.
collect_ignore = ["clients", "editor", "engines", "frames", "hosts"]

# How fast a machine is, is no property of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Undo what a shell does to what it runs in the background (`pytest &`).

    It has them ignore Ctrl-C, which the processes that they start would do as well.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # As in pyproject.toml, for the processes that tests start.
    os.environ.setdefault(
        "PYTHONWARNINGS", "ignore:HubSpot stops supporting:FutureWarning"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that may take long, so that no core waits for one at the end."""
    items.sort(key=_length, reverse=True)


def _length(item: pytest.Item) -> tuple[float, bool]:
    marker = item.get_closest_marker("timeout")
    allowed = float(marker.args[0]) if marker is not None else 0.0
    return allowed, item.get_closest_marker("slow") is not None
