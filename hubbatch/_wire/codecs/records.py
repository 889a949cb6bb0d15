"""Records of any object type: the five verbs of the object APIs."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from hubbatch._wire.calls import ResultShape
from hubbatch._wire.input_blocks import create_blocks, id_blocks, write_blocks
from hubbatch._wire.inputs import (
    create_encoder,
    id_encoder,
    read_body,
    write_encoder,
)
from hubbatch._wire.record_decoder import (
    decode_objects,
    decode_upsert_objects,
    structure_all_objects,
    structure_objects,
    structure_upsert_objects,
)
from hubbatch._wire.records import structure_response
from hubbatch._wire.rows import row_shaper
from hubbatch.models import BatchResponse, SimplePublicObject

from .envelopes import envelope_codec


def _properties(record: SimplePublicObject) -> Mapping[str, str | None]:
    return record.properties


def _archived(raw: Any, _: Callable[[Any], Any]) -> BatchResponse[Any]:
    return structure_response(raw, structure_all_objects)


_id: Any = attrgetter("id")
_warnings: Any = attrgetter("warnings")

RECORDS = ResultShape(
    structure_objects, _id, _properties, warnings_of=_warnings, traced=True
)
_UPSERTED = ResultShape(
    structure_upsert_objects, _id, _properties, warnings_of=_warnings, traced=True
)

CREATES = envelope_codec(
    create_encoder, RECORDS, create_blocks, decode=decode_objects, rows=row_shaper
)
READS = envelope_codec(
    id_encoder,
    ResultShape(structure_objects, _id),
    id_blocks,
    body=read_body,
    decode=decode_objects,
    rows=row_shaper,
)
UPDATES = envelope_codec(
    write_encoder, RECORDS, write_blocks, decode=decode_objects, rows=row_shaper
)
UPSERTS = envelope_codec(
    write_encoder,
    _UPSERTED,
    write_blocks,
    decode=decode_upsert_objects,
    rows=row_shaper,
)
# A 204 is usual; records in an answer with a body must all be readable.
ARCHIVES = envelope_codec(
    id_encoder, blocks=id_blocks, parts=_archived, rows=row_shaper
)
