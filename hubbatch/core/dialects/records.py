"""Records of any object type: the five verbs of the object APIs, and their list."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from hubbatch.core.calls import Dialect, Shape
from hubbatch.core.codec import structure_response
from hubbatch.core.columns import create_columns, id_columns, write_columns
from hubbatch.core.encoding import (
    create_encoder,
    enveloped,
    id_encoder,
    read_body,
    write_encoder,
)
from hubbatch.core.results import (
    structure_all_objects,
    structure_objects,
    structure_upsert_objects,
)
from hubbatch.models import BatchResponse, SimplePublicObject


def _properties(record: SimplePublicObject) -> Mapping[str, str | None]:
    return record.properties


def _archived(raw: Any, _: Callable[[Any], Any]) -> BatchResponse[Any]:
    return structure_response(raw, structure_all_objects)


_id: Any = attrgetter("id")
_warnings: Any = attrgetter("warnings")

RECORDS = Shape(structure_objects, _id, _properties, warnings_of=_warnings, traced=True)

CREATES = Dialect(
    create_encoder, enveloped, structure_response, RECORDS, create_columns
)
READS = Dialect(
    id_encoder, read_body, structure_response, Shape(structure_objects, _id), id_columns
)
UPDATES = Dialect(write_encoder, enveloped, structure_response, RECORDS, write_columns)
UPSERTS = Dialect(
    write_encoder,
    enveloped,
    structure_response,
    Shape(
        structure_upsert_objects, _id, _properties, warnings_of=_warnings, traced=True
    ),
    write_columns,
)
ARCHIVES = Dialect(id_encoder, enveloped, _archived, columns=id_columns)
