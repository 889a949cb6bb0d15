"""A local HubSpot for tests: as strict as the real one, but without a network."""

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from hubbatch.simulator.crm.property_types import Property as Property
    from hubbatch.simulator.faults.conditions import When as When
    from hubbatch.simulator.faults.faults import Fault as Fault
    from hubbatch.simulator.server.server import Simulator as Simulator


__all__ = ["Fault", "Property", "Simulator", "When"]

_HOMES = {
    "Fault": "faults.faults",
    "Property": "crm.property_types",
    "Simulator": "server.server",
    "When": "faults.conditions",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: the aiohttp server is slow to import.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
