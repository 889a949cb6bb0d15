"""Finds unknown properties before a job reads anything."""

from contextlib import suppress

from hubbatch._wire.endpoints import Operation
from hubbatch._wire.unknown_properties import describe_unknown
from hubbatch.client import HubBatch
from hubbatch.errors import APIError, ConfigurationError


async def check_properties(hub: HubBatch, operation: Operation) -> None:
    """Check that the properties that a read requests exist.

    If the token cannot read the definitions, the read itself warns of the names that no
    record has.

    Args:
        hub: The client of the account.
        operation: The read; of any other call nothing is checked.

    Raises:
        ConfigurationError: If one does not exist; suggests the name that was meant.
    """
    names = operation.properties
    reads = operation.call.verb == "read" and operation.call.api.name in _APIS
    if not (reads and names):
        return
    properties = hub.properties(operation.object_type)
    try:
        known = {found.name for found in await properties.list()}
        for level in ("sensitive", "highly_sensitive"):
            unknown = [name for name in names if name not in known]
            if unknown:  # the list has none of these
                with suppress(APIError):
                    response = await properties.read(unknown, data_sensitivity=level)
                    known.update(found.name for found in response.results)
    except APIError:
        return
    problem = describe_unknown(operation.object_type, names, known)
    if problem is not None:
        raise ConfigurationError(f"{problem} Nothing was read")


_APIS = ("objects", "legacy")
