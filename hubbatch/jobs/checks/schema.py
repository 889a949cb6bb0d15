"""The property definitions that rows are checked against."""

import os

from collections.abc import Iterable
from pathlib import Path

import msgspec

from hubbatch._wire.codecs.definitions import structure_properties
from hubbatch._wire.endpoints import Operation
from hubbatch._wire.records import unstructure
from hubbatch.client import HubBatch
from hubbatch.errors import APIError, ConfigurationError
from hubbatch.models import Property


class Schema(list[Property]):
    """The definitions of all properties of an object type.

    Attributes:
        required: The names of the properties that a new record must have, if known.
    """

    def __init__(
        self, properties: Iterable[Property] = (), required: Iterable[str] = ()
    ) -> None:
        super().__init__(properties)
        self.required: tuple[str, ...] = tuple(required)


async def ask_schema(
    hub: HubBatch, operation: Operation, *, required: bool = False
) -> Schema:
    """Request the property definitions to check rows against.

    For creates, a second call requests the properties that a new record must have. If
    the token lacks permission for it, `required` stays empty.

    Args:
        hub: The client of the account.
        operation: The call to check for.
        required: Whether to make the second call for other verbs too.

    Raises:
        APIError: If HubSpot does not return the properties.
    """
    object_type = operation.object_type
    schema = Schema(await hub.properties(object_type).list())
    if required or operation.call.verb == "create":
        try:
            response = await hub.schemas.read(
                [object_type],
                include_association_definitions=False,
                include_audit_metadata=False,
                include_property_definitions=False,
            )
        except APIError:  # usually because the token lacks a scope
            return schema
        for item in response.results:
            schema.required = tuple(item.required_properties)
    return schema


def read_schema(path: str | os.PathLike[str]) -> Schema:
    """Read property definitions from a file.

    The file has the output of `write_schema`, or HubSpot's response to `GET
    /crm/v3/properties/{objectType}` or `GET /crm/v3/schemas/{objectType}`.

    Raises:
        ConfigurationError: If it cannot be read, or has another shape.
    """
    try:
        content = msgspec.json.decode(Path(path).read_bytes())
        if "results" not in content:
            content = {**content, "results": content["properties"]}
        required = map(str, content.get("requiredProperties") or ())
        return Schema(structure_properties(content), required)
    except OSError as error:
        why = error.strerror or str(error)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        why = 'not a schema: expected {"results": [{"name": ..., "type": ...}, ...]}'
    raise ConfigurationError(f"{os.fspath(path)}: {why}")


def write_schema(path: str | os.PathLike[str], properties: Iterable[Property]) -> None:
    """Write property definitions to a file that `read_schema` reads.

    Raises:
        ConfigurationError: If it cannot be written.
    """
    content: dict[str, object] = {
        "results": [unstructure(definition) for definition in properties]
    }
    if isinstance(properties, Schema):
        content["requiredProperties"] = properties.required
    try:
        written = msgspec.json.format(msgspec.json.encode(content), indent=2)
        Path(path).write_bytes(written)
    except OSError as error:
        raise ConfigurationError(f"{os.fspath(path)}: {error.strerror}") from None
