"""Finds unknown properties before a job reads anything."""

from collections.abc import Iterable
from contextlib import suppress

from hubbatch._wire.endpoints import Operation
from hubbatch._wire.unknown_properties import describe_unknown
from hubbatch.client import HubBatch
from hubbatch.errors import APIError, ConfigurationError
from hubbatch.models import Property


async def check_properties(
    hub: HubBatch,
    operation: Operation,
    definitions: Iterable[Property] | None = None,
) -> None:
    """Check that the properties that a read requests exist.

    If the token cannot read the definitions, the read itself warns of the names that no
    record has.

    Args:
        hub: The client of the account.
        operation: The read; of any other call nothing is checked.
        definitions: Those of the type if they are known; they are requested otherwise.

    Raises:
        ConfigurationError: If one does not exist; suggests the name that was meant.
    """
    names = operation.properties
    reads = operation.call.verb == "read" and operation.call.api.name in _APIS
    if not (reads and names):
        return
    properties = hub.properties(operation.object_type)
    try:
        if definitions is None:
            definitions = await properties.list()
        known = {found.name for found in definitions}
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
