"""The schemas of object types."""

from collections.abc import AsyncIterable, Iterable
from typing import Unpack

from .core.arguments import check_flag
from .core.operations import look_up
from .models import ObjectSchema
from .net.batch import Batch
from .net.engine import Engine
from .net.verbs import Options, call, takes_options


ObjectTypes = Iterable[str] | AsyncIterable[str]


class Schemas:
    """The schemas of object types: names, properties, associations.

    It takes the keywords of `hubbatch.Options` too, and gives a `Batch`; see
    `Objects`. HubSpot does not say how many inputs it takes a call; 100 are sent.
    """

    def __init__(self, engine: Engine, *, api_version: str) -> None:
        self._engine = engine
        self._api_version = api_version

    def __repr__(self) -> str:
        return "<Schemas>"

    @takes_options
    def read(
        self,
        object_types: ObjectTypes,
        *,
        include_association_definitions: bool = True,
        include_audit_metadata: bool = True,
        include_property_definitions: bool = True,
        **options: Unpack[Options],
    ) -> Batch[ObjectSchema]:
        """Read schemas by object type: its id, or its fully qualified name.

        What is not included is left empty. A type that the answer leaves out has
        failed with `RecordNotFound`.

        Raises:
            TypeError: if `object_types` is no collection of names, or an option is
                neither True nor False.
        """
        included: dict[str, object] = {
            "includeAssociationDefinitions": check_flag(
                "include_association_definitions", include_association_definitions
            ),
            "includeAuditMetadata": check_flag(
                "include_audit_metadata", include_audit_metadata
            ),
            "includePropertyDefinitions": check_flag(
                "include_property_definitions", include_property_definitions
            ),
        }
        operation = look_up(
            "schemas", "read", api_version=self._api_version, options=included
        )
        return call(self._engine, operation, object_types, options)
