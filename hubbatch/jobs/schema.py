"""What rows are checked against: the properties of an object type, asked or kept."""

import os

from collections.abc import Iterable
from pathlib import Path

import orjson

from hubbatch.client import HubBatch
from hubbatch.core.codec import unstructure
from hubbatch.core.dialects.definitions import structure_properties
from hubbatch.core.operations import Operation
from hubbatch.errors import APIError, ConfigurationError
from hubbatch.models import Property


class Schema(list[Property]):
    """The definitions of all properties of an object type.

    Attributes:
        required: the names of those that a new record must have, as far as is known.
    """

    def __init__(
        self, properties: Iterable[Property] = (), required: Iterable[str] = ()
    ) -> None:
        super().__init__(properties)
        self.required: tuple[str, ...] = tuple(required)


async def ask_schema(
    hub: HubBatch, operation: Operation, *, required: bool = False
) -> Schema:
    """Ask HubSpot for what rows are to be checked against.

    What new records must have is asked for in a call of its own, for creates; a token
    that may not ask that checks without it.

    Args:
        hub: the client of the account.
        operation: what is to be done.
        required: whether to ask for what new records must have in any case.

    Raises:
        APIError: if HubSpot does not tell the properties.
    """
    object_type = operation.object_type
    schema = Schema(await hub.properties(object_type).list())
    if required or operation.call.verb == "create":
        try:
            told = await hub.schemas.read(
                [object_type],
                include_association_definitions=False,
                include_audit_metadata=False,
                include_property_definitions=False,
            )
        except APIError:  # most of all a scope that the token does not have
            return schema
        for one in told.results:
            schema.required = tuple(one.required_properties)
    return schema


def read_schema(path: str | os.PathLike[str]) -> Schema:
    """Read the definitions of an object type's properties from a file.

    It is what `write_schema` writes, or HubSpot's own answer to
    `GET /crm/v3/properties/{objectType}` or `GET /crm/v3/schemas/{objectType}`.

    Raises:
        ConfigurationError: if it cannot be read, or is nothing of the kind.
    """
    try:
        given = orjson.loads(Path(path).read_bytes())
        if "results" not in given:
            given = {**given, "results": given["properties"]}
        required = map(str, given.get("requiredProperties") or ())
        return Schema(structure_properties(given), required)
    except OSError as error:
        why = error.strerror or str(error)
    except (ValueError, LookupError, TypeError, AttributeError):
        why = 'no schema: expected {"results": [{"name": ..., "type": ...}, ...]}'
    raise ConfigurationError(f"{os.fspath(path)}: {why}")


def write_schema(path: str | os.PathLike[str], properties: Iterable[Property]) -> None:
    """Write the definitions of an object type's properties into a file.

    Raises:
        ConfigurationError: if it cannot be written.
    """
    shape: dict[str, object] = {"results": [unstructure(one) for one in properties]}
    if isinstance(properties, Schema):
        shape["requiredProperties"] = properties.required
    try:
        Path(path).write_bytes(orjson.dumps(shape, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise ConfigurationError(f"{os.fspath(path)}: {error.strerror}") from None
